"""The raw folder of a real city, imported as its publishers give it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.settings import ROOT
from gis import queries
from gis.citypack.importer import import_city
from gis.points import LonLat

NST = ROOT.parent / "shared" / "data" / "cities" / "nakhon-si-thammarat"
pytestmark = pytest.mark.skipif(not NST.is_dir(), reason=f"the open data of Nakhon Si Thammarat is not at {NST}")


@pytest.fixture
def city(session: Session) -> Session:
    """A session on a database that holds the real city."""
    import_city(session, NST)
    return session


def test_the_raw_folder_of_nakhon_si_thammarat_imports(session: Session) -> None:
    """A folder without a manifest of its own takes the shipped one; what lies outside is counted, never silent."""
    report = import_city(session, NST)
    counts = {layer.name: (layer.row_count, layer.dropped) for layer in report.layers}
    assert counts == {
        "boundary": (1, 0), "districts": (2, 40), "communities": (26, 15), "roads": (2268, 3296),
        "waterways": (41, 802), "buildings": (1896, 31), "facilities": (57, 1295),
        "road_levels": (18_359, 0), "flood_marks": (63, 0),
    }
    trusts = {row.name: row.trust for row in session.execute(sa.text("SELECT name, trust FROM layer"))}
    assert trusts.pop("communities") == "derived"
    assert set(trusts.values()) == {"real"}


def test_importing_the_city_again_replaces_it(city: Session) -> None:
    """Twice is the same as once, but for the versions."""
    import_city(city, NST)
    assert city.scalar(sa.text("SELECT count(*) FROM road")) == 2268
    assert city.scalar(sa.text("SELECT count(*) FROM area WHERE kind = 'community'")) == 26
    assert set(city.scalars(sa.text("SELECT version FROM layer"))) == {2}


def test_what_people_call_a_spot_names_community_and_street(city: Session) -> None:
    """A point in ท่าช้าง is told by that name in Thai, and something is said everywhere."""
    here = LonLat(lon=99.961398, lat=8.427974)
    assert "ท่าช้าง" in queries.place_label(city, here, "th")
    assert [area.kind for area in queries.areas_at(city, here)] == ["community", "municipality", "district"]
    assert "นอกเขต" in queries.place_label(city, LonLat(lon=99.0, lat=9.0), "th")


def test_facility_kinds_are_ours(city: Session) -> None:
    """The publisher's words become the house's: a temple is a temple whatever its religion is called there."""
    kinds = set(city.scalars(sa.text("SELECT DISTINCT kind FROM facility")))
    assert {"hospital", "school", "temple", "market"} <= kinds
    assert "temple-buddhist" not in kinds
