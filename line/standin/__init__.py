"""A LINE platform on this machine, for demo, tests and load."""

from __future__ import annotations


def run() -> None:
    """The stand-in is served on this machine only, until the process is stopped."""
    import uvicorn

    from core.settings import settings
    from line.standin.app import create_app

    uvicorn.run(
        create_app(),
        host="127.0.0.1",
        port=settings().standin_port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
