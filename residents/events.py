"""What changed among the city's friends. Ids only: nobody's LINE id, home or language travels in these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True)
class MemberJoined(Event):
    """Somebody is a friend of the city's account for the first time, or again."""

    name: ClassVar[str] = "residents.member_joined"
    resident_id: int
    is_return: bool


@dataclass(frozen=True)
class MemberLeft(Event):
    """A friend has blocked the city's account and cannot be reached."""

    name: ClassVar[str] = "residents.member_left"
    resident_id: int


@dataclass(frozen=True)
class HomeSet(Event):
    """A resident has said where home is."""

    name: ClassVar[str] = "residents.home_set"
    resident_id: int
    home_id: int
