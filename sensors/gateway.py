"""The gateway: what devices publish by MQTT becomes readings, in small batches; nothing is lost on the way.

A message is acknowledged to the broker only when the database has it. A gateway that is killed, or a database that is
away, therefore costs time and no readings: the broker sends again, and storing twice is the same as once.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import sqlalchemy.exc

from core import clock
from core.db import transaction
from core.errors import SetupError
from core.logs import get_logger
from core.settings import ROOT, settings
from sensors import broker
from sensors.actions import keep_unstorable, store_device_rows
from sensors.payloads import rows_of_message

log = get_logger("sensors.gateway")

TOPIC = "faonam/v1/+/readings"
CLIENT_NAME = "faonam-gateway"
BATCH_ROWS = 500
LINGER_S = 0.1  # Batches of at most 200 ms were measured to be enough for thousands of readings a second.
QUEUE_LIMIT = 100_000  # Beyond it messages are left to the broker, unacknowledged.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
WORTH_A_LINE_S = 1.0
LAST_FLUSH_S = 5.0


@dataclass(frozen=True)
class Received:
    """A message as it came; `acknowledge` tells the broker that it need not send it again."""

    code: str
    payload: bytes
    received_wall_at: datetime
    acknowledge: Callable[[], object]


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
    """Messages are received and stored until `stop` is set; what was received before is stored before it returns."""
    queue: asyncio.Queue[Received] = asyncio.Queue(QUEUE_LIMIT)
    address = broker_address()
    async with asyncio.TaskGroup() as group:
        if settings().mqtt_url is None:
            group.create_task(keep_broker(address.port, stop))
        receiving = group.create_task(_receive(address, queue, stop))
        storing = group.create_task(_store_all(queue))
        await stop.wait()
        with contextlib.suppress(TimeoutError):
            # What cannot be stored in time is not acknowledged, so the broker sends it again.
            await asyncio.wait_for(queue.join(), LAST_FLUSH_S)
        receiving.cancel()
        storing.cancel()
    log.info("gateway.stopped")


async def keep_broker(port: int, stop: asyncio.Event) -> None:
    """The embedded broker runs as a child until `stop` is set; one that dies is started again."""
    wait_s = FIRST_WAIT_S
    while not stop.is_set():
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", "sensors.broker", str(port), cwd=ROOT)
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


async def _receive(address: BrokerAddress, queue: asyncio.Queue[Received], stop: asyncio.Event) -> None:
    """Connected whenever the broker is there; the session persists, so nothing sent meanwhile is missed."""
    wait_s = FIRST_WAIT_S
    while not stop.is_set():
        try:
            async with _client(address) as client:
                await client.subscribe(TOPIC, qos=1)
                log.info("mqtt.connected", host=address.host, port=address.port)
                wait_s = FIRST_WAIT_S
                async for message in client.messages:
                    await queue.put(_received(client, message))
        except aiomqtt.MqttError as fault:
            # The embedded broker starts beside us; only one that stays away is worth a line.
            if wait_s >= WORTH_A_LINE_S:
                log.warning("mqtt.disconnected", reason=str(fault), again_in_s=wait_s)
        await _sleep_unless(stop, wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _client(address: BrokerAddress) -> aiomqtt.Client:
    client = aiomqtt.Client(
        **address.options(),
        identifier=CLIENT_NAME,
        clean_session=False,
        max_queued_incoming_messages=QUEUE_LIMIT,
    )
    # aiomqtt has no switch of its own for acknowledging later; the paho client inside it has one.
    client._client.manual_ack_set(True)
    return client


def _received(client: aiomqtt.Client, message: aiomqtt.Message) -> Received:
    def acknowledge() -> None:
        client._client.ack(message.mid, message.qos)

    payload = message.payload if isinstance(message.payload, bytes | bytearray) else str(message.payload).encode()
    code = message.topic.value.split("/")[2]
    return Received(code=code, payload=bytes(payload), received_wall_at=clock.wall_now(), acknowledge=acknowledge)


async def _store_all(queue: asyncio.Queue[Received]) -> None:
    while True:
        batch = await _next_batch(queue)
        await _store_until_done(batch)
        for received in batch:
            received.acknowledge()
            queue.task_done()


async def _next_batch(queue: asyncio.Queue[Received]) -> list[Received]:
    """The next message and all that arrive within the linger, 500 at most."""
    batch = [await queue.get()]
    deadline = asyncio.get_running_loop().time() + LINGER_S
    while len(batch) < BATCH_ROWS:
        try:
            async with asyncio.timeout_at(deadline):
                batch.append(await queue.get())
        except TimeoutError:
            break
    return batch


async def _store_until_done(batch: Sequence[Received]) -> None:
    """The batch is in the database, however long the database is away; waits grow up to 5 s."""
    wait_s = FIRST_WAIT_S
    while True:
        try:
            await asyncio.to_thread(store_batch, batch)
            return
        except Exception as fault:  # Whatever it is, the readings are kept and tried again: losing them is worse.
            log.error("batch.waits", messages=len(batch), reason=type(fault).__name__, again_in_s=wait_s)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def store_batch(batch: Sequence[Received]) -> None:
    """The messages are stored row by row; one that the database cannot take is refused and stops no other.

    Raises sqlalchemy's OperationalError or TimeoutError where the database is away.
    """
    try:
        _store(batch)
    except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError):
        raise
    except Exception as fault:  # A poisoned row: find it, so that the others do not wait for ever.
        log.error("batch.divided", messages=len(batch), reason=type(fault).__name__)
        for received in batch:
            _store_alone(received)


def _store_alone(received: Received) -> None:
    try:
        _store([received])
    except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError):
        raise
    except Exception as fault:  # What cannot be stored is kept as it came, with the reason.
        log.error("message.refused", reason=type(fault).__name__)
        with transaction() as session:
            keep_unstorable(session, received.payload, source="mqtt")


def _store(batch: Sequence[Received]) -> None:
    rows = [
        row
        for received in batch
        for row in rows_of_message(received.code, received.payload, received_wall_at=received.received_wall_at)
    ]
    with transaction() as session:
        answers = store_device_rows(session, rows, source="mqtt")
    refused = sorted({str(answer.reason) for answer in answers if answer.status == "refused"})
    if refused:
        log.warning("rows.refused", rows=sum(answer.status == "refused" for answer in answers), reasons=refused)
