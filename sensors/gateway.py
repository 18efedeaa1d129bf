"""The gateway: what devices publish by MQTT becomes readings, in small batches; nothing is lost on the way.

Every message stands in the inbox on disk before its device or the city's broker is told that it has been taken, and
until the database has it. A gateway that is killed, a broker that is killed or a database that is away therefore cost
time and no readings; storing twice is the same as once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import psycopg
import sqlalchemy.exc
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from sqlalchemy.orm import Session

from core import clock
from core.db import transaction
from core.errors import SetupError
from core.logs import get_logger
from core.settings import ROOT, settings
from sensors import broker, teller
from sensors.actions import keep_refused_message, keep_unstorable, store_device_rows
from sensors.astray import NOT_KEPT, said_not_kept
from sensors.feeds_store.actions import take_messages
from sensors.inbox import Doorkeeper, Inbox, Kept, Message, inbox_path
from sensors.mqtt import connected
from sensors.payloads import DeviceRow, message_text_of, rows_of_message
from sensors.sensorthings.posted import keep_unstorable_posted, store_posted
from sensors.topics import HOUSE, OBSERVATIONS, OF_GAUGES, is_astray, is_observation, is_of_a_device

log = get_logger("sensors.gateway")

CLIENT_NAME = "faonam-gateway"
BATCH_MESSAGES = 500
LOOK_EVERY_S = 0.1  # Batches of at most 200 ms were measured to be enough for thousands of readings a second.
QUEUE_LIMIT = 100_000  # Beyond it messages are left to the city's broker, unacknowledged.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
WORTH_A_LINE_S = 1.0
LAST_BATCH_S = 5.0
# COPY goes past SQLAlchemy, so a database that dies meanwhile is told by the driver's own error.
AWAY = (sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError, psycopg.OperationalError)


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is, and as whom to go there."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    is_tls: bool = False

    def options(self) -> dict[str, Any]:
        """What an aiomqtt client needs to be told to get there."""
        return {
            "hostname": self.host,
            "port": self.port,
            "username": self.username,
            "password": self.password,
            "tls_params": aiomqtt.TLSParameters() if self.is_tls else None,
        }


def broker_address() -> BrokerAddress:
    """The city's broker as `MQTT_URL` gives it (mqtt:// or mqtts://), or the embedded one on loopback."""
    configured = settings().mqtt_url
    if configured is None:
        return BrokerAddress(host=broker.HOST, port=settings().mqtt_port)
    url = urlsplit(configured.get_secret_value())
    if url.scheme not in {"mqtt", "mqtts"} or url.hostname is None:
        raise SetupError("MQTT_URL must look like mqtt://host:1883 or mqtts://user:password@host:8883.")
    is_tls = url.scheme == "mqtts"
    return BrokerAddress(
        host=url.hostname,
        port=url.port or (8883 if is_tls else 1883),
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        is_tls=is_tls,
    )


def run() -> None:
    """The gateway runs in this process until SIGTERM or SIGINT; then it stores what it holds and ends."""
    asyncio.run(_run_until_told())


async def _run_until_told() -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(stop)


async def serve(stop: asyncio.Event) -> None:
    """Messages are taken and stored until `stop` is set; what is not stored by then waits in the inbox."""
    address = broker_address()
    with Inbox(inbox_path()) as inbox:
        async with asyncio.TaskGroup() as group:
            if settings().mqtt_url is None:
                house = replace(address, username=HOUSE, password=secrets.token_urlsafe(32))
                group.create_task(keep_broker(house, stop))
                connected = group.create_task(teller.tell_all(house.options(), stop))
            else:
                connected = group.create_task(_receive(address, stop))
            storing = group.create_task(_store_all(inbox, stop))
            await stop.wait()
            connected.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(storing, LAST_BATCH_S)
    log.info("gateway.stopped")


async def keep_broker(house: BrokerAddress, stop: asyncio.Event) -> None:
    """The embedded broker runs as a child until `stop` is set; one that dies is started again.

    It takes for the house's own who comes with the name and password of `house`.
    """
    port, environment = house.port, os.environ | {broker.HOUSE_PASSWORD: house.password or ""}
    wait_s = FIRST_WAIT_S
    while not stop.is_set():
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sensors.broker", str(port), cwd=ROOT, env=environment
        )
        log.info("broker.started", port=port, pid=child.pid)
        began = asyncio.get_running_loop().time()
        died, told = asyncio.create_task(child.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait({died, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not died.done():
            await _end(child)
            return
        log.error("broker.died", port=port, code=child.returncode, again_in_s=wait_s)
        await _sleep_unless(stop, wait_s)
        lived_s = asyncio.get_running_loop().time() - began
        wait_s = FIRST_WAIT_S if lived_s > 10 * LONGEST_WAIT_S else min(2 * wait_s, LONGEST_WAIT_S)


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), 3)
    except TimeoutError:
        child.kill()
        await child.wait()


async def _sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _receive(address: BrokerAddress, stop: asyncio.Event) -> None:
    """Connected whenever the city's broker is there; the session persists, so nothing sent meanwhile is missed."""
    wait_s = FIRST_WAIT_S
    with Inbox(inbox_path()) as inbox:
        doorkeeper = Doorkeeper(inbox)
        while not stop.is_set():
            try:
                async with connected(_client(address)) as client, asyncio.TaskGroup() as group:
                    for topic in OF_GAUGES:
                        await client.subscribe(topic, qos=1)
                    if settings().sta_mqtt:
                        await _speak_sensorthings(client, group)
                    log.info("mqtt.connected", host=address.host, port=address.port)
                    wait_s = FIRST_WAIT_S
                    async for message in client.messages:
                        _take(client, message, doorkeeper)
            except* aiomqtt.MqttError as faults:
                if wait_s >= WORTH_A_LINE_S:
                    log.warning("mqtt.disconnected", reason=str(faults.exceptions[0]), again_in_s=wait_s)
            await _sleep_unless(stop, wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        await doorkeeper.close()


async def _speak_sensorthings(client: aiomqtt.Client, group: asyncio.TaskGroup) -> None:
    """Observations come and are told by the city's own broker, which says of nobody what else it waits for."""
    for topic in OBSERVATIONS:
        # What this client itself tells must not come back to it as an observation on its way in.
        await client.subscribe(topic, options=SubscribeOptions(qos=1, noLocal=True))
    ears = teller.Ears()
    group.create_task(ears.hold(OBSERVATIONS))
    group.create_task(teller.tell_through(client, ears))


def _client(address: BrokerAddress) -> aiomqtt.Client:
    client = aiomqtt.Client(
        **address.options(),
        **(_session_of_mqtt5() if settings().sta_mqtt else {"clean_session": False}),
        identifier=CLIENT_NAME,
        max_queued_incoming_messages=QUEUE_LIMIT,
    )
    # aiomqtt has no switch of its own for acknowledging later; the paho client inside it has one.
    client._client.manual_ack_set(True)
    return client


def _session_of_mqtt5() -> dict[str, Any]:
    """A session that the broker keeps until its client comes again, in the words of MQTT 5, which knows noLocal."""
    forever = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho types it in part only.
    forever.SessionExpiryInterval = 0xFFFFFFFF
    return {"protocol": aiomqtt.ProtocolVersion.V5, "clean_start": False, "properties": forever}


def _take(client: aiomqtt.Client, message: aiomqtt.Message, doorkeeper: Doorkeeper) -> None:
    """The broker is told that it need not send the message again as soon as it is on disk, and not before."""
    payload = message.payload if isinstance(message.payload, bytes | bytearray) else str(message.payload).encode()

    def acknowledge(kept: asyncio.Future[None]) -> None:
        if kept.cancelled():
            return
        fault = kept.exception()
        if fault is None:
            client._client.ack(message.mid, message.qos)
        else:
            log.error("message.not_kept", reason=str(fault))
            client._client.disconnect()  # The broker sends again to who has come back, and only then.

    doorkeeper.keep(Message(message.topic.value, bytes(payload), clock.wall_now())).add_done_callback(acknowledge)


async def _store_all(inbox: Inbox, stop: asyncio.Event) -> None:
    while not stop.is_set():
        batch = await asyncio.to_thread(inbox.oldest, BATCH_MESSAGES)
        if batch and await _is_stored(batch, inbox.name, stop):
            await asyncio.to_thread(inbox.forget, batch)
        if len(batch) < BATCH_MESSAGES:
            await _sleep_unless(stop, LOOK_EVERY_S)


async def _is_stored(batch: Sequence[Kept], inbox: str, stop: asyncio.Event) -> bool:
    """Whether the batch is in the database, however long that is away; waits grow up to 5 s. False if told to stop."""
    wait_s = FIRST_WAIT_S
    while not stop.is_set():
        try:
            await asyncio.to_thread(store_batch, batch, inbox)
            return True
        except Exception as fault:  # Whatever it is, the readings are kept and tried again: losing them is worse.
            log.error("batch.waits", messages=len(batch), reason=type(fault).__name__, again_in_s=wait_s)
        await _sleep_unless(stop, wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
    return False


def store_batch(batch: Sequence[Kept], inbox: str) -> None:
    """The messages of the inbox of this name are stored row by row.

    One that the database cannot take is refused and stops no other. Raises one of `AWAY` where the database is away.
    """
    try:
        _store(batch, inbox)
    except AWAY:
        raise
    except Exception as fault:  # A poisoned row: find it, so that the others do not wait for ever.
        log.error("batch.divided", messages=len(batch), reason=type(fault).__name__)
        for kept in batch:
            _store_alone(kept, inbox)


def _store_alone(kept: Kept, inbox: str) -> None:
    try:
        _store([kept], inbox)
    except AWAY:
        raise
    except Exception as fault:  # What cannot be stored is kept as it came, with the reason.
        log.error("message.refused", reason=type(fault).__name__)
        message = kept.message
        with transaction() as session:
            if is_observation(message.topic):
                keep_unstorable_posted(session, kept, inbox=inbox)
                return
            is_of_gauge = is_of_a_device(message.topic)
            keep_unstorable(
                session, message.payload, topic_code=_code_of(message) if is_of_gauge else message.topic,
                received_wall_at=message.received_wall_at, source="mqtt" if is_of_gauge else "feeds",
            )


def _store(batch: Sequence[Kept], inbox: str) -> None:
    """Readings, observations and what is for feeds, each in a transaction of its own.

    Who stores twice in one could make a partition while it holds others.
    """
    astray = [kept.message for kept in batch if _is_of_strays(kept.message)]
    of_devices, posted, of_feeds = _by_kind([kept for kept in batch if not _is_of_strays(kept.message)])
    reasons = [_reason_of_stray(message) for message in astray]
    if astray:
        with transaction() as session:
            for message in astray:
                _keep_astray(session, message)
    if of_feeds:
        with transaction() as session:
            fates = take_messages(session, [(one.topic, one.payload, one.received_wall_at) for one in of_feeds])
        reasons += [str(fate.reason) for of_one in fates for fate in of_one if fate.status == "refused"]
    if posted:
        with transaction() as session:
            reasons += store_posted(session, posted, inbox=inbox)
    rows = [row for message in of_devices for row in _rows_of(message)]
    if rows:
        with transaction() as session:
            answers = store_device_rows(session, rows, source="mqtt")
        reasons += [str(answer.reason) for answer in answers if answer.status == "refused"]
    if reasons:
        log.warning("rows.refused", rows=len(reasons), reasons=sorted(set(reasons)))


def _is_of_strays(message: Message) -> bool:
    return message.topic == NOT_KEPT or is_astray(message.topic)


def _reason_of_stray(message: Message) -> str:
    return "too_many_astray" if message.topic == NOT_KEPT else "no_such_topic"


def _keep_astray(session: Session, message: Message) -> None:
    if message.topic == NOT_KEPT:
        said = said_not_kept(message)
    else:
        said = {"topic": message.topic, "text": message_text_of(message.payload)}
    keep_refused_message(
        session, said, reason=_reason_of_stray(message), source="mqtt_astray",
        received_at=clock.current().at(message.received_wall_at), received_wall_at=message.received_wall_at,
    )


def _by_kind(batch: Sequence[Kept]) -> tuple[list[Message], list[Kept], list[Message]]:
    """Messages of devices, observations by their place in the inbox, and messages for feeds."""
    of_devices, posted, of_feeds = list[Message](), list[Kept](), list[Message]()
    for kept in batch:
        if is_of_a_device(kept.message.topic):
            of_devices.append(kept.message)
        elif is_observation(kept.message.topic):
            posted.append(kept)
        else:
            of_feeds.append(kept.message)
    return of_devices, posted, of_feeds


def _rows_of(message: Message) -> list[DeviceRow]:
    return rows_of_message(_code_of(message), message.payload, received_wall_at=message.received_wall_at)


def _code_of(message: Message) -> str:
    return message.topic.split("/")[2]
