"""Decisions about reports and incidents over plain values: which step is allowed, until when, whose work."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.words import words
from gis.points import LonLat
from incidents.errors import WrongStateError
from incidents.policy import Policy

LOCAL_TIME = ZoneInfo("Asia/Bangkok")
BUDDHIST_ERA_OFFSET = 543

STATES = ("new", "accepted", "in_progress", "done", "closed", "rejected", "reopened", "sent_on")
OPEN_STATES = ("new", "accepted", "in_progress", "reopened", "sent_on")

_STEPS: dict[str, tuple[str, ...]] = {
    "new": ("accepted", "rejected", "sent_on"),
    "accepted": ("in_progress", "rejected", "sent_on"),
    "in_progress": ("done", "accepted", "sent_on"),
    "done": ("closed", "reopened"),
    "reopened": ("accepted", "rejected", "sent_on"),
    "sent_on": ("accepted", "rejected", "sent_on"),
    "closed": ("reopened",),
    "rejected": ("reopened",),
}

REOPEN_WITHIN = timedelta(days=7)
# No bigint has more digits; and those after the year in the number of an incident.
LONGEST_ID, NUMBER_DIGITS = 18, 6
DRAFT_LIFE = timedelta(hours=2)
STRAY_PHOTO_LIFE = timedelta(days=1)
EMERGENCY_DRAFT_LIFE = timedelta(minutes=30)


# A place that was only named counts from this confidence on, where it is no wider than this (assumed).
TOLD_CONFIDENCE, TOLD_RADIUS_M = 0.8, 600.0


# Further outside the city than this a pin is asked about: its crews seldom work there (assumed).
FAR_OUTSIDE_M = 5_000.0


def far_outside_km(away_m: float) -> int | None:
    """The whole kilometres outside the city where that is far enough for the pin to be a slip, else None."""
    return round(away_m / 1000) if away_m >= FAR_OUTSIDE_M else None


def is_place_told(*, confidence: float, radius_m: float) -> bool:
    """The words name a place so surely and so exactly that a crew can be sent there."""
    return confidence >= TOLD_CONFIDENCE and radius_m <= TOLD_RADIUS_M


def check_step(from_state: str, to_state: str) -> None:
    """The step is allowed. Raises WrongStateError with the steps that are."""
    if to_state not in _STEPS.get(from_state, ()):
        allowed = ", ".join(_STEPS.get(from_state, ())) or "none"
        raise WrongStateError(
            f"From '{from_state}' an incident cannot become '{to_state}' (allowed: {allowed}).",
            detail_th=_wrong_step_th(from_state, to_state),
        )


def _wrong_step_th(from_state: str, to_state: str) -> str:
    names = {state: words("incidents", f"state-{state}") for state in (from_state, to_state) if state in STATES}
    return words(
        "incidents", "wrong-step", before=names.get(from_state, from_state), after=names.get(to_state, to_state)
    )


def check_seen(seen_state: str | None, state: str) -> None:
    """The incident is still in the state that the officer saw. Raises WrongStateError where another was faster."""
    if seen_state is not None and seen_state != state:
        raise WrongStateError(
            f"Meanwhile somebody else has changed it from '{seen_state}' to '{state}'. Look again, then decide.",
            detail_th=words("incidents", "changed-meanwhile", state=words("incidents", f"state-{state}")),
        )


def steps_between(from_state: str, to_state: str) -> list[str]:
    """The shortest allowed way forward, without the state it starts from; empty where it is already there.

    Only forward steps are walked, never through `rejected`, `closed` or back. Raises WrongStateError where no way is.
    """
    forward = ("accepted", "in_progress", "done")
    waiting: deque[tuple[str, list[str]]] = deque([(from_state, [])])
    while waiting:
        state, way = waiting.popleft()
        if state == to_state:
            return way
        for following in _STEPS.get(state, ()):
            if following in forward and following not in way and following != from_state:
                waiting.append((following, [*way, following]))
    raise WrongStateError(f"From '{from_state}' an incident cannot become '{to_state}'.")


_FURTHER = {"in_progress": 0, "accepted": 1, "reopened": 2, "new": 3}


def survival_rank(*, tier: int, state: str, opened_at: datetime) -> tuple[int, int, datetime]:
    """Of two open incidents that are one, the lesser rank survives: the graver, then the further on, then the older."""
    return tier, _FURTHER[state], opened_at


def verdict(*, state: str, says: str, done_at: datetime | None, now: datetime) -> str | None:
    """What a reporter's word about a finished incident makes of it: closed, reopened, or nothing (None).

    `says` is `close` or `reopen`; a week after it was finished a new report is needed.
    """
    if says == "close" and state == "done":
        return "closed"
    if says == "reopen" and state in {"done", "closed"} and done_at is not None and now - done_at <= REOPEN_WITHIN:
        return "reopened"
    return None


def number_head(opened_at: datetime) -> str:
    """How the number that residents hear begins: the year of the Buddhist era in Bangkok, such as 2569-."""
    return f"{opened_at.astimezone(LOCAL_TIME).year + BUDDHIST_ERA_OFFSET}-"


def is_overdue(*, state: str, promised_at: datetime, done_at: datetime | None, now: datetime) -> bool:
    """The promise is missed: still open after it, or finished after it."""
    if state in OPEN_STATES:
        return now > promised_at
    return done_at is not None and done_at > promised_at


# ── When reporters hear ─────────────────────────────────────────────────────────────────────────────────────────────


def told_at(now: datetime, *, tier: int, policy: Policy) -> datetime:
    """When reporters hear of a change: soon, so that what follows at once is one message; by night only urgent matters.

    Tiers above the policy's `urgent_tier` wait for the morning where the message would come in the quiet hours.
    """
    if tier <= policy.urgent_tier:
        return now + policy.bundle_urgent
    due = now + policy.bundle_ordinary
    return quiet_until(due, policy=policy) or due


def quiet_until(at: datetime, *, policy: Policy) -> datetime | None:
    """When the quiet hours end in which `at` lies, None by day."""
    local = at.astimezone(LOCAL_TIME)
    begins, ends = policy.quiet_from, policy.quiet_to
    is_over_midnight = begins > ends
    clock_time = local.time()
    is_quiet = (clock_time >= begins or clock_time < ends) if is_over_midnight else begins <= clock_time < ends
    if not is_quiet:
        return None
    morning = datetime.combine(local.date(), ends, LOCAL_TIME)
    if morning <= local:
        morning += timedelta(days=1)
    return morning.astimezone(UTC)


# ── Small readings of a report's text ────────────────────────────────────────────────────────────────────────────────

THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_PEOPLE = re.compile(r"(\d{1,3})\s*(?:คน|ชีวิต|ท่าน|people|persons)", re.IGNORECASE)
SUMMARY_LENGTH = 140
# Marks that turn writing round or are not seen: a line of a list must read as what it says (Unicode TR 36, 2.6).
_TURNING = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF])


def people_in(text: str) -> int | None:
    """How many people a report speaks of (`4 คน`, `๓ คน`, `2 people`); the largest number, None where it says none."""
    counts = [int(found) for found in _PEOPLE.findall(text.translate(THAI_DIGITS))]
    return max(counts) if counts else None


def summary_of(text: str, *, otherwise: str) -> str:
    """One line for lists: the report's first words, or `otherwise` where it has no text."""
    line = " ".join(text.translate(_TURNING).split())
    if not line:
        return otherwise
    return line if len(line) <= SUMMARY_LENGTH else line[: SUMMARY_LENGTH - 1] + "…"


# ── What comes in ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class NewReport:
    """A complete report: from whom (None: an officer's own), what, where and how we know where.

    `source` is line, officer, open311 or phone; `place_source` pin, home, recent_pin, words, photo or officer.
    `offered` are the categories that its resident was offered, by which model; the one they tapped is the report's own.
    """

    text: str
    category_code: str
    place: LonLat
    place_source: str
    source: str = "line"
    resident_id: int | None = None
    radius_m: float | None = None
    photo_ids: tuple[int, ...] = ()
    is_private: bool = False
    offered: Mapping[str, Any] | None = None
