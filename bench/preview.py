"""The audience of an alert, previewed, against the plain way: one count over the zones' undivided outlines.

The plain way gives one number. The preview gives it by language, with those who need help, those who cannot be told,
and the hash of all who are reached.
"""

from __future__ import annotations

import numpy as np
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts.audience import Reach, preview
from bench.measure import OURS, Result, check, take_turns
from bench.places import own_database, timed_and_undone, undone
from bench.town import homes_layer, settle
from core import db
from core.progress import step

HOMES, ZONES, CORNERS, ROUNDS = 44_000, 10, 1600, 15
SPACING_DEG, RADIUS_DEG = 0.01, 0.006
BAR = {"plain_count": 3.0}
_PLAIN = sa.text(
    "SELECT count(DISTINCT h.resident_id) FROM alert_zone z JOIN home h ON ST_Intersects(z.geom, h.geom) "
    "WHERE z.alert_id = :alert_id"
)


def measure(*, seed: int) -> Result:
    """The audience of ten ragged zones that overlap, among 44,000 homes, counted both ways in turn."""
    rng = np.random.default_rng(seed)
    zones = [_zone(number, rng) for number in range(ZONES)]
    homes = rng.uniform((99.99, 8.385), (100.1, 8.415), (HOMES, 2))
    with own_database("preview"):
        with step("settling 44,000 homes"), db.transaction() as session:
            alert_id = settle(session, zones=zones, members=homes_layer(homes, rng)).id
        reach = Reach(alert_id=alert_id, has_homes=True, told_in=())
        with step("checking both sides"), undone() as session:
            reached = preview(session, reach).count
            check(reached == _plain_count(session, alert_id), "the two ways do not count the same residents.")
            inside = shapely.contains_xy(shapely.union_all(zones), *homes.T).sum()
            check(reached == inside, "the residents are not those whose homes are in the zones.")
        with step("44,000 homes, 10 zones") as tell:
            taken = take_turns(
                {
                    OURS: timed_and_undone(lambda session: preview(session, reach)),
                    "plain_count": timed_and_undone(lambda session: _plain_count(session, alert_id)),
                },
                rounds=ROUNDS,
                tell=tell,
            )
    facts = {"homes": HOMES, "zones": ZONES, "corners_each": CORNERS, "reached": reached, "seed": seed}
    return Result("preview", facts, taken[OURS], {"plain_count": taken["plain_count"]}, BAR)


def _zone(number: int, rng: np.random.Generator) -> shapely.Polygon:
    """A round zone with a ragged edge, as outlines of flooded ground are."""
    angle = np.linspace(0.0, 2 * np.pi, CORNERS, endpoint=False)
    radius_deg = RADIUS_DEG * rng.uniform(0.97, 1.03, CORNERS)
    middle_lon = 100.0 + SPACING_DEG * number
    return shapely.Polygon(
        np.column_stack([middle_lon + radius_deg * np.cos(angle), 8.4 + radius_deg * np.sin(angle)])
    )


def _plain_count(session: Session, alert_id: int) -> int:
    counted: int = session.execute(_PLAIN, {"alert_id": alert_id}).scalar_one()
    return counted
