"""What every room relies on: words, sealing, migrations, locks, the supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import db, sealing
from core.errors import SetupError
from core.settings import ROOT
from core.supervisor import Program, Supervisor
from core.words import MissingWordsError, words
from migrations import upgrade


def test_sealed_text_comes_back_and_differs_each_time() -> None:
    """Equal people give unequal bytes, but one fingerprint."""
    one, two = sealing.seal("U" + "a" * 32), sealing.seal("U" + "a" * 32)
    assert one != two
    assert sealing.unseal(one) == sealing.unseal(two)
    assert sealing.fingerprint("x") == sealing.fingerprint("x")


def test_a_missing_text_is_an_error_and_never_an_empty_message() -> None:
    """A resident never gets an empty sentence."""
    with pytest.raises(MissingWordsError):
        words("core", "there-is-no-such-key")


def test_every_room_says_the_same_things_in_thai_and_in_english() -> None:
    """A key that stands in one language stands in the other; only a language's own name is the same in both."""
    for room in {path.parts[-4] for path in ROOT.glob("*/locales/*/*.ftl")}:
        keys = {
            language: {
                line.split(" =")[0]
                for path in (ROOT / room / "locales" / language).glob("*.ftl")
                for line in path.read_text(encoding="utf-8").splitlines()
                if line[:1].isalpha() and " =" in line and not line.startswith("language-")
            }
            for language in ("th", "en")
        }
        assert keys["th"] == keys["en"], room


def test_models_and_migrations_agree_and_go_down_and_up(database: sa.Engine) -> None:
    """`alembic check` is clean, and every revision can be taken back."""
    upgrade.check(database)
    upgrade.downgrade(database)
    upgrade.upgrade(database)
    upgrade.check(database)


def test_each_geometry_column_has_one_index(database: sa.Engine) -> None:
    """No geometry is searched without an index, and none is indexed twice; a part of a table may have one besides."""
    query = sa.text(
        """
        SELECT g.f_table_name, g.f_geometry_column,
               (SELECT count(*) FROM pg_index i
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
                JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
                WHERE i.indrelid = g.f_table_name::regclass AND a.attname = g.f_geometry_column AND m.amname = 'gist'
                AND i.indpred IS NULL)
        FROM geometry_columns g WHERE g.f_table_schema = 'public'
        """
    )
    with database.connect() as connection:
        found = {f"{table}.{column}": indexes for table, column, indexes in connection.execute(query)}
    never_searched = {"city.boundary", "city.extent", "city.centre", "area.place", "job.route", "crew_suggestion.route"}
    assert {name: count for name, count in found.items() if count != 1 and name not in never_searched} == {}


def test_locks_name_no_host_and_are_the_only_locks() -> None:
    """A mirror serves as well as the public registry."""
    for name in ("requirements.lock", "requirements-test.lock"):
        assert "://" not in (ROOT / name).read_text()
    assert '"resolved"' not in (ROOT / "web" / "package-lock.json").read_text()


def _wait_for(path: Path, lines: int) -> list[str]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and len(path.read_text().split()) >= lines:
            return path.read_text().split()
        time.sleep(0.05)
    raise AssertionError(f"{path} has not {lines} lines")


def test_the_supervisor_restarts_what_dies_and_stops_what_lives(tmp_path: Path) -> None:
    """A killed child runs again under a new pid; after the stop none is left."""
    note = tmp_path / "pids"
    script = f"import os, time; open({str(note)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(60)"
    supervisor = Supervisor(output=lambda name, line: None)
    supervisor.start(Program("child", [sys.executable, "-c", script]))
    first = int(_wait_for(note, 1)[0])
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while len(note.read_text().split()) < 2 and time.monotonic() < deadline:
        supervisor.watch()
        time.sleep(0.05)
    second = supervisor.pids()["child"]
    supervisor.stop()
    assert second != first
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


def test_a_program_that_should_give_way_does(tmp_path: Path) -> None:
    """The child runs at its niceness, above that of this process."""
    note = tmp_path / "niceness"
    script = f"import os, time; open({str(note)!r}, 'w').write(str(os.nice(0))); time.sleep(60)"
    supervisor = Supervisor(output=lambda name, line: None)
    supervisor.start(Program("child", [sys.executable, "-c", script], niceness=3))
    niceness = int(_wait_for(note, 1)[0])
    supervisor.stop()
    assert niceness == min(19, os.nice(0) + 3)


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:hunter2@host/name", ""])
def test_a_wrong_database_address_is_one_sentence_without_its_password(url: str) -> None:
    """It says how an address looks, and repeats nothing of what was given."""
    with pytest.raises(SetupError, match="DATABASE_URL must look like postgresql://") as refused:
        db.sqlalchemy_url(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("fault", "has_traceback"), [("OSError(28, 'No space left on device', '/data/x')", False), ("KeyError('x')", True)]
)
def test_the_log_tells_the_machines_trouble_in_a_sentence(fault: str, has_traceback: bool) -> None:
    """A full disk is no traceback in the duty log; a fault of our own keeps its."""
    script = f"""
from core.logs import configure_logs, get_logger
configure_logs("json")
try:
    raise {fault}
except Exception:
    get_logger("core").exception("job.failed")
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    line = json.loads(done.stderr)
    assert ("exception" in line, "reason" in line) == (has_traceback, not has_traceback)
    assert has_traceback or line["reason"].startswith("The disk is full: /data/x.")


def test_logs_follow_standard_error() -> None:
    """A log that was set up while another stream stood for standard error outlives the closing of that stream."""
    code = (
        "import io, sys\n"
        "from core.logs import configure_logs, get_logger\n"
        "real, sys.stderr = sys.stderr, io.StringIO()\n"
        "configure_logs('json')\n"
        "log = get_logger('tests')\n"
        "log.info('first')\n"
        "sys.stderr.close()\n"
        "sys.stderr = real\n"
        "log.info('second')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, "second" in done.stderr, "first" in done.stderr) == (0, True, False), done.stderr


def test_a_connection_that_died_while_it_lay_idle_is_replaced(database: sa.Engine) -> None:
    """Whoever comes after a restart of the database, and a moment's rest, is answered as if nothing had been."""
    made = db.engine_at(db.database_url())
    with made.begin() as connection:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    with database.begin() as other:
        other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    time.sleep(db.TESTED_AFTER_S + 0.1)
    with made.begin() as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) != pid
    made.dispose()
