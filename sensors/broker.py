"""The embedded MQTT broker, for a city without one of its own: `python -m sensors.broker PORT`, on loopback only.

It lets anyone in: whoever reaches loopback. What a device says is believed only with its station's key. A city sets
`MQTT_URL` to use its own broker, with accounts and TLS, and then this one never starts.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from amqtt.broker import Broker

from core.logs import configure_logs

HOST = "127.0.0.1"
_PARENT_CHECK_S = 0.5


async def serve(port: int) -> None:
    """The broker listens on this port of loopback until it is told to stop or its parent is gone."""
    stop, loop, parent = asyncio.Event(), asyncio.get_running_loop(), os.getppid()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        },
        loop=loop,
    )
    await broker.start()
    while not stop.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(stop.wait(), _PARENT_CHECK_S)
        except TimeoutError:
            continue
    await broker.shutdown()


if __name__ == "__main__":
    configure_logs()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the gateway says when to stop.
    asyncio.run(serve(int(sys.argv[1])))
