"""From an officer's yes to LINE's last yes: 50,000 residents, and a million; and from water to the officer's screen.

The house runs as it does in a city: API, sender, workers and the LINE stand-in are processes of their own, beside the
database, on this machine. The stand-in counts requests as LINE does (200 multicasts a second), so that a million
residents in chunks of 500 take 10 s at least. An officer signs in, looks at the preview and approves over HTTP; the
clock runs from that request to the stand-in's last delivery. It knows who was told: each of those in the zone once, and
none of those who live outside.

The million are told twice: warned at the pace that a city's sender keeps by itself, then told the all-clear at a pace
nearer to LINE's own. Between the two the ledger is written, and how long that takes is told.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa

import staff.actions
from alerts import actions, audience, ledger, proposals, queries
from alerts.audience import Reach
from bench import crowd, threshold, town
from bench.measure import Limit, Result, Timing, check, rounded
from bench.places import environment, own_database, undone
from bench.programs import begin
from bench.servers import free_port, listening
from core import clock, db
from core.progress import Progress, step
from core.settings import data_dir
from line.rules import MULTICAST_LIMIT
from staff.rules import AccountRef, csrf_token

MANY, MOST, OUTSIDE = 50_000, 1_000_000, 10_000
CORNERS = 800
LINE_PER_S = 200.0
NEARER_PER_S = 190.0
PATIENCE_S = 300.0
LEDGER_PATIENCE_S = 180.0
LOOKS = 5
PASSWORD = "as long as the bench lives"  # noqa: S105 - of an account that lives as long as the bench.
MOST_FIGURES = {
    "seconds_50k": 3.0, "preview_1m_s": 1.0, "memory_mb": 500.0, "outside_told": 0.0,
    "told_twice": 0.0, "not_told": 0.0, **threshold.MOST,
}  # fmt: skip
_ROWS_FOR_EACH = sa.text(
    "INSERT INTO alert_recipient (alert_id, resident_id, home_id, language, state, reason, reasons)"
    " SELECT :alert_id, u.resident_id, u.home_id, c.language, 'queued', 'home', '{home}' FROM alert_chunk c"
    " CROSS JOIN LATERAL unnest(c.resident_ids, c.home_ids) AS u (resident_id, home_id) WHERE c.alert_id = :alert_id"
)
PROGRAMS = {
    "line-standin": 0, "api": 0, "worker --queues urgent,flood --concurrency 1": 0,
    "worker --queues default,events --concurrency 4": 5,
}  # fmt: skip


def measure(*, seed: int) -> Result:
    """Two alerts and an all-clear, each to its last delivery; then the way from a gauge to the screen."""
    rng = np.random.default_rng(seed)
    figures: dict[str, float] = {}
    with own_database("alert"):
        with step(f"settling {MANY + MOST + OUTSIDE:,} residents"):
            city = _settle(rng)
        with _House() as house:
            with step("telling LINE of them") as tell:
                crowd.befriend(house.standin_url, city.ids, tell)
            officer = house.officer()
            with house.sending(), step(f"{MANY:,} residents") as tell:
                many = _told(house, officer, _propose(city, "S"), city.inside["S"], tell)
                preview, million = _propose_and_look(house, officer, city)
            with house.sending(), step(f"{MOST:,} residents at the sender's own pace") as tell:
                most = _told(house, officer, million, city.inside["L"], tell)
            with step("writing the ledger"):
                ledger_s = _await_ledger(million)
            with house.sending(per_s=NEARER_PER_S), step(f"{MOST:,} residents at {NEARER_PER_S:g} a second") as tell:
                nearer = _told(house, officer, _propose_all_clear(million), city.inside["L"], tell)
            memory_mb = house.memory_mb()
        with step("a row for each of them, as plainly as can be"):
            plainly_s = _rows_for_each(million)
        told = (many, most, nearer)
        figures |= {
            "seconds_50k": rounded(many.seconds), "seconds_1m": rounded(most.seconds),
            "seconds_1m_nearer": rounded(nearer.seconds), "floor_s": rounded(_floor_s(MOST)),
            "floor_ratio_1m_nearer": rounded(nearer.seconds / _floor_s(MOST)),
            "approve_1m_s": rounded(most.approved_s), "preview_1m_s": rounded(preview.typical_s),
            "preview_1m_first_s": rounded(preview.seconds[0]), "ledger_1m_s": rounded(ledger_s),
            "memory_mb": max(memory_mb.values()),
            "outside_told": float(sum(one.outside for one in told)),
            "told_twice": float(sum(one.twice for one in told)), "not_told": float(sum(one.missed for one in told)),
        }  # fmt: skip
    figures |= threshold.measured(seed=seed)
    facts = {"residents": len(city.ids), "memory_mb_each": memory_mb, "seed": seed}
    peers: dict[str, Timing | Limit] = {"line_floor": Limit(_floor_s(MOST)), "row_for_each": Timing((plainly_s,))}
    return Result("alert", facts, Timing((most.seconds,)), peers, {"line_floor": 1.5}, figures, most=MOST_FIGURES)


def _rows_for_each(alert_id: int) -> float:
    """Seconds of one INSERT of a ledger's row for each of the alert's residents, before anything could be sent."""
    with undone() as session:
        session.execute(sa.text("DELETE FROM alert_recipient WHERE alert_id = :alert_id"), {"alert_id": alert_id})
        began_s = time.perf_counter()
        session.execute(_ROWS_FOR_EACH, {"alert_id": alert_id})
        return time.perf_counter() - began_s


def _floor_s(residents: int) -> float:
    """LINE's own: so many requests of 500 at 200 a second."""
    return -(-residents // MULTICAST_LIMIT) / LINE_PER_S


# --- the city ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _City:
    """LINE ids, and which of them live in which zone."""

    ids: Sequence[str]
    inside: dict[str, frozenset[str]]


def _settle(rng: np.random.Generator) -> _City:
    """A small zone, a large one, and homes in both and outside, thinly beside the edges."""
    zones = {"S": _zone(100.0, 0.02, rng), "L": _zone(100.2, 0.09, rng)}
    homes = np.vstack(
        [
            _homes_in(zones["S"], MANY, rng),
            _homes_in(zones["L"], MOST, rng),
            rng.uniform((100.4, 8.3), (100.5, 8.5), (OUTSIDE, 2)),
        ]
    )
    order = rng.permutation(len(homes))
    ids = crowd.line_ids(len(homes), rng)
    with db.transaction() as session:
        town.add_city(session, shapely.box(99.9, 8.2, 100.6, 8.6))
        crowd.settle(session, ids=ids, homes=homes[order], rng=rng)
        for code, zone in zones.items():
            town.add_zone(session, code, zone)
        proposals.store_shipped(session)
    with db.transaction() as session:
        session.execute(sa.text("ANALYZE resident, home, zone, zone_part"))
    lives_in = np.repeat(["S", "L", "-"], [MANY, MOST, OUTSIDE])[order]
    told = np.array(ids)
    return _City(ids, {code: frozenset(told[lives_in == code].tolist()) for code in zones})


def _zone(middle_lon: float, radius_deg: float, rng: np.random.Generator) -> shapely.Polygon:
    angle = np.linspace(0.0, 2 * np.pi, CORNERS, endpoint=False)
    radii = radius_deg * rng.uniform(0.97, 1.03, CORNERS)
    return shapely.Polygon(np.column_stack([middle_lon + radii * np.cos(angle), 8.4 + radii * np.sin(angle)]))


def _homes_in(zone: shapely.Polygon, count: int, rng: np.random.Generator) -> crowd.Floats:
    west, south, east, north = zone.bounds
    places = rng.uniform((west, south), (east, north), (2 * count, 2))
    return places[shapely.contains_xy(zone, *places.T)][:count]


def _propose(city: _City, code: str) -> int:
    with db.transaction() as session:
        zone_ids = list(queries.zone_ids_by_code(session, [code]).values())
        alert = proposals.open_proposal(
            session, kind="alert", level=town.DANGER, zone_ids=zone_ids, run_id=None, now=clock.now()
        )
        check(alert.audience_count == len(city.inside[code]), "the proposal is not for those in the zone.")
        return alert.id


def _propose_all_clear(alert_id: int) -> int:
    with db.transaction() as session:
        watch = _account(session, "watch")
        return actions.propose_all_clear(session, alert_id, watch).id


def _account(session: Any, username: str) -> AccountRef:
    return staff.actions.create_account(
        session, username=username, display_name=username, password=PASSWORD, roles=("approver", "officer")
    )


# --- the house -----------------------------------------------------------------------------------------------------


@dataclass
class _Officer:
    """A browser that is signed in."""

    connection: http.client.HTTPConnection
    headers: dict[str, str]

    def asks(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[float, dict[str, Any]]:
        """Seconds until the answer, and the answer."""
        began_s = time.perf_counter()
        self.connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        read = answer.read()
        took_s = time.perf_counter() - began_s
        self.connection.close()  # The server would, while the officer thinks.
        check(answer.status == http.client.OK, f"{path} was answered {answer.status}: {read[:300]!r}.")
        found: dict[str, Any] = json.loads(read)
        return took_s, found


class _House:
    """The processes of a city, ended with the block."""

    def __enter__(self) -> _House:
        self._ports = {"FAONAM_API_PORT": free_port(), "FAONAM_STANDIN_PORT": free_port()}
        self._set = [environment(name, str(port)) for name, port in self._ports.items()]
        for one in self._set:
            one.__enter__()
        self.standin_url = f"http://127.0.0.1:{self._ports['FAONAM_STANDIN_PORT']}"
        self._children = {
            words: begin(*words.split(), niceness=niceness) for words, niceness in PROGRAMS.items()
        }
        self._highest_mb: dict[str, float] = {}
        for port in self._ports.values():
            listening(port)
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            child.wait(60)
        for one in self._set:
            one.__exit__(None, None, None)

    def officer(self) -> _Officer:
        """Somebody who may approve, signed in."""
        with db.transaction() as session:
            _account(session, "officer")
            signed_in = staff.actions.sign_in(session, username="officer", password=PASSWORD, address="bench")
        check(signed_in is not None, "the officer cannot sign in.")
        token = signed_in.token if signed_in else ""
        headers = {
            "Cookie": f"faonam_session={token}", "X-CSRF-Token": csrf_token(token), "Content-Type": "application/json",
        }  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self._ports["FAONAM_API_PORT"], timeout=PATIENCE_S)
        return _Officer(connection, headers)

    @contextmanager
    def sending(self, *, per_s: float | None = None) -> Iterator[None]:
        """A sender runs, at its own pace or at this one."""
        with environment("LINE_MULTICASTS_PER_S", str(per_s)) if per_s else nullcontext():
            child = begin("sender")
        try:
            _await_sender()
            yield
        finally:
            self._note_memory("sender", child)
            child.terminate()
            child.wait(60)

    def _note_memory(self, name: str, child: subprocess.Popen[bytes]) -> None:
        status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
        highest_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        self._highest_mb[name] = max(self._highest_mb.get(name, 0.0), rounded(highest_kb / 1024))

    def memory_mb(self) -> dict[str, float]:
        """The most memory that each process has had, in MiB."""
        for words, child in self._children.items():
            self._note_memory(words.split(" --concurrency")[0], child)
        return self._highest_mb


def _await_sender() -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    listens = sa.text(
        "SELECT count(*) > 0 FROM pg_stat_activity"
        " WHERE datname = current_database() AND query = 'LISTEN \"line_outbox\"'"
    )
    while time.monotonic() < deadline_s:
        with db.transaction() as session:
            if session.scalar(listens):
                return
        time.sleep(0.1)
    check(False, "the sender did not start.")


# --- the alerts ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Told:
    """Seconds from the officer's request to the last delivery and to the answer; who was told wrongly."""

    seconds: float
    approved_s: float
    outside: int
    twice: int
    missed: int


def _propose_and_look(house: _House, officer: _Officer, city: _City) -> tuple[Timing, int]:
    """The large alert waits, and was looked at a few times; both ways of counting say the same of it."""
    alert_id = _propose(city, "L")
    looks = [officer.asks("GET", f"/alerts/{alert_id}/preview") for _ in range(LOOKS)]
    shown = looks[-1][1]
    with db.transaction() as session:
        by_database = audience.counted_by_database(session, Reach(alert_id, has_homes=True, told_in=()))
    check(shown["count"] == by_database.count == len(city.inside["L"]), "the preview does not count those in the zone.")
    check(shown["by_language"] == by_database.by_language, "the preview does not count as the database does.")
    return Timing(tuple(took_s for took_s, _ in looks)), alert_id


def _told(house: _House, officer: _Officer, alert_id: int, inside: frozenset[str], tell: Progress) -> _Told:
    with db.transaction() as session:
        alert = queries.alert(session, alert_id)
        body = {"revision": alert.revision, "typed_name": queries.zones(session, [alert_id])[alert_id][0].name_th}
    began_at = time.time()
    approved_s, _ = officer.asks("POST", f"/alerts/{alert_id}/approve", body)
    _await_sent(alert_id, tell)
    last_at, counts = _delivered(alert_id)
    told = counts.keys()
    return _Told(
        seconds=last_at - began_at,
        approved_s=approved_s,
        outside=len(told - inside),
        twice=sum(times > 1 for times in counts.values()),
        missed=len(inside - told),
    )


def _await_sent(alert_id: int, tell: Progress) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        with db.transaction() as session:
            states = ledger.chunk_states(session, [alert_id])[alert_id]
        if states.keys() <= {"accepted"}:
            return
        tell(", ".join(f"{chunks:,} {state}" for state, (chunks, _) in states.items()))
        time.sleep(0.25)
    check(False, f"the alert did not go out within {PATIENCE_S:g} s.")


def _delivered(alert_id: int) -> tuple[float, dict[str, int]]:
    """When the stand-in took the alert's last chunk (Unix time), and how often it has told whom of it: its own log."""
    (log,) = data_dir().rglob("line.sqlite")
    unit = queries.subject(alert_id).replace(":", "_")
    connection = sqlite3.connect(f"file:{log}?mode=ro", uri=True)
    try:
        (last,) = connection.execute("SELECT max(wall_at) FROM request WHERE unit = ?", (unit,)).fetchone()
        rows = connection.execute(
            "SELECT u.user_id, count(*) FROM request r JOIN entry e ON e.request_no = r.no"
            " JOIN user u ON u.no = e.user_no WHERE r.unit = ? GROUP BY u.user_id",
            (unit,),
        )
        return datetime.fromisoformat(last).timestamp(), dict(rows.fetchall())
    finally:
        connection.close()


def _await_ledger(alert_id: int) -> float:
    began_s = time.monotonic()
    while time.monotonic() - began_s < LEDGER_PATIENCE_S:
        with db.transaction() as session:
            if not ledger.has_unwritten_ledger(session, alert_id):
                break
        time.sleep(0.2)
    with db.transaction() as session:
        check(ledger.counts(session, alert_id) == {"accepted": MOST}, "the ledger is not that of the audience.")
    return time.monotonic() - began_s
