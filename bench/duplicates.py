"""The same incident or another? A generated week goes through the intake; then one report among 1,000,000 incidents.

First 10,000 reports, 15 % of them repeats (`bench.week`), are received in their order, each in a transaction of its
own, while what is over is finished. Precision: of the reports that were joined, how many to an incident that began with
the same thing. Recall: of the repeats, how many were joined so. Then 1,000,000 incidents of nine years stand in the
database, three fifths in 40 hot spots, 3 % of them open, each with its report; further reports are
timed from the beginning of a transaction to its commit. The floor is one INSERT of the bare report, committed.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta

import numpy as np
import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from bench import week
from bench.measure import Result, Timing, check
from bench.places import own_database
from bench.week import Thing, Told
from core import clock, db
from core.progress import Progress, step
from gis.models import City
from gis.points import LonLat
from incidents import actions, likeness
from incidents.models import Agency, Incident, IncidentLikeness
from incidents.rules import NewReport
from incidents.tiles import fold_tally
from residents import actions as residents_actions

Floats = NDArray[np.float64]

INCIDENTS, OPEN_SHARE, HOT_SPOTS, HOT_SHARE = 1_000_000, 0.03, 40, 0.6
HOT_SPREAD_M = (100.0, 900.0)
YEARS_H = 9 * 365 * 24.0
JOINS, WARM_UP = 600, 60
OPEN = ("new", "accepted", "in_progress")
LEAST = {"precision": 0.95, "recall": 0.85}
MOST = {"p95_ms": 30.0}


def measure(*, seed: int) -> Result:
    """Precision and recall of a week, and how long one report takes among a million incidents."""
    rng = np.random.default_rng([seed, 1])
    with step("generating a week"):
        told, things = week.week(seed=seed)
        check(sum(one.is_repeat for one in told) == round(week.REPORTS * week.REPEAT_SHARE), "the repeats are 15 %.")
    try:
        with own_database("duplicates"):
            with db.transaction() as session:
                actions.load_categories(session)
                _found_city(session)
            with step("receiving 10,000 reports") as tell:
                figures, facts = _receive_week(told, things, tell)
            with step("storing 1,000,000 incidents") as tell:
                _store_years(rng, tell)
            with step("receiving further reports") as tell:
                taken, floor, open_near = _receive_more(seed, rng, tell)
    finally:
        clock.freeze(None)
    facts = {"seed": seed, "reports": len(told), "incidents": INCIDENTS, **facts, "most_open_within_reach": open_near}
    figures["p95_ms"] = round(1000 * taken.p95_s, 2)
    return Result("duplicates", facts, taken, {"insert": floor}, {}, figures, MOST, LEAST)


# --- the week ---------------------------------------------------------------------------------------------------------


def _receive_week(
    told: list[Told], things: list[Thing], tell: Progress
) -> tuple[dict[str, float], dict[str, object]]:
    residents = _settle(told)
    began_with: dict[int, int] = {}
    incidents_of: defaultdict[int, set[int]] = defaultdict(set)
    count: Counter[str] = Counter()
    for number, one in enumerate(told):
        if number % 200 == 0:
            tell(f"{number:,}")
            _finish(began_with, things, one)
        clock.freeze(lambda at=one.at: at)  # type: ignore[misc]  # The moment of this turn is bound, not the last one.
        with db.transaction() as session:
            incident_id = actions.receive_report(session, _new(one, residents[one.resident]))[1].id
        is_joined = incident_id in began_with
        is_right = is_joined and began_with[incident_id] == one.thing
        if not is_joined:
            began_with[incident_id] = one.thing
            incidents_of[one.thing].add(incident_id)
        count.update(joined=is_joined, right=is_right, repeats=one.is_repeat, rightly=is_right and one.is_repeat)
    figures = {
        "precision": round(count["right"] / count["joined"], 4),
        "recall": round(count["rightly"] / count["repeats"], 4),
    }
    missed = count["repeats"] - count["rightly"]
    return figures, {"joined": count["joined"], "repeats": count["repeats"], **_shown(incidents_of, missed)}


def _found_city(session: Session) -> None:
    """A city of 900 communities and one agency for everything: every new incident is named and routed."""
    corner, side = week.place(0, 0), week.place(week.SIDE_M, week.SIDE_M)
    whole = from_shape(shapely.MultiPolygon([shapely.box(corner.lon, corner.lat, side.lon, side.lat)]), srid=4326)
    session.add(City(
        id=1, slug="bench", name_th="bench", name_en="bench", boundary=whole,
        extent=from_shape(shapely.box(corner.lon, corner.lat, side.lon, side.lat), srid=4326),
        centre=from_shape(shapely.Point(corner.lon, corner.lat), srid=4326), metric_srid=32647,
        datum="m above mean sea level", imported_at=clock.now(), is_simulated=True,
    ))
    session.add(Agency(code="all", name_th="all", name_en="all", categories=["*"], area_code=None, trust="simulated"))
    session.execute(
        sa.text(
            "WITH l AS ("
            "INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at, legend) VALUES "
            "('areas', 'communities', 'generated', 'CC0 1.0', 'simulated', 900, 1, now(), '{}') RETURNING id), "
            "g AS (SELECT x, y, ST_MakeEnvelope("
            ":w + x * :dx, :s + y * :dy, :w + (x + 1) * :dx, :s + (y + 1) * :dy, 4326) AS box "
            "FROM generate_series(0, 29) x, generate_series(0, 29) y) "
            "INSERT INTO area (layer_id, kind, code, name_th, name_en, geom, place, attributes, trust) SELECT l.id, "
            "'community', 'C' || x || '-' || y, 'C' || x, 'C' || x, ST_Multi(box), ST_Centroid(box), '{}', 'simulated' "
            "FROM l, g"
        ),
        {
            "w": corner.lon, "s": corner.lat,
            "dx": (side.lon - corner.lon) / 30, "dy": (side.lat - corner.lat) / 30,
        },
    )


def _new(one: Told, resident_id: int | None) -> NewReport:
    return NewReport(
        text=one.text, category_code=one.category_code, place=one.place, place_source=one.place_source,
        resident_id=resident_id, radius_m=one.radius_m,
    )


def _settle(told: list[Told]) -> dict[int, int]:
    """Everybody who tells something is a resident; their ids by the week's numbers."""
    with db.transaction() as session:
        numbers = {one.resident for one in told}
        return {number: residents_actions.resident_of(session, f"U{number:032x}").id for number in numbers}


def _finish(began_with: dict[int, int], things: list[Thing], one: Told) -> None:
    """The incidents of things that are over are done: nobody reports what is mended."""
    over = [incident_id for incident_id, thing in began_with.items() if week.at(things[thing].ends_h) < one.at]
    with db.transaction() as session:
        session.execute(
            sa.update(Incident)
            .where(Incident.id == sa.func.any(over), Incident.state == "new")
            .values(state="done", done_at=one.at)
        )


def _shown(incidents_of: dict[int, set[int]], missed: int) -> dict[str, object]:
    """How many links an officer was shown, and how many of the incidents opened twice stand in one of them."""
    with db.transaction() as session:
        links = session.execute(sa.select(IncidentLikeness.incident_id, IncidentLikeness.other_id)).all()
    thing_of = {incident_id: thing for thing, ids in incidents_of.items() for incident_id in ids}
    right = {incident_id for incident_id, other_id in links if thing_of[incident_id] == thing_of[other_id]}
    return {"missed": missed, "perhaps_links": len(links), "missed_but_shown": len(right)}


# --- a million incidents ----------------------------------------------------------------------------------------------


def _store_years(rng: np.random.Generator, tell: Progress) -> None:
    """Nine years of incidents are there, each with its report; tables are vacuumed and counted."""
    places = _clustered(rng)
    with db.transaction() as session:
        codes = list(session.scalars(sa.text("SELECT code FROM category ORDER BY code")))
        indexes = list(session.scalars(sa.text(
            "SELECT indexdef FROM pg_indexes WHERE tablename IN ('incident', 'report') AND indexname LIKE 'ix%'"
        )))
        for index in indexes:  # Indexes are built faster at once than row by row.
            session.execute(sa.text(f"DROP INDEX {index.split(' ')[2]}"))
    is_open = rng.random(len(places)) < OPEN_SHARE
    # What is open is young: two weeks on average, where the rest lies anywhere in nine years.
    age_h = np.where(is_open, rng.exponential(24.0 * 14, len(places)), rng.uniform(0, YEARS_H, len(places)))
    texts = [one.text for one in week.week(seed=int(rng.integers(1 << 30)), reports=5000)[0]]
    category, text = rng.integers(0, len(codes), len(places)), rng.integers(0, len(texts), len(places))
    shapes = shapely.to_wkb(shapely.set_srid(shapely.points(places), 4326), hex=True, include_srid=True)
    with db.transaction() as session:
        first = int(session.execute(sa.text("SELECT coalesce(max(id), 0) + 1 FROM incident")).scalar_one())
    end = week.at(week.WEEK_H)
    for start in range(0, len(places), 100_000):
        tell(f"{start:,}")
        incident_rows, report_rows = [], []
        for n in range(start, min(start + 100_000, len(places))):
            told_at = (end - timedelta(hours=float(age_h[n]))).isoformat()
            state = OPEN[n % len(OPEN)] if is_open[n] else "closed"
            code = codes[category[n]]
            incident_rows.append(
                f"{first + n}\tB{n:07d}\t{code}\t{state}\t{shapes[n]}\tpin\t\t\t\t1\t{told_at}\t{told_at}\t{told_at}\n"
            )
            report_rows.append(f"{first + n}\tline\t{texts[text[n]]}\t{code}\t{shapes[n]}\tpin\t{told_at}\n")
        with db.transaction() as session:
            cursor = db.driver_connection(session).cursor()
            with cursor.copy(
                "COPY incident (id, number, category_code, state, place, place_source, place_label_th, place_label_en, "
                "summary, report_count, last_report_at, opened_at, promised_at) FROM STDIN"
            ) as copy:
                copy.write("".join(incident_rows))
            with cursor.copy(
                "COPY report (incident_id, source, text, category_code, place, place_source, created_at) FROM STDIN"
            ) as copy:
                copy.write("".join(report_rows))
    tell("indexes")
    with db.transaction() as session:
        for index in indexes:
            session.execute(sa.text(index))
        last = "SELECT setval(pg_get_serial_sequence('incident', 'id'), (SELECT max(id) FROM incident))"
        session.execute(sa.text(last))
        fold_tally(session)
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE incident, report, incident_tally, incident_likeness"))


def _clustered(rng: np.random.Generator) -> Floats:
    """Longitude and latitude of every stored incident, degrees."""
    spots = rng.uniform(0.1 * week.SIDE_M, 0.9 * week.SIDE_M, (HOT_SPOTS, 2))
    spread_m = rng.uniform(*HOT_SPREAD_M, HOT_SPOTS)
    spot = rng.integers(0, HOT_SPOTS, int(INCIDENTS * HOT_SHARE))
    hot = spots[spot] + rng.normal(0.0, 1.0, (len(spot), 2)) * spread_m[spot, None]
    metres = np.concatenate([hot, rng.uniform(0.0, week.SIDE_M, (INCIDENTS - len(spot), 2))])
    degrees = metres / np.array([week.M_PER_DEG_LON, week.M_PER_DEG_LAT]) + np.array([week.WEST, week.SOUTH])
    return np.asarray(degrees, dtype=np.float64)


def _receive_more(seed: int, rng: np.random.Generator, tell: Progress) -> tuple[Timing, Timing, int]:
    """Seconds of each further report, half of them at a stored incident's place; of a bare INSERT; and the crowd."""
    further = week.week(seed=seed + 1_000_003, reports=2000)[0]
    clock.freeze(lambda: week.at(week.WEEK_H))
    with db.transaction() as session:
        places = session.execute(sa.text(
            "SELECT ST_X(place), ST_Y(place) FROM incident TABLESAMPLE BERNOULLI (0.2) REPEATABLE (1) LIMIT 1000"
        )).all()
    taken, floor, most = [], [], 0
    for number, one in enumerate(further[: WARM_UP + JOINS]):
        new = _new(one, None)
        if number % 2:
            lon, lat = places[int(rng.integers(len(places)))]
            new = replace(new, place=LonLat(lon=lon, lat=lat), place_source="pin", radius_m=None)
        began_s = time.perf_counter()
        with db.transaction() as session:
            actions.receive_report(session, new)
        took_s = time.perf_counter() - began_s
        floor_s, near = _insert_bare(new)
        most = max(most, near)
        if number >= WARM_UP:
            taken.append(took_s)
            floor.append(floor_s)
        tell(f"{number + 1} of {WARM_UP + JOINS}")
    return Timing(tuple(taken)), Timing(tuple(floor)), most


def _insert_bare(new: NewReport) -> tuple[float, int]:
    """Seconds of storing the report and nothing else; and how many open incidents lie within a neighbourhood of it."""
    began_s = time.perf_counter()
    with db.transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO report (incident_id, source, text, category_code, place, place_source, created_at) "
                "SELECT min(id), 'line', :text, :code, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 'pin', now() FROM "
                "(SELECT id FROM incident ORDER BY id LIMIT 1) i"
            ),
            {"text": new.text, "code": new.category_code, "lon": new.place.lon, "lat": new.place.lat},
        )
    took_s = time.perf_counter() - began_s
    with db.transaction() as session:
        near = session.execute(
            sa.text(
                "SELECT count(*) FROM incident WHERE state IN ('new', 'accepted', 'in_progress', 'reopened') AND "
                "ST_DWithin(place::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography, :reach_m) AND "
                "place && ST_Expand(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 0.003)"
            ),
            {"lon": new.place.lon, "lat": new.place.lat, "reach_m": likeness.NEIGHBOURHOOD_M},
        ).scalar_one()
    return took_s, int(near)
