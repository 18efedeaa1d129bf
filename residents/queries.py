"""All SQL about residents and their homes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core import sealing
from core.db import driver_connection
from core.errors import NotFoundError
from gis.membership import Places, by_cell
from gis.models import Area
from gis.points import LonLat
from gis.terrain.grid import Mask
from residents.models import Home, Resident
from residents.models_rights import (
    CodeTry,
    ConsentEntry,
    Erasure,
    ExportLink,
    GroupMember,
    HandedCode,
    HouseholdNeed,
    NeedKind,
    NeedLook,
    ResidentGroup,
    ResidentSignIn,
)
from staff.models import Account

HOME_LABEL = "home"
OTHER_LABEL = "other"

_AREA_AT = sa.text("""
    SELECT id, name_th, name_en FROM area
    WHERE kind = 'community' AND ST_Covers(geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))
    ORDER BY id LIMIT 1
""")
# All homes in one value: a million rows, or a COPY's million messages, would take twice as long to receive.
_HOMES = """
    SELECT string_agg(
        int8send(resident_id) || float8send(ST_X(geom)) || float8send(ST_Y(geom)) || boolsend(is_vulnerable), ''
    )
    FROM home WHERE ST_X(geom) BETWEEN -180 AND 180 AND ST_Y(geom) BETWEEN -90 AND 90
"""
_HOME = np.dtype([("resident", ">i8"), ("lon", ">f8"), ("lat", ">f8"), ("is_vulnerable", "?")])
_COMMUNITIES = sa.text("SELECT id, code, name_th, name_en FROM area WHERE kind = 'community' ORDER BY name_th, id")
_MIDDLE = sa.text(
    "SELECT id, ST_X(place) AS lon, ST_Y(place) AS lat FROM area WHERE kind = 'community' AND code = :code"
)
_IS_IN_CITY = sa.text("SELECT ST_Covers(extent, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) FROM city")


@dataclass(frozen=True)
class CommunityAt:
    """The community around a place."""

    id: int
    name_th: str
    name_en: str


@dataclass(frozen=True, eq=False)
class Register:
    """Where all homes are, whose each is, and whether somebody there needs help. People's data: never logged."""

    places: Places
    resident: NDArray[np.int64]
    is_vulnerable: Mask


def by_line_user(session: Session, line_user_id: str) -> Resident | None:
    """The resident with this LINE user id, found by its keyed hash; None for a stranger.

    Several rooms ask in one transaction: who was found already, or was not, costs no question.
    """
    hashed = sealing.fingerprint(line_user_id)
    found = _found(session)
    if hashed in found:
        known = found[hashed]
        if known is None or known in session:
            return known
    found[hashed] = session.scalar(sa.select(Resident).where(Resident.line_user_hash == hashed))
    return found[hashed]


def _found(session: Session) -> dict[bytes, Resident | None]:
    found: dict[bytes, Resident | None] = session.info.setdefault("residents.found", {})
    return found


def line_ids(session: Session, resident_ids: Sequence[int]) -> dict[int, str]:
    """The LINE user ids of these residents, unsealed; those who are unknown are missing. Only for sending."""
    rows = session.execute(
        sa.select(Resident.id, Resident.line_user_sealed).where(Resident.id == sa.any_(sa.bindparam("ids"))),
        {"ids": list(resident_ids)},
    )
    return {resident_id: sealing.unseal(bytes(sealed)) for resident_id, sealed in rows}


def insert_resident(
    session: Session, *, line_user_id: str, language: str, joined_at: datetime, trust: str
) -> Resident:
    """The resident with this LINE user id, made where unknown; two who ask at once get the same one."""
    statement = sa.dialects.postgresql.insert(Resident).values(
        line_user_hash=sealing.fingerprint(line_user_id),
        line_user_sealed=sealing.seal(line_user_id),
        language=language,
        is_reachable=True,
        joined_at=joined_at,
        trust=trust,
    )
    made = session.scalar(statement.on_conflict_do_nothing(index_elements=["line_user_hash"]).returning(Resident))
    _found(session).pop(sealing.fingerprint(line_user_id), None)  # Somebody else may have made them meanwhile.
    resident = made or by_line_user(session, line_user_id)
    assert resident is not None  # noqa: S101 - it was there or has just been put there.
    _found(session)[resident.line_user_hash] = resident
    return resident


def community_at(session: Session, place: LonLat) -> CommunityAt | None:
    """The community around a place, or None."""
    row = session.execute(_AREA_AT, {"lon": place.lon, "lat": place.lat}).one_or_none()
    return None if row is None else CommunityAt(row.id, row.name_th, row.name_en)


def is_in_city(session: Session, place: LonLat) -> bool:
    """The place lies on the city's map; true as long as no city was imported."""
    found = session.scalar(_IS_IN_CITY, {"lon": place.lon, "lat": place.lat})
    return found is not False


# The home that the resident has set, or else the first one known; never the mere middle of a community.
HOME_OF = """
    SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat FROM home
    WHERE resident_id = :resident_id AND NOT is_approximate ORDER BY label <> 'home', id LIMIT 1
"""


def home_of(session: Session, resident_id: int) -> LonLat | None:
    """Where the resident's home is, None where we know of none that is more than the middle of a community."""
    row = session.execute(sa.text(HOME_OF), {"resident_id": resident_id}).one_or_none()
    return LonLat(lon=row.lon, lat=row.lat) if row else None


def register(session: Session) -> Register:
    """All homes as they are now, in the order of their cells; 33 bytes each.

    A home that is nowhere on earth is in no zone, and left out.
    """
    (packed,) = driver_connection(session).execute(_HOMES, binary=True).fetchone() or (None,)
    rows = np.frombuffer(packed or b"", dtype=_HOME)
    places, order = by_cell(rows["lon"].astype(np.float64), rows["lat"].astype(np.float64))
    return Register(
        places=places,
        resident=rows["resident"][order].astype(np.int64),
        is_vulnerable=rows["is_vulnerable"][order],
    )


# ── Homes and needs ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class HomeRow:
    """A home as its resident sees it; `name` is the resident's own word for it. People's data: never logged."""

    id: int
    lon: float
    lat: float
    name: str | None
    is_main: bool
    is_approximate: bool
    community_th: str | None
    community_en: str | None
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Community:
    """A community that a resident without a pin may choose."""

    id: int
    code: str
    name_th: str
    name_en: str


def homes_of(session: Session, resident_id: int) -> list[HomeRow]:
    """The resident's homes, the main one first, with the needs of who lives there opened. Only for the resident."""
    rows = session.execute(
        sa.select(
            Home, sa.func.ST_X(Home.geom).label("lon"), sa.func.ST_Y(Home.geom).label("lat"), Area.name_th,
            Area.name_en, HouseholdNeed.needs_sealed,
        )
        .outerjoin(Area, Area.id == Home.area_id)
        .outerjoin(HouseholdNeed, HouseholdNeed.home_id == Home.id)
        .where(Home.resident_id == resident_id)
        .order_by(sa.case((Home.label == OTHER_LABEL, 1), else_=0), Home.id)
    )
    return [
        HomeRow(
            id=row.Home.id,
            lon=row.lon,
            lat=row.lat,
            name=None if row.Home.name_sealed is None else sealing.unseal(bytes(row.Home.name_sealed)),
            is_main=row.Home.label != OTHER_LABEL,
            is_approximate=row.Home.is_approximate,
            community_th=row.name_th,
            community_en=row.name_en,
            needs=opened_needs(row.needs_sealed),
        )
        for row in rows
    ]


def opened_needs(sealed: bytes | None) -> tuple[str, ...]:
    """The needs' codes in a sealed row; none where there is no row."""
    return () if sealed is None else tuple(json.loads(sealing.unseal(bytes(sealed))))


def home(session: Session, *, resident_id: int, home_id: int) -> Home:
    """The resident's own home of this number. Raises NotFoundError where it is somebody else's or nobody's."""
    found = session.get(Home, home_id)
    if found is None or found.resident_id != resident_id:
        raise NotFoundError("This home is not among yours.")
    return found


def communities(session: Session) -> list[Community]:
    """The city's communities by name."""
    return [Community(row.id, row.code, row.name_th, row.name_en) for row in session.execute(_COMMUNITIES)]


def middle_of_community(session: Session, code: str) -> tuple[int, LonLat]:
    """The community of this code and a place inside it. Raises NotFoundError where the city has none of that code."""
    row = session.execute(_MIDDLE, {"code": code}).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no community '{code[:40]}'.")
    return row.id, LonLat(lon=row.lon, lat=row.lat)


def need_kinds(session: Session) -> Sequence[NeedKind]:
    """The needs that a household may tell of, in the city's order."""
    return session.scalars(sa.select(NeedKind).order_by(NeedKind.position, NeedKind.code)).all()


def needs_by_home(session: Session, resident_id: int) -> dict[int, tuple[str, ...]]:
    """The needs of each of the resident's homes. Only `household.look_at_needs`, which keeps who looked, asks."""
    rows = session.execute(
        sa.select(HouseholdNeed.home_id, HouseholdNeed.needs_sealed).where(HouseholdNeed.resident_id == resident_id)
    )
    return {home_id: opened_needs(sealed) for home_id, sealed in rows}


@dataclass(frozen=True)
class Look:
    """One look at somebody's needs: by whom, when, why."""

    username: str
    looked_at: datetime
    reason: str


def looks_at(session: Session, resident_id: int) -> list[Look]:
    """Who has looked at the resident's needs, newest first."""
    rows = session.execute(
        sa.select(Account.username, NeedLook.looked_at, NeedLook.reason_sealed)
        .join(Account, Account.id == NeedLook.account_id)
        .where(NeedLook.resident_id == resident_id)
        .order_by(NeedLook.id.desc())
    )
    return [Look(name, at, sealing.unseal(bytes(sealed)) if sealed else "") for name, at, sealed in rows]


# ── Consent, groups, codes, doors ────────────────────────────────────────────────────────────────────────────────────


def resident(session: Session, resident_id: int) -> Resident:
    """The resident of this number. Raises NotFoundError."""
    found = session.get(Resident, resident_id)
    if found is None:
        raise NotFoundError(f"There is no member {resident_id}.")
    return found


def residents_after(
    session: Session, *, after: int, limit: int, group_id: int | None = None, community_id: int | None = None
) -> Sequence[Resident]:
    """Residents by number, those of a group or with a home in a community where one is given."""
    wanted = sa.select(Resident).where(Resident.id > after).order_by(Resident.id).limit(limit)
    if group_id is not None:
        members = sa.select(GroupMember.resident_id).where(GroupMember.group_id == group_id)
        wanted = wanted.where(Resident.id.in_(members))
    if community_id is not None:
        wanted = wanted.where(Resident.id.in_(sa.select(Home.resident_id).where(Home.area_id == community_id)))
    return session.scalars(wanted).all()


def consents_of(session: Session, resident_id: int) -> Sequence[ConsentEntry]:
    """Everything that the resident said yes or no to, in the order in which it was said."""
    return session.scalars(
        sa.select(ConsentEntry).where(ConsentEntry.resident_id == resident_id).order_by(ConsentEntry.id)
    ).all()


def is_given(session: Session, resident_id: int, *, purpose: str) -> bool:
    """The resident's last word on this purpose was yes."""
    last = session.scalar(
        sa.select(ConsentEntry.is_given)
        .where(ConsentEntry.resident_id == resident_id, ConsentEntry.purpose == purpose)
        .order_by(ConsentEntry.id.desc())
        .limit(1)
    )
    return last is True


def groups(session: Session) -> list[tuple[ResidentGroup, int]]:
    """All groups, each with how many belong to it."""
    counted = (
        sa.select(GroupMember.group_id, sa.func.count().label("members")).group_by(GroupMember.group_id).subquery()
    )
    rows = session.execute(
        sa.select(ResidentGroup, sa.func.coalesce(counted.c.members, 0))
        .outerjoin(counted, counted.c.group_id == ResidentGroup.id)
        .order_by(ResidentGroup.id)
    )
    return [(group, members) for group, members in rows]


def groups_of(session: Session, resident_id: int) -> Sequence[ResidentGroup]:
    """The groups to which the resident belongs."""
    return session.scalars(
        sa.select(ResidentGroup)
        .join(GroupMember, GroupMember.group_id == ResidentGroup.id)
        .where(GroupMember.resident_id == resident_id)
        .order_by(ResidentGroup.id)
    ).all()


def group_ids_of(session: Session, resident_ids: Sequence[int]) -> dict[int, list[int]]:
    """The groups of each of these residents who has one."""
    rows = session.execute(
        sa.select(GroupMember.resident_id, sa.func.array_agg(GroupMember.group_id))
        .where(GroupMember.resident_id.in_(resident_ids))
        .group_by(GroupMember.resident_id)
    )
    return {resident_id: sorted(found) for resident_id, found in rows}


def tries_of(session: Session, resident_id: int, *, since: datetime) -> Sequence[datetime]:
    """When the resident typed wrong codes since this moment of real time."""
    return session.scalars(
        sa.select(CodeTry.tried_wall_at).where(CodeTry.resident_id == resident_id, CodeTry.tried_wall_at > since)
    ).all()


def locked_code(session: Session, code: str) -> HandedCode | None:
    """The handed code of this spelling, held by the caller's transaction; None where none was ever handed over."""
    return session.scalar(
        sa.select(HandedCode).where(HandedCode.code_hash == sealing.fingerprint(code)).with_for_update()
    )


def resident_of_token(
    session: Session, door: type[ExportLink] | type[ResidentSignIn], token_hash: bytes, *, now: datetime
) -> Resident | None:
    """Whose token it is, where it has not expired by `now` (real time)."""
    return session.scalar(
        sa.select(Resident)
        .join(door, door.resident_id == Resident.id)
        .where(door.token_hash == token_hash, door.expires_wall_at > now)
    )


def erasures(session: Session, *, limit: int) -> Sequence[Erasure]:
    """The newest erasures."""
    return session.scalars(sa.select(Erasure).order_by(Erasure.id.desc()).limit(limit)).all()
