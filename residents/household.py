"""What a household needs: said by its resident, sealed, shown only to those who must know, and every look is kept."""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock, sealing
from core.errors import ConflictError, InvalidInputError
from gis.points import LonLat
from residents import actions, queries, rules, watching
from residents.models import Resident
from residents.models_rights import HouseholdNeed, NeedKind, NeedLook
from staff import actions as staff_actions
from staff.rules import AccountRef

FILE = Path(__file__).parent / "data" / "needs.toml"
REASON_LIMIT = 300


@functools.cache
def _shipped() -> list[dict[str, Any]]:
    needs: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["need"]
    return needs


def load_needs(session: Session) -> None:
    """The shipped needs are known; a city's own words for one of them stay."""
    rows = [{**need, "position": position} for position, need in enumerate(_shipped())]
    session.execute(insert(NeedKind).values(rows).on_conflict_do_nothing(index_elements=["code"]))


def decide(
    session: Session, resident: Resident, *, purpose: str, version: str, is_given: bool, shown: actions.Shown
) -> None:
    """The resident's yes or no to this purpose holds, and is in the log with the text; a no deletes what it was for.

    Raises ConflictError where the text that was shown is not the one of today.
    """
    if version != rules.CONSENT_VERSION:
        raise ConflictError("The text has changed since it was shown. Read it again.")
    now = clock.now()
    if purpose == "warnings" and is_given:
        actions.give_consent(session, resident, version=version, at=now, shown=shown)
    elif purpose == "warnings":
        actions.withdraw_consent(session, resident, at=now, shown=shown)
    elif purpose == rules.NEWS:
        watching.choose_news(session, resident, is_wanted=is_given, at=now, shown=shown)
    else:
        actions.write_consent(session, resident, purpose=purpose, is_given=is_given, at=now, shown=shown)
        if not is_given:
            forget_needs(session, resident)


def _check_may_keep_homes(resident: Resident) -> None:
    if resident.consented_at is None:
        raise ConflictError("Agree first that the city keeps where your home is.")


def put_main_home(session: Session, resident: Resident, *, place: LonLat | None, community: str | None) -> None:
    """The resident's main home is at the place, or somewhere in the community.

    Raises ConflictError without the consent to be warned, InvalidInputError where both or neither are given or the
    place is outside the city.
    """
    _check_may_keep_homes(resident)
    if place is not None and community is None:
        actions.set_home(session, resident.id, place)
    elif community is not None and place is None:
        actions.set_home_in_community(session, resident.id, community)
    else:
        raise InvalidInputError("Give either a place or a community.")


def add_home(session: Session, resident: Resident, *, place: LonLat, name: str) -> None:
    """The resident has one home more; raises as `actions.add_home`, and ConflictError without the consent."""
    _check_may_keep_homes(resident)
    actions.add_home(session, resident.id, place=place, name=name)


def say_needs(session: Session, resident: Resident, *, home_id: int, codes: Sequence[str], at: datetime) -> None:
    """The city knows, sealed, what the people in this home need, and the home counts as vulnerable where it is any.

    Raises ConflictError without the consent to that, InvalidInputError for a need that the city does not know, and
    NotFoundError for a home that is not the resident's.
    """
    home = queries.home(session, resident_id=resident.id, home_id=home_id)
    if codes and not queries.is_given(session, resident.id, purpose="needs"):
        raise ConflictError("Agree first that the city keeps what your household needs.")
    known = {kind.code for kind in queries.need_kinds(session)}
    unknown = sorted(set(codes) - known)
    if unknown:
        raise InvalidInputError(f"The city does not know the need '{unknown[0][:40]}'.")
    home.is_vulnerable = bool(codes)
    session.execute(sa.delete(HouseholdNeed).where(HouseholdNeed.home_id == home.id))
    if codes:
        sealed = sealing.seal(json.dumps(sorted(set(codes))))
        session.add(HouseholdNeed(home_id=home.id, resident_id=resident.id, needs_sealed=sealed, said_at=at))
    session.flush()


def forget_needs(session: Session, resident: Resident) -> None:
    """The city keeps no need of this resident's homes."""
    gone = session.execute(
        sa.delete(HouseholdNeed).where(HouseholdNeed.resident_id == resident.id).returning(HouseholdNeed.home_id)
    )
    for (home_id,) in gone.all():
        queries.home(session, resident_id=resident.id, home_id=home_id).is_vulnerable = False
    session.flush()


def look_at_needs(
    session: Session, *, account: AccountRef, resident_id: int, reason: str
) -> dict[int, tuple[str, ...]]:
    """The needs of each home of the resident; who looked, when, at whose and why is kept before they are shown.

    Raises NotFoundError, and InvalidInputError where no reason is given.
    """
    resident = queries.resident(session, resident_id)
    why = rules.clean_words(reason, limit=REASON_LIMIT, what="The reason")
    session.add(
        NeedLook(
            resident_id=resident.id, account_id=account.id, reason_sealed=sealing.seal(why), looked_at=clock.now()
        )
    )
    # The reason may name the person, and the audit log cannot forget: it stands sealed in the log of looks alone.
    subject = f"resident:{resident.id}"
    staff_actions.record(session, account=account, action="needs.looked_at", subject=subject, detail={})
    return queries.needs_by_home(session, resident.id)
