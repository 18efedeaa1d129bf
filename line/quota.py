"""LINE's allowance of the month: asked now and then, and what of it our own queue has pledged since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from core import clock
from line import client
from line.errors import LineRefusedError
from line.models import LineQuota

_METERED = ("multicast", "push")
# Not in LINE's count when it was asked: what waits, and what LINE took since.
_PLEDGED = sa.text("""
    SELECT coalesce(sum(recipient_count), 0) FROM outbox_chunk
    WHERE channel = :channel AND kind = ANY(CAST(:metered AS text[]))
      AND (state IN ('queued', 'sending') OR (state = 'accepted' AND accepted_wall_at > :asked_wall_at))
""")


@dataclass(frozen=True)
class Quota:
    """What LINE said; `limit` None where the account has none. `used` counts people, as LINE does."""

    limit: int | None
    used: int
    asked_wall_at: datetime


def ask() -> tuple[int | None, int]:
    """(limit or None, used) as LINE says them now. Raises LineUnavailableError or LineRefusedError."""
    quota, consumption = _answer("/v2/bot/message/quota"), _answer("/v2/bot/message/quota/consumption")
    limit = _number(quota.get("value")) if quota.get("type") == "limited" else None
    return limit, _number(consumption.get("totalUsage"))


def _answer(path: str) -> dict[str, Any]:
    response = client.call("GET", path)
    if response.status_code != 200:
        raise LineRefusedError(f"LINE answered {response.status_code}: {client.message_of(response)}")
    body = response.json()
    return body if isinstance(body, dict) else {}


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise LineRefusedError("LINE says no number of messages.")
    return value


def keep(session: Session, limit: int | None, used: int, *, channel: str = "line") -> None:
    """What LINE said is what is known of the channel's allowance from now on."""
    facts = {"quota_limit": limit, "used": used, "asked_wall_at": clock.wall_now()}
    added = postgresql.insert(LineQuota).values(channel=channel, **facts)
    session.execute(added.on_conflict_do_update(index_elements=["channel"], set_=facts))


def known(session: Session, *, channel: str = "line") -> Quota | None:
    """What LINE said when it was last asked; None where it never was."""
    row = session.get(LineQuota, channel, populate_existing=True)
    return None if row is None else Quota(row.quota_limit, row.used, row.asked_wall_at)


def pledged(session: Session, *, since_wall_at: datetime, channel: str = "line") -> int:
    """How many people's messages LINE had not counted then: those that wait, and those that went out since."""
    facts = {"channel": channel, "metered": list(_METERED), "asked_wall_at": since_wall_at}
    return int(session.scalar(_PLEDGED, facts) or 0)
