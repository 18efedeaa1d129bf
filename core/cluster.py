"""The private PostgreSQL cluster with PostGIS: made, adopted, started and stopped by us, on a Unix socket only.

As root every PostgreSQL program runs as the system user `postgres`; as any other user it runs as that user. A city
with its own server sets `DATABASE_URL`, and nothing here runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from core.errors import SetupError
from core.settings import data_dir

ROLE = "faonam"
DATABASE = "faonam"
SOCKET_PATH_LIMIT_BYTES = 107  # sockaddr_un.sun_path on Linux, less its closing zero.
START_LIMIT_S = 60.0
_PROGRAMS = (Path("/usr/lib/postgresql/18/bin"), Path("/usr/lib/postgresql/17/bin"),
             Path("/usr/lib/postgresql/16/bin"), Path("/usr/lib/postgresql/15/bin"))

_CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 256MB
# What waits and is done at once leaves dead rows in its queue by the thousand: looked for as often as that matters.
autovacuum_naptime = 5s
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
jit = off
"""
# For test clusters only: their data may be lost with the machine.
_FORGETFUL = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"

# Postmasters that this process started: they outlive it by design, and are reaped when it stops them.
_started: dict[Path, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Cluster:
    """A cluster in a folder: `data/` belongs to PostgreSQL, `run/` holds its socket."""

    folder: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def sockets(self) -> Path:
        """The folder of the Unix socket, mode 0700."""
        return self.folder / "run"

    def url(self, database: str = DATABASE) -> str:
        """The libpq address of one of its databases."""
        return f"postgresql://{ROLE}@/{database}?host={self.sockets}"

    def administer(self, statement: str) -> None:
        """The statement about whole databases has been executed; no value from outside may be in it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def has_database(self, name: str) -> bool:
        """There is a database of this name."""
        with psycopg.connect(self.url("postgres")) as connection:
            return connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def default_cluster() -> Cluster:
    """The installation's own cluster, in the data folder."""
    return Cluster(data_dir() / "cluster")


def default_url() -> str:
    """The address of the installation's own database."""
    return default_cluster().url()


def _programs() -> Path:
    for folder in _PROGRAMS:
        if (folder / "initdb").exists():
            return folder
    raise SetupError(
        "PostgreSQL 15 or newer is missing. Install it: sudo apt-get install postgresql-15 postgresql-15-postgis-3"
    )


def _identity() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    try:
        account = pwd.getpwnam("postgres")
    except KeyError as exc:
        raise SetupError("The system user 'postgres' is missing; PostgreSQL refuses to run as root.") from exc
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8", "TZ": "UTC"}  # noqa: S108 - PostgreSQL only needs some HOME.


def _run(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(_programs() / program), *arguments],
        cwd=cwd, env=_environment(), text=True, capture_output=True, check=False, **_identity(),
    )


def _own(path: Path, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    identity = _identity()
    if identity:
        os.chown(path, identity["user"], identity["group"])
    path.chmod(mode)


def check_folder(cluster: Cluster) -> None:
    """PostgreSQL can live in this folder; raises SetupError that says why not."""
    socket = cluster.sockets / ".s.PGSQL.5432"
    if len(os.fsencode(socket)) > SOCKET_PATH_LIMIT_BYTES:
        raise SetupError(
            f"The path {socket} is too long for a Unix socket ({SOCKET_PATH_LIMIT_BYTES} bytes at most). "
            "Set FAONAM_DATA_DIR to a shorter folder."
        )
    if os.geteuid() != 0:
        return
    for parent in cluster.folder.resolve().parents:
        if parent.exists() and not parent.stat().st_mode & 0o001:
            raise SetupError(
                f"The user 'postgres' cannot reach {cluster.folder}, because {parent} is closed to others. "
                "Set FAONAM_DATA_DIR to a folder that all may pass through, such as /var/lib/faonam."
            )


@contextlib.contextmanager
def _only_one_at_a_time(cluster: Cluster) -> Iterator[None]:
    cluster.folder.mkdir(parents=True, exist_ok=True)
    with (cluster.folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def running_pid(cluster: Cluster) -> int | None:
    """The process id of the living postmaster of this folder, or None."""
    if not (cluster.data / "PG_VERSION").exists():
        return None
    if _run("pg_ctl", "status", "-D", str(cluster.data), cwd=Path("/")).returncode != 0:
        return None
    try:
        return _noted_pid(cluster)
    except (OSError, ValueError, IndexError):  # It ended after it was asked.
        return None


def _noted_pid(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().splitlines()[0])


def is_alive(cluster: Cluster) -> bool:
    """The postmaster that last started in this folder still runs; cheap enough to ask several times a second."""
    child = _started.get(cluster.data)
    if child is not None and child.poll() is not None:
        return False
    try:
        os.kill(_noted_pid(cluster), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, IndexError):
        return False
    return True


def _create(cluster: Cluster, *, is_forgetful: bool) -> None:
    _own(cluster.data, 0o700)
    made = _run(
        "initdb", "-D", str(cluster.data), "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        cwd=cluster.data,
    )
    if made.returncode != 0:
        shutil.rmtree(cluster.data, ignore_errors=True)
        raise SetupError(f"The database could not be created in {cluster.data}: {_last_line(made.stderr)}")
    with (cluster.data / "postgresql.conf").open("a") as configuration:
        configuration.write(_CONFIGURATION.format(sockets=cluster.sockets) + (_FORGETFUL if is_forgetful else ""))


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def start(cluster: Cluster, *, is_forgetful: bool = False) -> bool:
    """The cluster accepts connections and has its database; True where this call started it, False where it lived.

    `is_forgetful` (tests only) gives up durability for speed. Raises SetupError with one clear sentence.
    """
    check_folder(cluster)
    with _only_one_at_a_time(cluster):
        if running_pid(cluster) is not None:
            return False
        if not (cluster.data / "PG_VERSION").exists():
            _create(cluster, is_forgetful=is_forgetful)
        _own(cluster.sockets, 0o700)
        log = cluster.folder / "postgresql.log"
        with log.open("a") as output:
            process = subprocess.Popen(
                [str(_programs() / "postgres"), "-D", str(cluster.data)],
                cwd=cluster.data, env=_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, **_identity(),
            )
        _started[cluster.data] = process
        _wait_until_ready(cluster, process, log)
        _ensure_database(cluster)
        return True


def _wait_until_ready(cluster: Cluster, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while _run("pg_isready", "-q", "-h", str(cluster.sockets), cwd=Path("/")).returncode != 0:
        if process.poll() is not None:
            raise SetupError(f"The database stopped while starting: {_last_line(log.read_text())}")
        if time.monotonic() > deadline:
            raise SetupError(f"The database did not answer within {START_LIMIT_S:.0f} s; see {log}.")
        time.sleep(0.02)


def _ensure_database(cluster: Cluster) -> None:
    made = _run("createdb", "-h", str(cluster.sockets), "-U", ROLE, DATABASE, cwd=Path("/"))
    if made.returncode != 0 and "already exists" not in made.stderr:
        raise SetupError(f"The database '{DATABASE}' could not be created: {_last_line(made.stderr)}")


def stop(cluster: Cluster) -> None:
    """The cluster is down, fast (SIGINT): clients are cut off, committed work is kept."""
    pid = running_pid(cluster)
    if pid is None:
        return
    os.kill(pid, signal.SIGINT)
    reap(cluster)
    deadline = time.monotonic() + START_LIMIT_S
    while running_pid(cluster) is not None and time.monotonic() < deadline:
        time.sleep(0.02)


@contextlib.contextmanager
def in_use(cluster: Cluster, *, is_forgetful: bool = False) -> Iterator[None]:
    """The cluster runs while the block does. Whoever leaves last stops it, also one that a killed run left behind."""
    cluster.folder.mkdir(parents=True, exist_ok=True)
    with (cluster.folder / "users.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        start(cluster, is_forgetful=is_forgetful)
        try:
            yield
        finally:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _leave_running(cluster)
            else:
                stop(cluster)


def _leave_running(cluster: Cluster) -> None:
    """The cluster goes on without this process, which will not be asked to stop or to reap it."""
    child = _started.pop(cluster.data, None)
    if child is not None:
        child.returncode = 0  # Popen would complain at our end of a child that is meant to outlive us.


def reap(cluster: Cluster) -> None:
    """A postmaster that this process started, and that has been told to end or was killed, leaves no zombie."""
    child = _started.pop(cluster.data, None)
    if child is not None:
        child.wait(START_LIMIT_S)
