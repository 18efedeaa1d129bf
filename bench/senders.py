"""Gauges that send for a minute, each sender a process of its own: what they say, when, and what they report of it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import math
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

import aiomqtt

from bench.measure import check

GAUGES, RISING_EACH = 2_000, 10
SECONDS, RATE_PER_S = 60, 5_600
ROWS_A_MESSAGE, ROWS_A_POST = 14, 350
WRONG_EACH = 200
APART_S = 60.0
WAVE = 120  # Readings from one high water to the next, so that no step is faster than quality allows.
KEY = "a key of a bench, long and of no use"


@dataclass
class Sent:
    """What a sender reports: how many rows, when each reading left (by gauge and time), and when it had sent all."""

    rows: int = 0
    left_at: dict[tuple[int, int], float] = field(default_factory=dict)
    ended_s: float = 0.0


def readings_each() -> int:
    """Readings of each gauge."""
    return SECONDS * RATE_PER_S // GAUGES


def _level_m(gauge: int, number: int) -> float:
    """Calm water scatters about 0.5 m; one gauge in ten goes from there to 2.3 m and back."""
    scatter = 0.005 * math.sin(12.9898 * gauge + 78.233 * number)
    if gauge % RISING_EACH:
        return 0.5 + scatter
    return 1.4 - 0.9 * math.cos(2 * math.pi * (number / WAVE + gauge / GAUGES)) + scatter


def _row(gauge: int, number: int, began_at: datetime) -> dict[str, Any]:
    is_wrong = (gauge * 7919 + number) % WRONG_EACH == 0
    return {
        "datastream": f"G{gauge:04d}",
        "observed_at": (began_at + timedelta(seconds=APART_S * number)).isoformat(),
        "value": round(_level_m(gauge, number), 4),
        "unit": "cm" if is_wrong else "m",
        "key": KEY,
    }


class Sender:
    """A process that sends, and what it reports in the end."""

    def __init__(self, send: Any, port: int, gauges: range, began_at: datetime) -> None:
        here, there = multiprocessing.Pipe()
        self._here = here
        self._child = multiprocessing.get_context("spawn").Process(
            target=send, args=(there, port, gauges, began_at), daemon=True
        )
        self._child.start()

    def wait(self, meanwhile: Callable[[], None]) -> Sent:
        """The report, once all is sent; `meanwhile` is called every second until then."""
        while not self._here.poll(1.0):
            check(self._child.is_alive(), "a sender died.")
            meanwhile()
        sent: Sent = self._here.recv()
        self._child.join()
        return sent


def _pieces(gauges: range, size: int) -> Iterator[tuple[float, list[tuple[int, int]]]]:
    """(seconds after the start at which to send, gauges with the number of their reading) for a whole minute."""
    rows = [(gauge, number) for number in range(readings_each()) for gauge in gauges]
    for start in range(0, len(rows), size):
        yield start / len(rows) * SECONDS, rows[start : start + size]


def send_by_http(there: Connection, port: int, gauges: range, began_at: datetime) -> None:
    """The gauges' minute has gone to the API at `port`, each batch answered; the report is `there`."""
    sent = Sent()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began_s = time.perf_counter()
    for due_s, piece in _pieces(gauges, ROWS_A_POST):
        time.sleep(max(0.0, due_s - (time.perf_counter() - began_s)))
        body = json.dumps([_row(gauge, number, began_at) for gauge, number in piece])
        left_at = time.time()
        connection.request("POST", "/api/v1/readings", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        check(answer.status == http.client.OK, f"readings were answered {answer.status}.")
        sent.rows += len(piece)
        sent.left_at |= dict.fromkeys(piece, left_at)
    there.send(sent)


def send_by_mqtt(there: Connection, port: int, gauges: range, began_at: datetime) -> None:
    """The gauges' minute has gone to the broker at `port`, each message taken by it; the report is `there`."""
    there.send(asyncio.run(_publish_all(port, gauges, began_at)))


async def _publish_all(port: int, gauges: range, began_at: datetime) -> Sent:
    """Each message holds what one gauge has to say since the last; the broker has taken each before it counts."""
    sent = Sent()
    messages = [
        (gauge, list(range(first, min(first + ROWS_A_MESSAGE, readings_each()))))
        for first in range(0, readings_each(), ROWS_A_MESSAGE) for gauge in gauges
    ]
    async with await _connected(port) as client:
        began_s = time.perf_counter()
        for place, (gauge, numbers) in enumerate(messages):
            due_s = place / len(messages) * SECONDS
            await asyncio.sleep(max(0.0, due_s - (time.perf_counter() - began_s)))
            body = json.dumps([_row(gauge, number, began_at) for number in numbers])
            left_at = time.time()
            await client.publish(f"faonam/v1/G{gauge:04d}/readings", body, qos=1)
            sent.rows += len(numbers)
            sent.left_at |= {(gauge, number): left_at for number in numbers}
    return sent


async def _connected(port: int) -> aiomqtt.Client:
    """A client for a broker that may still be starting."""
    for _ in range(100):
        with contextlib.suppress(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", port, timeout=5):
                break
        await asyncio.sleep(0.2)
    return aiomqtt.Client("127.0.0.1", port, timeout=60)
