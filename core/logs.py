"""Structured logs: events with facts, never prose, never people's data."""

from __future__ import annotations

import logging
import sys

import structlog


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
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    # aiomqtt and amqtt log every packet; a burst of readings would drown the duty log.
    for noisy in ("mqtt", "amqtt", "transitions", "httpx", "procrastinate"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose every line carries the room it came from."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(room=name)
    return logger
