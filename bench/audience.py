"""Who lives in a zone: a million homes and an outline of more than 10,000 corners, against PostGIS and shapely.

A turn of ours begins with the outline's bytes, as a new version of a zone comes from the database, and ends with the
ids of the residents. The homes' register is read once before, as the worker that draws the flood keeps it; how long
that takes and what it weighs stands among the facts. PostGIS has the outline's parts (ST_Subdivide, 128 corners) and
its index ready, and only counts. Its plain join is wrong about some homes on sides that a cut divides; its exact one,
which asks the whole outline as the audience of an alert does, names the same homes as we do.
"""

from __future__ import annotations

import functools
import time

import numpy as np
import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from bench.measure import OURS, Result, check, rounded, take_turns, timed
from bench.places import copy_in, own_database, timed_and_undone, undone
from core import db
from core.progress import step
from flood import standing
from flood.models import Zone
from gis import crs
from gis.terrain.grid import Floats, Grid
from gis.terrain.outline import outlines, sieved
from residents.queries import Register, register

HOMES, ON_EDGES, ROUNDS = 1_000_000, 12_000, 5
GROUND = Grid(rows=1000, columns=1000, cell_m=15.0, west_m=600_000.0, north_m=940_000.0, srid=32647)
ROUGHNESS, LARGEST_HILL, WATER_SHARE = 2.2, 1 / 4, 0.46
LEAST_CORNERS = 10_000
# Corners lie on multiples of 2^-30 degrees (0.1 mm), so that the middle of a side is a double exactly on that side.
LATTICE_DEG = 2.0**-30
BAR = {"postgis": 0.125, "postgis_exact": 0.125}
MOST = {"median_ms": 150.0}

_JOINED = {
    "postgis": "FROM zone_part p JOIN home h ON ST_Intersects(p.geom, h.geom)",
    "postgis_exact": "FROM zone_part p JOIN zone z ON z.id = p.zone_id JOIN home h ON ST_DWithin(p.geom, h.geom, 1e-9) "
    "WHERE ST_Intersects(z.geom, h.geom)",
    "whole": "FROM zone z JOIN home h ON ST_Intersects(z.geom, h.geom)",
}
_HOME_ROW = np.dtype(
    [
        ("columns", ">i2"),
        ("resident_bytes", ">i4"), ("resident", ">i8"),
        ("geom_bytes", ">i4"), ("order", "u1"), ("type", "<u4"), ("srid", "<u4"), ("lon", "<f8"), ("lat", "<f8"),
        ("is_vulnerable_bytes", ">i4"), ("is_vulnerable", "?"),
        ("label_bytes", ">i4"),
    ]
)  # fmt: skip


def measure(*, seed: int) -> Result:
    """The residents of one ragged zone are found in turn by us, by PostGIS in two ways, and by shapely."""
    rng = np.random.default_rng(seed)
    with step("drawing a zone"):
        zone = _zone(rng)
        lonlats = _homes(zone, rng)
    with own_database("audience"):
        with step("settling 1,000,000 homes"):
            _settle(zone, lonlats)
        with step("reading the register"), undone() as session:
            began_s = time.perf_counter()
            homes = register(session)
            register_s = time.perf_counter() - began_s
        by_us, by_shapely = (functools.partial(way, zone.wkb, homes) for way in (_by_us, _by_shapely))
        with step("checking all sides"), undone() as session:
            wrong_at_cuts = _check_same(session, by_us(), by_shapely())
        with step("1,000,000 homes, one zone") as tell:
            sides = {
                OURS: timed(by_us),
                "shapely": timed(by_shapely),
                "postgis": timed_and_undone(lambda session: _count(session, "postgis")),
                "postgis_exact": timed_and_undone(lambda session: _count(session, "postgis_exact")),
                "reading_once": timed(lambda: (homes.places.lon.max(), homes.places.lat.max())),
            }
            taken = take_turns(sides, rounds=ROUNDS, tell=tell)
    arrays = (homes.places.lon, homes.places.lat, homes.places.cell, homes.resident, homes.is_vulnerable)
    facts = {
        "homes": HOMES, "corners": int(shapely.get_num_coordinates(zone)), "parts": len(zone.geoms),
        "on_edges": ON_EDGES, "reached": by_us().size, "postgis_wrong_at_cuts": wrong_at_cuts, "seed": seed,
        "register_s": rounded(register_s), "register_mb": rounded(sum(array.nbytes for array in arrays) / 1e6),
    }  # fmt: skip
    ours_taken = taken.pop(OURS)
    figures = {"median_ms": rounded(ours_taken.typical_s * 1000)}
    return Result("audience", facts, ours_taken, taken, BAR, figures=figures, most=MOST)


def _zone(rng: np.random.Generator) -> shapely.MultiPolygon:
    """Low ground of a hilly plain, outlined as the city's own zones are: ragged, of many parts, with islands."""
    waves = np.hypot(np.fft.fftfreq(GROUND.rows)[:, None], np.fft.rfftfreq(GROUND.columns)[None, :])
    waves[waves < 1 / (LARGEST_HILL * GROUND.rows)] = np.inf
    hills = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(GROUND.shape)) * waves**-ROUGHNESS, s=GROUND.shape)
    is_low = hills < np.quantile(hills, WATER_SHARE)
    outline = outlines(GROUND, sieved(is_low.astype(np.uint8), least_cells=40), tolerance_m=2.0)[1]
    degrees = crs.to_lonlat(outline, GROUND.srid)
    zone = shapely.transform(degrees, lambda corners: np.round(corners / LATTICE_DEG) * LATTICE_DEG)
    check(bool(zone.is_valid), "the zone's outline crosses itself.")
    check(int(shapely.get_num_coordinates(zone)) >= LEAST_CORNERS, f"the zone has fewer than {LEAST_CORNERS} corners.")
    return zone


def _homes(zone: shapely.MultiPolygon, rng: np.random.Generator) -> Floats:
    """Places in and around the zone (homes x 2, degrees): some at its corners, in the middle of sides, or beside."""
    sides = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(zone))]
    middles = np.vstack([(ring[1:] + ring[:-1]) / 2 for ring in sides])
    third = ON_EDGES // 3
    beside = rng.choice(middles, third)
    beside[:, 1] = np.nextafter(beside[:, 1], rng.choice([0.0, 90.0], third))
    west, south, east, north = zone.bounds
    anywhere = rng.uniform((west, south), (east, north), (HOMES - 3 * third, 2))
    lonlats = np.vstack([rng.choice(np.vstack(sides), third), rng.choice(middles, third), beside, anywhere])
    return rng.permutation(lonlats)


def _settle(zone: shapely.MultiPolygon, lonlats: Floats) -> None:
    """A resident lives at each place; the zone stands with its parts, and the statistics are fresh."""
    rows = np.zeros(len(lonlats), dtype=_HOME_ROW)
    rows["columns"], rows["resident_bytes"], rows["resident"] = 4, 8, np.arange(1, len(lonlats) + 1)
    rows["geom_bytes"], rows["order"], rows["type"], rows["srid"] = 25, 1, 0x20000001, crs.STORED_SRID
    rows["lon"], rows["lat"], rows["is_vulnerable_bytes"] = lonlats[:, 0], lonlats[:, 1], 1
    with db.transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO resident (id, line_user_hash, line_user_sealed, language, is_reachable, joined_at, trust) "
                "SELECT n, int8send(n), '', 'th', true, now(), 'simulated' FROM generate_series(1, :count) n"
            ),
            {"count": len(lonlats)},
        )
        header, end = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
        # The index is built at once, and no home's resident is looked up: seeding would take a minute longer.
        session.execute(sa.text("DROP INDEX ix_home_geom"))
        session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        copy_in(session, "home (resident_id, geom, is_vulnerable, label)", header + rows.tobytes() + end)
        session.execute(sa.text("CREATE INDEX ix_home_geom ON home USING gist (geom)"))
        stored = Zone(code="Z", name_th="Z", name_en="Z", geom=from_shape(zone, srid=crs.STORED_SRID), version=1)
        session.add(stored)
        session.flush()
        standing.subdivide(session, zone_id=stored.id, version=stored.version)
        session.execute(sa.text("ANALYZE resident, home, zone, zone_part"))


def _check_same(session: Session, ours: NDArray[np.int64], by_shapely: NDArray[np.int64]) -> int:
    """All sides name the same residents; returns how many homes PostGIS's plain join of parts is wrong about."""
    whole = _ids(session, "whole")
    check(np.array_equal(np.sort(ours), whole), "we do not name the residents that ST_Intersects names.")
    check(np.array_equal(np.sort(by_shapely), whole), "shapely does not name the residents that ST_Intersects names.")
    check(np.array_equal(_ids(session, "postgis_exact"), whole), "the exact join is not exact.")
    plan = session.scalars(sa.text(f"EXPLAIN {_count_of('postgis')}")).all()
    check(any("ix_home_geom" in line for line in plan), "PostGIS does not use the index of homes.")
    return np.setxor1d(_ids(session, "postgis"), whole).size


def _ids(session: Session, side: str) -> NDArray[np.int64]:
    reached = f"SELECT DISTINCT h.resident_id AS id {_JOINED[side]}"
    packed = f"SELECT string_agg(int8send(id), '' ORDER BY id) FROM ({reached}) reached"  # noqa: S608 - our own words.
    (ids,) = db.driver_connection(session).execute(packed, binary=True).fetchone() or (b"",)
    return np.frombuffer(ids, dtype=">i8").astype(np.int64)


def _count_of(side: str) -> str:
    return f"SELECT count(*) FROM (SELECT DISTINCT h.resident_id {_JOINED[side]}) reached"  # noqa: S608 - our own words.


def _count(session: Session, side: str) -> int:
    counted: int = session.scalar(sa.text(_count_of(side))) or 0
    return counted


def _by_us(wkb: bytes, homes: Register) -> NDArray[np.int64]:
    return homes.resident[homes.places.within(shapely.from_wkb(wkb))]


def _by_shapely(wkb: bytes, homes: Register) -> NDArray[np.int64]:
    zone = shapely.from_wkb(wkb)
    shapely.prepare(zone)
    return homes.resident[shapely.intersects_xy(zone, homes.places.lon, homes.places.lat)]
