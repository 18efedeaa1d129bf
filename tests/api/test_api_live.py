"""News for the screens: heard from every transaction, whitelisted, caught up, and never in the way of a stop."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import sqlalchemy as sa

from api import live
from core import clock, pace
from core.db import transaction
from core.events import Event, publish
from line.events import MessageReceived
from sensors.events import ReadingsStored

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ROOMS = ("core", "line", "residents", "sensors", "cctv", "flood", "incidents", "alerts", "dispatch")


def _messages(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def _publish(count: int) -> int:
    with transaction() as session:
        return publish(session, ReadingsStored(count=count, latest_at=AT))


def _until(messages: Iterator[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for one in messages if one["name"] == name)


def test_an_event_of_another_transaction_reaches_the_screen(served: Any) -> None:
    """What a worker commits is on the screens at once; what is rolled back never was."""
    with served.client.stream("GET", "/api/v1/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        messages = _messages(answer)
        assert next(messages) == {"id": None, "name": "live.hello", "data": {"is_complete": False}}
        with transaction() as session:
            publish(session, ReadingsStored(count=1, latest_at=AT))
            session.rollback()
        event_id = _publish(2)
        expected = {"count": 2, "latest_at": "2026-11-21T03:00:00Z"}
        assert _until(messages, "sensors.readings_stored") == {
            "id": event_id,
            "name": "sensors.readings_stored",
            "data": expected,
        }


def test_a_clock_that_was_set_anew_is_told_and_already_read_anew(served: Any) -> None:
    """A screen that hears that the storm is over asks for the clock and must not be told the storm's speed again."""
    clock.freeze(None)
    with transaction() as session:
        pace.set_pace(session, speed=120.0)
    with served.client.stream("GET", "/api/v1/live") as answer:
        messages = _messages(answer)
        assert next(messages)["name"] == "live.hello"
        assert served.client.get("/api/v1/clock").json()["speed"] == 120.0
        with transaction() as session:  # As another process would: this one's own clock is told nothing.
            publish(session, pace.PaceSet(1.0))
            session.execute(sa.update(clock.ClockSetting).values(speed=1.0))
        assert _until(messages, "core.pace_set")["data"] == {"speed": 1.0}
        assert served.client.get("/api/v1/clock").json()["speed"] == 1.0


def test_what_residents_write_never_leaves_by_this_door(served: Any) -> None:
    """Events that carry people's data are not on the list, so no screen hears them."""
    with served.client.stream("GET", "/api/v1/live") as answer:
        messages = _messages(answer)
        next(messages)
        with transaction() as session:
            publish(
                session,
                MessageReceived(
                    webhook_event_id="e1",
                    line_user_id_sealed="x",
                    reply_token=None,
                    message={"type": "text", "text": "help"},
                    happened_at=AT,
                ),
            )
        _publish(7)
        heard = next(one for one in messages if one["name"] != "live.refetch")
        assert heard["name"] == "sensors.readings_stored"


def test_a_screen_that_returns_hears_what_it_missed(served: Any) -> None:
    """Last-Event-ID is enough to catch up; too long an absence says: fetch everything."""
    first = _publish(1)
    missed = _publish(2)
    with served.client.stream("GET", "/api/v1/live", headers={"Last-Event-ID": str(first)}) as answer:
        messages = _messages(answer)
        assert next(messages)["data"] == {"is_complete": True}
        assert missed in [next(messages)["id"], next(messages)["id"]]
    for count in range(live.CATCH_UP_LIMIT + 1):
        _publish(count)
    with served.client.stream("GET", "/api/v1/live", headers={"Last-Event-ID": str(missed)}) as answer:
        assert next(_messages(answer))["data"] == {"is_complete": False}


def test_a_restarted_database_is_heard_again(served: Any) -> None:
    """When the listening connection dies the screens are told to fetch again, and news goes on."""
    with served.client.stream("GET", "/api/v1/live") as answer:
        messages = _messages(answer)
        next(messages)
        with transaction() as session:
            ended = session.scalar(
                sa.text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name = 'faonam live'"
                )
            )
        assert ended == 1
        assert _until(messages, "live.refetch")
        _publish(3)
        assert _until(messages, "sensors.readings_stored")["data"]["count"] == 3


def test_a_stop_does_not_wait_for_open_streams(served: Any) -> None:
    """A restart takes a moment, however many screens are open; each stream ends cleanly and its browser returns."""
    with served.client.stream("GET", "/api/v1/live") as answer:
        messages = _messages(answer)
        next(messages)
        assert served.stop() < 2
        assert [one["name"] for one in messages if one["name"] != "live.refetch"] == []


async def _names(client: live.Client, count: int) -> list[str]:
    taken = [await client.next(timeout_s=0.01) for _ in range(count)]
    return ["end" if one is None else json.loads(one.removeprefix(b"data: ").split(b"\n")[0])["name"] for one in taken]


def test_a_screen_too_slow_is_told_to_fetch_again() -> None:
    """A browser that sleeps costs no memory: its queue is replaced by one word."""
    import asyncio

    async def overflow() -> list[str]:
        client = live.Client()
        for n in range(live.CLIENT_QUEUE + 1):
            client.put(live.message("sensors.readings_stored", {"count": n}, event_id=n))
        return await _names(client, 2)

    assert asyncio.run(overflow()) == ["live.refetch", "live.beat"]


def _event_types() -> dict[str, type[Event]]:
    for room in ROOMS:
        if importlib.util.find_spec(f"{room}.events"):
            importlib.import_module(f"{room}.events")
    return {kind.name: kind for kind in Event.__subclasses__()}


def test_the_list_names_only_events_and_fields_that_exist() -> None:
    """A renamed event or field is noticed here, not by a screen that stays silent."""
    types = _event_types()
    for name, fields in live.VISIBLE.items():
        known = {field.name for field in dataclasses.fields(types[name])}
        assert fields <= known, f"{name}: {fields - known}"


def test_whatever_happens_to_an_incident_is_on_the_list() -> None:
    """A colleague's screen changes at once, whatever was done, and a cry for help in a group is on every screen."""
    assert {name for name in _event_types() if name.startswith("incidents.")} <= {*live.VISIBLE}


def test_no_field_on_the_list_can_hold_people() -> None:
    """Ids of residents, LINE users and free text stay inside, whatever the event."""
    forbidden = {"message", "data", "text", "line_user_id_sealed", "reply_token", "resident_id", "report_id", "note"}
    for name, fields in live.VISIBLE.items():
        assert not fields & forbidden, name
