"""The LINE stand-in's answer to a multicast of 500, against a bare endpoint that only reads the same JSON.

The stand-in judges rate, shape and retry key, and has every delivery on record before it answers. Both are asked over
HTTP on this machine, by the client that the sender uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence

import httpx
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from alerts import cards, templates
from bench.measure import OURS, Result, check, take_turns, timed
from bench.places import own_folder
from core import clock
from core.progress import step
from core.settings import settings
from line import outbox
from line.client import PATHS, LineSender
from line.rules import MULTICAST_LIMIT
from line.standin.app import create_app

FRIENDS, REQUESTS, ROUNDS = 44_000, 20, 11
WARNING = 2
BAR = {"starlette": 8.0}


def measure(*, seed: int) -> Result:
    """Twenty multicasts to 500 of 44,000 friends each, answered by both in turn; the seconds are those of one."""
    digits = np.random.default_rng(seed).bytes(16 * FRIENDS).hex()
    friends = [f"U{digits[32 * n : 32 * n + 32]}" for n in range(FRIENDS)]
    told = friends[: REQUESTS * MULTICAST_LIMIT]
    bodies = [
        outbox.body_of("multicast", "alert:1", told[start : start + MULTICAST_LIMIT], _messages())
        for start in range(0, len(told), MULTICAST_LIMIT)
    ]
    with (
        own_folder("multicast") as folder,
        _served(create_app(folder, now=clock.wall_now)) as standin_url,
        _served(_bare_endpoint()) as bare_url,
        asyncio.Runner() as runner,
        _sender(standin_url, runner) as to_standin,
        _sender(bare_url, runner) as to_bare,
    ):
        with step("registering 44,000 friends"):
            _register(standin_url, friends)
        with step("checking both sides"):
            runner.run(_send_all(to_bare, bodies))
            runner.run(_send_all(to_standin, bodies))
            check(_told(standin_url) == sorted(told), "the stand-in did not tell each of those meant once.")
        with step(f"{REQUESTS} multicasts") as tell:
            taken = take_turns(
                {
                    OURS: timed(lambda: runner.run(_send_all(to_standin, bodies)), pieces=REQUESTS),
                    "starlette": timed(lambda: runner.run(_send_all(to_bare, bodies)), pieces=REQUESTS),
                },
                rounds=ROUNDS,
                tell=tell,
            )
    facts = {"recipients": MULTICAST_LIMIT, "friends": FRIENDS, "multicasts_a_round": REQUESTS, "seed": seed}
    return Result("multicast", facts, taken[OURS], {"starlette": taken["starlette"]}, BAR)


def _messages() -> list[dict[str, object]]:
    """The message of an alert as residents get it."""
    place = templates.Named(th="Z1", en="Z1")
    facts = templates.Facts(municipality=place, zones=(place,), depth_class=2, at=clock.wall_now(), shelter=None)
    words = templates.shipped()
    text = templates.rendered(WARNING, facts, words)["th"]
    return cards.messages(text, level=WARNING, alert_id=1, words=words.vocabularies["th"], is_simulated=True)


def _bare_endpoint() -> Starlette:
    async def read(request: Request) -> Response:
        recipients = json.loads(await request.body())["to"]
        return Response(status_code=200 if len(recipients) == MULTICAST_LIMIT else 400)

    return Starlette(routes=[Route(PATHS["multicast"], read, methods=["POST"])])


@contextlib.contextmanager
def _served(app: ASGIApp) -> Iterator[str]:
    """The app answers on a free port of this machine while the block runs; its address."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextlib.contextmanager
def _sender(url: str, runner: asyncio.Runner) -> Iterator[LineSender]:
    """A client of the LINE platform at this address, whose connections stay open while the block runs."""
    sender = LineSender(settings().line.model_copy(update={"api_base_url": url, "is_live": False}))
    try:
        yield sender
    finally:
        runner.run(sender.__aexit__())


async def _send_all(sender: LineSender, bodies: Sequence[bytes]) -> None:
    """Each body has been taken, under a retry key of its own; raises WrongWorkError where one is refused."""
    for body in bodies:
        answer = await sender.send("multicast", body, retry_key=str(uuid.uuid4()))
        check(answer.status == 200, f"a multicast was refused: {answer.message}")


def _register(url: str, friends: Sequence[str]) -> None:
    people = [{"user_id": friend, "display_name": friend[:8], "language": "th"} for friend in friends]
    httpx.post(f"{url}/_standin/users", json=people, timeout=60, trust_env=False).raise_for_status()


def _told(url: str) -> list[str]:
    """Who was told, as often as they were, by id."""
    deliveries = httpx.get(f"{url}/_standin/deliveries", timeout=60, trust_env=False).text
    return sorted(json.loads(line)["user_id"] for line in deliveries.splitlines())
