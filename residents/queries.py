"""All SQL about residents and their homes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core import sealing
from core.db import driver_connection
from gis.membership import Places, by_cell
from gis.points import LonLat
from gis.terrain.grid import Mask
from residents.models import Home, Resident

HOME_LABEL = "home"

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
    """The resident with this LINE user id, found by its keyed hash; None for a stranger."""
    return session.scalar(sa.select(Resident).where(Resident.line_user_hash == sealing.fingerprint(line_user_id)))


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
    session.execute(statement.on_conflict_do_nothing(index_elements=["line_user_hash"]))
    resident = by_line_user(session, line_user_id)
    assert resident is not None  # noqa: S101 - it was there or has just been put there.
    return resident


def community_at(session: Session, place: LonLat) -> CommunityAt | None:
    """The community around a place, or None."""
    row = session.execute(_AREA_AT, {"lon": place.lon, "lat": place.lat}).one_or_none()
    return None if row is None else CommunityAt(row.id, row.name_th, row.name_en)


def is_in_city(session: Session, place: LonLat) -> bool:
    """The place lies on the city's map; true as long as no city was imported."""
    found = session.scalar(_IS_IN_CITY, {"lon": place.lon, "lat": place.lat})
    return found is not False


def home_of(session: Session, resident_id: int) -> Home | None:
    """The home that the resident has set, or else the first one known."""
    is_own = sa.case((Home.label == HOME_LABEL, 0), else_=1)
    return session.scalar(sa.select(Home).where(Home.resident_id == resident_id).order_by(is_own, Home.id).limit(1))


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
