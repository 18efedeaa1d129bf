"""The API as an operator sees it: a process that starts, says what is wrong, and stops at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from core import cluster, db


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(port: int, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "import api; api.run()"],
        env={**os.environ, "FAONAM_API_PORT": str(port), **environment},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _wait_for(address: str, started: subprocess.Popen[str], *, status: int = 200) -> httpx.Response:
    deadline_s = time.monotonic() + 30
    with httpx.Client(timeout=5) as http:
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = http.get(f"{address}/readyz")
                if answer.status_code == status:
                    return answer
            assert started.poll() is None, started.stderr and started.stderr.read()
            assert time.monotonic() < deadline_s
            time.sleep(0.1)


@contextlib.contextmanager
def _answering() -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = _free_port()
    with _start(port) as started:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, started)
        yield started, address
        started.kill()


@pytest.fixture
def process(module_database: sa.Engine) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The API as a process of its own, answering; and its address. For a test that ends it."""
    with _answering() as started:
        yield started


@pytest.fixture(scope="module")
def address(module_database: sa.Engine) -> Iterator[str]:
    """Where one process answers all tests that leave it running."""
    with _answering() as (_, there):
        yield there


@pytest.fixture
def own_cluster() -> Iterator[cluster.Cluster]:
    """A PostgreSQL that this test may stop and start; in a folder that the user postgres can reach."""
    folder = Path(tempfile.mkdtemp(prefix="faonam-api-"))
    folder.chmod(0o755)
    made = cluster.Cluster(folder)
    cluster.start(made, is_forgetful=True)
    yield made
    cluster.stop(made)
    shutil.rmtree(folder)


def test_it_outlives_a_restart_of_the_database(own_cluster: cluster.Cluster) -> None:
    """While PostgreSQL is down it answers 503 with a sentence; when PostgreSQL is back so is it, without a restart."""
    engine = sa.create_engine(db.sqlalchemy_url(own_cluster.url()))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE EXTENSION pg_trgm"))
    engine.dispose()
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    with _start(port, DATABASE_URL=own_cluster.url()) as started:
        _wait_for(address, started)
        cluster.stop(own_cluster)
        answer = _wait_for(address, started, status=503)
        assert answer.json()["type"] == "urn:faonam:problem:database-down"
        assert answer.headers["retry-after"] == "2"
        cluster.start(own_cluster, is_forgetful=True)
        _wait_for(address, started)
        started.terminate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_told_without_a_traceback(
    process: tuple[subprocess.Popen[str], str], ending: signal.Signals
) -> None:
    """Ctrl-C and a supervisor's stop end it in good order, with nothing for the officer to decipher."""
    started, _ = process
    started.send_signal(ending)
    _, said = started.communicate(timeout=10)
    assert "Traceback" not in said


def test_a_second_one_on_the_same_port_says_so(address: str) -> None:
    """Two at once are no accident that goes unnoticed: the second names the way out."""
    with _start(int(address.rsplit(":", 1)[1])) as second:
        _, said = second.communicate(timeout=30)
    assert second.returncode != 0
    assert "SetupError: Another program already listens on" in said
    assert httpx.get(f"{address}/healthz").status_code == 200


def test_an_endless_address_is_refused_before_it_is_read(address: str) -> None:
    """Gigabytes in `q` cost the sender a connection and the city nothing; the next request is answered."""
    port = int(address.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as endless:
        endless.sendall(b"GET /api/v1/geocode?q=")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 200_000_000:
                sent += endless.send(b"%E0%B8%81" * 5_000)
        assert sent < 50_000_000
    with socket.create_connection(("127.0.0.1", port), timeout=20) as long:
        long.sendall(b"GET /?q=" + b"a" * 70_000)
        answer = long.recv(4_000).decode()
    assert answer.startswith("HTTP/1.1 431 ")
    assert "urn:faonam:problem:too-large" in answer
    assert httpx.get(f"{address}/readyz", timeout=5).status_code == 200
