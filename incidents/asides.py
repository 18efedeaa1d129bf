"""Rooms above that hear a resident's words before they begin a report: a question, a word to an officer."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from incidents.speaking import Speaker

Hears = Callable[[Session, Speaker, str], bool]
_rooms: dict[str, Hears] = {}


def hears_first(*, room: str) -> Callable[[Hears], Hears]:
    """The decorated `function(session, speaker, text)` hears words first; True where it has answered them.

    It must leave alone what is an emergency, a report or a part of one: what it answers reaches no incident.
    """

    def register(function: Hears) -> Hears:
        _rooms[room] = function
        return function

    return register


def have_answered(session: Session, speaker: Speaker, text: str) -> bool:
    """A room above has answered the words: they are no turn of a report."""
    return any(hears(session, speaker, text) for hears in _rooms.values())
