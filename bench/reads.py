"""Reads among ten million readings, asked of the running API by SensorThings as a user would; floors: plain SQL.

The newest value of all 2,000 datastreams is asked for in three ways: whole entities, only the fields that a screen
needs, and as the plain SQL of the values that stand beside the readings. Pages are followed by nextLink to the 500th,
in three orders, and then the 500th and the first are asked in turn; their peer is OFFSET, which counts rows again.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import numpy as np
import sqlalchemy as sa

from bench.measure import Result, Timing, Turn, check, rounded, take_turns, timed
from bench.places import own_database
from bench.servers import Server, our_api
from bench.standing import APART_MIN, GAUGES, READINGS_EACH, settle
from core import db
from core.progress import step

ROOT = "/sta/v1.1"
ROUNDS, PAGE_ROUNDS = 30, 15
PAGE, DEEP, THINGS, DAY_ROWS = 1_000, 500, 500, 24 * 60 // APART_MIN
_NEWEST = "$top=1;$orderby=phenomenonTime desc"
ALL = f"Datastreams?$top={GAUGES}&$expand=Observations({_NEWEST})"
ALL_LEAN = f"Datastreams?$top={GAUGES}&$select=name&$expand=Observations({_NEWEST};$select=phenomenonTime,result)"
EXPANDED = f"Things?$top={THINGS}&$expand=Datastreams($expand=Observations({_NEWEST}))"
ORDERS = {
    "default": f"Observations?$top={PAGE}",
    "newest_first": f"Observations?$top={PAGE}&$orderby=phenomenonTime desc",
    "filtered": f"Observations?$top={PAGE}&$filter=result gt 1",
}
_LATEST_SQL = sa.text(
    "SELECT d.id, d.name, l.observed_at, l.value FROM datastream d JOIN latest_reading l ON l.datastream_id = d.id "
    "ORDER BY d.id"
)
_DAY_SQL = sa.text(
    "SELECT observed_at, value FROM reading "
    "WHERE datastream_id = :id AND observed_at >= :since AND observed_at < :until ORDER BY observed_at"
)
_OFFSET_SQL = sa.text("SELECT id, observed_at, value FROM reading ORDER BY id OFFSET :skipped LIMIT :page")


def measure(*, seed: int) -> Result:
    """Every kind of read in turn with its floor, then the pages of each order."""
    with own_database("reads"):
        until = datetime.now(UTC).replace(second=0, microsecond=0)
        ids = settle(np.random.default_rng(seed), until=until)
        midnight = until.replace(hour=0, minute=0) - timedelta(days=7)
        with our_api() as api:
            day = _day(ids[len(ids) // 2], midnight)
            _check_answers(api, day)
            with step("newest values, a day, 500 things") as tell:
                taken = take_turns(_sides(api, day, ids[len(ids) // 2], midnight), rounds=ROUNDS, tell=tell)
            pages = {name: _paged(api, name, address) for name, address in ORDERS.items()}
    shown = {name: rounded(1000 * timing.typical_s) for name, timing in taken.items()}
    ratios = {name: rounded(last.typical_s / first.typical_s) for name, (first, last) in pages.items()}
    first_ms = {f"first_page_{name}_ms": rounded(1000 * first.typical_s) for name, (first, _) in pages.items()}
    figures = {
        "latest_ms": shown["latest"], "latest_whole_ms": shown["latest_whole"], "latest_sql_ms": shown["latest_sql"],
        "day_ms": shown["day"], "day_over_sql": rounded(taken["day"].typical_s / taken["day_sql"].typical_s),
        "expand_500_things_ms": shown["expand"], **first_ms,
        **{f"page_500_over_first_{name}": ratio for name, ratio in ratios.items()},
        "page_500_over_offset": rounded(pages["default"][1].typical_s / taken["offset"].typical_s),
    }
    return Result(
        "reads", {"readings": GAUGES * READINGS_EACH, "datastreams": GAUGES, "seed": seed}, taken["latest"],
        {"sql": taken["latest_sql"]}, {}, figures=figures,
        most={
            "latest_ms": 15.0, "latest_sql_ms": 15.0, "day_ms": 10.0, "expand_500_things_ms": 150.0,
            **{f"page_500_over_first_{name}": 3.0 for name in ratios},
        },
    )


def _sides(api: Server, day: str, datastream_id: int, midnight: datetime) -> dict[str, Turn]:
    a_day = {"id": datastream_id, "since": midnight, "until": midnight + timedelta(days=1)}
    return {
        "latest": _asked(api, ALL_LEAN), "latest_whole": _asked(api, ALL), "latest_sql": _queried(_LATEST_SQL, {}),
        "day": _asked(api, day), "day_sql": _queried(_DAY_SQL, a_day), "expand": _asked(api, EXPANDED),
        "offset": _queried(_OFFSET_SQL, {"skipped": (DEEP - 1) * PAGE, "page": PAGE}),
    }


def _asked(api: Server, address: str) -> Turn:
    path = _path(address)
    return lambda: api.read(path)[0]


def _queried(statement: sa.TextClause, values: dict[str, object]) -> Turn:
    def work() -> None:
        with db.engine().connect() as connection:
            connection.execute(statement, values).all()

    return timed(work)


def _path(address: str) -> str:
    return f"{ROOT}/{quote(address, safe='/?$=&(),;:@')}"


def _day(datastream_id: int, midnight: datetime) -> str:
    first, following = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (midnight, midnight + timedelta(days=1)))
    within = f"phenomenonTime ge {first} and phenomenonTime lt {following}"
    return f"Datastreams({datastream_id})/Observations?$filter={within}&$orderby=phenomenonTime"


def _check_answers(api: Server, day: str) -> None:
    """Each question has the answer that the tables have."""
    with db.transaction() as session:
        kept = [(row.id, row.value) for row in session.execute(_LATEST_SQL)]
    whole = json.loads(api.read(_path(ALL))[1])["value"]
    check([(one["@iot.id"], _result(one)) for one in whole] == kept, "whole datastreams do not show their newest.")
    lean = json.loads(api.read(_path(ALL_LEAN))[1])["value"]
    check([_result(one) for one in lean] == [value for _, value in kept], "datastreams do not show their newest.")
    things = json.loads(api.read(_path(EXPANDED))[1])["value"]
    shown = [_result(stream) for thing in things for stream in thing["Datastreams"]]
    check(shown == [value for _, value in kept[:THINGS]], "things do not show the newest of their datastreams.")
    check(len(json.loads(api.read(_path(day))[1])["value"]) == DAY_ROWS, "the day is not whole.")


def _result(stream: dict[str, list[dict[str, float]]]) -> float:
    (newest,) = stream["Observations"]
    return newest["result"]


def _paged(api: Server, name: str, address: str) -> tuple[Timing, Timing]:
    """The first page and the one that following 499 links leads to; no reading stands on two of the pages."""
    first = path = _path(address)
    seen: set[int] = set()
    with step(f"500 pages, {name}") as tell:
        for number in range(1, DEEP + 1):
            page = json.loads(api.read(path)[1])
            seen.update(one["@iot.id"] for one in page["value"])
            if number < DEEP:
                parts = urlsplit(page["@iot.nextLink"])
                path = f"{parts.path}?{parts.query}"
            tell(f"{number}")
        check(len(seen) == DEEP * PAGE, "a reading came twice, or a page was not full.")
        sides: dict[str, Turn] = {"first": lambda: api.read(first)[0], "last": lambda: api.read(path)[0]}
        taken = take_turns(sides, rounds=PAGE_ROUNDS, tell=tell)
    return taken["first"], taken["last"]
