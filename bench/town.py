"""A town for the benches of alerts: zones, members with homes in them, and the proposal that a flood leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from alerts import actions
from alerts.models import Alert
from core import clock
from flood import standing
from flood.models import FloodRun, Zone
from gis.citypack.layers import LayerMeta, LayerRows
from gis.crs import STORED_SRID
from gis.models import City
from residents.citypack import load_homes

Floats = NDArray[np.float64]

LANGUAGES = ("th", "th", "en", "ms")
VULNERABLE_SHARE = 0.03
DANGER = 3


def homes_layer(lonlats: Floats, rng: np.random.Generator) -> LayerRows:
    """A member at each place (rows x 2, degrees): half of them read Thai, a quarter each English and Malay."""
    count = len(lonlats)
    digits = rng.bytes(16 * count).hex()
    columns = {
        "member_id": [f"U{digits[32 * n : 32 * n + 32]}" for n in range(count)],
        "language": [LANGUAGES[n % len(LANGUAGES)] for n in range(count)],
        "is_vulnerable": (rng.random(count) < VULNERABLE_SHARE).tolist(),
        "community_code": [None] * count,
    }
    meta = LayerMeta(1, "homes", "homes", "homes.csv", "generated", "CC0 1.0", None, "simulated", 1)
    points = np.asarray(shapely.points(lonlats), dtype=object)
    return LayerRows(layer=meta, numbers=range(1, count + 1), columns=columns, geoms=points)


def settle(session: Session, *, zones: Sequence[shapely.Polygon], members: LayerRows) -> Alert:
    """The town has these zones (degrees) and members, its zones are in danger, and the alert for them is proposed."""
    add_city(session, shapely.union_all(list(zones)))
    codes = [add_zone(session, f"Z{number}", shape) for number, shape in enumerate(zones)]
    load_homes(session, members)
    session.execute(sa.text("ANALYZE resident, home, zone, zone_part"))
    return _propose(session, codes)


def add_city(session: Session, ground: BaseGeometry) -> None:
    """There is a simulated city around this ground (degrees)."""
    hull = shapely.box(*ground.bounds)
    session.add(
        City(
            id=1,
            slug="bench",
            name_th="bench",
            name_en="bench",
            boundary=_stored(shapely.MultiPolygon([hull])),
            extent=_stored(hull),
            centre=_stored(hull.centroid),
            metric_srid=32647,
            datum="m above mean sea level",
            imported_at=clock.now(),
            is_simulated=True,
        )
    )


def _stored(shape: BaseGeometry) -> Any:
    return from_shape(shape, srid=STORED_SRID)


def add_zone(session: Session, code: str, shape: shapely.Polygon) -> str:
    """There is a zone of this code, which is also its name, with this outline (degrees); the code."""
    geom = _stored(shapely.MultiPolygon([shape]))
    zone = Zone(code=code, name_th=code, name_en=code, geom=geom, version=1, is_retired=False)
    session.add(zone)
    session.flush()
    standing.subdivide(session, zone_id=zone.id, version=zone.version)
    return code


def _propose(session: Session, codes: Sequence[str]) -> Alert:
    at = clock.now()
    run = FloodRun(
        computed_at=at, valid_at=at, computed_wall_at=at, method="canal-network", levels={}, wall_s=0.0, confidence=0.9
    )
    session.add(run)
    session.flush()
    actions.consider(
        session,
        run_id=run.id,
        severity_by_code=dict.fromkeys(codes, DANGER),
        falling_by_code={},
        trigger_received_wall_at=at,
        is_without_data=False,
    )
    return session.scalars(sa.select(Alert)).one()
