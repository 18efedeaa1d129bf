"""A bare OpenStreetMap extract becomes a city, and importing it again changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.settings import ROOT
from gis import queries
from gis.citypack.importer import import_city
from gis.errors import CityPackError
from gis.points import LonLat
from tests.gis.contents import contents
from tests.gis.extracts import BOX, Town, small_town
from tests.gis.held import areas_at

LEGAZPI = ROOT.parent / "shared" / "data" / "osm" / "legazpi.osm.pbf"


def refusal(session: Session, path: Path, **options: str) -> str:
    """The words with which the extract is refused, after which there is still no city."""
    with pytest.raises(CityPackError) as refused:
        import_city(session, path, **options)
    assert contents(session) == {}
    return refused.value.detail


@pytest.mark.skipif(not LEGAZPI.is_file(), reason=f"the extract of Legazpi is not at {LEGAZPI}")
def test_a_real_extract_becomes_a_city_and_again_changes_nothing(session: Session) -> None:
    """Its only whole boundary is the city; everybody it counts lives somewhere; twice is once, to the row."""
    report = import_city(session, LEGAZPI)
    counts = {layer.name: layer.row_count for layer in report.layers}
    assert counts["boundary"] == 1
    assert counts["buildings"] > 31_000
    assert counts["roads"] > 2_500
    city = queries.city(session)
    assert (city.slug, city.name_en, city.metric_srid, city.is_simulated) == ("legazpi", "Legazpi", 32651, False)
    assert session.scalar(sa.text("SELECT sum(people) FROM population_point")) == 209_533
    before = contents(session)
    again = import_city(session, LEGAZPI)
    assert {layer.outcome for layer in again.layers} == {"unchanged"}
    assert contents(session) == before


def test_what_a_town_has_is_taken_with_its_words(session: Session, tmp_path: Path) -> None:
    """Names in both languages, bridges, levels, what a street is; a picnic shelter shelters nobody from a flood."""
    import_city(session, small_town().write(tmp_path / "town.osm.pbf"))
    assert (queries.city(session).name_th, queries.city(session).slug) == ("เมืองเล็ก", "tiny")
    streets = session.execute(sa.text('SELECT name_th, name_en, "class", is_bridge, attributes FROM road ORDER BY id'))
    assert [tuple(row) for row in streets] == [
        ("ถนนหนึ่ง", "One", "residential", False, {"oneway": "yes"}), ("", "", "primary", True, {"surface": "asphalt"}),
    ]
    assert session.scalars(sa.text("SELECT levels FROM building")).all() == [2, 2]
    assert session.scalars(sa.text("SELECT kind FROM facility")).all() == ["hospital"]
    assert [area.name_en for area in areas_at(session, LonLat(lon=100.002, lat=8.002))] == ["West", "Tiny"]
    people = queries.people_places(session)
    assert people is not None
    assert (sum(people.people), people.legend["by_method"]) == (1000, {"buildings": 1000})


def test_only_what_has_changed_in_an_extract_goes_up_a_version(session: Session, tmp_path: Path) -> None:
    """A new bridge is no new building: the other layers keep version and row ids."""
    path = small_town().write(tmp_path / "town.osm.pbf")
    import_city(session, path)
    houses = session.scalars(sa.text("SELECT id FROM building ORDER BY id")).all()
    town = small_town()
    town.way((100.01, 8.01), (100.01, 8.018), highway="service")
    report = import_city(session, town.write(path))
    assert {layer.name: layer.version for layer in report.layers if layer.outcome == "taken"} == {"roads": 2}
    assert session.scalars(sa.text("SELECT id FROM building ORDER BY id")).all() == houses
    assert session.scalar(sa.text("SELECT count(*) FROM road")) == 3


def test_several_boundaries_are_named_and_one_is_chosen(session: Session, tmp_path: Path) -> None:
    """Which boundary is the city is not guessed: the error lists ids and names, and each of them works."""
    town = small_town()
    town.boundary("Other", (100.0, 8.02), (100.02, 8.02), (100.02, 8.03), (100.0, 8.03))
    path = town.write(tmp_path / "towns.osm.pbf")
    said = refusal(session, path)
    assert "relation/1 Tiny (admin_level 8)" in said
    assert "relation/2 Other" in said
    assert "--boundary" in said
    assert "'Elsewhere' is not in it" in refusal(session, path, boundary="Elsewhere")
    import_city(session, path, boundary="เมืองเล็ก")
    assert queries.city(session).slug == "tiny"
    kinds = session.scalars(sa.text("SELECT name_en FROM area WHERE kind = 'district'")).all()
    assert kinds == ["Other"]


def test_a_boundary_that_holds_little_of_the_extract_is_asked_about(session: Session, tmp_path: Path) -> None:
    """One small part that happens to lie whole in the extract is not taken for the city."""
    town = Town()
    town.boundary("Ward", (100.0, 8.0), (100.001, 8.0), (100.001, 8.001), (100.0, 8.001))
    for step in range(1, 6):
        town.way((100.003, 8.003 + step / 1000), (100.01, 8.003 + step / 1000), highway="residential")
    path = town.write(tmp_path / "ward.osm.pbf")
    assert "holds 0% of its roads and buildings" in refusal(session, path)


def test_an_extract_without_boundary_is_its_box_and_says_so(session: Session, tmp_path: Path) -> None:
    """Where no boundary lies whole in the extract the city's is derived, called so, and named after its town."""
    town = Town()
    town.node((100.01, 8.01), place="town", name="Boxed")
    town.way(*BOX, highway="residential")
    report = import_city(session, town.write(tmp_path / "box.osm.pbf"))
    boundary = report.layers[0]
    assert (boundary.trust, report.slug) == ("derived", "boxed")
    assert "derived" in boundary.warnings[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "it is empty"), (b"hello" * 100, "cannot be read"), (None, "holds no road, building")],
)
def test_what_is_no_extract_is_told(session: Session, tmp_path: Path, content: bytes | None, said: str) -> None:
    """Nothing in it, no such format, no objects: one sentence with the file's name, and no city."""
    path = tmp_path / "town.osm.pbf"
    if content is None:
        Town().write(path)
    else:
        path.write_bytes(content)
    refused = refusal(session, path)
    assert refused.startswith("town.osm.pbf: ")
    assert said in refused


def test_an_extract_that_is_cut_off_changes_nothing(session: Session, tmp_path: Path) -> None:
    """Half a download is refused, and the city that stands keeps every row."""
    path = small_town().write(tmp_path / "town.osm.pbf")
    import_city(session, path)
    before = contents(session)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CityPackError, match="cannot be read to its end"):
        import_city(session, path)
    assert contents(session) == before


def test_a_file_alone_that_is_no_extract_says_what_it_lacks(session: Session, tmp_path: Path) -> None:
    """A single GeoJSON tells neither its licence nor its source."""
    path = tmp_path / "roads.geojson"
    path.write_text("{}", encoding="utf-8")
    assert "which licence" in refusal(session, path)
