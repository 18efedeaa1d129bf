"""The raw folder of a real city, imported as its publishers give it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.settings import ROOT
from gis import queries
from gis.citypack.importer import ImportReport, import_city
from gis.points import LonLat
from tests.gis.contents import contents
from tests.gis.held import areas_at

NST = ROOT.parent / "shared" / "data" / "cities" / "nakhon-si-thammarat"
OF_COUNTRY = {
    "provinces", "subdistrict_outlines", "register_districts", "register_subdistricts", "gazetteer", "population",
}
DERIVED = {"communities", "subdistrict_outlines", "people"}
pytestmark = pytest.mark.skipif(not NST.is_dir(), reason=f"the open data of Nakhon Si Thammarat is not at {NST}")


@pytest.fixture(scope="module")
def imported(module_session: Session) -> tuple[Session, ImportReport]:
    """A session on a database that holds the real city while these tests run, and the import's report."""
    return module_session, import_city(module_session, NST)


@pytest.fixture
def city(imported: tuple[Session, ImportReport]) -> Session:
    """A session on a database that holds the real city; these tests only read."""
    return imported[0]


def test_the_raw_folder_of_nakhon_si_thammarat_imports(imported: tuple[Session, ImportReport]) -> None:
    """A folder without a manifest of its own takes the shipped one; what lies outside is counted, never silent."""
    session, report = imported
    counts = {layer.name: (layer.row_count, layer.dropped) for layer in report.layers if layer.name not in OF_COUNTRY}
    assert counts == {
        "boundary": (1, 0), "districts": (2, 40), "communities": (26, 15), "villages": (41, 0), "roads": (2268, 3296),
        "waterways": (41, 802), "buildings": (1896, 31), "facilities": (57, 1295),
        "landmarks_facilities": (589, 268), "landmarks_roads": (364, 845), "landmarks_waterways": (40, 158),
        "road_levels": (18_359, 0), "flood_marks": (63, 0),
    }
    trusts = {row.name: row.trust for row in session.execute(sa.text("SELECT name, trust FROM layer"))}
    assert {name for name, trust in trusts.items() if trust == "derived"} == DERIVED
    assert set(trusts.values()) == {"real", "derived"}


def test_importing_the_city_again_changes_nothing(city: Session) -> None:
    """Every layer is known by its digest: no version, no row, no id changes."""
    before = contents(city)
    report = import_city(city, NST)
    assert {layer.outcome for layer in report.layers} == {"unchanged"}
    assert contents(city) == before


def test_the_registers_are_united_and_their_differences_told(city: Session) -> None:
    """7,451 sub-districts and 7,436 are 7,480 together: each stands once, and what only one source has is counted."""
    counted = city.execute(sa.text("SELECT kind, count(*) AS units FROM admin_unit GROUP BY kind"))
    units = {row.kind: row.units for row in counted}
    assert (units["province"], units["subdistrict"]) == (77, 7480)
    home = city.execute(
        sa.text("SELECT name_th, parent_code, postcode, population FROM admin_unit WHERE code = '800101'")
    ).one()
    assert tuple(home) == ("ในเมือง", "8001", "80000", 41_665)
    village = city.execute(sa.text("SELECT moo, parent_code FROM admin_unit WHERE code = '80012219'")).one()
    assert tuple(village) == (19, "800122")
    told = city.execute(sa.text("SELECT name, warnings FROM layer WHERE kind = 'population'")).one()
    assert any("44 units of the kind subdistrict" in warning for warning in told.warnings)
    assert city.scalar(sa.text("SELECT count(*) FROM admin_unit WHERE kind = 'village' AND left(code, 2) = '50'")) == 0


def test_the_people_of_the_city_live_where_its_houses_and_streets_are(city: Session) -> None:
    """Every unit's people are spread or told as outside, to the person; a sub-district across the boundary is split."""
    people = queries.people_places(city)
    assert people is not None
    legend = people.legend
    assert sum(people.people) + legend["outside"] + legend["unlocated"] == legend["total"]
    inside = city.scalar(
        sa.text("SELECT sum(people) FROM population_point p, city WHERE ST_Intersects(p.geom, city.boundary)")
    )
    assert 73_898 < int(inside or 0) < 73_898 + 34_500


def test_a_default_height_is_no_data(city: Session) -> None:
    """1,925 of 1,927 houses are 6 m high in the file: that is told, and no levels are made of it."""
    assert city.scalar(sa.text("SELECT count(*) FROM building WHERE levels IS NOT NULL")) < 10
    told = city.scalar(sa.text("SELECT warnings FROM layer WHERE name = 'buildings'"))
    assert "a default, no measurement" in str(told)


def test_what_people_call_a_spot_names_community_and_street(city: Session) -> None:
    """A point in ท่าช้าง is told by that name in Thai, and something is said everywhere."""
    here = LonLat(lon=99.961398, lat=8.427974)
    assert "ท่าช้าง" in queries.place_label(city, here, "th")
    assert [area.kind for area in areas_at(city, here)] == ["community", "municipality", "district"]
    assert "นอกเขต" in queries.place_label(city, LonLat(lon=99.0, lat=9.0), "th")


def test_facility_kinds_are_ours(city: Session) -> None:
    """The publisher's words become the house's: a temple is a temple whatever its religion is called there."""
    kinds = set(city.scalars(sa.text("SELECT DISTINCT kind FROM facility")))
    assert {"hospital", "school", "temple", "market"} <= kinds
    assert "temple-buddhist" not in kinds
