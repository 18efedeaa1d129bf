"""A town of 50,000 and the processes that warn it, all of which may be killed; the stand-in's log is the oracle."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
import sqlalchemy as sa

import staff.actions
from alerts import actions
from bench import town
from bench.servers import free_port
from core import cluster, db, sealing
from core.errors import SetupError
from core.settings import settings
from migrations import upgrade
from tests.accounts import PASSWORD
from tests.alerts import nursery
from tests.alerts.officer import Officer
from tests.alerts.schedules import Schedule, Step

RESIDENTS, NEIGHBOURS, UNREACHABLE = 50_000, 2_000, 100
CHUNKS = RESIDENTS // 500  # Of three languages, each of which makes whole ones.
ZONES = [shapely.box(100.0, 8.4, 100.01, 8.41), shapely.box(100.01, 8.4, 100.02, 8.41)]
ZONE_NAME = "Z0"  # As `town.settle` names the first.
APPROVING, PACKING, PACKED = "approving", "packing", "packed"  # Databases in which plays begin.
LIMIT_S = 120.0
# The bucket is the real one, and holds more: LINE's own limit, in the stand-in, is what a play meets.
MULTICASTS_PER_S = "2000"
LAST_FAULT_PERCENT = 98  # One chunk alone would meet all that are left, and wait twice as long after each.
AT_ONCE = "8"  # So that three senders' requests are answered well within their patience, on a busy machine too.


@dataclass
class House:
    """The cluster with the town in it, before and after the approval, the stand-in, and who else runs now."""

    place: cluster.Cluster
    warm: nursery.Nursery
    folder: Path
    standin_port: int
    officer: Officer
    audience: set[str] = field(default_factory=set)
    alert_id: int = 0
    revision: int = 0
    approval_takes_s: float = 0.0
    database: str = ""
    running: dict[str, int] = field(default_factory=dict)
    asks: threading.Lock = field(default_factory=threading.Lock)
    pace: dict[str, str] = field(default_factory=dict)
    born: int = 0

    # Processes

    def begin(self, name: str) -> None:
        """`sender 2`, `worker` or `api` runs on the play's database."""
        with self.asks:  # The officer's thread and the play's.
            self.running[name] = self.warm.begin(
                name.partition(" ")[0],
                DATABASE_URL=self.place.url(self.database), FAONAM_DATA_DIR=str(self.folder),
                FAONAM_STANDIN_PORT=str(self.standin_port), FAONAM_API_PORT=str(self.officer.port),
                LINE_MULTICASTS_PER_S=MULTICASTS_PER_S, LINE_AT_ONCE=AT_ONCE, **self.pace,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """It got SIGKILL."""
        nursery.kill(self.running.pop(name))

    def senders(self) -> list[str]:
        """Who sends."""
        return sorted(name for name in self.running if name.startswith("sender"))

    def begin_sender(self) -> None:
        """One more sends."""
        self.born += 1
        self.begin(f"sender {self.born}")

    def restart_the_dead(self) -> None:
        """Who ended by itself, as a worker without its database does, runs again: the house's supervisor does that."""
        for name, pid in list(self.running.items()):
            if name != "api" and not nursery.is_alive(pid):  # The officer's affair, who waits for it.
                self.begin(name)

    def await_api(self) -> None:
        """The API answers; where it ended at its start, because its database was away, it runs again."""
        deadline_s = time.monotonic() + LIMIT_S
        while self.officer.ask("GET", "/session") is None:
            assert time.monotonic() < deadline_s, "the API does not answer"
            if not nursery.is_alive(self.running["api"]):
                self.begin("api")
            time.sleep(0.01)

    # The database

    def use(self, template: str) -> None:
        """Everybody is dead, and the play's database is a fresh copy of this one."""
        for name in list(self.running):
            self.kill(name)
        if self.database:
            self.place.administer(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
        self.database = f"play_{time.monotonic_ns()}"
        self.place.administer(f"CREATE DATABASE {self.database} TEMPLATE {template} STRATEGY file_copy")

    def keep_as(self, template: str) -> None:
        """Everybody is dead, and what the play's database holds is the beginning of later plays."""
        for name in list(self.running):
            self.kill(name)
        with psycopg.connect(self.place.url("postgres")) as connection:
            ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(ended, [self.database])
        self.place.administer(f"ALTER DATABASE {self.database} RENAME TO {template}")
        self.database = ""

    def chunk_states(self) -> dict[str, int]:
        """How many chunks stand in each state."""
        with psycopg.connect(self.place.url(self.database)) as connection:
            return dict(connection.execute("SELECT state, count(*) FROM outbox_chunk GROUP BY state").fetchall())

    def kill_database(self, way: str) -> None:
        """The server has died, and runs again: by SIGKILL of the whole or of one backend, or stopped without a word."""
        if way == "backend":
            with psycopg.connect(self.place.url("postgres")) as connection:
                row = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = %s ORDER BY query_start DESC NULLS LAST LIMIT 1",
                    [self.database],
                ).fetchone()
            if row is not None:
                os.kill(row[0], signal.SIGKILL)
        else:
            os.kill(cluster.running_pid(self.place) or 0, signal.SIGKILL if way == "server" else signal.SIGQUIT)
            cluster.reap(self.place)
            _try_until(lambda: cluster.start(self.place), SetupError)
        _try_until(self.chunk_states, psycopg.Error)

    @property
    def patience_s(self) -> float:
        """How long a sender waits for an answer: long enough for one on this machine, as busy as it is."""
        return max(0.4, self.approval_takes_s / 2)

    # The stand-in

    def standin(self, method: str, path: str, body: Any = None) -> Any:
        """What its admin API answers."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.standin_port, timeout=LIMIT_S)) as asked:
            asked.request(method, f"/_standin{path}", None if body is None else json.dumps(body),
                          {"Content-Type": "application/json"})
            answer = asked.getresponse()
            raw = answer.read()
        assert answer.status == http.client.OK, raw[:300]
        return json.loads(raw)

    def forget_what_was_told(self) -> None:
        """Nobody was told anything, nothing goes wrong, and LINE's buckets are full."""
        self.standin("DELETE", "/faults")
        self.standin("DELETE", "/deliveries")
        self.standin("POST", "/clock", {"advance_s": 2})

    def told_percent(self) -> int:
        """How much of the audience has been told, doubles counted.

        Looked up in the stand-in's file: itself it is busy while senders send, and would say so too late.
        """
        file = self.folder / "standin" / "line.sqlite"
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as log:
            told: int = log.execute("SELECT COALESCE(SUM(delivered), 0) FROM request").fetchone()[0]
        return 100 * told // len(self.audience)

    def wrongly_told(self) -> dict[str, list[str]]:
        """Who of the audience was not told, who was told twice, and who else was told: nobody, three times."""
        told: dict[str, int] = self.standin("GET", "/deliveries/users")
        return {
            "missed": sorted(self.audience - told.keys())[:3],
            "twice": sorted(user for user, times in told.items() if times > 1)[:3],
            "outside": sorted(told.keys() - self.audience)[:3],
        }

    # A play

    def play(self, schedule: Schedule) -> None:
        """The schedule has been played to its end: nothing waits in the outbox any more."""
        lease_s = schedule.lease * self.patience_s
        self.pace = {"LINE_LEASE_S": f"{lease_s:.2f}", "LINE_ATTEMPT_LIMIT_S": f"{self.patience_s:.2f}"}
        self.use(schedule.begin)
        self.forget_what_was_told()
        for _ in range(schedule.senders):
            self.begin_sender()
        if schedule.begin != "packed":
            self.begin("worker")
        with ThreadPoolExecutor(1) as desk:
            approved: Future[None] = Future()
            if schedule.begin == "approving":
                approved = desk.submit(self._approve, schedule.api_dies_after_s)
            else:
                approved.set_result(None)
            self._play_out(list(schedule.steps), approved)
        for name in self.senders():
            self.kill(name)

    def _play_out(self, steps: list[Step], approved: Future[None]) -> None:
        """Every step was taken, the approval is answered, and nothing waits in the outbox any more."""
        deadline_s = time.monotonic() + LIMIT_S
        while steps or not approved.done() or not self._is_over():
            assert time.monotonic() < deadline_s, f"still open after {LIMIT_S:.0f} s: {self.chunk_states()}"
            told_percent = self.told_percent()
            while steps and steps[0].after_percent <= told_percent:
                self._take(steps.pop(0))
            if told_percent >= LAST_FAULT_PERCENT and not steps:
                self.standin("DELETE", "/faults")
            self.restart_the_dead()
            time.sleep(0.01)
        approved.result()

    def _is_over(self) -> bool:
        if self.told_percent() < 100:
            return False
        with contextlib.suppress(psycopg.OperationalError):
            return not self.chunk_states().keys() & {"queued", "sending"}
        return False

    def _take(self, step: Step) -> None:
        match step.deed:
            case "fault":
                fault = {"kind": step.what, "count": step.count, "ms": 800 * self.patience_s, "endpoint": "multicast"}
                self.standin("POST", "/faults", fault)
            case "another sender":
                self.begin_sender()
            case "kill worker":
                if "worker" in self.running:
                    self.kill("worker")
                    self.begin("worker")
            case "kill database":
                self.kill_database(step.what)
            case "kill sender" | "kill all senders":
                victims = self.senders() if step.deed == "kill all senders" else self.senders()[:1]
                for name in victims:
                    self.kill(name)
                    self.begin_sender()

    def _approve(self, dies_after_s: tuple[float, ...]) -> None:
        """The officer has an answer to the approval, however often the API died before."""
        for after_s in dies_after_s:
            self.begin("api")
            self.await_api()
            asking = threading.Thread(target=self.approve)
            asking.start()
            time.sleep(after_s)
            self.kill("api")
            asking.join()
        self.begin("api")
        self.await_api()
        deadline_s = time.monotonic() + LIMIT_S
        while (answer := self.approve()) is None or answer[0] != http.client.OK:
            # Nothing but an API or a database that is away may keep the officer from an answer.
            assert answer is None or answer[0] >= http.client.INTERNAL_SERVER_ERROR, answer
            assert time.monotonic() < deadline_s, answer
            time.sleep(0.05)

    def is_told_to_the_officer(self) -> bool:
        """The API says that the alert is active, and that LINE took it for the whole audience."""
        status, seen = self.officer.ask("GET", f"/alerts/{self.alert_id}") or (0, {})
        counts = seen["audience"]["count"], seen["delivery"]["accepted_recipients"]
        return status == http.client.OK and seen["state"] == "active" and counts == (len(self.audience),) * 2

    def approve(self) -> tuple[int, Any] | None:
        """The officer has asked for the alert as it was shown to go out."""
        shown = {"revision": self.revision, "typed_name": ZONE_NAME}
        return self.officer.ask("POST", f"/alerts/{self.alert_id}/approve", shown)


def await_that(holds: Callable[[], bool], limit_s: float = 10.0) -> bool:
    """It holds before the limit is reached."""
    deadline_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def _try_until(act: Callable[[], object], fault: type[Exception], limit_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while True:
        try:
            act()
            return
        except fault:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def house() -> Iterator[House]:
    """A house whose town waits for an approval, and which has been through one: the beginnings of all plays."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it.
    folder = Path(tempfile.mkdtemp(prefix="faonam-once-", dir=memory if memory.is_dir() else None))
    folder.chmod(0o755)
    place = cluster.Cluster(folder / "cluster")
    try:
        # What is committed outlives the server, as in a city: forgetful ones would lose what they said they had.
        cluster.start(place)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FAONAM_DATA_DIR", str(folder))
            patch.setenv("DATABASE_URL", place.url())
            _read_anew()
            with nursery.nursery(folder / "said.log") as warm:
                yield _settled(House(place, warm, folder, free_port(), Officer(free_port())))
        _read_anew()
    finally:
        cluster.stop(place)
        shutil.rmtree(folder, ignore_errors=True)


def _read_anew() -> None:
    settings.cache_clear()
    db.engine.cache_clear()
    sealing.read_anew()


def _settled(one: House) -> House:
    everybody = _settle(one)
    db.engine().dispose()
    one.database = cluster.DATABASE
    one.begin("api")
    one.await_api()
    one.officer.sign_in()
    one.keep_as(APPROVING)
    one.warm.begin(
        "standin", FAONAM_DATA_DIR=str(one.folder), FAONAM_STANDIN_PORT=str(one.standin_port)
    )
    _try_until(lambda: one.standin("GET", "/health"), OSError)
    for start in range(0, len(everybody), 10_000):
        some = [{"user_id": user, "display_name": "x"} for user in everybody[start : start + 10_000]]
        one.standin("POST", "/users", some)
    one.use(APPROVING)
    one.begin("api")
    one.await_api()
    began_s = time.monotonic()
    answer = one.approve()
    assert (answer or (0,))[0] == http.client.OK, answer
    one.approval_takes_s = time.monotonic() - began_s
    one.keep_as(PACKING)
    one.use(PACKING)
    one.begin("worker")
    assert await_that(lambda: sum(one.chunk_states().values()) == CHUNKS)
    one.keep_as(PACKED)
    return one


def _settle(one: House) -> list[str]:
    """The town lives in the database, and its alert waits; who has a phone."""
    upgrade.upgrade(db.engine())
    rng = np.random.default_rng(7)
    inside, beside = RESIDENTS + UNREACHABLE, NEIGHBOURS
    lonlats = rng.uniform((100.0, 8.4), (100.02, 8.41), (inside + beside, 2))
    lonlats[:500, 0] = 100.01  # On the side that both zones share.
    lonlats[500:1000, 1] = 8.41  # On the outer edge, which counts as inside.
    lonlats[inside:, 0] += 0.0201
    members = town.homes_layer(lonlats, rng)
    everybody = [str(user) for user in members.column("member_id")]
    with db.transaction() as session:
        staff.actions.create_account(
            session, username="officer", display_name="officer", password=PASSWORD, roles=("approver", "officer")
        )
        one.alert_id = town.settle(session, zones=ZONES, members=members).id
        silent = [sealing.fingerprint(user) for user in everybody[RESIDENTS:inside]]
        session.execute(
            sa.text("UPDATE resident SET is_reachable = false WHERE line_user_hash = ANY(:silent)"), {"silent": silent}
        )
        alert = actions.revise(session, one.alert_id)
        assert alert.audience_count == RESIDENTS
        one.revision = alert.revision
    one.audience = set(everybody[:RESIDENTS])
    return everybody
