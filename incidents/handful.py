"""Photos that a resident sends together, as LINE tells of them one by one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

# Choosing the next photo takes a person less than this (assumed); by LINE's clock.
IN_A_ROW_S = 20.0


@dataclass(frozen=True)
class Picture:
    """A photo that has been noted and will be fetched, perhaps one of a set; `ranked` is what the words so far tell."""

    photo_id: int
    sent_at_s: float = 0.0
    set_id: str = ""
    set_total: int = 0
    ranked: tuple[str, ...] = ()


def picture(photo_id: int, *, sent_at: datetime, image_set: object) -> Picture:
    """The photo as the conversation takes it; `image_set` is LINE's `imageSet`, whatever it may hold."""
    found = image_set if isinstance(image_set, dict) else {}
    set_id, total = found.get("id"), found.get("total")
    if not isinstance(set_id, str) or not set_id:
        return Picture(photo_id, sent_at.timestamp())
    if not isinstance(total, int) or isinstance(total, bool) or total < 1:
        total = 0  # Old phones do not say.
    return Picture(photo_id, sent_at.timestamp(), set_id, total)


@dataclass(frozen=True)
class Handful:
    """Photos of one set, or in a row: how many were seen, of how many where LINE says so, and whether they wait.

    `last_at_s` is LINE's clock in seconds, `kept` how many stay; `waits` says that the newest of them is not answered
    yet, `has_left` that some were one too many, `is_told_left` that the resident knows.
    """

    set_id: str = ""
    total: int = 0
    seen: int = 0
    last_at_s: float = 0.0
    waits: bool = False
    has_left: bool = False
    is_told_left: bool = False
    kept: int = 0

    def takes(self, coming: Picture) -> bool:
        """The photo is a further one of these."""
        if coming.set_id or self.set_id:
            return coming.set_id == self.set_id
        return abs(coming.sent_at_s - self.last_at_s) <= IN_A_ROW_S

    def with_one_more(self, coming: Picture) -> Handful:
        """These and the photo."""
        return replace(
            self, set_id=coming.set_id, total=max(self.total, coming.set_total), seen=self.seen + 1,
            last_at_s=max(self.last_at_s, coming.sent_at_s),
        )


@dataclass(frozen=True)
class LeavePhoto:
    """The photo is one too many and is not kept."""

    photo_id: int
