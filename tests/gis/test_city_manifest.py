"""What a person in a hurry writes into city.toml is taken, or told in one sentence; never a traceback, never half."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from gis.citypack.importer import import_city
from gis.citypack.manifest import read_manifest
from gis.errors import CityPackError
from tests.gis.packs import Pack, feature, line

ROAD = line((100.001, 8.001), (100.002, 8.002))


def refusal(folder: Path) -> str:
    """The words with which the manifest is refused."""
    with pytest.raises(CityPackError) as refused:
        read_manifest(folder)
    return refused.value.detail


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("margin_m = inf", "'margin_m' must be a number of metres, not inf"),
        ("margin_m = true", "'margin_m' must be a number of metres, not True"),
        ('repair = "yes"', "'repair' must be true or false without quotes, not 'yes'"),
        ("optional = 1", "'optional' must be true or false without quotes, not 1"),
        ('legend = "red"', "'legend' must be a table"),
        ("legend = { since = 2026-01-01 }", "'legend' must be a table"),
        ("legend = { share = nan }", "'legend' must be a table"),
        ("dated = 2569-01-01", "'dated' is 2569-01-01, a year of the Buddhist era: say 2026"),
        ("values = { class = { primary = 5 } }", "'values' must be a table of tables"),
        ('encoding = "thaischrift"', "there is no encoding 'thaischrift'"),
        ('encoding = "hex"', "there is no encoding 'hex'"),
        ('crs = "a\\u0000b"', "'crs' holds a control character"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_told_and_not_passed_over(pack: Pack, options: str, said: str) -> None:
    """A setting that is silently ignored (or breaks later) imports something else than what was meant."""
    pack.add("roads", [feature(ROAD, **{"class": "primary"})], options=options)
    assert f"city.toml, layer 'roads': {said}" in refusal(pack.close())


@pytest.mark.parametrize(
    ("slug", "said"),
    [("Town", "only letters a-z"), ("a" * 61, "at most 60"), ("../x", "only letters a-z"), ("tiny\\u001b", "control")],
)
def test_a_slug_becomes_a_file_s_name_and_is_held_to_it(pack: Pack, slug: str, said: str) -> None:
    """The slug is part of names in the data folder: capitals, slashes and five thousand letters are none."""
    pack.head = pack.head.replace('"tiny"', f'"{slug}"')
    assert said in refusal(pack.close())


@pytest.mark.parametrize(
    ("file", "said"), [("roads\\u0000.geojson", "cannot be looked at"), ("a" * 300 + ".geojson", "File name too long")]
)
def test_a_file_s_name_that_leads_nowhere_is_told(pack: Pack, file: str, said: str) -> None:
    """NUL, or more letters than a disk knows: a sentence with the layer's name."""
    pack.declare("roads", file)
    said_of = refusal(pack.close())
    assert "layer 'roads'" in said_of
    assert said in said_of


def test_links_in_a_circle_and_out_of_the_folder_are_told(pack: Pack, tmp_path: Path) -> None:
    """A link may not lead to anybody's files, nor in a circle."""
    pack.declare("roads", "roads.geojson")
    folder = pack.close()
    (folder / "roads.geojson").symlink_to(folder / "roads.geojson")
    assert "cannot be looked at" in refusal(folder)
    (tmp_path / "secret.geojson").write_text("{}")
    (folder / "roads.geojson").unlink()
    (folder / "roads.geojson").symlink_to(tmp_path / "secret.geojson")
    assert "lies outside the pack's folder" in refusal(folder)


def test_a_manifest_that_is_a_folder_or_has_a_mark_in_front(pack: Pack) -> None:
    """Windows editors put a byte-order mark before UTF-8: that is read; a folder named city.toml is told."""
    manifest = pack.close() / "city.toml"
    manifest.write_bytes(b"\xef\xbb\xbf" + manifest.read_bytes())
    assert read_manifest(manifest.parent).slug == "tiny"
    manifest.unlink()
    manifest.mkdir()
    assert refusal(manifest.parent) == "city.toml: it cannot be read: Is a directory."


@pytest.mark.parametrize("datum", ["centimetres above mean sea level", "2 m below mean sea level", "staff zero"])
def test_levels_of_another_zero_are_refused_also_beside_the_word_sea(pack: Pack, datum: str) -> None:
    """'Mean sea level' somewhere in the sentence is not enough."""
    pack.head = pack.head.replace("m above mean sea level", datum)
    pack.declare("terrain", "terrain.tif")
    assert f"'terrain' holds levels of '{datum}'" in refusal(pack.close())


def test_a_pack_that_extends_a_city_states_its_datum_too(tmp_path: Path) -> None:
    """Gauges that come later count from somewhere as well: nothing is inherited unsaid."""
    overlay = Pack(tmp_path, head='extends = "tiny"\n')
    overlay.declare("gauges", "gauges.csv")
    assert "datum: 'gauges' holds levels, but nothing says from where they count" in refusal(overlay.close())


def test_several_extracts_in_a_folder_are_asked_about(session: Session, tmp_path: Path) -> None:
    """Which of two extracts is the city is not guessed."""
    for name in ("north.osm.pbf", "south.osm.pbf"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(CityPackError, match=r"2 extracts \(north.osm.pbf, south.osm.pbf\): name one"):
        import_city(session, tmp_path)


@pytest.mark.parametrize(
    ("ring", "said"),
    [
        ([[-180, -89], [180, -89], [180, 89], [-180, 89], [-180, -89]], "that is no city"),
        ([[0, 89.9], [0.02, 89.9], [0.02, 89.95], [0, 89.95], [0, 89.9]], "that is no city"),
        ([[100, 8], [100.0001, 8], [100.0001, 8.0001], [100, 8.0001], [100, 8]], "holds only 122 m²: that is no city"),
    ],
)
def test_a_boundary_of_no_city_s_size_is_refused(
    session: Session, pack: Pack, ring: list[list[float]], said: str
) -> None:
    """The whole world, the pole, a garden: a slip, and everything else would be held against it."""
    pack.extra = ""
    pack.add("boundary", [feature({"type": "Polygon", "coordinates": [ring]})])
    with pytest.raises(CityPackError) as refused:
        import_city(session, pack.close())
    assert said in refused.value.detail
    assert refused.value.detail.startswith("boundary.geojson, row 1: ")
