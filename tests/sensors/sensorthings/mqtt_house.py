"""A house with its gateway, its embedded broker and its API, for tests of what goes between them."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as paho
import sqlalchemy as sa

from core.db import transaction
from sensors import gateway
from tests.sensors.sensorthings.asking import Sta

SOON_S, SILENCE_S = 10.0, 0.4


@contextmanager
def running_gateway() -> Iterator[None]:
    """The gateway runs in a thread; afterwards it and its broker have ended."""
    told: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def serve() -> None:
        stop = asyncio.Event()
        told.put((asyncio.get_running_loop(), stop))
        await gateway.serve(stop)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    loop, stop = told.get()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


class Client:
    """A client of the broker: hears what it has subscribed to, in order, and publishes."""

    def __init__(self, port: int, **options: Any) -> None:
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[list[int]] = queue.Queue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, **options)
        self._client.on_message = lambda _c, _u, message: self._heard.put((message.topic, message.payload))
        self._client.on_subscribe = lambda _c, _u, _m, codes, _p: self._answers.put([code.value for code in codes])
        self._client.on_unsubscribe = lambda _c, _u, _m, codes, _p: self._answers.put([])
        self.port = port

    def __enter__(self) -> Client:
        for _ in range(200):
            try:
                self._client.connect("127.0.0.1", self.port)
                break
            except OSError:
                time.sleep(0.05)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def will(self, topic: str, payload: bytes) -> None:
        """What the broker says of it when it is gone; said before it comes."""
        self._client.will_set(topic, payload, 1)

    def on_connect(self, name: str, password: str, told: Callable[[int], object]) -> None:
        """It comes under this name, and tells what the broker answers; said before it comes."""
        self._client.username_pw_set(name, password)
        self._client.on_connect = lambda _c, _u, _f, code, _p: told(code.value)

    def break_off(self) -> None:
        """The connection ends without a word."""
        self._client.loop_stop()
        sock = self._client.socket()
        assert sock is not None
        sock.close()

    def subscribe(self, *topics: str) -> list[int]:
        """The broker has answered with these codes, 128 for a refusal."""
        self._client.subscribe([(topic, 1) for topic in topics])
        return self._answers.get(timeout=SOON_S)

    def unsubscribe(self, topic: str) -> None:
        """The broker has answered."""
        self._client.unsubscribe(topic)
        self._answers.get(timeout=SOON_S)

    def publish(self, topic: str, content: Any, *, retain: bool = False) -> None:
        """The broker has acknowledged the message."""
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._client.publish(topic, payload, 1, retain).wait_for_publish(SOON_S)

    def hear(self, topic: str) -> Any:
        """The JSON of the next message, which must be on this topic."""
        heard, payload = self._heard.get(timeout=SOON_S)
        assert heard == topic, (heard, payload)
        return json.loads(payload)

    def hear_all(self, number: int) -> dict[str, list[Any]]:
        """The next so many messages by their topics."""
        heard: dict[str, list[Any]] = {}
        for _ in range(number):
            topic, payload = self._heard.get(timeout=SOON_S)
            heard.setdefault(topic, []).append(json.loads(payload))
        return heard

    def hears_nothing(self) -> bool:
        """Whether no message comes for a while."""
        try:
            self._heard.get(timeout=SILENCE_S)
        except queue.Empty:
            return True
        return False


class House:
    """The API by `sta` and the broker by `client()`."""

    def __init__(self, sta: Sta, port: int) -> None:
        self.sta, self.port = sta, port

    def client(self, **options: Any) -> Client:
        """A new client of the broker."""
        return Client(self.port, **options)


def count(table: str) -> int:
    """How many rows the table has."""
    with transaction() as session:
        found: int = session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608  Our own words.
        return found


def until(table: str, expected: int) -> int:
    """How many rows the table has as soon as it has so many, or after a while."""
    deadline = time.monotonic() + SOON_S
    while count(table) != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    return count(table)
