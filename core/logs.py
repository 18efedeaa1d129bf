"""Structured logs: events with facts, never prose, never people's data."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO, cast

import structlog

from core.errors import trouble_outside


class _StandardError:
    """Standard error as it is when something is written: whoever takes its place for a while gets what is said then."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logs(log_format: str = "console", *, level: int = logging.INFO) -> None:
    """Logs of this process go to standard error, as `console` lines or as one `json` object a line."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _shorten,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_StandardError())
    handler.setFormatter(_ShortFormatter("%(levelname)s:%(name)s:%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # aiomqtt and amqtt log every packet; a burst of readings would drown the duty log.
    for noisy in ("mqtt", "transitions", "httpx", "procrastinate"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)  # It calls every client that hangs up an error.


def _shorten(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """A full disk or a database that is away is one sentence; only our own faults keep their traceback."""
    info = event.get("exc_info")
    exc = info if isinstance(info, BaseException) else sys.exc_info()[1] if info else None
    reason = trouble_outside(exc) if exc is not None else None
    if reason is not None:
        event["exc_info"] = None
        event["reason"] = reason
    return event


class _ShortFormatter(logging.Formatter):
    """The same for what libraries log."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the standard library's name.
        return (trouble_outside(ei[1]) if ei[1] is not None else None) or super().formatException(ei)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose every line carries the room it came from."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(room=name)
    return logger
