"""What a picture means for each zone: shares, depths, people, homes, roads, facilities (arrays; never in the API)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from flood import rules
from flood.ground import Ground
from flood.picture import Picture
from gis.exposure import count_by_zone, deepest_by_road, depths_at, distinct_by_zone, sum_by_zone
from gis.terrain.grid import OUTSIDE, Floats, Heights, Mask

ROAD_THRESHOLDS_M = (0.0, 0.2, 0.5)  # Wet; a small car stops; a pick-up stops.
NEAR_WAY_M = 3000.0  # Assumed: a gauge farther along the canal than this warns of nothing in the zone.
FADES_OVER_M = 5000.0  # Assumed: half the confidence is lost where the nearest gauge is so far away.


@dataclass(frozen=True)
class ZoneFacts:
    """One zone in one picture. Counts are of what stands in the water, `totals` of what stands in the zone."""

    zone_id: int
    code: str
    evidence: rules.ZoneEvidence
    has_data: bool
    depth_class: int
    depth_p50_m: float
    depth_p90_m: float
    confidence: float
    people: int
    people_method: str
    members: int
    homes: int
    vulnerable_homes: int
    roads_over_km: dict[str, float]
    facilities: dict[str, int]
    totals: dict[str, float]
    gauges: dict[str, int]


@dataclass(frozen=True, eq=False)
class _Counts:
    homes: Floats
    wet: Floats
    knee: Floats
    likely: Floats
    vulnerable: Floats
    vulnerable_wet: Floats
    members: Floats
    members_wet: Floats
    people: Floats
    people_wet: Floats
    road_km: Floats
    road_over_km: list[Floats]


@dataclass(frozen=True, eq=False)
class _Scene:
    ground: Ground
    picture: Picture
    levels: Mapping[int, rules.Level]
    home_m: Heights
    counts: _Counts
    wet_places: Mapping[int, Counter[str]]
    trusted: Floats


def facts_by_zone(ground: Ground, picture: Picture, levels: Mapping[int, rules.Level]) -> list[ZoneFacts]:
    """The facts of every zone, in their order; `levels` are the newest by station id, stale ones among them."""
    home_m = depths_at(ground.homes.cell, picture.depth_m)
    scene = _Scene(
        ground=ground, picture=picture, levels=levels, home_m=home_m, counts=_counts(ground, picture, home_m),
        wet_places=_facilities(ground, picture), trusted=_trusted_share(ground, levels),
    )
    return [_facts(scene, zone) for zone in range(len(ground.zones.rows))]


def deepest_roads(ground: Ground, picture: Picture) -> list[tuple[int, float]]:
    """(road id, greatest depth in metres) of every road in the water."""
    deepest_m = deepest_by_road(ground.town.roads, picture.depth_m)
    return [(ground.town.road_ids[n], round(float(deepest_m[n]), 3)) for n in np.flatnonzero(deepest_m > 0)]


def _trusted_share(ground: Ground, levels: Mapping[int, rules.Level]) -> Floats:
    """For each zone the share of its water that usable gauges decide, each as far as it can be trusted; 0 to 1."""
    known = [levels.get(gauge.station_id) for gauge in ground.terrain.gauges]
    trust = np.array([level.confidence if level is not None and level.is_usable else 0.0 for level in known])
    share: Floats = ground.zones.gauge_share @ trust
    return share


def _counts(ground: Ground, picture: Picture, home_m: Heights) -> _Counts:
    homes, zones = ground.homes, len(ground.zones.rows)
    is_wet, everywhere = home_m > 0, np.ones(home_m.size, dtype=bool)
    likely_m = depths_at(homes.cell, picture.likely_m)
    road_m = depths_at(ground.town.roads.cell, picture.depth_m)
    road_km = ground.town.roads.length_m / 1000
    people, people_wet = _people(ground, picture)
    return _Counts(
        homes=count_by_zone(homes.zone, everywhere, zones).astype(float),
        wet=count_by_zone(homes.zone, is_wet, zones).astype(float),
        knee=count_by_zone(homes.zone, home_m >= rules.KNEE_M, zones).astype(float),
        likely=count_by_zone(homes.zone, likely_m > 0, zones).astype(float),
        vulnerable=count_by_zone(homes.zone, homes.is_vulnerable, zones).astype(float),
        vulnerable_wet=count_by_zone(homes.zone, homes.is_vulnerable & is_wet, zones).astype(float),
        members=distinct_by_zone(homes.zone, homes.resident, everywhere, zones).astype(float),
        members_wet=distinct_by_zone(homes.zone, homes.resident, is_wet, zones).astype(float),
        people=people,
        people_wet=people_wet,
        road_km=sum_by_zone(ground.town.road_zone, road_km, zones),
        road_over_km=[
            sum_by_zone(ground.town.road_zone, np.where((road_m > 0) & (road_m >= least_m), road_km, 0.0), zones)
            for least_m in ROAD_THRESHOLDS_M
        ],
    )


def _people(ground: Ground, picture: Picture) -> tuple[Floats, Floats]:
    """The registered people of each zone, and those of them in the water; 0 without a register."""
    zones, people = len(ground.zones.rows), ground.town.people
    if people is None:
        return np.zeros(zones), np.zeros(zones)
    is_wet = depths_at(people.cell, picture.depth_m) > 0
    return (
        sum_by_zone(people.zone, people.count, zones),
        sum_by_zone(people.zone, np.where(is_wet, people.count, 0.0), zones),
    )


def not_counted(ground: Ground) -> dict[str, int]:
    """Who is in no zone, and so in no figure of any: member homes, and registered people by what is not known of them.

    `people_outside` live in parts of the registers' units beyond the city, `people_unlocated` nobody knows where.
    """
    found = {"homes": int((ground.homes.zone == OUTSIDE).sum())}
    people = ground.town.people
    if people is not None:
        found["people"] = round(float(people.count[people.zone == OUTSIDE].sum()))
        for name in ("outside", "unlocated"):
            found[f"people_{name}"] = round(float(people.legend.get(name, 0)))
    return found


def _facilities(ground: Ground, picture: Picture) -> dict[int, Counter[str]]:
    wet: dict[int, Counter[str]] = {}
    for index in np.flatnonzero(depths_at(ground.town.facilities.cell, picture.depth_m) > 0):
        wet.setdefault(int(ground.town.facilities.zone[index]), Counter())[ground.town.facility_kinds[index]] += 1
    return wet


def _facts(scene: _Scene, zone: int) -> ZoneFacts:
    ground, counts = scene.ground, scene.counts
    row, near = ground.zones.rows[zone], _near_levels(scene, zone)
    states = {level.code: level.state for level in near if level is not None and level.is_usable}
    p50_m, p90_m, depth_class = _depths(scene, zone)
    people, people_in_all, people_method = _people_of(scene, zone)
    return ZoneFacts(
        zone_id=row.id,
        code=row.code,
        evidence=_evidence(scene, zone, gauge_state=max(states.values(), default=0)),
        has_data=bool(scene.trusted[zone] > 0 and all(level is not None and level.is_usable for level in near)),
        depth_class=depth_class,
        depth_p50_m=p50_m,
        depth_p90_m=p90_m,
        confidence=_confidence(float(scene.trusted[zone]), float(ground.zones.gauge_way_m[zone])),
        people=people,
        people_method=people_method,
        members=int(counts.members_wet[zone]),
        homes=int(counts.wet[zone]),
        vulnerable_homes=int(counts.vulnerable_wet[zone]),
        roads_over_km={
            str(least_m): round(float(km[zone]), 3)
            for least_m, km in zip(ROAD_THRESHOLDS_M, counts.road_over_km, strict=True)
        },
        facilities=dict(scene.wet_places.get(zone, {})),
        totals=_totals(ground, counts, zone, people_in_all),
        gauges=states,
    )


def _people_of(scene: _Scene, zone: int) -> tuple[int, int, str]:
    """People in the water, people in the zone, and how they were counted.

    By the register, spread over where people live; where it knows of nobody here, by the members' homes.
    """
    counts, zones = scene.counts, scene.ground.zones
    if counts.people[zone] > 0:
        method = "registered people, spread over homes and streets (register)"
        return round(counts.people_wet[zone]), round(counts.people[zone]), method
    factor = float(zones.people_per_home[zone])
    known = "census" if zones.rows[zone].population else "assumed"
    method = f"member homes x {factor:.1f} ({known})"
    return round(counts.wet[zone] * factor), round(counts.homes[zone] * factor), method


def _totals(ground: Ground, counts: _Counts, zone: int, people: int) -> dict[str, float]:
    kinds = Counter(ground.town.facility_kinds[n] for n in np.flatnonzero(ground.town.facilities.zone == zone))
    return {
        "people": people,
        "members": int(counts.members[zone]),
        "homes": int(counts.homes[zone]),
        "vulnerable_homes": int(counts.vulnerable[zone]),
        "roads_km": round(float(counts.road_km[zone]), 3),
        "land_ha": round(ground.zones.cells[zone].size * ground.terrain.grid.cell_m**2 / 1e4, 2),
        **{f"facilities_{kind}": count for kind, count in sorted(kinds.items())},
    }


def _near_levels(scene: _Scene, zone: int) -> list[rules.Level | None]:
    """The levels of the gauges near the zone; None for one that never spoke."""
    zones, gauges = scene.ground.zones, scene.ground.terrain.gauges
    if zones.gauge_way_m[zone] > NEAR_WAY_M:
        return []
    near = np.flatnonzero(zones.gauge_share[zone] >= rules.NEAR_WEIGHT)
    return [scene.levels.get(gauges[n].station_id) for n in near]


def _evidence(scene: _Scene, zone: int, *, gauge_state: int) -> rules.ZoneEvidence:
    counts, homes = scene.counts, scene.counts.homes[zone]
    if homes >= rules.HOMES_NEEDED:
        wet, knee, likely = counts.wet[zone] / homes, counts.knee[zone] / homes, counts.likely[zone] / homes
    else:
        cells = scene.ground.zones.cells[zone]
        land_m, likely_m = scene.picture.depth_m[cells], scene.picture.likely_m[cells]
        wet, knee, likely = _share(land_m > 0), _share(land_m >= rules.KNEE_M), _share(likely_m > 0)
    return rules.ZoneEvidence(
        wet_share=float(wet), knee_share=float(knee), likely_share=float(likely), gauge_state=gauge_state
    )


def _share(is_so: Mask) -> float:
    return float(is_so.mean()) if is_so.size else 0.0


def _depths(scene: _Scene, zone: int) -> tuple[float, float, int]:
    """The middle depth of the best estimate, the same by the 90th percentile, and the depth class, for a zone.

    Over its wet homes (over its wet land where no home is wet); the class is the one that the deepest tenth reaches.
    """
    depth_m, likely_m = scene.picture.depth_m, scene.picture.likely_m
    land = scene.ground.zones.cells[zone]
    cells = scene.ground.homes.cell[(scene.ground.homes.zone == zone) & (scene.home_m > 0)]
    if not cells.size:
        cells = land[depth_m[land] > 0]
    if not cells.size:
        return 0.0, _middle_m(likely_m[land[likely_m[land] > 0]]), 0
    deep_m = float(np.quantile(depth_m[cells], 0.9))
    return _middle_m(depth_m[cells]), _middle_m(likely_m[cells]), rules.depth_class_of(deep_m)


def _middle_m(depth_m: Heights) -> float:
    return round(float(np.median(depth_m)), 3) if depth_m.size else 0.0


def _confidence(trusted: float, way_m: float) -> float:
    if trusted == 0:
        return 0.0
    return round(rules.CONFIDENCE_AT_BEST * trusted / (1 + way_m / FADES_OVER_M), 3)
