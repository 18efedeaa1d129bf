"""Open data of 300,000 incidents at /ogc, over HTTP; peer: the same questions asked of the public view by plain SQL.

A fiftieth of the incidents is reported by somebody who stays out of sight, half of these by others too; a third of the
categories is open, one hidden, the rest coarse. Both sides count what matches and read one page of ten; the deep page
begins behind 250,000 incidents. Before anything is timed, both must say the same of each question.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
import sqlalchemy as sa

from bench.measure import Result, check, rounded, take_turns
from bench.places import own_database
from bench.servers import our_api
from core import db
from core.progress import Progress, step
from incidents import actions

INCIDENTS, PAGE, DEEP, ROUNDS = 300_000, 10, 250_000, 7
PRIVATE_EACH = 50
WEST, SOUTH, SIDE_DEG = 99.90, 8.37, 0.12
LAST = datetime(2026, 11, 20, tzinfo=UTC)
STATES = ("new", "accepted", "in_progress", "done", "closed", "closed", "closed", "rejected")
ITEMS, TILE = "/ogc/collections/incidents/items", "/ogc/collections/incidents/tiles/WebMercatorQuad/16/50964/31228"
CELLS = "/api/v1/public/incidents/cells.geojson"
# Enough for a map that is moved by hand; the deep page passes a quarter of a million incidents.
MOST_MS = {"first_page_ms": 500.0, "small_box_ms": 100.0, "whole_city_ms": 1000.0, "day_ms": 100.0, "tile_ms": 100.0,
           "cells_ms": 4000.0}


@dataclass(frozen=True)
class Asked:
    """A question: what stands in the address, and the same as a condition on the view."""

    query: str = ""
    where: str = "true"
    offset: int = 0


def _box(west: float, south: float, side_deg: float) -> Asked:
    box = (west, south, round(west + side_deg, 6), round(south + side_deg, 6))
    text = ",".join(map(str, box))
    return Asked(f"&bbox={text}", f"ST_Intersects(geom, ST_MakeEnvelope({text}, 4326))")


def _day(number: int) -> Asked:
    first, last = (f"{LAST - timedelta(days=number + after):%Y-%m-%dT%H:%M:%SZ}" for after in (1, 0))
    return Asked(f"&datetime={first}/{last}", f"opened_at BETWEEN '{first}' AND '{last}'")


ASKED: Mapping[str, Asked] = {
    "first_page": Asked(), "deep_page": Asked(f"&offset={DEEP}", offset=DEEP),
    "small_box": _box(99.95, 8.42, 0.004), "whole_city": _box(99.8, 8.3, 0.4), "day": _day(200),
}


def measure(*, seed: int) -> Result:
    """Each question in turn with the view's answer to it, a tile and all cells by themselves."""
    with own_database("opendata"):
        with step("opening 300,000 incidents") as tell:
            _open(np.random.default_rng(seed), tell)
        with our_api() as api:
            for name, asked in ASKED.items():
                said = json.loads(api.read(_address(asked))[1])
                mine = (said["numberMatched"], [one["id"] for one in said["features"]])
                check(mine == _of_view(asked), f"{name} is answered otherwise than the view does.")
            sides = {name: lambda asked=asked: api.read(_address(asked))[0] for name, asked in ASKED.items()}
            views = {f"view_{name}": lambda asked=asked: _took_s(asked) for name, asked in ASKED.items()}
            with step("asking in turn") as tell:
                asked_anew = itertools.count(1)
                beside = {
                    "tile": lambda: api.read(TILE)[0],
                    # Each time another question, for equal ones are answered from memory.
                    "cells": lambda: api.read(f"{CELLS}?after={10**9 + next(asked_anew)}")[0],
                }
                taken = take_turns({**sides, **views, **beside}, rounds=ROUNDS, tell=tell)
    figures = {f"{name}_ms": rounded(1000 * taken[name].typical_s) for name in (*sides, *views, *beside)}
    facts = {"incidents": INCIDENTS, "private_each": PRIVATE_EACH, "page": PAGE, "seed": seed}
    peers = {"view": taken["view_small_box"]}
    return Result("opendata", facts, taken["small_box"], peers, {"view": 0.2}, figures, MOST_MS)


def _address(asked: Asked) -> str:
    return f"{ITEMS}?limit={PAGE}{asked.query}"


def _of_view(asked: Asked) -> tuple[int, list[int]]:
    view = f"FROM gis_public.incidents WHERE {asked.where}"
    with db.transaction() as session:
        session.execute(sa.text("SET LOCAL jit = off"))
        matched = session.execute(sa.text(f"SELECT count(*) {view}")).scalar_one()
        page = sa.text(
            f"SELECT id, ST_AsGeoJSON(geom), category_th, place_th {view} "
            f"ORDER BY id LIMIT {PAGE} OFFSET {asked.offset}"
        )
        return matched, [row[0] for row in session.execute(page)]


def _took_s(asked: Asked) -> float:
    began_s = time.perf_counter()
    _of_view(asked)
    return time.perf_counter() - began_s


def _open(rng: np.random.Generator, tell: Progress) -> None:
    """Incidents of two years with their reports are there; the tables are vacuumed."""
    with db.transaction() as session:
        actions.load_categories(session)
        codes = list(session.scalars(sa.text("SELECT code FROM category ORDER BY code")))
        stands = [{"code": code, "exposure": "hidden" if n == 1 else "open" if n % 3 == 0 else "coarse"}
                  for n, code in enumerate(codes)]
        session.execute(sa.text(
            "INSERT INTO open_service (category_code, service_type, exposure, questions) "
            "VALUES (:code, 'realtime', :exposure, '[]')"
        ), stands)
    places = rng.uniform(0.0, SIDE_DEG, (INCIDENTS, 2)) + np.array([WEST, SOUTH])
    shapes = shapely.to_wkb(shapely.set_srid(shapely.points(places), 4326), hex=True, include_srid=True)
    kind = rng.integers(0, len(codes), INCIDENTS)
    incidents, reports = [], []
    for n in range(INCIDENTS):
        at = (LAST - timedelta(minutes=3.5 * (INCIDENTS - n))).isoformat()
        code, is_private = codes[kind[n]], n % PRIVATE_EACH == 0
        incidents.append(f"{n + 1}\tB{n:07d}\t{code}\t{STATES[n % 8]}\t{shapes[n]}\tpin\t\t\t\t1\t{at}\t{at}\t{at}\n")
        report = f"{n + 1}\tweb\tx\t{code}\t{shapes[n]}\tpin\t{at}"
        reports.append(f"{report}\t{'t' if is_private else 'f'}\n")
        if n % (2 * PRIVATE_EACH) == 0:
            reports.append(f"{report}\tf\n")
    tell("storing them")
    with db.transaction() as session:
        cursor = db.driver_connection(session).cursor()
        for columns, rows in ((
            "incident (id, number, category_code, state, place, place_source, place_label_th, place_label_en, summary, "
            "report_count, last_report_at, opened_at, promised_at)", incidents,
        ), (
            "report (incident_id, source, text, category_code, place, place_source, created_at, is_private)", reports,
        )):
            with cursor.copy(f"COPY {columns} FROM STDIN") as copy:
                copy.write("".join(rows))
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE incident, report, category, open_service"))
