"""A picture of the demo city's flood with the facts of its zones, against the time that the storm leaves for it.

While water rises a picture is due every two minutes; the storm runs at 120 times the real speed, so one second is left
for each. Half of it is for the picture, half for reading levels before and storing after.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from bench.measure import OURS, Limit, Result, check, take_turns, timed
from bench.places import own_database
from core import clock, db
from core.progress import step
from core.settings import data_dir
from demo.city import generate
from flood import actions
from flood.exposed import ZoneFacts, facts_by_zone
from flood.ground import Ground, ground_of
from flood.picture import Picture, picture_of
from flood.rules import WATCH_INTERVAL, Level
from gis.citypack import importer
from gis.terrain.grid import OUTSIDE, Floats

STORM_SPEED = 120
OVER_BANK_M = (0.2, 0.6)
UNDER_BANK_M = 2.0
ROUNDS = 15
BAR = {"interval": 0.5}


def measure(*, seed: int) -> Result:
    """The city that `seed` draws, every gauge over its bank, drawn again and again."""
    rng = np.random.default_rng(seed)
    with own_database("picture"):
        ground = _demo_ground(seed)
        levels = _levels(ground, rng.uniform(*OVER_BANK_M, len(ground.terrain.gauges)), now=clock.wall_now())
        level_m_msl = _level_m_msl(levels)
        with step("checking the picture"):
            picture = picture_of(ground.terrain, level_m_msl)
            facts = facts_by_zone(ground, picture, levels)
            _check(ground, picture, facts, highest_m_msl=max(level_m_msl.values()))
            _check_dry(ground)

        def draw() -> None:
            facts_by_zone(ground, picture_of(ground.terrain, level_m_msl), levels)

        with step("the picture") as tell:
            taken = take_turns({OURS: timed(draw)}, rounds=ROUNDS, tell=tell)
    told = {
        "cells": ground.terrain.grid.size,
        "zones": len(facts),
        "wet_homes": sum(zone.homes for zone in facts),
        "seed": seed,
    }
    peers = {"interval": Limit(WATCH_INTERVAL.total_seconds() / STORM_SPEED)}
    return Result("picture", told, taken[OURS], peers, BAR)


def _demo_ground(seed: int) -> Ground:
    with step("drawing the demo city"):
        pack = generate.write_pack(data_dir() / "pack", seed)
    with step("importing it") as tell, db.transaction() as session:
        importer.import_city(session, pack, tell)
        tell("drawing the zones that can flood")
        actions.make_zones(session)
    with step("laying out the ground"), db.transaction() as session:
        return ground_of(session)


def _levels(ground: Ground, over_bank_m: Floats, *, now: datetime) -> dict[int, Level]:
    terrain = ground.terrain
    return {
        gauge.station_id: Level(
            station_id=gauge.station_id,
            code=gauge.code,
            level_m_msl=float(bank_m + over_m),
            observed_at=now,
            state=3 if over_m > 0 else 0,
            is_stale=False,
            received_wall_at=now,
        )
        for gauge, bank_m, over_m in zip(terrain.gauges, terrain.bank_m, over_bank_m, strict=True)
    }


def _level_m_msl(levels: dict[int, Level]) -> dict[int, float]:
    return {station_id: level.level_m_msl for station_id, level in levels.items()}


def _check(ground: Ground, picture: Picture, facts: Sequence[ZoneFacts], *, highest_m_msl: float) -> None:
    """The picture has water where it may stand, and every zone counts the homes that stand in it."""
    ground_m = ground.terrain.heights_m.ravel().copy()
    ground_m[ground.terrain.channel] = ground_m[ground.terrain.bank]
    is_wet = picture.depth_m > 0
    check(bool(is_wet.any()) and bool(picture.outlines), "no water has left its canal.")
    surface_m = (ground_m + picture.depth_m)[is_wet]
    check(float(surface_m.max()) <= highest_m_msl + 0.001, "water stands higher than at any gauge.")
    check(bool((picture.likely_m[is_wet] >= picture.depth_m[is_wet] - 0.001).all()), "doubt makes the water lower.")
    homes = ground.homes
    stands_wet = is_wet[homes.cell] & (homes.cell != OUTSIDE)
    counted = [int(stands_wet[homes.zone == zone].sum()) for zone in range(len(facts))]
    check([zone.homes for zone in facts] == counted and sum(counted) > 0, "a zone does not count its wet homes.")


def _check_dry(ground: Ground) -> None:
    under = _levels(ground, np.full(len(ground.terrain.gauges), -UNDER_BANK_M), now=clock.wall_now())
    dry = picture_of(ground.terrain, _level_m_msl(under))
    check(not (dry.depth_m > 0).any(), "water far below every bank floods the ground.")
