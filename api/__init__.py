"""The door: HTTP for screens, crews, devices and LINE; the only room that knows FastAPI besides the LINE stand-in."""

from __future__ import annotations
