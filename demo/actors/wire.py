"""How gauges and residents of the storm speak HTTP."""

from __future__ import annotations

import functools

import httpx

PATIENCE_S = 10.0
KEPT_S = 2.0  # Shorter than a server keeps an idle connection (uvicorn: 5 s), or both ends could meet in the middle.


@functools.cache
def http() -> httpx.Client:
    """One client for all of them: its connections stay open, and the certificates are read once."""
    return httpx.Client(timeout=PATIENCE_S, limits=httpx.Limits(keepalive_expiry=KEPT_S))
