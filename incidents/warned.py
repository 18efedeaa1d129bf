"""The home that an alert was for, for who presses its button for help: asked of the room that keeps alerts.

People may have several homes. That room is above this one, so it says here how it finds the home.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from gis.points import LonLat
from incidents import rules

Finds = Callable[[Session, int, int], LonLat | None]
_finders: list[Finds] = []


def finds_warned_home(function: Finds) -> Finds:
    """The decorated `function(session, alert_id, resident_id)` knows the home that an alert was for."""
    _finders.append(function)
    return function


def home_of(session: Session, data: str, resident_id: int) -> LonLat | None:
    """The home that the alert of a button `help:<alert>` was for; None where nobody knows one."""
    verb, _, number = data.partition(":")
    if verb != "help" or not (number.isascii() and number.isdigit()) or len(number) > rules.LONGEST_ID:
        return None
    found = (find(session, int(number), resident_id) for find in _finders)
    return next((home for home in found if home is not None), None)
