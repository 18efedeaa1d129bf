"""Becoming a friend, leaving, consenting, choosing a language, saying where home is."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, events
from core.errors import InvalidInputError
from gis.points import LonLat
from residents import queries, rules
from residents.events import HomeSet, MemberJoined, MemberLeft
from residents.models import Home, Resident


def resident_of(session: Session, line_user_id: str) -> Resident:
    """The resident behind a LINE user id; a friend from before our time is made known, in Thai, without consent."""
    known = queries.by_line_user(session, line_user_id)
    if known is not None:
        return known
    return queries.insert_resident(
        session, line_user_id=line_user_id, language="th", joined_at=clock.now(), trust="real"
    )


def register_from_follow(
    session: Session, *, line_user_id: str, language: str, happened_at: datetime, trust: str = "real"
) -> Resident:
    """The person is a friend who can be reached, unless a later unfollow is known; a language once chosen stays."""
    known = queries.by_line_user(session, line_user_id)
    resident = known or queries.insert_resident(
        session, line_user_id=line_user_id, language=language, joined_at=happened_at, trust=trust
    )
    if not rules.is_news(happened_at, last_change_at=resident.friendship_changed_at):
        return resident
    resident.is_reachable = True
    resident.unreachable_at = None
    resident.friendship_changed_at = happened_at
    session.flush()
    events.publish(session, MemberJoined(resident_id=resident.id, is_return=known is not None))
    return resident


def mark_unreachable(session: Session, *, line_user_id: str, happened_at: datetime) -> None:
    """The person has blocked us since `happened_at`, unless a later follow is known; nobody can undo it from here."""
    resident = resident_of(session, line_user_id)
    if not rules.is_news(happened_at, last_change_at=resident.friendship_changed_at):
        return
    resident.is_reachable = False
    resident.unreachable_at = happened_at
    resident.friendship_changed_at = happened_at
    session.flush()
    events.publish(session, MemberLeft(resident_id=resident.id))


def give_consent(session: Session, resident: Resident, *, version: str, at: datetime) -> None:
    """The resident agrees to this version of the terms since `at`."""
    resident.consented_at = at
    resident.consent_version = version
    session.flush()


def withdraw_consent(session: Session, resident: Resident) -> None:
    """The resident agrees to nothing, and no home of theirs is kept."""
    resident.consented_at = None
    resident.consent_version = None
    session.execute(sa.delete(Home).where(Home.resident_id == resident.id))
    session.flush()


def choose_language(session: Session, resident: Resident, language: str) -> None:
    """The city writes to the resident in this language; raises InvalidInputError for one it cannot write."""
    if language not in rules.LANGUAGES:
        raise InvalidInputError(f"The city does not write in '{language}'.")
    resident.language = language
    session.flush()


def ask_for_home(session: Session, resident: Resident, *, at: datetime) -> None:
    """The next place that the resident sends within ten minutes is their home."""
    resident.home_asked_at = at
    resident.home_answered_at = None
    session.flush()


def set_home(session: Session, resident_id: int, place: LonLat) -> Home:
    """The resident's one home is at this place; whether somebody vulnerable lives there is kept from the last one.

    Raises InvalidInputError where the place is not on the city's map.
    """
    if not queries.is_in_city(session, place):
        raise InvalidInputError("This place is outside the city, where the city cannot warn.")
    last = queries.home_of(session, resident_id)
    is_vulnerable = last is not None and last.is_vulnerable
    community = queries.community_at(session, place)
    session.execute(sa.delete(Home).where(Home.resident_id == resident_id))
    home = Home(
        resident_id=resident_id,
        geom=f"SRID=4326;POINT({place.lon!r} {place.lat!r})",
        area_id=community.id if community else None,
        is_vulnerable=is_vulnerable,
        label=queries.HOME_LABEL,
    )
    session.add(home)
    session.flush()
    events.publish(session, HomeSet(resident_id=resident_id, home_id=home.id))
    return home
