"""The storm's patience with a database that is away, as after a crash: every other process of the house waits too."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from core import db
from core.logs import get_logger
from line.rules import backoff_s

log = get_logger("demo")

GIVES_UP_AFTER_S = 600.0
WAITS_GROW = 6  # To 6.4 s: nobody who watches looks at a still storm for longer once the database is there.
_T = TypeVar("_T")


def when_database_is_there(
    act: Callable[[], _T], *, on_wait: Callable[[], object] = lambda: None, gives_up_after_s: float = GIVES_UP_AFTER_S
) -> _T:
    """What `act` gives, tried again while the database is away; each try is a line in the log, after `on_wait`.

    Raises the database's own fault where it stays away for `gives_up_after_s`, and any other fault at once.
    """
    began_s, attempts = time.monotonic(), 0
    while True:
        try:
            done = act()
        except Exception as fault:
            away_s, attempts = time.monotonic() - began_s, attempts + 1
            if not db.is_away(fault):
                raise
            if away_s >= gives_up_after_s:
                log.error("storm.gives_up", away_s=round(away_s, 1), attempts=attempts)
                raise
            wait_s = backoff_s(min(attempts, WAITS_GROW), jitter=random.random())
            log.warning(
                "storm.database_away", attempts=attempts, away_s=round(away_s, 1), again_in_s=round(wait_s, 1),
                exc_info=True,
            )
        else:
            if attempts:
                log.info("storm.database_back", away_s=round(time.monotonic() - began_s, 1), attempts=attempts)
            return done
        on_wait()
        time.sleep(wait_s)
