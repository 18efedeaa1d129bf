"""The door: HTTP for screens, crews, devices and LINE; the only room that knows FastAPI besides the LINE stand-in."""

from __future__ import annotations


def run() -> None:
    """The API serves until it is told to stop; raises SetupError with one sentence where it cannot start."""
    from api.server import run as serve  # Rooms that only read `api.queries` need no web server.

    serve()
