"""What a wall clock that is set back would hide: how old a first attempt is.

LINE keeps a retry key for 24 h, so nothing is tried again 23 h after its first attempt. These hours are the database's
wall clock's. Senders hold it against the machine's own count of seconds, which nobody sets: where it went back, first
attempts go back with it. Where it went forward they look older than they are, which is the safe side.
"""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.logs import get_logger

log = get_logger("line")
SET_BACK_S = 5.0  # Less is no matter for 23 h, and a busy machine may take as long to ask.
_BOOT = Path("/proc/sys/kernel/random/boot_id")

_SEEN = sa.text("SELECT steady_s, wall_at FROM send_clock WHERE host = :host FOR UPDATE")
_NOW = sa.text("SELECT clock_timestamp()")
_NOTE = sa.text("""
    INSERT INTO send_clock (host, steady_s, wall_at) VALUES (:host, :steady_s, :wall_at)
    ON CONFLICT (host) DO UPDATE SET steady_s = EXCLUDED.steady_s, wall_at = EXCLUDED.wall_at
""")
_FORGET_OTHER_BOOTS = sa.text("DELETE FROM send_clock WHERE wall_at < :wall_at - interval '30 days'")
_SET_BACK = sa.text("""
    UPDATE outbox_chunk SET first_attempt_wall_at = first_attempt_wall_at - make_interval(secs => :by_s)
    WHERE state IN ('queued', 'sending') AND first_attempt_wall_at IS NOT NULL
""")


@functools.cache
def this_boot() -> str:
    """This machine since it was started; where it does not say, this process."""
    return _BOOT.read_text().strip() if _BOOT.exists() else str(uuid.uuid4())


def machine_s() -> float:
    """Seconds that this machine has counted since it was started, asleep or not; nobody sets them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def hold_age(session: Session, *, steady_s: Callable[[], float] = machine_s) -> float:
    """First attempts are as old as they were, though the wall clock was set back since a sender here last looked.

    By how many seconds it was. Two machines that both see it make them older than they are, which is the safe side.
    """
    seen = session.execute(_SEEN, {"host": this_boot()}).one_or_none()
    asked_s = steady_s()
    wall_at = session.execute(_NOW).scalar_one()
    session.execute(_NOTE, {"host": this_boot(), "steady_s": asked_s, "wall_at": wall_at})
    if seen is None:
        session.execute(_FORGET_OTHER_BOOTS, {"wall_at": wall_at})
        return 0.0
    back_s: float = (asked_s - seen.steady_s) - (wall_at - seen.wall_at).total_seconds()
    if back_s < SET_BACK_S:
        return 0.0
    session.execute(_SET_BACK, {"by_s": back_s})
    log.error("outbox.clock_set_back", by_s=round(back_s, 1))
    return back_s
