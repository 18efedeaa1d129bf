"""News for the screens: one LISTEN connection a process, fanned out to every signed-in browser as server-sent events.

Each message is `{"id", "name", "data"}`. News is a hint to look again, never the only copy: a screen fetches everything
after `live.hello` with `is_complete: false` and after `live.refetch`, and treats an event that comes twice as once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import anyio
import psycopg
from fastapi.sse import format_sse_event

from api import queries
from core import clock
from core.db import database_url, transaction
from core.errors import UnavailableError
from core.events import LIVE_CHANNEL
from core.logs import get_logger
from core.pace import PaceSet

log = get_logger("api.live")

HEARTBEAT_S = 10.0
LISTEN_CHECK_S = 15.0
RECONNECT_S = (0.1, 0.2, 0.5, 1.0, 2.0)
CLIENT_QUEUE = 200
CLIENTS_LIMIT = 500
CATCH_UP_LIMIT = 200
# Ids are given before the commit, so an event may appear behind a later one: a screen that returns is sent some twice.
CATCH_UP_OVERLAP = 20
# A stream ends after this; the browser returns by itself, and its sign-in is checked again.
STREAM_LASTS_S = 600.0

HELLO = "live.hello"
BEAT = "live.beat"
REFETCH = "live.refetch"

# What may leave by this door: names and fields that hold nothing of residents. Everything else stays inside.
VISIBLE: Mapping[str, frozenset[str]] = {
    PaceSet.name: frozenset({"speed"}),
    "sensors.readings_stored": frozenset({"count", "latest_at"}),
    "sensors.gauge_condition_changed": frozenset({"station_id", "condition", "observed_at"}),
    "sensors.flag_overridden": frozenset({"station_id", "observed_at"}),
    "sensors.level_state_changed": frozenset({"station_id", "from_state", "to_state", "level_m_msl", "observed_at"}),
    "sensors.rule_state_changed": frozenset(
        {"rule_code", "rule_kind", "change", "station_id", "from_state", "to_state", "condition", "observed_at"}
    ),
    "cctv.frame_read": frozenset({"camera_id", "station_id", "taken_at", "is_reading", "level_m_msl", "confidence"}),
    "flood.redrawn": frozenset({"run_id", "severity_by_zone", "is_without_data"}),
    "flood.zone_severity_changed": frozenset({"run_id", "zone_id", "zone_code", "from_severity", "to_severity"}),
    "incidents.incident_opened": frozenset({"incident_id", "number", "category_code", "tier", "lon", "lat"}),
    "incidents.incident_changed": frozenset({"incident_id", "number", "from_state", "to_state"}),
    "incidents.incident_moved": frozenset({"incident_id", "number", "lon", "lat"}),
    "incidents.report_joined": frozenset({"incident_id", "number", "report_count"}),
    "incidents.promise_marked": frozenset({"incident_id", "number", "mark"}),
    "incidents.incident_aged": frozenset({"incident_id", "number", "is_fading"}),
    "incidents.incidents_merged": frozenset({"merged_id", "into_id", "number", "merged_number"}),
    "incidents.merge_undone": frozenset({"merged_id", "into_id", "number"}),
    "incidents.agency_assigned": frozenset({"incident_id", "number", "agency_code"}),
    "incidents.incident_recategorised": frozenset({"incident_id", "number", "category_code"}),
    "incidents.agency_invited": frozenset({"incident_id", "number", "agency_code"}),
    "incidents.incident_noted": frozenset({"incident_id", "number"}),
    "incidents.partner_paused": frozenset(),
    "incidents.group_called": frozenset({"call_id"}),
    "incidents.incident_split": frozenset({"incident_id", "from_id", "number"}),
    "answers.question_moved": frozenset({"hand_over_id", "state"}),
    "dispatch.job_opened": frozenset({"job_id", "incident_id", "number", "tier", "score"}),
    "dispatch.job_assigned": frozenset({"job_id", "incident_id", "crew_code", "has_route"}),
    "dispatch.job_changed": frozenset({"job_id", "incident_id", "crew_code", "from_state", "to_state"}),
    "dispatch.crew_moved": frozenset({"crew_code", "lon", "lat"}),
    "dispatch.suggestions_drawn": frozenset({"job_ids"}),
    "alerts.outside_warned": frozenset({"source", "warning_ids"}),
    "alerts.alert_proposed": frozenset({"alert_id", "kind", "level", "revision", "audience_count"}),
    "alerts.alert_approved": frozenset({"alert_id", "kind", "level", "audience_count"}),
    "alerts.alert_delivered": frozenset({"alert_id", "accepted_recipients", "seconds_from_reading"}),
    "alerts.alert_acknowledged": frozenset({"alert_id", "zones_acknowledged", "zones_total"}),
    "alerts.escalation_changed": frozenset({"escalation_id", "alert_id", "state"}),
    "alerts.alert_closed": frozenset({"alert_id", "state"}),
    "alerts.alert_short_of_quota": frozenset({"alert_id", "needed", "left"}),
    "line.chunks_accepted": frozenset({"subject", "kind", "recipient_count", "accepted_at"}),
    "line.chunk_given_up": frozenset({"subject", "kind", "recipient_count", "state"}),
    "line.quota_used_up": frozenset({"until_wall_at"}),
}


def visible(name: str, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fields of an event that screens may see, or None where the event is none of theirs."""
    fields = VISIBLE.get(name)
    if fields is None:
        return None
    return {key: value for key, value in payload.items() if key in fields}


def message(name: str, data: Mapping[str, Any], *, event_id: int | None = None) -> bytes:
    """One server-sent event; only events of the house carry an id, so that Last-Event-ID always names one."""
    body = json.dumps({"id": event_id, "name": name, "data": data}, ensure_ascii=False, separators=(",", ":"))
    return format_sse_event(data_str=body, id=None if event_id is None else str(event_id))


class Client:
    """One browser's queue; a browser too slow for it is told to fetch everything instead."""

    def __init__(self) -> None:
        """The queue is empty and open."""
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=CLIENT_QUEUE)

    def put(self, item: bytes) -> None:
        """The message waits for the browser."""
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self._empty()
            self._queue.put_nowait(message(REFETCH, {}))

    def close(self) -> None:
        """The browser's stream ends."""
        self._empty()
        self._queue.put_nowait(None)

    async def next(self, *, timeout_s: float) -> bytes | None:
        """The next message, a heartbeat where none came in time, or None at the end."""
        try:
            return await asyncio.wait_for(self._queue.get(), timeout_s)
        except TimeoutError:
            return message(BEAT, {})

    def _empty(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()


class Broadcaster:
    """Hears the database's `live` channel and tells every client; outlives restarts of the database."""

    def __init__(self) -> None:
        """Nobody listens yet; `start` begins."""
        self._clients: set[Client] = set()
        self._task: asyncio.Task[None] | None = None
        self._has_ended = False
        self.is_listening = asyncio.Event()

    def start(self) -> None:
        """News is heard from now on."""
        self._task = asyncio.create_task(self._listen_for_ever(), name="live")

    async def stop(self) -> None:
        """Every stream has been told to end, and the connection is closed."""
        self._has_ended = True
        for client in self._clients:
            client.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def check_room(self) -> None:
        """One more client can be told; raises UnavailableError where there are too many."""
        if len(self._clients) >= CLIENTS_LIMIT:
            raise UnavailableError(f"Live news already goes to {len(self._clients)} screens; close some, or wait.")

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """A client that hears everything from now until the block ends."""
        client = Client()
        if self._has_ended:
            client.close()
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.discard(client)

    def tell(self, item: bytes) -> None:
        """Every client gets this message."""
        for client in self._clients:
            client.put(item)

    async def _listen_for_ever(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                self.is_listening.clear()
                wait_s = RECONNECT_S[min(failures, len(RECONNECT_S) - 1)]
                failures += 1
                log.warning("live.listening_lost", error=type(error).__name__, retry_in_s=wait_s)
                await asyncio.sleep(wait_s)
            else:
                failures = 0

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            database_url(), autocommit=True, connect_timeout=5, application_name="faonam live"
        )
        async with connection:
            await connection.execute(f"LISTEN {LIVE_CHANNEL}")
            self.is_listening.set()
            self.tell(message(REFETCH, {}))  # What was said while nobody listened is lost to the channel.
            while True:
                async for notice in connection.notifies(timeout=LISTEN_CHECK_S):
                    self._pass_on(notice.payload)
                await connection.execute("SELECT 1")  # Finds a connection that died without a word.

    def _pass_on(self, payload: str) -> None:
        try:
            notice = json.loads(payload)
            event_id, name, data = int(notice["id"]), str(notice["name"]), dict(notice["data"])
        except (ValueError, KeyError, TypeError):
            log.warning("live.notice_unreadable", length=len(payload))
            return
        if name == PaceSet.name:
            clock.look_again()  # Whoever hears of it asks for the clock at once.
        shown = visible(name, data)
        if shown is not None:
            self.tell(message(name, shown, event_id=event_id))


def _missed(after_id: int) -> list[tuple[int, str, dict[str, Any]]]:
    with transaction() as session:
        return queries.events_after(session, after_id - CATCH_UP_OVERLAP, limit=CATCH_UP_LIMIT + 1)


async def stream(broadcaster: Broadcaster, *, last_event_id: int | None) -> AsyncIterator[bytes]:
    """The server-sent events of one browser: a greeting, what it missed, then news and heartbeats until it ends."""
    with broadcaster.client() as client:
        async for item in _stream(client, last_event_id=last_event_id):
            yield item


async def _stream(client: Client, *, last_event_id: int | None) -> AsyncIterator[bytes]:
    missed = [] if last_event_id is None else await anyio.to_thread.run_sync(_missed, last_event_id)
    is_complete = last_event_id is not None and len(missed) <= CATCH_UP_LIMIT
    yield message(HELLO, {"is_complete": is_complete})
    if is_complete:
        for event_id, name, payload in missed:
            shown = visible(name, payload)
            if shown is not None:
                yield message(name, shown, event_id=event_id)
    ends_at_s = anyio.current_time() + STREAM_LASTS_S
    while anyio.current_time() < ends_at_s:
        item = await client.next(timeout_s=HEARTBEAT_S)
        if item is None:
            return
        yield item
