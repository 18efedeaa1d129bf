"""A connection to a broker that ends without a complaint of asyncio, whoever ended it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt


@asynccontextmanager
async def connected(client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Client]:
    """The client is connected in the block. Raises aiomqtt.MqttError where it cannot be, or where its work finds out.

    aiomqtt notes the end of a connection as a future; one with a fault that nobody waited for would be complained of.
    """
    try:
        async with client:
            yield client
    finally:
        if client._disconnected.done() and not client._disconnected.cancelled():
            client._disconnected.exception()
