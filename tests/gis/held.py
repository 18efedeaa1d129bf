"""Which areas hold a place, as PostGIS says."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.models import Area
from gis.points import LonLat

_SMALLEST_FIRST = sa.case({"community": 0, "municipality": 1, "district": 2}, value=Area.kind)


def areas_at(session: Session, place: LonLat) -> Sequence[Area]:
    """The areas that hold the place, the community first."""
    here = sa.func.ST_Intersects(Area.geom, sa.func.ST_SetSRID(sa.func.ST_MakePoint(place.lon, place.lat), 4326))
    return session.scalars(sa.select(Area).where(here).order_by(_SMALLEST_FIRST, Area.id)).all()
