"""What the command line asks of a city before it lets it in."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from cli import city
from cli import flood as flood_commands
from core.db import transaction
from core.errors import InvalidInputError, SetupError
from gis.citypack.importer import import_city
from gis.citypack.manifest import read_manifest
from gis.errors import CityPackError
from tests.gis.packs import SQUARE, Pack, feature


def _pack(folder: Path, *, head: str = "") -> Pack:
    pack = Pack(folder) if not head else Pack(folder, head=head)
    pack.add("boundary", [feature({"type": "Polygon", "coordinates": [SQUARE]})])
    return pack


def test_a_city_without_the_layers_that_work_needs_is_refused(tmp_path: Path) -> None:
    """Each missing kind is named with what it is needed for, all at once."""
    with pytest.raises(CityPackError) as refused:
        city.check_whole(read_manifest(_pack(tmp_path).close()))
    said = str(refused.value)
    for kind in ("communities", "waterways", "roads"):
        assert f"city.toml: it has no layer of the kind '{kind}'" in said
    assert "'boundary'" not in said


def test_a_pack_that_extends_a_city_need_not_be_whole(tmp_path: Path) -> None:
    """What it extends has them already."""
    city.check_whole(read_manifest(_pack(tmp_path, head='slug = "more"\nextends = "tiny"\n').close()))


def test_another_city_in_the_database_of_a_city_is_told_how_to_get_its_own(database: sa.Engine, tmp_path: Path) -> None:
    """A house is refused before anything is imported, and the sentence names both ways out."""
    (tmp_path / "tiny").mkdir()
    (tmp_path / "other").mkdir()
    with transaction() as session:
        import_city(session, _pack(tmp_path / "tiny").close())
    other = _pack(tmp_path / "other", head=Pack.head.replace("tiny", "other")).close()
    with pytest.raises(SetupError, match=r"'tiny'; 'other' needs one of its own: .*DATABASE_URL.*FAONAM_DATA_DIR"):
        city.prepare(other, name="faonam", is_fresh=False)


def test_a_city_that_is_not_there_is_told_which_ones_are() -> None:
    """Whoever mistypes a name reads the right one."""
    with pytest.raises(InvalidInputError) as refused:
        flood_commands.folder_of("nonsense")
    known = [folder.name for folder in flood_commands.OPEN_DATA.glob("*/")]
    assert "'nonsense'" in str(refused.value)
    assert all(name in str(refused.value) for name in known)
