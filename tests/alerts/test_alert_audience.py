"""Who is told: exactly those with a home in the zones, once each."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import Any

import shapely
import sqlalchemy as sa
from shapely import affinity
from shapely.geometry import Point, Polygon
from sqlalchemy.orm import Session

from alerts import audience, queries
from alerts.audience import Reach
from alerts.models import AlertChunk
from residents import queries as residents


def reached(session: Session, alert_id: int, town: Any, codes: list[str]) -> audience.Preview:
    session.execute(sa.text("SET CONSTRAINTS ALL DEFERRED"))
    session.execute(
        sa.text(
            "INSERT INTO alert (id, number, event_id, kind, level, state, revision, depth_class, words_version,"
            " policy_version, proposed_at, revised_at, evidence, texts, audience_count, audience_hash,"
            ' audience_by_language, vulnerable_count, suppressed_by_reason, "references") VALUES'
            " (:id, :id, :id, 'alert', 2, 'declined', 1, 0, 1, 1, now(), now(), '[]', '{}', 0, '', '{}', 0, '{}', '{}')"
        ),
        {"id": alert_id},
    )
    ids = queries.zone_ids_by_code(session, codes)
    queries.set_zones(session, alert_id, ids.values())
    return audience.preview(session, Reach(alert_id=alert_id, has_homes=True, told_in=()))


def frozen(session: Session, alert_id: int) -> dict[str | None, set[int]]:
    """The residents of the frozen audience, by why they are not told."""
    found: dict[str | None, set[int]] = {}
    for chunk in session.scalars(sa.select(AlertChunk).where(AlertChunk.alert_id == alert_id)):
        before = found.setdefault(chunk.suppressed, set())
        assert before.isdisjoint(chunk.resident_ids)
        before.update(chunk.resident_ids)
    return found


def test_only_homes_inside_and_each_resident_once(session: Session, town: Any) -> None:
    """Two homes, two zones: one row. The edge counts. Without consent or reach: not told, with the reason."""
    town.zone("A")
    town.zone("B", at=0.01)
    inside, outside = Point(100.005, 8.405), Point(100.5, 8.405)
    both = town.resident(inside, Point(100.015, 8.405), vulnerable=True)
    edge = town.resident(Point(100.0, 8.405), language="ms")
    corner = town.resident(Point(100.02, 8.41), language="xx")
    shared = town.resident(Point(100.01, 8.405), outside, language="my")
    town.resident(outside)
    alone = town.resident(inside, is_consented=False)
    gone = town.resident(inside, is_reachable=False)
    found = reached(session, 900, town, ["A", "B"])
    assert found.count == 4
    assert found.vulnerable == 1
    assert found.by_language == {"th": 1, "ms": 1, "en": 1, "my": 1}
    assert found.suppressed == {"unconsented": 1, "unreachable": 1}
    assert audience.freeze(session, Reach(900, has_homes=True, told_in=()), priority=0) == found.ids_hash
    assert frozen(session, 900) == {None: {both, edge, corner, shared}, "unconsented": {alone}, "unreachable": {gone}}


def test_audience_equals_brute_force(session: Session, town: Any) -> None:
    """On ragged zones cut into many parts, homes on edges and corners too, the join finds what each pair test finds."""
    rng = random.Random(7)
    shapes = [Point(100.0 + 0.01 * n, 8.4).buffer(0.008, quad_segs=150) for n in range(3)]
    shapes[1] = shapes[1].difference(Point(100.01, 8.4).buffer(0.003, quad_segs=100))
    for number, shape in enumerate(shapes):
        town.zone(f"Z{number}", shape)
    places = [Point(rng.uniform(99.98, 100.04), rng.uniform(8.385, 8.415)) for _ in range(1500)]
    for shape in shapes:
        ring = shape.exterior
        places += [Point(c) for c in rng.sample(list(ring.coords), 60)]
        places += [ring.interpolate(rng.random(), normalized=True) for _ in range(120)]
    parts = session.execute(sa.text("SELECT ST_AsText(geom, 15) FROM zone_part")).scalars().all()
    assert len(parts) > 6
    places += [Point(c) for wkt in parts for c in shapely.from_wkt(wkt).exterior.coords][:600]
    for place in places:
        town.resident(place)
    found = reached(session, 901, town, ["Z0", "Z1", "Z2"])
    expected = session.scalar(
        sa.text(
            "SELECT count(DISTINCT h.resident_id) FROM home h "
            "WHERE EXISTS (SELECT 1 FROM zone z WHERE ST_Intersects(z.geom, h.geom))"
        )
    )
    assert found.count == expected
    inside = sum(any(shapely.contains(s, p) for s in shapes) for p in places[:1500])
    assert found.count >= inside > 100


def test_the_audience_is_the_registers(session: Session, town: Any) -> None:
    """By the database's parts or by the register's cells: the same residents, and as many, edges and cuts included."""
    rng = random.Random(11)
    ring = [
        (100 + r * math.cos(n / 80 * math.pi), 8.4 + r * math.sin(n / 80 * math.pi))
        for n, r in enumerate(rng.uniform(0.004, 0.008) for _ in range(160))
    ]
    zone = Polygon(ring, [affinity.scale(Polygon(ring), 0.4, 0.4, origin=(100, 8.4)).exterior.coords])
    town.zone("Z", zone)
    cuts = session.execute(sa.text("SELECT ST_AsBinary(geom) FROM zone_part")).scalars().all()
    assert len(cuts) > 3
    on = shapely.get_coordinates(zone).tolist()
    on += [((a + c) / 2, (b + d) / 2) for (a, b), (c, d) in pairwise(on)]
    on += shapely.get_coordinates(shapely.from_wkb([bytes(cut) for cut in cuts])).tolist()
    for lon, lat in on + [(rng.uniform(99.99, 100.01), rng.uniform(8.39, 8.41)) for _ in range(300)]:
        town.resident(Point(lon, lat))
    reach = Reach(alert_id=902, has_homes=True, told_in=())
    count = reached(session, 902, town, ["Z"]).count
    audience.freeze(session, reach, priority=0)
    register = residents.register(session)
    in_zone = register.resident[register.places.within(zone)].tolist()
    assert sorted(frozen(session, 902)[None]) == sorted(in_zone)
    assert count == len(in_zone) > 400
