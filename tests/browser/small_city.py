"""A small city on an API of its own, for tests of screens that need no whole house."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.settings import ROOT
from tests.incidents.conftest import fill_town
from tests.serving import served

_SHAPE = "SRID=4326;MULTIPOLYGON(((99.9 8.4,100 8.4,100 8.5,99.9 8.5,99.9 8.4)))"
_CITY = sa.text(
    "INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum,"
    " imported_at, is_simulated) VALUES (1, 'demo', 'เทศบาลตัวอย่าง', 'Example', :shape,"
    " ST_Envelope(CAST(:shape AS geometry)), 'SRID=4326;POINT(99.96 8.43)', 32647,"
    " 'm above mean sea level', now(), true)"
)


def found_city(session: Session) -> None:
    """The town of the incidents' tests stands, in a city around it."""
    fill_town(session)
    session.execute(_CITY, {"shape": _SHAPE})


@contextlib.contextmanager
def served_here(screen: str) -> Iterator[str]:
    """The API's address while it serves on a port of its own, with the built screens, `screen` among them."""
    assert (ROOT / "web" / "dist" / f"{screen}.html").is_file(), "the screens are not built: npm run build in web/"
    with served() as address:
        yield address
