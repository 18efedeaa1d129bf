"""Which token an exercise goes out by, to whom, and what of it reaches nobody."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import proposals
from alerts.exercise_models import ExerciseRecipient
from core import clock
from core.db import transaction
from core.errors import SetupError
from core.settings import ROOT
from line import messages, outbox, queries, rules
from line import sender as senders
from line.client import Blackhole, LineSender
from line.models import OutboxChunk, SendBucket
from line.sender import Answered, Sender, record
from tests.alerts.receiver import Receiver, receiver

LIVE, DRILL = "token-of-the-live-channel", "token-of-exercises"


@dataclass
class House:
    """A committed town with an exercise; `line` stands where LINE would."""

    line: Receiver
    alert_id: int
    listed: int

    def queue(self, to: list[str], *, channel: str, subject: str | None = None) -> int:
        """A chunk waits that says it is for the listed resident."""
        with transaction() as session:
            return outbox.enqueue(
                session, subject=subject or f"alert:{self.alert_id}", kind="multicast", to=to,
                messages=[messages.text("[ซ้อม] น้ำจะท่วม")], priority=0, channel=channel,
                resident_ids=[self.listed] * len(to),
            )

    def tokens(self) -> set[str]:
        """What the requests were authorised by."""
        return {headers["authorization"] for _, headers, _ in self.line.calls}


def states() -> dict[int, str]:
    with transaction() as session:
        return {row.id: row.state for row in session.scalars(sa.select(OutboxChunk))}


def wait_for(chunk_id: int, state: str) -> None:
    deadline = time.monotonic() + 20
    while states()[chunk_id] != state and time.monotonic() < deadline:
        time.sleep(0.05)
    assert states()[chunk_id] == state


@pytest.fixture
def house(database: sa.Engine, town_of: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with transaction() as session:
        town = town_of(session)
        zone = town.zone("A")
        listed = town.resident()
        town.resident()
        by = town.account("olu", ["officer"])
        session.add(ExerciseRecipient(resident_id=listed, added_at=clock.now(), added_by=by.id))
        alert = proposals.open_proposal(
            session, kind="alert", level=2, zone_ids=[zone], run_id=None, now=clock.now(), is_exercise=True
        )
    with receiver() as line:
        monkeypatch.setenv("LINE_API_BASE_URL", line.url)
        monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", LIVE)
        monkeypatch.setenv("LINE_EXERCISE_TOKEN", DRILL)
        yield House(line, alert.id, listed)


LISTED, STRANGER = f"U{1:032x}", f"U{2:032x}"


def run(*asked: Sender, until: int, state: str) -> None:
    """These senders have run until the chunk is in this state."""

    async def whole() -> None:
        running = [asyncio.create_task(one.run()) for one in asked]
        await asyncio.to_thread(wait_for, until, state)
        for one in asked:
            one.stop()
        await asyncio.gather(*running)

    asyncio.run(whole())


def test_exercises_go_out_by_their_own_token_from_a_process_without_the_live_one(house: House) -> None:
    """What LINE saw of an exercise bears the token of exercises; the sender of exercises leaves all else alone."""
    mine = house.queue([LISTED], channel="exercise")
    others = house.queue([STRANGER], channel="line", subject="incident:7")
    hidden = house.queue([LISTED], channel="blackhole")
    process = subprocess.Popen([sys.executable, "-c", "import line.sender as s; s.run_exercises()"], cwd=ROOT)
    try:
        wait_for(mine, "accepted")
    finally:
        process.terminate()
        process.wait()
    [(path, headers, body)] = house.line.calls
    assert path == "/v2/bot/message/multicast"
    assert headers["authorization"] == f"Bearer {DRILL}"
    assert LIVE not in str(headers) + body.decode()
    assert json.loads(body)["to"] == [LISTED]
    assert states() == {mine: "accepted", others: "queued", hidden: "queued"}


def test_the_live_token_cannot_be_read_in_the_mode_of_exercises(house: House) -> None:
    """Neither settings nor environment of the process that sends exercises hold the live token."""
    look = (
        "import os, asyncio, line.sender as s\n"
        "async def look():\n"
        "    from core.settings import settings\n"
        "    line = settings().line\n"
        "    print([v.get_secret_value() for v in vars(line).values() if hasattr(v, 'get_secret_value')],\n"
        "          [n for n, v in os.environ.items() if 'live-channel' in v])\n"
        "s.serve_exercises = look\n"
        "s.run_exercises()\n"
    )
    said = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == f"{[DRILL, DRILL]} []"


def test_without_a_token_of_exercises_there_is_no_such_sender(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing takes the live token in its place."""
    monkeypatch.delenv("LINE_EXERCISE_TOKEN")
    monkeypatch.setenv("LINE_MODE", "exercise")
    with pytest.raises(SetupError, match="LINE_EXERCISE_TOKEN"):
        asyncio.run(senders.serve_exercises())


def test_the_live_sender_takes_no_exercise_and_the_blackhole_tells_nobody(house: House) -> None:
    """The live sender sends what is live; what is for the blackhole is accepted, and LINE sees nothing of it."""
    live = house.queue([STRANGER], channel="line", subject="incident:7")
    drill = house.queue([LISTED], channel="exercise")
    hidden = house.queue([LISTED], channel="blackhole")
    run(Sender(LineSender()), Sender(Blackhole(), channel="blackhole"), until=hidden, state="accepted")
    wait_for(live, "accepted")
    assert house.tokens() == {f"Bearer {LIVE}"}
    assert [json.loads(body)["to"] for _, _, body in house.line.calls] == [[STRANGER]]
    assert states()[drill] == "queued"
    with transaction() as session:
        assert session.get_one(OutboxChunk, hidden).request_id.startswith("blackhole-")


@pytest.mark.parametrize("lie", ["address", "list"])
def test_strangers_are_found_at_the_last_moment(house: House, lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk that says it is for the listed and bears another's address, or one whose person left the list since:
    it fails, with the reason, and LINE sees nothing of it.
    """
    chunk_id = house.queue([LISTED, STRANGER] if lie == "address" else [LISTED], channel="exercise")
    if lie == "list":
        with transaction() as session:
            session.execute(sa.delete(ExerciseRecipient))
    monkeypatch.setenv("LINE_MODE", "exercise")
    run(Sender(LineSender(), channel="exercise"), until=chunk_id, state="failed")
    assert house.line.calls == []
    with transaction() as session:
        assert session.get_one(OutboxChunk, chunk_id).error == "1 of its recipients are not on the exercise list"


def test_quota_of_exercises_stops_no_warning(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the channel of exercises has used up its allowance, the live channel goes on."""
    house.queue([LISTED], channel="exercise")
    with transaction() as session:
        [chunk] = queries.claim(session, most=1, channel="exercise").chunks
        answer = rules.Answer(429, message="You have reached your monthly limit.")
        record(session, [Answered(chunk, rules.outcome(answer, kind="multicast", attempts=1))])
    with transaction() as session:
        closed = {one.channel for one in session.scalars(sa.select(SendBucket)) if one.quota_closed_until_wall_at}
    assert closed == {"exercise:multicast", "exercise:push"}
    live = house.queue([LISTED], channel="line", subject="incident:7")
    with transaction() as session:
        assert [one.id for one in queries.claim(session, most=5).chunks] == [live]


