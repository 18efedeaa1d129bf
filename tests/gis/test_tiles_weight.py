"""No tile weighs over 100 kB at any zoom, however dense the city, and incidents are in tiles at once."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

import flood.tiles
import incidents.tiles
from core.errors import NotFoundError
from gis import tiles
from gis.tiles import LARGEST_BYTES, Tile, first_fitting
from incidents import actions
from tests.gis.test_tiles import layer_names, tile_over

LON, LAT = 100.01, 8.01
ZOOMS = range(8, 19)
DENSE_CITY = """
WITH l AS (
    INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at, legend)
    VALUES ('dense', 'dense', 'a test', 'CC0', 'simulated', 0, 1, now(), '{}') RETURNING id
), houses AS (
    INSERT INTO building (layer_id, code, kind, geom)
    SELECT l.id, '', 'house', ST_Buffer(ST_SetSRID(ST_MakePoint(100.01 + x * 0.00006, 8.01 + y * 0.00006), 4326),
        0.00002 + 0.0000001 * x, 4) FROM l, generate_series(-35, 35) x, generate_series(-35, 35) y
), streets AS (
    INSERT INTO road (layer_id, code, name_th, name_en, class, is_bridge, geom, length_m)
    SELECT l.id, '', 'ถนนสายที่ ' || n, 'Road ' || n, CASE WHEN n % 3 = 0 THEN 'primary' ELSE 'residential' END, false,
        ST_SetSRID(ST_MakeLine(ARRAY(SELECT ST_MakePoint(100 + 0.02 * random(), 8 + 0.02 * random())
            FROM generate_series(1, 12 + n - n))), 4326), 500 + n
    FROM l, generate_series(1, 2500) n
)
INSERT INTO facility (layer_id, code, kind, name_th, name_en, geom)
SELECT l.id, '', 'hospital', repeat('โรงพยาบาล', 20) || n, '', ST_SetSRID(ST_MakePoint(100.01 + n * 1e-7, 8.01), 4326)
FROM l, generate_series(1, 1500) n
"""
DENSE_FLOOD = """
WITH run AS (
    INSERT INTO flood_run (id, computed_at, valid_at, computed_wall_at, method, levels, wall_s, confidence)
    SELECT id, now(), now(), now(), 'canal-network', '{}', 0, 1 FROM (VALUES (9001), (9002)) AS runs (id)
), water AS (
    INSERT INTO flood_polygon (run_id, depth_class, geom)
    SELECT 9001, 1, ST_Multi(ST_Union(ST_Buffer(ST_SetSRID(
        ST_MakePoint(100.01 + x * 0.0002, 8.01 + y * 0.0002), 4326), 0.00008, 16)))
    FROM generate_series(-30, 30) x, generate_series(-30, 30) y
), places AS (
    INSERT INTO zone (id, code, name_th, name_en, geom, version, is_retired)
    SELECT n, 'Z' || n, 'เขต ' || n, 'Zone ' || n,
        ST_Multi(ST_Buffer(ST_SetSRID(ST_MakePoint(100.01, 8.01), 4326), 0.0001 * n, 60)), 1, false
    FROM generate_series(1, 80) n
)
INSERT INTO zone_state (run_id, zone_id, severity, depth_class, wet_share, depth_p50_m, depth_p90_m, confidence, people,
    people_method, members, homes, vulnerable_homes, roads_km, roads_over_km, facilities, totals, gauges, lower_runs)
SELECT 9001, n, n % 4, 1, 0.5, 0.1, 0.2, 1, 0, '', 0, 0, 0, 0, '{}', '{}', '{}', '{}', 0 FROM generate_series(1, 80) n
"""
OPEN = """
INSERT INTO incident (number, category_code, state, place, place_source, place_label_th, place_label_en, summary,
    report_count, last_report_at, opened_at, promised_at)
SELECT 'T' || :start + n, (SELECT code FROM category WHERE tier = :tier ORDER BY code LIMIT 1), :state,
    ST_SetSRID(ST_MakePoint(:lon + :spread * cos(n), :lat + :spread * sin(n * 1.7)), 4326), 'pin', '', '', '', 1,
    now(), now(), now()
FROM generate_series(1, :count) n
"""


@pytest.fixture
def dense(session: Session) -> Session:
    """5,041 houses on 20 hectares, 2,500 wild streets, 1,500 hospitals with long names in 15 m."""
    session.execute(sa.text("SELECT setseed(0.5)"))
    session.execute(sa.text(DENSE_CITY))
    tiles.ready_version(session)
    return session


@pytest.fixture
def categories(session: Session) -> Session:
    """The city's categories."""
    actions.load_categories(session)
    return session


def open_incidents(session: Session, count: int, *, tier: int = 1, state: str = "new", start: int = 0,
                   lon: float = LON, lat: float = LAT, spread: float = 0.004) -> None:
    """So many incidents are opened around a place."""
    asked = {"count": count, "tier": tier, "state": state, "start": start, "lon": lon, "lat": lat, "spread": spread}
    session.execute(sa.text(OPEN), asked)


def features(body: bytes, layer: str) -> list[dict[str, object]]:
    """The properties of a layer's features."""
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        rows = pyogrio.read_dataframe(body, layer=layer, read_geometry=False)
    except (DataLayerError, DataSourceError):
        return []
    return [dict(row) for row in rows.to_dict("records")]


def around(z: int) -> Iterator[Tile]:
    """The tile over the middle and its neighbours."""
    middle = tile_over(LON, LAT, z)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            yield Tile(z=z, x=middle.x + dx, y=middle.y + dy)


def test_the_base_map_of_a_dense_city_keeps_to_the_limit(dense: Session) -> None:
    """Raw bytes, at every zoom; the outline of what matters is still there, and twice is the same."""
    weights = {z: len(tiles.drawn(dense, tile_over(LON, LAT, z))) for z in ZOOMS}
    assert max(weights.values()) <= LARGEST_BYTES
    for z in (13, 16):
        tile = tile_over(LON, LAT, z)
        body = tiles.drawn(dense, tile)
        assert "road" in layer_names(body) or "facility" in layer_names(body)
        assert body == tiles.drawn(dense, tile)
    assert max(weights.values()) > LARGEST_BYTES / 2  # The limit was reached, not missed by far.


def test_what_is_left_out_is_the_least_important(dense: Session) -> None:
    """Where houses do not all fit, the larger ones stay, and a main road is never left out for a house."""
    body = tiles.drawn(dense, tile_over(LON + 0.001, LAT + 0.001, 16))
    assert len(body) <= LARGEST_BYTES
    assert "road" in layer_names(body)


def test_a_picture_of_the_flood_keeps_to_the_limit(session: Session) -> None:
    """3,721 ponds and 80 rings of zones, at every zoom; zones stay longest, and an unknown picture is refused."""
    session.execute(sa.text(DENSE_FLOOD))
    for z in ZOOMS:
        assert len(flood.tiles.drawn(session, tile_over(LON, LAT, z), run_id=9001)) <= LARGEST_BYTES
    near = flood.tiles.drawn(session, tile_over(LON, LAT, 16), run_id=9001)
    assert layer_names(near) == {"flood", "zone"}
    assert flood.tiles.drawn(session, tile_over(LON, LAT, 14), run_id=9002) == b""
    flood.tiles.check_run(session, 9001)
    with pytest.raises(NotFoundError, match="9999"):
        flood.tiles.check_run(session, 9999)


def test_incidents_keep_to_the_limit_and_none_is_lost(categories: Session) -> None:
    """Single or clustered, the tiles of every zoom count all of them."""
    open_incidents(categories, 3000)
    open_incidents(categories, 1500, start=5000, spread=0.00001)
    for z in ZOOMS:
        counted = 0
        for tile in around(z):
            body = incidents.tiles.drawn(categories, tile)
            assert len(body) <= LARGEST_BYTES
            counted += sum(int(str(one["count"])) for one in features(body, "incident_cluster"))
            counted += len(features(body, "incident"))
        if z <= 15:
            assert counted == 4500, z


def test_a_cluster_tells_the_gravest_that_is_open(categories: Session) -> None:
    """Closed incidents count, but do not alarm."""
    open_incidents(categories, 300, tier=3)
    open_incidents(categories, 5, tier=1, state="closed", start=1000)
    found = features(incidents.tiles.drawn(categories, tile_over(LON, LAT, 12)), "incident_cluster")
    assert sum(int(str(one["count"])) for one in found) == 305
    assert sum(int(str(one["open"])) for one in found) == 300
    assert {one["worst_tier"] for one in found} == {3}


@pytest.mark.parametrize("count", [1, 400])
def test_a_change_is_in_the_tiles_at_once(categories: Session, count: int) -> None:
    """Opened, closed, moved, of another category or gone: the tile in the same transaction shows it, folded or not."""
    tile = tile_over(LON, LAT, 14)

    def shown() -> tuple[int, int]:
        body = incidents.tiles.drawn(categories, tile)
        single, clusters = features(body, "incident"), features(body, "incident_cluster")
        return (
            len(single) + sum(int(str(one["count"])) for one in clusters),
            sum(bool(one["is_open"]) for one in single) + sum(int(str(one["open"])) for one in clusters),
        )

    lon, lat = centre(tile)
    open_incidents(categories, count, lon=lon, lat=lat, spread=0.001)
    assert shown() == (count, count)
    for change, after in (
        ("UPDATE incident SET state = 'closed' WHERE number = 'T1'", (count, count - 1)),
        ("UPDATE incident SET report_count = 2", (count, count - 1)),
        ("UPDATE incident SET place = ST_SetSRID(ST_MakePoint(101, 9), 4326) WHERE number = 'T1'",
         (count - 1, count - 1)),
        ("DELETE FROM incident", (0, 0)),
    ):
        categories.execute(sa.text(change))
        assert shown() == after, change
        incidents.tiles.fold_tally(categories)
        assert shown() == after, f"{change}, folded"


def test_counts_follow_a_categorys_tier_and_an_emptied_table(categories: Session) -> None:
    """A city that ranks a category anew sees it in its clusters; TRUNCATE leaves no count behind."""
    open_incidents(categories, 300, tier=3)
    categories.execute(sa.text("UPDATE category SET tier = 2 WHERE tier = 3"))
    found = features(incidents.tiles.drawn(categories, tile_over(LON, LAT, 12)), "incident_cluster")
    assert {one["worst_tier"] for one in found} == {2}
    categories.execute(sa.text("TRUNCATE incident CASCADE"))
    assert categories.scalar(sa.text("SELECT count(*) FROM incident_tally")) == 0


def test_folding_keeps_one_row_of_a_busy_cell(categories: Session) -> None:
    """Many single changes of one cell become one row, and the sums stay."""
    for n in range(incidents.tiles.MOST_CHANGES + 2):
        open_incidents(categories, 1, start=10 * n, spread=0.0)
    incidents.tiles.fold_tally(categories)
    rows = categories.execute(sa.text("SELECT level, count(*), sum(total) FROM incident_tally GROUP BY level")).all()
    assert [tuple(row) for row in sorted(rows)] == [(level, 1, 10) for level in incidents.tiles.LEVELS]


def centre(tile: Tile) -> tuple[float, float]:
    """Longitude and latitude of a tile's middle."""
    lon = (tile.x + 0.5) / 2**tile.z * 360 - 180
    return lon, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (tile.y + 0.5) / 2**tile.z))))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lon=st.floats(-180, 180), lat=st.floats(-85, 85), z=st.integers(8, 18))
def test_a_place_lies_in_the_cells_of_its_tile(session: Session, lon: float, lat: float, z: int) -> None:
    """The database's key of a place is among the keys of the tile that holds the place, by our own arithmetic."""
    key = session.scalar(
        sa.text("SELECT map_key(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"), {"lon": lon, "lat": lat}
    )
    side = 2**z
    x = min(int((lon + 180) / 360 * side), side - 1)
    y = int((1 - float(np.arcsinh(np.tan(np.radians(lat)))) / math.pi) / 2 * side)
    near = [
        incidents.tiles.first_cell(Tile(z=z, x=x + dx, y=y + dy), level=21)
        for dx in (-1, 0, 1) for dy in (-1, 0, 1) if 0 <= x + dx < side and 0 <= y + dy < side
    ]
    cells = 4 ** (21 - z)
    assert any(first <= key < first + cells for first in near)


@given(st.lists(st.integers(0, 3 * LARGEST_BYTES), max_size=8))
def test_the_ladder_never_gives_a_heavy_tile(weights: list[int]) -> None:
    """The first rung that fits is taken, nothing where none does."""
    body = first_fitting(lambda weight: b"x" * weight, weights)
    fitting = [weight for weight in weights if weight <= LARGEST_BYTES]
    assert len(body) == (fitting[0] if fitting else 0)
