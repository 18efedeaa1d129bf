"""A small city: a valley of 1.2 km with one canal, two gauges, two communities, a levee, homes and roads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
import sqlalchemy as sa
from affine import Affine
from sqlalchemy.orm import Session

from core import db
from flood import actions
from flood.models import FloodRun
from gis.points import LonLat
from sensors.actions import IncomingReading, NewStation, register_station, store_readings

SRID = 32647
WEST, NORTH, CELL, SIZE = 600_000.0, 930_000.0, 10.0, 120
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def _metric(session: Session, shape: str) -> str:
    """A shape written in metres from the north-west corner (x east, y south), as EWKT of the stored system."""
    moved = "ST_Transform(ST_SetSRID(ST_Affine(ST_GeomFromText(:shape), 1, 0, 0, -1, :west, :north), :srid), 4326)"
    return str(
        session.scalar(
            sa.text(f"SELECT ST_AsEWKT({moved}, 12)"),
            {"shape": shape, "west": WEST, "north": NORTH, "srid": SRID},
        )
    )


@dataclass
class Town:
    """The small city and ways to let its water rise."""

    session: Session
    stations: dict[str, int]
    set_clock: Callable[[datetime], None]
    now: datetime = NOW

    def place(self, x_m: float, y_m: float) -> LonLat:
        """The point so many metres east and south of the north-west corner."""
        point = _metric(self.session, f"POINT({x_m} {y_m})").split("(")[1].rstrip(")").split()
        return LonLat(lon=float(point[0]), lat=float(point[1]))

    def water(self, **levels_m: float) -> None:
        """The gauges (a, b) read these levels now, twice, so that their state follows."""
        for ago_s in (60, 0):
            store_readings(
                self.session,
                [
                    IncomingReading(f"gauge-{code}", self.now - timedelta(seconds=ago_s), level_m, "m")
                    for code, level_m in levels_m.items()
                ],
                source="test",
            )

    def let_any_level_pass(self, *codes: str) -> None:
        """Quality no longer knows what these gauges' levels can be: whoever draws water must know it himself."""
        self.session.execute(
            sa.text(
                "INSERT INTO quality_parameters (datastream_id, version, document, changed_at, reason) "
                "SELECT id, 1, :document, now(), 'a test' FROM datastream WHERE code = ANY(:codes)"
            ),
            {"codes": list(codes), "document": '{"version": 1, "range": {"fail_min": -1000, "fail_max": 1000}}'},
        )

    def later(self, minutes: float) -> None:
        """So much time passes, shared and real."""
        self.now += timedelta(minutes=minutes)
        self.set_clock(self.now)
        aged = {FloodRun.computed_wall_at: FloodRun.computed_wall_at - timedelta(minutes=minutes)}
        self.session.execute(sa.update(FloodRun).values(aged))


def heights() -> np.ndarray:
    """Ground 2 m at the canal (row 60), rising 1 m in 500 m to both sides; in the south-east a basin behind a levee."""
    rows = np.abs(np.arange(SIZE) - 60)[:, None] * CELL
    ground = np.broadcast_to(2.0 + rows / 500.0, (SIZE, SIZE)).astype(np.float32).copy()
    ground[70:90, 80:100] = 1.0
    ground[69, 79:101] = ground[90, 79:101] = 9.0
    ground[69:91, 79] = ground[69:91, 100] = 9.0
    return ground


@pytest.fixture
def town(session: Session, terrain_file: Path, frozen_clock: Callable[[datetime], None]) -> Town:
    """The small city is imported, its gauges stand, and its zones are made; all is rolled back."""
    return settle(session, terrain_file, frozen_clock)


@pytest.fixture
def committed_town(
    database: sa.Engine, terrain_file: Path, frozen_clock: Callable[[datetime], None]
) -> Callable[[Session], Town]:
    """The small city in a database of its own; called with a session it lets the water rise there."""
    with db.transaction() as session:
        stations = settle(session, terrain_file, frozen_clock).stations
    return lambda session: Town(session, stations, frozen_clock)


@pytest.fixture
def terrain_file(tmp_path: Path) -> Path:
    """The small city's terrain as a GeoTIFF."""
    path = tmp_path / "terrain.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=SIZE, height=SIZE, count=1, dtype="float32", crs=f"EPSG:{SRID}",
        transform=Affine(CELL, 0, WEST, 0, -CELL, NORTH), nodata=-9999.0,
    ) as target:
        target.write(heights(), 1)
    return path


def settle(session: Session, path: Path, set_clock: Callable[[datetime], None]) -> Town:
    """The small city stands in the session's database, with its terrain in the file."""
    run = session.execute
    layer = session.scalar(
        sa.text(
            "INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at, legend) "
            "VALUES ('t', 't', 't', 't', 'simulated', 0, 1, now(), '{}') RETURNING id"
        )
    )
    run(
        sa.text("INSERT INTO terrain VALUES (1, :path, :srid, 10, 'm above mean sea level', 'simulated', 1)"),
        {"path": str(path), "srid": SRID},
    )
    for code, west in (("west", 0), ("east", 600)):
        outline = f"MULTIPOLYGON((({west} 0, {west + 600} 0, {west + 600} 1200, {west} 1200, {west} 0)))"
        run(
            sa.text(
                "INSERT INTO area (layer_id, kind, code, name_th, name_en, geom, place, attributes, trust) VALUES "
                "(:layer, 'community', :code, :code, :code, CAST(:geom AS geometry), "
                "ST_PointOnSurface(CAST(:geom AS geometry)), '{}', 'simulated')"
            ),
            {"layer": layer, "code": code, "geom": _metric(session, outline)},
        )
    run(
        sa.text(
            "INSERT INTO waterway (layer_id, code, name_th, name_en, kind, geom) "
            "VALUES (:layer, 'c', 'c', 'c', 'canal', CAST(:geom AS geometry))"
        ),
        {"layer": layer, "geom": _metric(session, "LINESTRING(0 605, 1200 605)")},
    )
    for code, is_bridge, line in (("along", False, "LINESTRING(0 625, 1200 625)"),
                                  ("bridge", True, "LINESTRING(300 590, 300 630)"),
                                  ("hill", False, "LINESTRING(0 20, 1200 20)")):
        run(
            sa.text(
                "INSERT INTO road (layer_id, code, name_th, name_en, class, is_bridge, geom, length_m) "
                "VALUES (:layer, :code, '', '', 'residential', :is_bridge, CAST(:geom AS geometry), 0)"
            ),
            {"layer": layer, "code": code, "is_bridge": is_bridge, "geom": _metric(session, line)},
        )
    run(
        sa.text(
            "INSERT INTO facility (layer_id, code, kind, name_th, name_en, geom) "
            "VALUES (:layer, 's', 'school', '', '', CAST(:geom AS geometry))"
        ),
        {"layer": layer, "geom": _metric(session, "POINT(205 635)")},
    )
    _house(session)
    stations = {
        code: register_station(
            session,
            NewStation(
                code=f"gauge-{code}", name_th=code, name_en=code, kind="gauge",
                place=Town(session, {}, set_clock).place(x_m, 606), bank_m_msl=2.0, bed_m_msl=-1.0, watch_m_msl=1.2,
                warning_m_msl=1.6, danger_m_msl=2.0, interval_s=600, device_key=None, trust="simulated", layer="gauges",
            ),
        )
        for code, x_m in (("a", 105), ("b", 1095))
    }
    town = Town(session, stations, set_clock)
    actions.make_zones(session)
    return town


def _house(session: Session) -> None:
    """400 homes of 380 residents, every tenth vulnerable, all over the city."""
    rng = np.random.default_rng(11)
    session.execute(
        sa.text(
            "INSERT INTO resident (id, line_user_hash, line_user_sealed, language, is_reachable, joined_at, trust) "
            "SELECT n, decode(lpad(to_hex(n), 8, '0'), 'hex'), '', 'th', true, now(), 'simulated' "
            "FROM generate_series(1, 380) n"
        )
    )
    session.execute(
        sa.text(
            "INSERT INTO home (resident_id, geom, is_vulnerable, label) "
            "SELECT 1 + (n - 1) % 380, "
            "ST_Transform(ST_SetSRID(ST_MakePoint(:west + x, :north - y), :srid), 4326), n % 10 = 0, '' "
            "FROM unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) WITH ORDINALITY AS p(x, y, n)"
        ),
        {
            "x": rng.uniform(0, 1200, 400).tolist(), "y": rng.uniform(300, 900, 400).tolist(),
            "west": WEST, "north": NORTH, "srid": SRID,
        },
    )
