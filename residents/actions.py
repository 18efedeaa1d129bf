"""Becoming a friend, leaving, consenting, choosing a language, saying where home is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, events, sealing
from core.errors import ConflictError, InvalidInputError
from gis.points import LonLat
from residents import queries, rules
from residents.events import HomeSet, MemberJoined, MemberLeft
from residents.models import Home, Resident
from residents.models_rights import AreaWatch, ConsentEntry, HouseholdNeed


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


@dataclass(frozen=True)
class Shown:
    """The text that a resident said yes or no to, in which language, and by which way it was shown."""

    text: str
    language: str
    way: str


def give_consent(session: Session, resident: Resident, *, version: str, at: datetime, shown: Shown) -> None:
    """The resident agrees to be warned, to this version of the terms since `at`, and the log has the text."""
    resident.consented_at = at
    resident.consent_version = version
    write_consent(session, resident, purpose="warnings", is_given=True, at=at, shown=shown, version=version)


def withdraw_consent(session: Session, resident: Resident, *, at: datetime, shown: Shown) -> None:
    """The resident agrees to nothing, and no home, need or followed area of theirs is kept; the log has the text."""
    resident.consented_at = None
    resident.consent_version = None
    session.execute(sa.delete(Home).where(Home.resident_id == resident.id))
    session.execute(sa.delete(AreaWatch).where(AreaWatch.resident_id == resident.id))
    for purpose in rules.PURPOSES:
        write_consent(session, resident, purpose=purpose, is_given=False, at=at, shown=shown)


def write_consent(
    session: Session,
    resident: Resident,
    *,
    purpose: str,
    is_given: bool,
    at: datetime,
    shown: Shown,
    version: str = rules.CONSENT_VERSION,
) -> None:
    """The log of consents has one line more."""
    session.add(
        ConsentEntry(
            resident_id=resident.id, purpose=purpose, version=version, language=shown.language, text=shown.text,
            is_given=is_given, way=shown.way, said_at=at,
        )
    )
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
    """The resident's main home is at this place; who lives there and what they need is kept from the last one.

    Other homes stay. Raises InvalidInputError where the place is not on the city's map.
    """
    return _put_main_home(session, resident_id, _site(session, place))


def set_home_in_community(session: Session, resident_id: int, code: str) -> Home:
    """The resident's main home is somewhere in this community, for who puts no pin: its middle stands for it."""
    area_id, middle = queries.middle_of_community(session, code)
    return _put_main_home(session, resident_id, _Site(middle, area_id, is_approximate=True))


def add_home(session: Session, resident_id: int, *, place: LonLat, name: str) -> Home:
    """The resident has one home more, by the name that they give it.

    Raises InvalidInputError where the place is not on the city's map or the name cannot be seen, ConflictError where
    there are five already.
    """
    if len(queries.homes_of(session, resident_id)) >= rules.HOMES_LIMIT:
        raise ConflictError(f"There are {rules.HOMES_LIMIT} homes already; delete one first.")
    kept_name = rules.clean_words(name, limit=rules.LABEL_LIMIT, what="The home's name")
    site = _site(session, place)
    home = _home(resident_id, site, label=queries.OTHER_LABEL, is_vulnerable=False)
    home.name_sealed = sealing.seal(kept_name)
    session.add(home)
    session.flush()
    events.publish(session, HomeSet(resident_id=resident_id, home_id=home.id))
    return home


def remove_home(session: Session, *, resident_id: int, home_id: int) -> None:
    """This home of the resident is gone, and its needs. Raises NotFoundError where it is not theirs."""
    session.delete(queries.home(session, resident_id=resident_id, home_id=home_id))
    session.flush()


@dataclass(frozen=True)
class _Site:
    """Where a home is, in which community, and whether that is only the community's middle."""

    place: LonLat
    area_id: int | None
    is_approximate: bool = False


def _site(session: Session, place: LonLat) -> _Site:
    if not queries.is_in_city(session, place):
        raise InvalidInputError("This place is outside the city, where the city cannot warn.")
    community = queries.community_at(session, place)
    return _Site(place, community.id if community else None)


def _home(resident_id: int, site: _Site, *, label: str, is_vulnerable: bool) -> Home:
    return Home(
        resident_id=resident_id,
        geom=f"SRID=4326;POINT({site.place.lon!r} {site.place.lat!r})",
        area_id=site.area_id,
        is_vulnerable=is_vulnerable,
        label=label,
        is_approximate=site.is_approximate,
    )


def _put_main_home(session: Session, resident_id: int, site: _Site) -> Home:
    old = session.scalars(
        sa.select(Home)
        .where(Home.resident_id == resident_id, Home.label != queries.OTHER_LABEL)
        .order_by(sa.case((Home.label == queries.HOME_LABEL, 0), else_=1), Home.id)
    ).all()
    is_vulnerable = bool(old) and old[0].is_vulnerable
    home = _home(resident_id, site, label=queries.HOME_LABEL, is_vulnerable=is_vulnerable)
    session.add(home)
    session.flush()
    if old:
        moved = sa.update(HouseholdNeed).where(HouseholdNeed.home_id == old[0].id).values(home_id=home.id)
        session.execute(moved)
        session.execute(sa.delete(Home).where(Home.id.in_([one.id for one in old])))
    session.flush()
    events.publish(session, HomeSet(resident_id=resident_id, home_id=home.id))
    return home
