"""The command line starts one house in a folder, and says in a sentence what keeps it from starting."""

from __future__ import annotations

import contextlib
import errno
import shutil
import socket
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from psycopg import errors

from cli import city, datafolder, house
from core import cluster
from core.errors import SetupError, trouble_outside
from core.settings import settings


def test_a_second_house_in_the_same_folder_is_refused() -> None:
    """Two supervisors on one database would undo each other's work; when the first ends, the next may begin."""
    with contextlib.ExitStack() as first:
        first.enter_context(_only_one())
        with pytest.raises(SetupError, match="Another one works here"):
            first.enter_context(_only_one())
    with _only_one():
        pass


def _only_one() -> contextlib.AbstractContextManager[None]:
    return datafolder.only_one("test-house", sentence="Another one works here.")


def test_a_taken_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port and the ways out are said before anything has started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("FAONAM_API_PORT", str(port))
        settings.cache_clear()
        with pytest.raises(SetupError, match=f"Port {port} is in use"):
            house.live(city=None, speed=None, is_fresh=False)
    settings.cache_clear()


def test_a_headless_storm_never_shares_the_ports_of_a_house_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scripted officer would approve what people are still looking at: nothing starts on a port that is taken."""
    for variable in ("FAONAM_API_PORT", "FAONAM_STANDIN_PORT", "FAONAM_MQTT_PORT"):
        with socket.socket() as taken, monkeypatch.context() as around:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            around.setenv(variable, str(port))
            settings.cache_clear()
            with pytest.raises(SetupError, match=f"Port {port} is in use"):
                house.play_once(city=None, json_file=None, speed=120.0)
    settings.cache_clear()


def test_a_fresh_house_has_no_picture_of_the_storm_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A camera's old picture would make every one of the new storm count as too old; frames by others stay."""
    monkeypatch.setenv("FAONAM_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    try:
        for name in ("cameras/cam1/latest.jpg", "cameras/cam1/latest.json", "cameras/cam1/notes.txt", "flood/1.npy"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        house.forget_the_city_that_was(is_private=False)
        left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
        assert left == {"cameras/cam1/notes.txt", "flood/1.npy"}
        house.forget_the_city_that_was(is_private=True)
        assert not (tmp_path / "flood").exists()
    finally:
        settings.cache_clear()


def test_a_process_is_asked_over_one_connection_until_it_is_ready() -> None:
    """Who waits asks twenty times a second: no new client for each look, and what is away or busy is not ready."""
    connections: list[object] = []
    statuses = iter([503, 503, 200, 200])

    class Busy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            connections.append(self.client_address)
            super().setup()

        def do_GET(self) -> None:
            self.send_response(next(statuses))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        is_ready = house.Answering(f"http://127.0.0.1:{server.server_port}/readyz")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        assert [is_ready(), is_ready(), is_ready()] == [False, False, True]
        assert len(connections) == 1
        assert is_ready()
        server.shutdown()
        thread.join()
    assert not is_ready()


def test_a_command_reads_the_city_that_was_last_run_or_imported(database: sa.Engine) -> None:
    """Without a city one sentence says how to get one; with one its name is told before anything is read."""
    with pytest.raises(SetupError, match="There is no city here yet"), city.city_while_needed():
        pass


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.npy"), "The disk is full: x.npy"),
        (PermissionError(errno.EACCES, "denied", "/data"), "No permission to write /data"),
        (sa.exc.OperationalError("SELECT 1", {}, errors.DiskFull("could not extend file")), "disk is full"),
        (sa.exc.OperationalError("SELECT 1", {}, errors.ConnectionTimeout("gone")), "database does not answer"),
    ],
)
def test_trouble_of_the_machine_is_one_sentence_without_sql(fault: Exception, said: str) -> None:
    """A full disk, a missing right, a database that is away: named as such, on one line."""
    sentence = trouble_outside(fault)
    assert sentence is not None
    assert said in sentence
    assert "SELECT" not in sentence
    assert "\n" not in sentence


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    """Only what the machine does to us is told shortly."""
    assert trouble_outside(KeyError("x")) is None


def test_a_cluster_that_was_left_behind_is_stopped_by_the_next_user() -> None:
    """A killed run leaves PostgreSQL running; whoever uses it next and leaves last stops it."""
    folder = Path(tempfile.mkdtemp(prefix="faonam-left-"))
    folder.chmod(0o755)
    made = cluster.Cluster(folder)
    try:
        cluster.start(made, is_forgetful=True)
        with cluster.in_use(made):
            with cluster.in_use(made):
                pass
            assert cluster.running_pid(made) is not None
        assert cluster.running_pid(made) is None
    finally:
        cluster.stop(made)
        shutil.rmtree(folder)
