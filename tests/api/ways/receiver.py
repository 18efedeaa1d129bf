"""A partner's server on this machine: keeps what it is told, checks who told it, and answers as a test says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Heard:
    """One call that arrived."""

    method: str
    path: str
    event_id: str
    body: dict[str, Any]
    is_signed: bool


@dataclass
class Receiver:
    """Where it listens and what it heard; `answers` are the statuses of the next calls, then 200. `slow_s` waits."""

    url: str = ""
    secret: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    slow_s: float = 0.0
    on_call: Callable[[Heard], None] | None = None

    def take(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> int:
        """The call is kept, and its answer's status."""
        heard = Heard(method, path, headers["webhook-id"], json.loads(raw), self._is_signed(headers, raw))
        self.heard.append(heard)
        time.sleep(self.slow_s)
        status = self.answers.pop(0) if self.answers else 200
        if self.on_call is not None:
            self.on_call(heard)
        return status

    def _is_signed(self, headers: dict[str, str], raw: bytes) -> bool:
        """By the specification alone: HMAC-SHA-256 over id, time and body, by the secret after `whsec_`."""
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{raw.decode()}".encode()
        key = base64.b64decode(self.secret.split("_")[1]) if self.secret else b""
        expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        is_fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
        return is_fresh and hmac.compare_digest(expected, headers["webhook-signature"])

    def told(self) -> list[tuple[str, str, str]]:
        """Method, ticket and status (empty for a new one) of every call."""
        return [(one.method, one.body["ticket_id"], one.body.get("status", "")) for one in self.heard]


@contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver on a free port of loopback, until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): text for name, text in self.headers.items()}
            status = receiver.take(self.command, self.path, headers, raw)
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", receiver.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_PATCH = _take  # noqa: N815 - the standard library's names.

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is written."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook/their-secret-word"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
