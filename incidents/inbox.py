"""What an officer asks the inbox for, and how its pages follow one another. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime

from core.errors import InvalidInputError
from incidents.rules import OPEN_STATES

PAGE_SIZE, MOST_AT_ONCE = 50, 200
# What one press may change: each takes about 10 ms with its history and its notices, and holds its incident meanwhile.
MOST_CHOSEN = 200
# Beyond this a number only says "very many", and counting on would cost more than it tells.
COUNTED_TO = 100_000
ORDERS = ("urgent", "newest")


@dataclass(frozen=True)
class Wanted:
    """Which incidents: every term narrows, an empty one asks for nothing; `words` is a number or a part of the words.

    `agencies` are those that an incident reaches, as its lead or otherwise. `with_reports` looks at residents' own
    words too: only for those who may read them.
    """

    states: tuple[str, ...] = OPEN_STATES
    categories: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()
    is_near: bool = False
    is_overdue: bool = False
    may_be_same: bool = False
    is_waiting: bool = False
    words: str = ""
    with_reports: bool = False


@dataclass(frozen=True)
class Mark:
    """The last row of a page: the next page begins behind it."""

    tier: int
    at: datetime
    incident_id: int


def written(mark: Mark) -> str:
    """The mark as one word for a link."""
    raw = json.dumps([mark.tier, mark.at.isoformat(), mark.incident_id]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read(text: str) -> Mark:
    """The mark that was written so. Raises InvalidInputError for any other word."""
    try:
        tier, at, incident_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        mark = Mark(int(tier), datetime.fromisoformat(at), int(incident_id))
    except (ValueError, TypeError, binascii.Error, OverflowError):
        raise InvalidInputError("This page's mark was not written here. Begin with the first page.") from None
    if mark.at.tzinfo is None or not (0 < mark.incident_id < 2**63 and 0 < mark.tier < 5):
        raise InvalidInputError("This page's mark was not written here. Begin with the first page.")
    return mark
