"""Decisions about who passes warnings on: what acknowledges, how fast that was, whom to call next. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from residents.rules import seen

# Said alone, in any of the four languages; who says more than that says something else.
_ACKNOWLEDGED = frozenset(
    {
        "รับทราบ", "รับทราบแล้ว", "ทราบแล้ว", "ทราบ", "acknowledged", "noted", "received", "roger", "diterima", "faham",
        "maklum", "သိပါပြီ", "သိရှိပါပြီ", "လက်ခံရရှိပါပြီ",
    }
)  # fmt: skip
_POLITE = ("นะครับ", "นะคะ", "ครับผม", "ครับ", "ค่ะ", "คะ", "จ้า")
_BUTTON = "ack"
OUTCOMES = ("reached", "no_answer", "wrong_number")


def is_acknowledgement(text: str) -> bool:
    """The words say that the warning was read, and nothing else."""
    if len(text) > 60:
        return False
    plain = " ".join(seen(text).lower().split()).strip(" .!?…👍🙏✅")
    for polite in _POLITE:
        plain = plain.removesuffix(polite).strip()
    return plain in _ACKNOWLEDGED


def button(alert_id: int) -> str:
    """What the button of this alert's card sends back."""
    return f"{_BUTTON}:{alert_id}"


def alert_of_button(data: str) -> int | None:
    """The alert whose card's button sent this; None for other buttons."""
    kind, _, number = data.partition(":")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if kind == _BUTTON and is_number else None


def minutes(since: datetime, until: datetime) -> float:
    """Minutes from one time to the other, one decimal, never below 0."""
    return round(max(0.0, (until - since).total_seconds() / 60), 1)


def median(given: Collection[float]) -> float | None:
    """The middle of what was needed; None where nobody needed anything yet."""
    return round(statistics.median(given), 1) if given else None


# ── Whom to call ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Patience:
    """For how long each level's acknowledgement is waited for; a level that is missing is never called about."""

    version: int
    after: Mapping[int, timedelta]


@dataclass(frozen=True)
class Silence:
    """A zone of an alert in force that nobody has acknowledged, told of since `told_at`."""

    alert_id: int
    level: int
    zone_id: int
    area_id: int | None
    told_at: datetime


def overdue(silences: Collection[Silence], patience: Patience, *, now: datetime) -> list[tuple[int, int | None]]:
    """(alert, area) of each list that has to be called through now: one for all silent zones of an area."""
    due = {
        (silence.alert_id, silence.area_id)
        for silence in silences
        if silence.level in patience.after and now - silence.told_at >= patience.after[silence.level]
    }
    return sorted(due, key=lambda one: (one[0], one[1] or 0))


@dataclass(frozen=True)
class Listed:
    """Somebody on a list: their place in it, and whether their number was found wrong."""

    contact_id: int
    position: int
    is_wrong: bool


def next_to_call(listed: Sequence[Listed], called: Collection[int]) -> Listed | None:
    """The first of the list who was not called yet and whose number is good; None at its end."""
    waiting = [one for one in listed if one.contact_id not in called and not one.is_wrong]
    return min(waiting, key=lambda one: (one.position, one.contact_id), default=None)
