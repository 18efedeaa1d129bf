"""`faonam bench`: what it names, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import sqlalchemy as sa

from bench import catalogue
from bench.places import alone, own_database, own_folder
from core import cluster, db
from core.errors import SetupError
from core.settings import ROOT, data_dir, settings

FRAMEWORK = {
    "__init__", "callers", "catalogue", "crowd", "exceptions", "gauges", "measure", "peers", "places", "programs",
    "returned", "scribbles", "senders", "series", "servers", "standing", "threshold", "town", "week",
}  # fmt: skip


@pytest.fixture
def without_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    settings.cache_clear()
    db.engine.cache_clear()


def _databases(home: cluster.Cluster) -> set[str]:
    engine = sa.create_engine(db.sqlalchemy_url(home.url("postgres")), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return set(connection.scalars(sa.text("SELECT datname FROM pg_database")))


def _faonam(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "cli", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_the_list_names_every_claim_with_a_file() -> None:
    """Each file of bench/ that is a claim is listed, and nothing else."""
    files = {path.stem for path in (ROOT / "bench").glob("*.py")} - FRAMEWORK
    done = _faonam("bench", "--list")
    assert {line.split()[0] for line in done.stdout.splitlines()} == files
    assert done.returncode == 0


def test_an_unknown_name_is_answered_with_the_names() -> None:
    """Who misspells a claim reads in one sentence which there are."""
    done = _faonam("bench", "reading")
    assert done.stderr == f"faonam: There is no bench 'reading'; there are {', '.join(catalogue.CLAIMS)}.\n"
    assert (done.stdout, done.returncode) == ("", 1)


def test_one_bench_at_a_time() -> None:
    """Two benches at once would measure each other: the second is refused."""
    with alone(), pytest.raises(SetupError, match="Another bench"), alone():
        pass
    with alone():
        pass


def test_a_citys_own_database_is_never_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """With DATABASE_URL set a bench refuses in a sentence."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://city@db.example/city")
    settings.cache_clear()
    with pytest.raises(SetupError, match="unset DATABASE_URL"), own_database("test"):
        pass
    settings.cache_clear()


def test_an_own_folder_is_empty_and_goes() -> None:
    """Whatever an earlier run left is gone at the start, and everything at the end."""
    place = data_dir()
    left = place / "bench" / "test" / "left"
    left.parent.mkdir(parents=True)
    left.touch()
    with own_folder("test") as folder:
        assert data_dir() == folder
        assert list(folder.iterdir()) == []
    assert data_dir() == place
    assert not folder.exists()


def _interrupted(home: cluster.Cluster) -> None:
    with own_database("test", home=home):
        with db.transaction() as session:
            assert session.scalar(sa.text("SELECT current_database()")) == "bench_test"
            assert session.scalar(sa.text("SELECT count(*) FROM reading")) == 0
        raise KeyboardInterrupt


def test_an_own_database_is_fresh_and_goes(postgres: cluster.Cluster, without_database_url: None) -> None:
    """It is migrated and empty, and gone afterwards even where the bench is interrupted; the cluster runs on."""
    with pytest.raises(KeyboardInterrupt):
        _interrupted(postgres)
    assert "bench_test" not in _databases(postgres)
    assert "DATABASE_URL" not in os.environ
    assert cluster.running_pid(postgres) is not None
