"""Which city an import goes into, beside a house that runs and without one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from cli import city, datafolder
from cli.datafolder import NotedCity, database_for
from core import cluster, db
from core.errors import SetupError
from core.settings import settings
from tests.gis.packs import SQUARE, Pack, feature, line

NOTED = NotedCity("faonam_1", "tiny")


def _pack(folder: Path, slug: str) -> Path:
    folder.mkdir()
    pack = Pack(folder, head=Pack.head.replace("tiny", slug))
    square = {"type": "Polygon", "coordinates": [SQUARE]}
    pack.add("boundary", [feature(square)])
    pack.add("communities", [feature(square, code="C1", name_th="ชุมชนหนึ่ง", name_en="One")])
    way = line((100.001, 8.001), (100.01, 8.01))
    pack.add("waterways", [feature(way, code="W1", name_th="คลองหนึ่ง", kind="canal")])
    pack.add("roads", [feature(way, code="R1", name_th="ถนนหนึ่ง", **{"class": "residential"})])
    return pack.close()


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[cluster.Cluster]:
    """A data folder with a private cluster of its own that runs, and no DATABASE_URL."""
    folder = Path(tempfile.mkdtemp(prefix="faonam-folder-"))
    folder.chmod(0o755)
    monkeypatch.setenv("FAONAM_DATA_DIR", str(folder))
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.delenv("DATABASE_URL")
    settings.cache_clear()
    db.engine.cache_clear()
    with cluster.in_use(cluster.default_cluster(), is_forgetful=True):
        yield cluster.default_cluster()
        db.engine().dispose()
    db.engine.cache_clear()
    settings.cache_clear()
    shutil.rmtree(folder)


def test_an_import_goes_into_the_city_that_the_folder_works_with() -> None:
    """The same city is renewed where it is read, whether or not it runs."""
    for is_running in (True, False):
        assert database_for("tiny", noted=NOTED, is_running=is_running) == "faonam_1"


def test_another_city_is_refused_beside_a_house_that_runs() -> None:
    """The sentence names both cities and what to do; where nothing runs the other city has the folder's database."""
    with pytest.raises(SetupError, match=r"'tiny' runs.*'other': end \./run first, or .*FAONAM_DATA_DIR"):
        database_for("other", noted=NOTED, is_running=True)
    with pytest.raises(SetupError, match=r"is being made ready.*'other'"):
        database_for("other", noted=None, is_running=True)
    assert database_for("other", noted=NOTED, is_running=False) == cluster.DATABASE
    assert database_for("other", noted=None, is_running=False) == cluster.DATABASE


def test_an_import_beside_a_running_house_renews_its_city_and_says_so(
    home: cluster.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What has not changed is unchanged in the database that runs, and the commands go on reading that one."""
    tiny = _pack(tmp_path / "a", "tiny")
    assert city.import_pack(tiny, boundary=None)
    home.administer("ALTER DATABASE faonam RENAME TO faonam_1")
    home.administer("CREATE DATABASE faonam")
    db.use(home.url("faonam_1"))
    datafolder.note_city()
    with datafolder.only_one(datafolder.HOUSE, sentence="x"):
        monkeypatch.delenv("DATABASE_URL")
        settings.cache_clear()
        capsys.readouterr()
        assert city.import_pack(tiny, boundary=None)
        told = capsys.readouterr()
        assert told.err.count("unchanged") == 4
        assert "(tiny, database faonam_1) from now on" in told.err
        monkeypatch.delenv("DATABASE_URL")
        settings.cache_clear()
        with pytest.raises(SetupError, match="'tiny' runs"):
            city.import_pack(_pack(tmp_path / "b", "other"), boundary=None)
    assert datafolder.noted_city() == NotedCity("faonam_1", "tiny")
    empty = sa.create_engine(db.sqlalchemy_url(home.url("faonam")), poolclass=sa.pool.NullPool)
    with empty.connect() as connection:
        assert connection.scalar(sa.text("SELECT to_regclass('city')")) is None
