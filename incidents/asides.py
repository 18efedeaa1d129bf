"""Rooms above that hear a resident before they begin a report: a question, a word to an officer, a place asked for."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from gis.points import LonLat
from incidents.speaking import Speaker

Hears = Callable[[Session, Speaker, str], bool]
HearsPlace = Callable[[Session, Speaker, LonLat], bool]
_rooms: dict[str, Hears] = {}
_rooms_of_places: dict[str, HearsPlace] = {}


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


def hears_lone_places(*, room: str) -> Callable[[HearsPlace], HearsPlace]:
    """The decorated `function(session, speaker, place)` hears places that belong to no report and no home.

    True where it has answered the place.
    """

    def register(function: HearsPlace) -> HearsPlace:
        _rooms_of_places[room] = function
        return function

    return register


def have_answered_place(session: Session, speaker: Speaker, place: LonLat) -> bool:
    """A room above had asked for the place and has answered it."""
    return any(hears(session, speaker, place) for hears in _rooms_of_places.values())
