"""The storm, played on the shared clock: gauges and cameras rise, residents report, and people decide.

`play` leaves the deciding to people on the screens. `play_through` adds a scripted officer, dispatcher and crews, and
ends with the figures that tell whether everybody who should have been told was told once, and nobody else.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2

from cctv.pictures import jpeg
from core import clock, db, pace
from core.errors import SetupError
from core.logs import get_logger
from demo import accounts, frames, packfiles, patience, queries, scenario
from demo import figures as closing
from demo.actors import cameras, gauges
from demo.actors.crew import Crew
from demo.actors.desk import Desk
from demo.actors.ear import Ear
from demo.actors.officer import Colleague, Dispatcher, Officer
from demo.actors.residents import Neighbour, Resident, standin_url
from demo.actors.wire import http
from demo.city import hydrology
from gis import crs
from gis.points import LonLat

log = get_logger("demo")

SEED = 2569
APART_M = 150.0
REGISTER_AT_ONCE = 10_000
WRITERS = 6
QUIET_ENOUGH_S = 90.0
PATIENT_SPEED = 10.0
LOOK_EVERY_S = 0.3
LOOKS_AGAIN_S = 2.0


@dataclass(frozen=True)
class Moment:
    """A moment of the storm: its shared time, and how many hours after the beginning that is."""

    at: datetime
    after_h: float


class Storm:
    """The storm's own state: what it drives, how far it is, and who has reported."""

    def __init__(self, *, packs: Sequence[Path], speed: float) -> None:
        self._noise = random.Random(SEED)
        self._speed = speed
        rows = packfiles.rows(packs, "gauges")
        self._gauges = [_simulated(row.columns, speaks_mqtt=number % 2 == 0) for number, row in enumerate(rows)]
        camera_rows = [row for row in packfiles.rows(packs, "cameras") if row.columns.get("bank_m_msl")]
        self._cameras = [cameras.camera(row.columns) for row in camera_rows]
        self._water = hydrology.Hydrology.of([r.columns for r in rows], [r.columns for r in camera_rows])
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="resident")
        self._written: list[Future[bool]] = []
        self._places: list[LonLat] = []
        self.start_at = datetime.min

    def begin(self) -> None:
        """The shared clock runs at the storm's speed, and LINE knows every member."""
        with db.transaction() as session:
            _register_with_line(queries.line_members(session))
            pace.set_pace(session, speed=self._speed)
        self.start_at = clock.now()
        log.info("storm.began", speed=self._speed, gauges=len(self._gauges), cameras=len(self._cameras))

    def now(self) -> Moment:
        """The moment that the shared clock shows."""
        at = clock.now()
        return Moment(at, scenario.hours_in(self.start_at, at))

    def go_on_from(self, after_h: float) -> None:
        """It is this hour of the storm now: what the shared clock ran on meanwhile is no part of it."""
        self.start_at = clock.now() - timedelta(hours=after_h)

    def observe(self, moment: Moment) -> None:
        """Every gauge has told its level of this moment, and every camera shows it; the database is not asked."""
        after_h = moment.after_h
        levels = [
            gauges.LevelNow(g, self._water.level_m_msl(g.code, after_h=after_h), moment.at) for g in self._gauges
        ]
        gauges.tell(levels, noise=self._noise)
        for camera in self._cameras:
            cameras.show(
                camera, level_m_msl=self._water.level_m_msl(camera.code, after_h=after_h), taken_at=moment.at,
                rain_mm_per_h=scenario.rain_mm_per_h(after_h),
            )

    def write(self, planned: scenario.PlannedReport) -> bool:
        """Somebody has begun to write this report (and neighbours to echo it); False where nobody's home fits yet."""
        writer = self._writer(is_wet=planned.is_wet)
        if writer is None:
            return False
        people = [writer]
        if planned.echo:
            with db.transaction() as session:
                near = queries.people_nearby(session, writer.home, limit=planned.echo + 1)
            people += [person for person in near if person.user_id != writer.user_id][: planned.echo]
        self._places.append(writer.home)
        for person in people:
            picture = self._photo(planned.text) if planned.has_photo else None
            self._written.append(self._writers.submit(Resident(person, picture).report, planned.text))
        return True

    def _writer(self, *, is_wet: bool) -> Neighbour | None:
        find = queries.people_in_wet_homes if is_wet else queries.people_in_dry_homes
        with db.transaction() as session:
            candidates = find(session, seed=str(len(self._places)), limit=60)
        for person in candidates:
            if all(crs.distance_m(person.home, place) > APART_M for place in self._places):
                return person
        return None

    def _photo(self, text: str) -> bytes:
        """A rendered picture that a resident takes of flood water at a wall, marked SIMULATED like every picture."""
        scene = self._cameras[0].scene if self._cameras else frames.StaffScene()
        seed = sum(text.encode())
        picture = frames.render_frame(scene.middle_level_m_msl, staff=scene, light=0.8, rain=0.3, seed=seed)
        return jpeg(cv2.resize(picture, (800, 450)))

    def await_reports(self) -> None:
        """Everybody who wrote has the number of the report, or has given up."""
        self._writers.shutdown(wait=True)
        unanswered = sum(1 for report in self._written if not report.result())
        log.info("storm.reports_written", reports=len(self._written), unanswered=unanswered)


def _simulated(columns: Mapping[str, Any], *, speaks_mqtt: bool) -> gauges.SimulatedGauge:
    """The gauge that a row describes; raises SetupError where it is not ours to speak for."""
    for needed in ("device_key", "bank_m_msl"):
        if columns.get(needed) in (None, ""):
            raise SetupError(
                f"Gauge {columns['code']} has no {needed} in its city pack: a storm can be played only on gauges "
                "that the pack lets us speak for, with bank and key."
            )
    return gauges.SimulatedGauge(str(columns["code"]), str(columns["device_key"]), speaks_mqtt=speaks_mqtt)


def _register_with_line(members: list[tuple[str, str]]) -> None:
    people = [
        {"user_id": user_id, "display_name": f"สมาชิก {number:05d}", "language": language}
        for number, (user_id, language) in enumerate(members, start=1)
    ]
    for first in range(0, len(people), REGISTER_AT_ONCE):
        answer = http().post(f"{standin_url()}/users", json=people[first : first + REGISTER_AT_ONCE], timeout=60.0)
        answer.raise_for_status()


class _Weather:
    """What of the storm is still to come, driven beat by beat: readings every five minutes, reports when they are due.

    A beat that a fault of the database cut short is simply made again: nothing in it happens twice.
    """

    def __init__(self, storm: Storm, pace: _Pace) -> None:
        self._storm, self._pace = storm, pace
        self._pending = scenario.planned_reports()
        self._next_reading_h = self._reached_h = 0.0
        self._is_held = False
        self._instruments = ThreadPoolExecutor(1, thread_name_prefix="instruments")
        self._observed: Future[None] | None = None

    def hold(self) -> None:
        """The storm stands still until the next beat, and goes on from where it was."""
        self._is_held = True

    def beat(self) -> float:
        """What is due is under way; returns how far the storm is, in hours.

        Where the last readings are still on their way when the next are due, the storm waits for them.
        """
        if self._is_held:
            self._storm.go_on_from(self._reached_h)
            self._is_held = False
        moment = self._storm.now()
        self._reached_h = moment.after_h
        is_late = self._observe_if_due(moment)
        self._pace.keep(is_late=is_late)
        for report in [report for report in self._pending if report.after_h <= moment.after_h]:
            if self._storm.write(report):
                self._pending.remove(report)
        return moment.after_h

    def _observe_if_due(self, moment: Moment) -> bool:
        """Readings that are due are under way; True where those before them are late."""
        if moment.after_h < self._next_reading_h:
            return False
        if self._observed is not None:
            if not self._observed.done():
                return True
            self._observed.result()
        self._observed = self._instruments.submit(self._storm.observe, moment)
        step_h = scenario.READING_EVERY.total_seconds() / 3600
        self._next_reading_h = max(self._next_reading_h + step_h, moment.after_h)
        return False

    def end(self) -> None:
        """The last readings have been told."""
        self._instruments.shutdown(wait=True)


def _weather(storm: Storm, pace: _Pace, *, until_h: float, on_beat: Callable[[], object]) -> None:
    """The storm has been driven to `until_h`, standing still while the database was away."""
    weather = _Weather(storm, pace)
    while patience.when_database_is_there(weather.beat, on_wait=weather.hold) < until_h:
        on_beat()
        time.sleep(0.1)
    weather.end()


class _Pace:
    """How fast a storm goes: slowly while it waits for its own gauges, or for the people who watch it.

    A real flood never runs ahead of its gauges, and an alert that nobody had time to read shows nothing.
    """

    def __init__(self, speed: float, *, is_patient: bool) -> None:
        """`is_patient` waits for people too."""
        self._speed = self._now = speed
        self._is_patient = is_patient
        self._is_alert_waiting = False
        self._looked_s = float("-inf")

    def keep(self, *, is_late: bool) -> None:
        """The clock runs as fast as gauges (`is_late`) and people can follow; looks for an alert once a second."""
        if self._is_patient and time.monotonic() - self._looked_s >= 1.0:
            self._looked_s = time.monotonic()
            with db.transaction() as session:
                self._is_alert_waiting = queries.is_warning_waiting(session)
        waits_for = "gauges" if is_late else "approval" if self._is_alert_waiting else None
        wanted = min(PATIENT_SPEED, self._speed) if waits_for else self._speed
        if wanted != self._now:
            with db.transaction() as session:
                pace.set_pace(session, speed=wanted)
            log.info("storm.waits" if waits_for else "storm.goes_on", speed=wanted, waits_for=waits_for)
            self._now = wanted


def play(*, packs: Sequence[Path], speed: float, is_patient: bool) -> None:
    """The storm has passed and its gauges go on telling a calm river's level, until the process is stopped.

    `is_patient` slows it down while an alert waits for somebody's approval.
    """
    storm = Storm(packs=packs, speed=speed)
    patience.when_database_is_there(storm.begin)
    _Script([_colleague])
    _weather(storm, _Pace(speed, is_patient=is_patient), until_h=scenario.STORM_H, on_beat=lambda: None)
    patience.when_database_is_there(_calm_down)
    log.info("storm.passed", play_it_again="./run --fresh")
    while True:
        storm.observe(patience.when_database_is_there(storm.now))
        time.sleep(scenario.READING_EVERY.total_seconds())


def _calm_down() -> None:
    with db.transaction() as session:
        pace.set_pace(session, speed=1.0)


Look = tuple[Callable[[], None], Callable[[float], object]]


def _colleague(is_over: threading.Event) -> Look:
    desk = Desk(username=accounts.COLLEAGUE, password=accounts.demo_passwords()[accounts.COLLEAGUE])
    return Colleague(desk).look, Ear(desk, topic="alerts.alert_proposed", is_over=is_over).wait


def _approver(is_over: threading.Event) -> Look:
    # An officer on duty is called by the proposal; others look up every few moments.
    desk = Desk(username="approver", password=accounts.demo_passwords()["approver"])
    return Officer(desk).look, Ear(desk, topic="alerts.alert_proposed", is_over=is_over).wait


def _dispatcher(is_over: threading.Event) -> Look:
    desk = Desk(username="dispatcher", password=accounts.demo_passwords()["dispatcher"])
    return Dispatcher(desk).look, is_over.wait


def _crew(username: str) -> Callable[[threading.Event], Look]:
    def look(is_over: threading.Event) -> Look:
        return Crew(Desk(username=username, password=accounts.demo_passwords()[username])).look, is_over.wait

    return look


class _Script:
    """The people of a storm that a program plays, each in a thread of their own, looking again until told to go home.

    Each signs in when the API is there.
    """

    def __init__(self, people: Sequence[Callable[[threading.Event], Look]]) -> None:
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._live, args=(person,), daemon=True) for person in people]
        for thread in self._threads:
            thread.start()

    def _live(self, person: Callable[[threading.Event], Look]) -> None:
        try:
            self._keep_looking(*person(self._is_over))
        except Exception:  # The storm goes on; the figures tell what was missed.
            log.exception("storm.person_could_not_come")

    def _keep_looking(self, look: Callable[[], None], wait: Callable[[float], object]) -> None:
        while not self._is_over.is_set():
            try:
                look()
            except Exception:  # A person who meets an error looks again; the figures tell what was missed.
                log.exception("storm.person_met_an_error")
            wait(LOOKS_AGAIN_S)

    def go_home(self) -> None:
        """Nobody looks any more."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(timeout=30.0)


def play_through(
    *, packs: Sequence[Path], speed: float, passwords: Mapping[str, str], on_beat: Callable[[], object]
) -> closing.Figures:
    """The storm has been played to its end with scripted people; returns what came of it."""
    storm = Storm(packs=packs, speed=speed)
    crews = [_crew(username) for username in passwords if username.startswith("crew-")]
    script = _Script([_colleague, _approver, _dispatcher, *crews])
    patience.when_database_is_there(storm.begin)
    _weather(storm, _Pace(speed, is_patient=False), until_h=scenario.STORM_H, on_beat=on_beat)
    storm.await_reports()
    deadline = time.monotonic() + QUIET_ENOUGH_S
    while time.monotonic() < deadline and not closing.is_quiet():
        on_beat()
        time.sleep(LOOK_EVERY_S)
    script.go_home()
    return closing.gather()

