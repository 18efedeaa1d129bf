"""A city is imported again: what is unchanged is left alone, what is faulty keeps what it was, layer by layer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.citypack.importer import ImportReport, import_city
from gis.errors import CityPackError
from tests.gis.contents import contents
from tests.gis.packs import Pack, feature, line, point

ROAD = line((100.001, 8.001), (100.002, 8.002))


def town(pack: Pack) -> Path:
    """A pack with a street, a school and a house."""
    pack.add("roads", [feature(ROAD, highway="primary")], options='columns = { class = "highway" }')
    pack.add("facilities", [feature(point(100.01, 8.01), kind="school")])
    return pack.close()


def rewrite(folder: Path, kind: str, *features: object) -> None:
    """The layer's file holds these features now."""
    body = {"type": "FeatureCollection", "features": features}
    (folder / f"{kind}.geojson").write_text(json.dumps(body), encoding="utf-8")


def outcomes(report: ImportReport) -> dict[str, tuple[str, int]]:
    """What became of each layer, and its version."""
    return {layer.name: (layer.outcome, layer.version) for layer in report.layers}


def test_twice_is_once_to_the_row(session: Session, pack: Pack) -> None:
    """No new version, no new row, no new id, no changed byte."""
    folder = town(pack)
    import_city(session, folder)
    before = contents(session)
    report = import_city(session, folder)
    assert set(outcomes(report).values()) == {("unchanged", 1)}
    assert not report.has_changed
    assert contents(session) == before


def test_a_changed_file_is_its_layer_s_affair_alone(session: Session, pack: Pack) -> None:
    """A second school is version 2 of the facilities; streets and boundary are not touched."""
    folder = town(pack)
    import_city(session, folder)
    before = contents(session)
    schools = [feature(point(lon, 8.01), kind="school") for lon in (100.01, 100.011)]
    rewrite(folder, "facilities", *schools)
    report = import_city(session, folder)
    assert outcomes(report) == {"boundary": ("unchanged", 1), "facilities": ("taken", 2), "roads": ("unchanged", 1)}
    after = contents(session)
    assert {table for table in after if after[table] != before[table]} == {"layer", "facility"}


def test_a_changed_description_is_a_new_version(session: Session, pack: Pack) -> None:
    """A corrected licence reaches the legend although the file is the same."""
    folder = town(pack)
    import_city(session, folder)
    manifest = folder / "city.toml"
    head, roads = manifest.read_text(encoding="utf-8").split('name = "roads"')
    manifest.write_text(head + 'name = "roads"' + roads.replace("CC0", "CC BY 4.0", 1), encoding="utf-8")
    assert outcomes(import_city(session, folder))["roads"] == ("taken", 2)
    assert session.scalar(sa.text("SELECT licence FROM layer WHERE name = 'roads'")) == "CC BY 4.0"


def test_a_faulty_layer_stays_what_it_was_and_the_others_are_taken(session: Session, pack: Pack) -> None:
    """One street off the map refuses the streets with the row's name; the schools beside them are imported."""
    folder = town(pack)
    import_city(session, folder)
    streets = contents(session)["road"]
    far = line((101.0, 8.0), (101.1, 8.0))
    rewrite(folder, "roads", feature(ROAD, highway="primary"), feature(far, highway="trunk"))
    rewrite(folder, "facilities", feature(point(100.012, 8.01), kind="temple"))
    report = import_city(session, folder)
    assert outcomes(report) == {"boundary": ("unchanged", 1), "facilities": ("taken", 2), "roads": ("refused", 1)}
    assert "roads.geojson, row 2: it lies outside" in report.refused[0].findings[0]
    assert contents(session)["road"] == streets
    assert session.scalar(sa.text("SELECT kind FROM facility")) == "temple"


def test_a_faulty_boundary_leaves_the_ground_as_it_was(session: Session, pack: Pack) -> None:
    """A boundary that crosses itself is refused; the other layers are still held against the one that stands."""
    folder = town(pack)
    import_city(session, folder)
    before = contents(session)["city"]
    bow = [[100.0, 8.0], [100.02, 8.02], [100.02, 8.0], [100.0, 8.02], [100.0, 8.0]]
    rewrite(folder, "boundary", feature({"type": "Polygon", "coordinates": [bow]}))
    rewrite(folder, "facilities", feature(point(100.012, 8.01), kind="temple"))
    report = import_city(session, folder)
    assert outcomes(report) == {"boundary": ("refused", 1), "facilities": ("taken", 2), "roads": ("unchanged", 1)}
    assert contents(session)["city"] == before


def test_an_optional_layer_may_be_missing(session: Session, pack: Pack) -> None:
    """Data that lie beside some cities only are told as absent, and nothing is refused."""
    pack.declare("facilities", "elsewhere.geojson", "optional = true")
    report = import_city(session, pack.close())
    assert outcomes(report)["facilities"] == ("absent", 0)
    assert session.scalar(sa.text("SELECT count(*) FROM layer")) == 1


def test_a_layer_that_others_lean_on_fails_with_all_of_them(session: Session, pack: Pack) -> None:
    """Communities that only the database can refuse: what was held against them is not taken either, to the byte."""

    def community(code: str) -> dict[str, object]:
        ring = [[100.0, 8.0], [100.02, 8.0], [100.02, 8.02], [100.0, 8.02], [100.0, 8.0]]
        return feature({"type": "Polygon", "coordinates": [ring]}, code=code, name_th="หนึ่ง")

    pack.add("communities", [community("C1")])
    folder = town(pack)
    import_city(session, folder)
    before = contents(session)
    rewrite(folder, "communities", community("tiny"))
    rewrite(folder, "facilities", feature(point(100.012, 8.01), kind="temple"))
    with pytest.raises(CityPackError, match=r"'tiny' belongs to an area of another layer.*nothing was changed"):
        import_city(session, folder)
    session.expire_all()
    assert contents(session) == before


def test_an_emptied_file_does_not_empty_the_layer(session: Session, pack: Pack) -> None:
    """A download that failed, or a filter that caught everything: the schools that stand stay."""
    folder = town(pack)
    import_city(session, folder)
    before = contents(session)
    rewrite(folder, "facilities")
    report = import_city(session, folder)
    assert outcomes(report)["facilities"] == ("refused", 1)
    assert "it holds no rows" in report.refused[0].findings[0]
    assert contents(session) == before


def test_a_file_that_may_not_be_read_is_told_as_such(
    session: Session, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed to this user, or lost on a broken disk: the layer's file is named, and its rows stay as they were."""
    folder = town(pack)
    import_city(session, folder)
    before = contents(session)

    def closed(path: Path, *mode: str, **more: object) -> object:
        if path.name == "roads.geojson":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *mode, **more)

    opened = Path.open
    monkeypatch.setattr(Path, "open", closed)  # root, as which these tests may run, can read everything.
    report = import_city(session, folder)
    assert outcomes(report)["roads"] == ("refused", 1)
    assert report.refused[0].findings == ("roads.geojson: it cannot be read: roads.geojson: Permission denied.",)
    assert contents(session) == before
