"""Gauges, feeds that write to them, and a source on loopback that answers as badly as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy.orm import Session

from sensors.feeds_store import queries
from sensors.feeds_store.actions import declare_feed
from sensors.feeds_store.spec import FeedSpec
from tests.sensors.feeds_house.declared import a_feed, add_gauge


@pytest.fixture
def declare(session: Session) -> Callable[..., FeedSpec]:
    """`declare(code, kind, …)`: a feed that is declared, in a house with the gauges G1 and G2."""
    for code in ("G1", "G2"):
        add_gauge(session, code)

    def declared(code: str, kind: str, **changes: Any) -> FeedSpec:
        declare_feed(session, a_feed(code, kind, **changes))
        found = queries.spec_by_code(session, code)
        assert found is not None
        return found

    return declared


@dataclass
class Source:
    """A web server on loopback: `answers` are status, headers and body by path; `seen` is what was asked."""

    url: str
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    # Pieces of a body are sent one after the other, with so many seconds between them.
    pause_s: float = 0.0


@pytest.fixture(scope="module")
def _server() -> Iterator[tuple[ThreadingHTTPServer, list[Source]]]:
    sources: list[Source] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            source = sources[-1]
            source.seen.append((self.path, dict(self.headers)))
            status, headers, body = source.answers[self.path]
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for start in range(0, len(body), 4096 if source.pause_s == 0 else 1):
                    self.wfile.write(body[start : start + (4096 if source.pause_s == 0 else 1)])
                    stopped.wait(source.pause_s)
            except OSError:  # Whoever asked has hung up, as it should.
                return

        def log_message(self, format: str, *args: Any) -> None:
            pass

    stopped = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server, sources
    stopped.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def source(_server: tuple[ThreadingHTTPServer, list[Source]]) -> Source:
    """A source that answers nothing yet."""
    server, sources = _server
    sources.append(Source(f"http://127.0.0.1:{server.server_address[1]}"))
    return sources[-1]
