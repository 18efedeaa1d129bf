"""LINE's side: signed webhook calls to the city, and the address to which the city's answers go.

Written on bare asyncio streams, so that the caller takes little of the processors that it measures.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from core.settings import settings
from line.rules import signature

CONNECTIONS = 24
PATIENCE_S = 10.0
ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-line-request-id: bench\r\ncontent-length: 2\r\n\r\n{}'

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Heard = Callable[[str, dict[str, Any]], None]


def body_of(events: Sequence[dict[str, Any]]) -> bytes:
    """The body of a call with these events, as LINE's servers send it."""
    return json.dumps({"destination": "U" + "0" * 32, "events": list(events)}, ensure_ascii=False).encode()


class Caller:
    """Calls the webhook over kept connections, a few at a time; the others wait for one to be free."""

    def __init__(self, port: int) -> None:
        """Nothing is open yet."""
        self._port = port
        self._free: asyncio.Queue[_Connection | None] = asyncio.Queue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(None)
        secret = settings().line.channel_secret
        assert secret is not None  # noqa: S101 - every installation has one, random unless given.
        self._channel_secret = secret.get_secret_value()

    async def call(self, body: bytes) -> bool:
        """The call has been made; whether the city answered 200 in time.

        Where a kept connection was closed meanwhile, the call is made once more on a new one, as LINE's servers do.
        """
        kept = await self._free.get()
        is_good, left = await self._ask(kept, body) if kept else (None, None)
        if is_good is None:
            is_good, left = await self._ask(await asyncio.open_connection("127.0.0.1", self._port), body)
        self._free.put_nowait(left)
        return bool(is_good)

    async def _ask(self, connection: _Connection, body: bytes) -> tuple[bool | None, _Connection | None]:
        """Whether the answer was good, None where there was none; and the connection, where it can be used again."""
        reader, writer = connection
        try:
            writer.write(self._request(body))
            return await asyncio.wait_for(_is_good(reader), PATIENCE_S), connection
        except TimeoutError:
            writer.close()
            return False, None
        except (OSError, asyncio.IncompleteReadError):
            return None, None

    def _request(self, body: bytes) -> bytes:
        head = (
            "POST /line/webhook HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"x-line-signature: {signature(body, channel_secret=self._channel_secret)}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _is_good(reader: asyncio.StreamReader) -> bool:
    head, _ = await _message(reader)
    return head.split(b" ", 2)[1] == b"200"


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    lengths = (line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    return head, await reader.readexactly(int(next(lengths, b"0")))


@contextlib.asynccontextmanager
async def line_hears(heard: Heard) -> AsyncIterator[int]:
    """Every request that the city sends to LINE is taken and told to `heard` by its path; the port it is sent to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head, body = await _message(reader)
                heard(head.split(b" ", 2)[1].decode(), json.loads(body or b"{}"))
                writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
