"""A small town with one resident of whom the city knows everything that it can know."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from residents import household
from tests.incidents.conftest import fill_town


@pytest.fixture
def town(session: Session) -> Session:
    """A session on the town of the incidents' tests, with the needs that a household may tell of."""
    fill_town(session)
    household.load_needs(session)
    return session


@pytest.fixture
def fill() -> Callable[[Session], None]:
    """Fills a database of the test's own."""

    def everything(session: Session) -> None:
        fill_town(session)
        household.load_needs(session)

    return everything
