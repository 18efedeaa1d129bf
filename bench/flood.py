"""From new levels to a tile: the whole way of a picture of 2000 x 2000 cells, and its depths alone.

The demo city on a grid of 3.5 m instead of 10: 44,000 homes, its streets, facilities and zones. Each turn every gauge
has a new level over its bank; timed is drawing the picture with all its doubts, its outlines, zones and exposure into
the database, committing, and one tile of it through the API. Peer: rasterio's polygons of the same depth classes, which
are but one step of that.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import rasterio
import shapely
import sqlalchemy as sa
from affine import Affine
from rasterio.features import shapes
from scipy.ndimage import zoom

from bench.measure import OURS, Result, check, rounded, take_turns, timed
from bench.places import own_database
from bench.servers import Server, our_api
from core import clock, db
from core.progress import step
from core.settings import data_dir
from demo.city import generate
from flood import actions, queries
from flood.ground import Terrain, ground_of
from flood.picture import channels_at, depth_classes
from gis.citypack import importer
from gis.terrain.grid import Heights
from gis.terrain.pools import depths_m
from sensors.actions import IncomingReading, store_readings

SIDE = 2000
ROUGH_M = 0.03
OVER_BANK_M = (0.0, 0.6)
ROUNDS, DEPTH_ROUNDS = 20, 40
TILE_ZOOM = 14
MOST_P95_S, MOST_DEPTH_MS = 2.0, 60.0
PAUSE = timedelta(minutes=10)


def measure(*, seed: int) -> Result:
    """Twenty new states of the city that `seed` draws, each from its levels to its tile."""
    rng = np.random.default_rng(seed)
    with own_database("flood"):
        _import_fine_city(seed, rng)
        with step("laying out the ground"), db.transaction() as session:
            terrain = ground_of(session).terrain
        check(terrain.grid.shape == (SIDE, SIDE), f"the grid is {terrain.grid.shape}.")
        turns = _Turns(terrain, rng)
        with our_api() as server, step("from levels to a tile") as tell:
            peer = timed(lambda: _plain_polygons(turns.classes))
            taken = take_turns(
                {OURS: lambda: turns.draw(server), "polygons": peer}, rounds=ROUNDS, tell=tell
            )
        with step("depths alone"):
            depth_ms = [1000 * turns.depths_s() for _ in range(DEPTH_ROUNDS)]
    ours = taken[OURS]
    facts = {
        "cells": SIDE * SIDE, "gauges": len(terrain.gauges), "surfaces": turns.surfaces,
        "wet_share": rounded(turns.wet_share), "homes_wet": turns.homes_wet, "zones": turns.zones, "seed": seed,
    }
    figures = {"p95_s": rounded(ours.p95_s), "depth_ms": rounded(float(np.median(depth_ms)))}
    most = {"p95_s": MOST_P95_S, "depth_ms": MOST_DEPTH_MS}
    return Result("flood", facts, ours, {"polygons": taken["polygons"]}, {}, figures, most)


def _import_fine_city(seed: int, rng: np.random.Generator) -> None:
    with step("drawing the demo city"):
        pack = generate.write_pack(data_dir() / "pack", seed)
        _refine(pack / "terrain.tif", rng)
    with step("importing it") as tell, db.transaction() as session:
        importer.import_city(session, pack, tell)
        tell("drawing the zones that can flood")
        actions.make_zones(session)
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def _refine(path: Path, rng: np.random.Generator) -> None:
    """The terrain covers the same ground with `SIDE` cells a side, and with a roughness of its own."""
    with rasterio.open(path) as source:
        heights_m, transform, crs, nodata = source.read(1), source.transform, source.crs, source.nodata
    fine = zoom(heights_m, SIDE / heights_m.shape[0], order=1) + rng.normal(0.0, ROUGH_M, (SIDE, SIDE))
    cell_m = transform.a * heights_m.shape[0] / SIDE
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, nodata=nodata, width=SIDE, height=SIDE, crs=crs,
        transform=Affine(cell_m, 0.0, transform.c, 0.0, -cell_m, transform.f),
    ) as target:
        target.write(fine.astype(np.float32), 1)


class _Turns:
    """New levels again and again; what the last picture held."""

    def __init__(self, terrain: Terrain, rng: np.random.Generator) -> None:
        self.terrain, self._rng = terrain, rng
        self._now: datetime = clock.wall_now() - (ROUNDS + 2) * PAUSE  # Nobody believes a reading of the future.
        self._level_m: dict[int, float] = {}
        self.classes = np.zeros((SIDE, SIDE), dtype=np.uint8)
        self.surfaces = sum(method.count for method in terrain.water.methods)
        self.wet_share, self.homes_wet, self.zones = 0.0, 0, 0

    def draw(self, server: Server) -> float:
        """The seconds from levels that stand in the database to the last byte of a tile of their picture."""
        self._let_levels_change()
        began_s = time.perf_counter()
        with db.transaction() as session:
            run_id = actions.draw(session, now=self._now).id
        _, size = server.tile(f"/api/v1/flood/runs/{run_id}/tiles/{self._tile()}.mvt")
        took_s = time.perf_counter() - began_s
        self._look_at(run_id, size)
        return took_s

    def depths_s(self) -> float:
        """The seconds from levels to the depth of every cell."""
        began_s = time.perf_counter()
        self._depths()
        return time.perf_counter() - began_s

    def _let_levels_change(self) -> None:
        self._now += PAUSE
        gauges = zip(self.terrain.gauges, self.terrain.bank_m, strict=True)
        self._level_m = {g.station_id: float(bank_m + self._rng.uniform(*OVER_BANK_M)) for g, bank_m in gauges}
        readings = [
            IncomingReading(gauge.code, self._now, self._level_m[gauge.station_id], "m")
            for gauge in self.terrain.gauges
        ]
        with db.transaction() as session:
            store_readings(session, readings, source="bench")

    def _depths(self) -> Heights:
        water = self.terrain.water
        channels = channels_at(self.terrain, self._level_m, sigma_m={})
        return depths_m(water.decides, water.ground_m, water.surfaces_m(channels, doubt=0.0))

    def _look_at(self, run_id: int, tile_bytes: int) -> None:
        self.classes = depth_classes(self._depths())
        self.wet_share = float((self.classes > 0).mean())
        with db.transaction() as session:
            run, zones = queries.run_of(session, run_id), queries.zones_of(session, run_id)
            check(run.method == actions.METHOD, f"the picture is '{run.method}': {run.reason}.")
            check(len(run.levels) >= len(self._level_m), "a level did not reach the picture.")
        self.homes_wet, self.zones = sum(zone.homes for zone in zones), len(zones)
        check(0 < self.homes_wet < sum(int(zone.totals["homes"]) for zone in zones), "no home, or every home, is wet.")
        check(tile_bytes > 0, "the tile is empty.")

    def _tile(self) -> str:
        """The tile over the middle of the city."""
        grid = self.terrain.grid
        middle = np.array([grid.west_m + SIDE / 2 * grid.cell_m]), np.array([grid.north_m - SIDE / 2 * grid.cell_m])
        with db.transaction() as session:
            x, y = session.execute(
                sa.text(
                    "SELECT floor((ST_X(p) + 180) / 360 * :n)::int, "
                    "floor((1 - asinh(tan(radians(ST_Y(p)))) / pi()) / 2 * :n)::int "
                    "FROM (SELECT ST_Transform(ST_SetSRID(ST_MakePoint(:x, :y), :srid), 4326) AS p) m"
                ),
                {"n": 2**TILE_ZOOM, "x": float(middle[0][0]), "y": float(middle[1][0]), "srid": grid.srid},
            ).one()
        return f"{TILE_ZOOM}/{x}/{y}"


def _plain_polygons(classes: np.ndarray) -> int:
    found = shapes(classes, mask=classes > 0, connectivity=4)
    return len([shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:]) for shape, _ in found])

