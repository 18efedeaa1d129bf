"""What a resident wants to hear about beside their homes: further areas, and the city's news."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError
from residents import actions, queries, rules
from residents.models import Resident
from residents.models_rights import AreaWatch
from residents.queries import Community


def choose_news(
    session: Session, resident: Resident, *, is_wanted: bool, at: datetime, shown: actions.Shown
) -> None:
    """The resident gets the city's news or does not; warnings come all the same. The log has the text.

    Raises ConflictError for a yes of somebody who does not agree to be written to at all.
    """
    if is_wanted and resident.consented_at is None:
        raise ConflictError("Agree to warnings first: the city writes to nobody who did not.")
    resident.news_refused_at = None if is_wanted else resident.news_refused_at or at
    actions.write_consent(session, resident, purpose=rules.NEWS, is_given=is_wanted, at=at, shown=shown)


def gets_news(resident: Resident) -> bool:
    """News reaches the resident."""
    return resident.consented_at is not None and resident.news_refused_at is None


def areas_of(session: Session, resident_id: int) -> list[Community]:
    """The areas that the resident follows, by name."""
    mine = set(session.scalars(sa.select(AreaWatch.area_id).where(AreaWatch.resident_id == resident_id)))
    return [one for one in queries.communities(session) if one.id in mine]


def meant(session: Session, said: str) -> list[Community]:
    """The communities that these words may mean."""
    known = queries.communities(session)
    names = [rules.AreaName(one.id, (one.name_th, one.name_en, one.code)) for one in known]
    found = set(rules.areas_meant(said, names))
    return [one for one in known if one.id in found]


def follow(session: Session, resident: Resident, area_id: int) -> None:
    """The resident hears of the area as if they lived there, until they say otherwise; twice is once.

    Raises ConflictError without the consent to be warned, or where they follow five others.
    """
    set_areas(session, resident, {one.id for one in areas_of(session, resident.id)} | {area_id})


def unfollow(session: Session, resident: Resident, area_id: int) -> None:
    """The resident hears of the area only for their homes."""
    session.execute(
        sa.delete(AreaWatch).where(AreaWatch.resident_id == resident.id, AreaWatch.area_id == area_id)
    )


def set_communities(session: Session, resident: Resident, codes: Sequence[str]) -> None:
    """The resident follows exactly these communities. Raises as `follow`, and NotFoundError for an unknown one."""
    set_areas(session, resident, {queries.middle_of_community(session, code)[0] for code in codes})


def set_areas(session: Session, resident: Resident, area_ids: Collection[int]) -> None:
    """The resident follows exactly these areas, those that they followed before since then. Raises as `follow`."""
    if area_ids and resident.consented_at is None:
        raise ConflictError("Agree to warnings first: the city writes to nobody who did not.")
    # Two pages of one person at once would each see room for one more.
    session.execute(sa.select(Resident.id).where(Resident.id == resident.id).with_for_update())
    if len(area_ids) > rules.AREAS_LIMIT:
        raise ConflictError(f"You can follow {rules.AREAS_LIMIT} areas; stop following one first.")
    session.execute(
        sa.delete(AreaWatch).where(AreaWatch.resident_id == resident.id, AreaWatch.area_id.not_in(list(area_ids)))
    )
    rows = [{"resident_id": resident.id, "area_id": area_id, "since": clock.now()} for area_id in sorted(area_ids)]
    if rows:
        session.execute(insert(AreaWatch).values(rows).on_conflict_do_nothing())
    session.flush()
