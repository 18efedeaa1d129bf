"""The API as a process: uvicorn on the configured address, stopped without waiting for open streams."""

from __future__ import annotations

import contextlib
import errno
import gc
import socket

import uvicorn
from fastapi import FastAPI

from api import queries
from api.app import create_app
from api.heads import ShortHeadProtocol
from core import db
from core.db import transaction
from core.errors import SetupError
from core.logs import get_logger
from core.settings import settings

log = get_logger("api")

GRACE_S = 3


class _Server(uvicorn.Server):
    """Tells the open streams to end before it waits for connections to close."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._app.state.live.stop()
        await super().shutdown(sockets)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on the address; raises SetupError with the way out where another program has it."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SetupError(
                f"Another program already listens on {host}:{port}. Stop it, or set FAONAM_API_PORT to a free port."
            ) from error
        raise SetupError(f"Faonam cannot listen on {host}:{port}: {error.strerror or error}.") from error


def check_database() -> None:
    """The database answers and sees Thai; raises SetupError with one sentence where it does not."""
    try:
        with transaction() as session:
            queries.is_answering(session)
            db.check_thai(session)
    except Exception as error:
        if isinstance(error, SetupError):
            raise
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise SetupError(f"The database does not answer, so the API cannot start: {reason}") from error


def server_of(app: FastAPI) -> uvicorn.Server:
    """The server of `app`, to be run on sockets that listen already."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=ShortHeadProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return _Server(config, app)


def run() -> None:
    """The API serves until it is told to stop (SIGINT, SIGTERM); raises SetupError where it cannot start."""
    check_database()
    host, port = settings().api_host, settings().api_port
    listening = listening_socket(host, port)
    app = create_app()
    # What stands now stands for good; else the collector walks 270,000 objects in the middle of an answer: 0.15 s.
    gc.collect()
    gc.freeze()
    log.info("api.serves", host=host, port=port)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises Ctrl-C once more after it has stopped in good order.
        server_of(app).run(sockets=[listening])
