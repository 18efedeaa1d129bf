"""An hour of a storm's reports in six minutes: 10,000 residents tell theirs on LINE, from the first word to the number.

Each writes what is wrong and where, taps a category, sends a pin and confirms; what they tap is what
the city offered them, so each step waits for the answer to the one before. They begin in Poisson's disorder over six
minutes and think one to three seconds between an answer and the next step, ten times as fast as people do. API,
receivers, sender and workers are processes of their own, as in the house, on the demo city with its 3,000 members;
LINE's side is an address that takes every answer at once.

The seconds are those from a resident's first words to the first answer. Nothing may be lost: every resident has one
report, with their own words.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from bench.callers import Caller, body_of, line_hears
from bench.measure import Result, Timing, check, rounded
from bench.places import environment, own_database
from bench.programs import running
from bench.servers import free_port, process, serve_ours
from core import db
from core.errors import UnavailableError
from core.progress import Progress, step
from core.settings import data_dir
from demo.city import generate
from flood import actions as flood_actions
from gis.citypack import importer
from incidents.actions import load_categories
from incidents.models import Report

REPORTS, SECONDS = 10_000, 360.0
THINKING_S = (1.0, 3.0)
LATEST_S = 120.0
# As the house runs them, each by its niceness: a test compares.
PROGRAMS = {
    "receiver": 2, "sender": 0, "worker --queues default,events --concurrency 4": 5,
    "worker --queues urgent,flood --concurrency 1": 0, "worker --queues dispatch --concurrency 1": 5,
}
TEXTS = (
    "น้ำท่วมเข้าบ้านแล้ว", "น้ำขังสูงถึงเข่า", "ไฟดับทั้งซอย", "ต้นไม้ล้มขวางทาง", "ท่อระบายน้ำตัน", "ขยะไม่มาเก็บ", "ถนนเป็นหลุม",
    "สายไฟห้อยลงมา", "น้ำประปาไม่ไหล", "ฝาท่อหาย", "ไฟทางไม่ติด", "หมาจรจัดไล่กัด", "เสียงดังรบกวน", "flooded street",
)
_BOX = sa.text("SELECT ST_XMin(boundary), ST_YMin(boundary), ST_XMax(boundary), ST_YMax(boundary) FROM city")
_IS_STANDING = sa.text("""
    SELECT (SELECT count(DISTINCT query) = 2 FROM pg_stat_activity
            WHERE datname = current_database() AND query IN ('LISTEN line_inbox', 'LISTEN "line_outbox"'))
       AND (SELECT count(*) >= :workers FROM procrastinate_workers)
""")
START_LIMIT_S = 60.0
_NUMBER = re.compile(r"25\d\d-\d{6}")


@dataclass
class _Teller:
    """A resident who tells a report: what they say, where they are, and how long they waited for each answer."""

    user_id: str
    words: str
    lon: float
    lat: float
    begins_s: float
    said_s: float = 0.0
    waits_s: list[float] = field(default_factory=list)
    number: str | None = None
    steps: int = 0


def measure(*, seed: int) -> Result:
    """Ten thousand conversations, side by side as they come."""
    rng = np.random.default_rng(seed)
    with own_database("intake"):
        tellers = _tellers(demo_city(seed), rng)
        found = asyncio.run(_tell_all(tellers, np.random.default_rng(rng.integers(2**32))))
        lost, twice = _lost(tellers)
    first_s = [teller.waits_s[0] for teller in tellers if teller.waits_s]
    waits_s = [wait_s for teller in tellers for wait_s in teller.waits_s]
    check(len(first_s) > 0, "nobody was answered.")
    figures = {
        "reports": float(sum(teller.number is not None for teller in tellers)), "lost": float(lost),
        "twice": float(twice), "first_answer_p95_s": rounded(float(np.quantile(first_s, 0.95))),
        "any_answer_p95_s": rounded(float(np.quantile(waits_s, 0.95))), "slowest_s": rounded(max(waits_s)),
        "events": float(found.calls), "refused": float(found.refused), "answers": float(found.answers),
        "late_start_s": rounded(found.late_s),
    }
    facts = {"seconds": SECONDS, "seed": seed, "steps": _commonest(teller.steps for teller in tellers)}
    return Result(
        "intake", facts, Timing(tuple(first_s)), {}, {}, figures,
        most={"lost": 0.0, "twice": 0.0, "refused": 0.0, "first_answer_p95_s": 2.0},
        least={"reports": float(REPORTS)},
    )


def _commonest(counts: Any) -> int:
    return int(Counter(counts).most_common(1)[0][0])


def demo_city(seed: int) -> list[str]:
    """The demo city is there; the names of its streets."""
    with step("drawing the demo city"):
        pack = generate.write_pack(data_dir() / "pack", seed)
    with step("importing it") as tell, db.transaction() as session:
        load_categories(session)
        importer.import_city(session, pack, tell)
        tell("drawing the zones that can flood")
        flood_actions.make_zones(session)
    with db.transaction() as session:
        return list(session.scalars(sa.text("SELECT DISTINCT name_th FROM road WHERE name_th <> '' ORDER BY 1")))


def _tellers(streets: Sequence[str], rng: np.random.Generator) -> list[_Teller]:
    """As many people as reports; a third of them name a street."""
    with db.transaction() as session:
        west, south, east, north = session.execute(_BOX).one()
    digits = rng.bytes(16 * REPORTS).hex()
    begins_s = np.sort(rng.uniform(0.0, SECONDS, REPORTS))
    tellers = []
    for number in range(REPORTS):
        words = f"{rng.choice(TEXTS)} ครั้งที่ {number}"
        if rng.random() < 1 / 3:
            words += f" {rng.choice(list(streets))}"
        lon, lat = rng.uniform((west, south), (east, north))
        user_id = f"U{digits[32 * number : 32 * number + 32]}"
        tellers.append(_Teller(user_id, words, float(lon), float(lat), float(begins_s[number])))
    return tellers


# --- the conversations ---------------------------------------------------------------------------------------------


@dataclass
class _Found:
    calls: int = 0
    refused: int = 0
    answers: int = 0
    late_s: float = 0.0


class _Talk:
    """All conversations on one event loop."""

    def __init__(self, tellers: Sequence[_Teller], caller: Caller, rng: np.random.Generator) -> None:
        self.found = _Found()
        self._by_token: dict[str, tuple[_Teller, float]] = {}
        self._by_user = {teller.user_id: teller for teller in tellers}
        self._caller = caller
        self._rng = rng
        self._tasks: set[asyncio.Task[None]] = set()
        self.left = len(tellers)

    def begin(self, teller: _Teller) -> None:
        self._soon(self._say(teller, {"type": "text", "text": teller.words}))

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _say(self, teller: _Teller, message: dict[str, Any], *, after_s: float = 0.0) -> None:
        await asyncio.sleep(after_s)
        self.found.calls += 1
        teller.steps += 1
        token = f"{self.found.calls:032x}"
        event: dict[str, Any] = {
            "mode": "active",
            "timestamp": int(time.time() * 1000),
            "source": {"type": "user", "userId": teller.user_id},
            "webhookEventId": f"01I{self.found.calls:023d}",
            "deliveryContext": {"isRedelivery": False},
            "replyToken": token,
        }
        if message["type"] == "postback":
            event |= {"type": "postback", "postback": {"data": message["data"]}}
        else:
            event |= {"type": "message", "message": {"id": str(self.found.calls), **message}}
        self._by_token[token] = (teller, time.perf_counter())
        self.found.refused += not await self._caller.call(body_of([event]))

    def hear(self, path: str, body: dict[str, Any]) -> None:
        """The city's answer has reached the phone; its owner thinks, then takes the next step."""
        self.found.answers += 1
        teller, said_s = self._by_token.pop(body.get("replyToken", ""), (None, 0.0))
        if teller is None:
            return  # A push: news of an incident, not the answer to a step.
        teller.waits_s.append(time.perf_counter() - said_s)
        number = _NUMBER.search(str(body["messages"]))
        if number and "confirm" not in str(body["messages"]):
            teller.number = number.group()
            self.left -= 1
            return
        following = _next_step(teller, body["messages"])
        if following is not None:
            self._soon(self._say(teller, following, after_s=self._rng.uniform(*THINKING_S)))


def _next_step(teller: _Teller, messages: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What the resident does with what is offered: the first category, the place, yes."""
    actions = [item["action"] for message in messages for item in message.get("quickReply", {}).get("items", ())]
    taps = [action["data"] for action in actions if action["type"] == "postback"]
    for verb in (":confirm", ":category:", ":more:"):
        found = next((data for data in taps if verb in data), None)
        if found is not None:
            return {"type": "postback", "data": found}
    if any(action["type"] == "location" for action in actions):
        return {"type": "location", "latitude": teller.lat, "longitude": teller.lon}
    return None


async def _tell_all(tellers: Sequence[_Teller], rng: np.random.Generator) -> _Found:
    port = free_port()
    talk = _Talk(tellers, Caller(port), rng)
    async with line_hears(talk.hear) as line_port:
        with (
            environment("FAONAM_STANDIN_PORT", str(line_port)), process(serve_ours, port), running(PROGRAMS),
        ):
            with step("starting the house's processes"):
                await asyncio.to_thread(_await_house)
            with step("six minutes of reports") as tell:
                await _play(talk, tellers, tell)
    return talk.found


def _await_house() -> None:
    """Receiver, sender and workers listen: a storm meets a house that stands."""
    deadline_s = time.perf_counter() + START_LIMIT_S
    while time.perf_counter() < deadline_s:
        with db.transaction() as session:
            if session.scalar(_IS_STANDING, {"workers": sum(words.startswith("worker") for words in PROGRAMS)}):
                return
        time.sleep(0.2)
    raise UnavailableError("The house's processes did not start.")


async def _play(talk: _Talk, tellers: Sequence[_Teller], tell: Progress) -> None:
    began_s = time.perf_counter()
    for number, teller in enumerate(tellers):
        ahead_s = began_s + teller.begins_s - time.perf_counter()
        await asyncio.sleep(max(0.0, ahead_s))
        talk.found.late_s = max(talk.found.late_s, -ahead_s)
        talk.begin(teller)
        if number % 100 == 0:
            tell(f"{number:,} have begun, {number - (len(tellers) - talk.left):,} are still telling")
    deadline_s = time.perf_counter() + LATEST_S
    while talk.left and time.perf_counter() < deadline_s:
        tell(f"{talk.left:,} are still telling")
        await asyncio.sleep(0.2)


def _lost(tellers: Sequence[_Teller]) -> tuple[int, int]:
    """How many residents have no report with their words, and how many have more than one."""
    with db.transaction() as session:
        kept = Counter(session.scalars(sa.select(Report.text)))
    counts = [kept[teller.words] for teller in tellers]
    return counts.count(0), sum(count > 1 for count in counts)
