"""By which channel an alert goes out, and what an attempt at a subscriber means: decided over plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

MOST_ATTEMPTS = 40
LONGEST_WAIT_S = 120.0
# A cancelled warning, or the end of one, is worth telling for this long.
LATE_NEWS = timedelta(hours=6)
LONGEST_MAIL_ADDRESS = 254
# What servers take everywhere; quotes, comments and other alphabets are read differently from one to the next.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL_ADDRESS = re.compile(rf"[A-Za-z0-9._%+-]{{1,64}}@(?:{_LABEL}\.)*{_LABEL}")


def line_channel(*, is_exercise: bool, is_rehearsal: bool, has_exercise_token: bool) -> str:
    """By which of the outbox's channels an alert's messages go: never an exercise by the live one.

    In a rehearsal, and for an exercise that has no token of its own, a blackhole takes them.
    """
    if is_rehearsal or (is_exercise and not has_exercise_token):
        return "blackhole"
    return "exercise" if is_exercise else "line"


def is_mail_address(text: str) -> bool:
    """One plain address of mail and nothing else: no line break can follow it into a header."""
    return len(text) <= LONGEST_MAIL_ADDRESS and _MAIL_ADDRESS.fullmatch(text) is not None and ".." not in text


def shown_mail_address(address: str) -> str:
    """As officers see it: whose server it is, and one letter of whom."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"


@dataclass(frozen=True)
class Verdict:
    """What became of one attempt: `accepted`, `refused` (never again) or `away` (perhaps later), and why.

    `was_handed_over` says that an answer is missing after everything had been sent: it may have been taken.
    """

    result: str
    fault: str = ""
    was_handed_over: bool = False


def wait_s(attempts: int) -> float:
    """Seconds before the next attempt: 2, 4, 8 … 120."""
    return float(min(LONGEST_WAIT_S, 2.0 ** min(attempts, 10)))


def state_after(verdict: Verdict, *, attempts: int, was_handed_over: bool) -> str:
    """The state of a delivery after its attempt number `attempts`; queued where it is tried again."""
    if verdict.result == "accepted":
        return "accepted"
    is_unknown = was_handed_over or verdict.was_handed_over
    if verdict.result == "refused":
        return "unknown" if is_unknown else "failed"
    if attempts < MOST_ATTEMPTS:
        return "queued"
    return "unknown" if is_unknown else "failed"


def state_when_over(*, was_handed_over: bool) -> str:
    """The state of a delivery whose alert holds no longer: what nobody took is not sent any more."""
    return "unknown" if was_handed_over else "cancelled"
