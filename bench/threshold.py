"""From the water at a threshold to the proposal on an open screen, in the demo city with its house around it.

Each trial is hours later by the shared clock: gauges are calm, what was proposed is declined, and then one of them says
that the water stands over its bank. It says so over HTTP, as gauges do; a browser that is signed in listens at the live
stream. The seconds run from the reading's leaving the gauge to the news of the proposal there.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

import staff.actions
from alerts import actions
from bench.intake import demo_city
from bench.measure import check, rounded
from bench.places import environment, own_database
from bench.programs import running
from bench.servers import free_port, listening
from core import clock, db
from core.progress import step
from demo.stations import device_key
from staff.rules import AccountRef

TRIALS = 15
APART = timedelta(hours=6)
CALM_UNDER_BANK_M, OVER_BANK_M = 1.6, 0.5
SETTLES_S, PATIENCE_S = 2.5, 30.0
MOST = {"threshold_to_screen_p95_s": 1.0}
PASSWORD = "as long as the bench lives"  # noqa: S105 - of an account that lives as long as the bench.
PROGRAMS = {
    "api": 0, "worker --queues urgent,flood --concurrency 1": 0, "worker --queues default,events --concurrency 4": 5,
}  # fmt: skip
_GAUGES = sa.text("SELECT code, bank_m_msl FROM station WHERE kind = 'gauge' AND bank_m_msl IS NOT NULL ORDER BY code")
_OPEN = sa.text("SELECT id FROM alert WHERE state = 'proposed'")


@dataclass(frozen=True)
class _Gauge:
    code: str
    bank_m_msl: float


def measured(*, seed: int) -> dict[str, float]:
    """The seconds of the trials: the 95th of 100, the median and the slowest."""
    with own_database("threshold"):
        demo_city(seed)
        ports = {"FAONAM_API_PORT": str(free_port()), "FAONAM_STANDIN_PORT": str(free_port())}
        with contextlib.ExitStack() as house:
            for name, port in ports.items():
                house.enter_context(environment(name, port))
            house.enter_context(running(PROGRAMS))
            listening(int(ports["FAONAM_API_PORT"]))
            waits_s = sorted(_trials(int(ports["FAONAM_API_PORT"])))
    place = -(-95 * len(waits_s) // 100) - 1
    return {
        "threshold_to_screen_p95_s": rounded(waits_s[place]),
        "threshold_to_screen_median_s": rounded(waits_s[len(waits_s) // 2]),
        "threshold_to_screen_slowest_s": rounded(waits_s[-1]),
        "threshold_trials": float(len(waits_s)),
    }


def _trials(port: int) -> Iterator[float]:
    with db.transaction() as session:
        gauges = [_Gauge(*row) for row in session.execute(_GAUGES)]
        officer = staff.actions.create_account(
            session, username="bench", display_name="bench", password=PASSWORD, roles=("approver", "officer")
        )
        signed_in = staff.actions.sign_in(session, username="bench", password=PASSWORD, address="bench")
    check(signed_in is not None, "the officer cannot sign in.")
    screen = _Screen(port, signed_in.token if signed_in else "")
    with step("the water rises, again and again") as tell:
        for trial in range(TRIALS + 1):
            tell(f"{trial} of {TRIALS}" if trial else "warming up")
            _calm(port, gauges, officer)
            screen.forget()
            gauge = gauges[trial % len(gauges)]
            began_s = time.perf_counter()
            _say(port, gauge, gauge.bank_m_msl + OVER_BANK_M, upto=clock.now())
            wait_s = screen.awaits_proposal() - began_s
            if trial:
                yield wait_s


def _calm(port: int, gauges: Sequence[_Gauge], officer: AccountRef) -> None:
    """Hours have gone by, the water is low everywhere, and nothing is proposed."""
    with db.transaction() as session:
        clock.run_at(session, speed=1.0, start_at=clock.now() + APART)
    time.sleep(1.5)  # Every process looks at the clock once a second.
    for gauge in gauges:
        _say(port, gauge, gauge.bank_m_msl - CALM_UNDER_BANK_M, upto=clock.now())
    time.sleep(SETTLES_S)
    with db.transaction() as session:
        for alert_id in session.scalars(_OPEN).all():
            actions.decline(session, alert_id, "a trial of the bench", officer)
    with db.transaction() as session:
        # A metre in a minute would be doubted.
        clock.run_at(session, speed=1.0, start_at=clock.now() + APART)
    time.sleep(1.5)


def _say(port: int, gauge: _Gauge, level_m_msl: float, *, upto: datetime) -> None:
    """The gauge has told its last readings, which stand alike: one alone is not believed."""
    bodies = [
        {
            "datastream": gauge.code, "unit": "m", "value": round(level_m_msl + 0.001 * minutes, 3),
            "observed_at": (upto - timedelta(minutes=minutes)).isoformat(),
        }
        for minutes in (10, 5, 0)
    ]  # fmt: skip
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as connection:
        headers = {"Content-Type": "application/json", "X-Device-Key": device_key(gauge.code)}
        connection.request("POST", "/api/v1/readings", json.dumps(bodies), headers)
        answer = connection.getresponse()
        read = answer.read()
        check(answer.status == http.client.OK, f"a reading was answered {answer.status}: {read[:200]!r}.")


class _Screen(threading.Thread):
    """A browser that is signed in and listens at the live stream."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._connection.request("GET", "/api/v1/live", headers={"Cookie": f"faonam_session={token}"})
        self._answer = self._connection.getresponse()
        check(self._answer.status == http.client.OK, f"the live stream was answered {self._answer.status}.")
        self._heard = threading.Event()
        self._heard_s = 0.0
        self.start()

    def run(self) -> None:
        for line in self._answer:
            if b'"alerts.alert_proposed"' in line and not self._heard.is_set():
                self._heard_s = time.perf_counter()
                self._heard.set()

    def forget(self) -> None:
        """What was heard so far does not count."""
        self._heard.clear()

    def awaits_proposal(self) -> float:
        """When the first proposal since was on the screen."""
        check(self._heard.wait(PATIENCE_S), "no proposal reached the screen.")
        return self._heard_s
