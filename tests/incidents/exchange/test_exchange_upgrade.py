"""A city that stood before its doors were opened."""

from __future__ import annotations

import sqlalchemy as sa

from core.db import transaction
from incidents import actions
from migrations import upgrade


def test_a_city_that_stands_already_is_opened_as_a_new_one_is(database: sa.Engine) -> None:
    """Its medical reports are hidden and its rescues coarse from the first moment."""
    with transaction() as session:
        actions.load_categories(session)
    upgrade.downgrade(database, "0037_exchange-1")
    upgrade.upgrade(database)
    with transaction() as session:
        rows = session.execute(sa.text("SELECT category_code, exposure FROM open_service"))
        exposures = {row.category_code: row.exposure for row in rows}
    assert len(exposures) == 24
    assert (exposures["medical"], exposures["rescue"], exposures["road"]) == ("hidden", "coarse", "open")
