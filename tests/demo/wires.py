"""Who listens to simulated gauges in tests: a broker and an API that keep what they are told."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_CONNECT, _PUBLISH = 1, 3
_CONNACK, _PUBACK = b"\x20\x02\x00\x00", b"\x40\x02"


class Broker(socketserver.ThreadingTCPServer):
    """As much of MQTT 3.1.1 as a gauge needs; hangs up instead of answering the first `hangs_up` publishes."""

    daemon_threads = True

    def __init__(self, hangs_up: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.hangs_up = hangs_up
        self.heard: list[dict[str, Any]] = []


class _Session(socketserver.StreamRequestHandler):
    server: Broker

    def handle(self) -> None:
        while head := self.rfile.read(1):
            body = self.rfile.read(self._length())
            if head[0] >> 4 == _CONNECT:
                self.wfile.write(_CONNACK)
            elif head[0] >> 4 == _PUBLISH:
                topic_end = 2 + int.from_bytes(body[:2])
                self.server.heard.append(json.loads(body[topic_end + 2 :]))
                if len(self.server.heard) <= self.server.hangs_up:
                    return
                self.wfile.write(_PUBACK + body[topic_end : topic_end + 2])

    def _length(self) -> int:
        length = shift = 0
        while True:
            byte = self.rfile.read(1)[0]
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                return length
            shift += 7


class Api(http.server.ThreadingHTTPServer):
    """Takes every reading that is posted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.heard: list[dict[str, Any]] = []


class _Post(http.server.BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        self.server.heard += json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@contextmanager
def listening(server: socketserver.TCPServer) -> Iterator[int]:
    """The server listens in the block, at this port of loopback."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
