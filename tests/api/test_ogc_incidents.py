"""Public incidents by box, time and page: found by an index, and the same as if the whole view were read."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from core.db import transaction
from incidents import actions
from tests.api.test_ogc_requirements import Api

ITEMS = "incidents"
SOME, SEED = 240, 41
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
WEST, SOUTH, SIDE_DEG = 99.95, 8.40, 0.03
# Exposure and grid of a category, None for one without a row.
STANDINGS = (("open", None), ("coarse", None), ("hidden", None), ("open", 0.003), ("coarse", 0.02), None)
_INCIDENT = sa.text(
    "INSERT INTO incident (number, category_code, state, place, place_source, place_label_th, place_label_en, summary,"
    " report_count, last_report_at, opened_at, promised_at) VALUES (:number, :code, 'new',"
    " ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :source, '', '', '', 1, :at, :at, :at) RETURNING id"
)
_REPORT = sa.text(
    "INSERT INTO report (incident_id, source, text, category_code, place, place_source, created_at, is_private,"
    " withdrawn_at) SELECT id, 'web', 'x', category_code, ST_Translate(place, :east, :north), 'pin', opened_at,"
    " :is_private, CASE WHEN :is_withdrawn THEN opened_at END FROM incident WHERE id = :id"
)


@pytest.fixture
def api(browser: TestClient) -> Api:
    """A city with incidents of every standing: open, coarse, hidden, private, merged, at home; reports stand apart."""
    chance = random.Random(SEED)
    with transaction() as session:
        actions.load_categories(session)
        codes = list(session.scalars(sa.text("SELECT code FROM category ORDER BY code")))[: len(STANDINGS)]
        for code, standing in zip(codes, STANDINGS, strict=True):
            if standing:
                session.execute(sa.text(
                    "INSERT INTO open_service (category_code, service_type, exposure, grid_degrees, questions)"
                    " VALUES (:code, 'realtime', :exposure, :grid, '[]')"
                ), {"code": code, "exposure": standing[0], "grid": standing[1]})
        for number in range(SOME):
            id_ = session.execute(_INCIDENT, {
                "number": f"2569-{number:06d}", "code": chance.choice(codes),
                "lon": WEST + chance.random() * SIDE_DEG, "lat": SOUTH + chance.random() * SIDE_DEG,
                "source": chance.choice(("pin", "pin", "home")), "at": FIRST + timedelta(hours=3 * number),
            }).scalar_one()
            for is_private in chance.choice(((), (False,), (True,), (True, False))):
                session.execute(_REPORT, {
                    "id": id_, "is_private": is_private, "is_withdrawn": chance.random() < 0.2,
                    "east": chance.uniform(-0.004, 0.004), "north": chance.uniform(-0.004, 0.004),
                })
        session.execute(sa.text("UPDATE incident SET merged_into_id = id - 1 WHERE id % 9 = 0"))
    return Api(browser)


def _shown() -> list[dict[str, Any]]:
    with transaction() as session:
        rows = session.execute(sa.text(
            "SELECT id, opened_at, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM gis_public.incidents ORDER BY id"
        ))
        return [dict(row) for row in rows.mappings()]


def _asked(api: Api, **parameters: str) -> tuple[int, list[int]]:
    page = api.items(ITEMS, **parameters)
    assert page["numberReturned"] == len(page["features"])
    return page["numberMatched"], [one["id"] for one in page["features"]]


def _within(shown: list[dict[str, Any]], box: tuple[float, float, float, float]) -> list[int]:
    west, south, east, north = box
    return [one["id"] for one in shown if west <= one["lon"] <= east and south <= one["lat"] <= north]


def test_pages_follow_one_another_through_all_of_the_view(api: Api) -> None:
    """Every incident that the view shows comes once, in its order, and the number that matches is theirs."""
    shown = [one["id"] for one in _shown()]
    assert 0 < len(shown) < SOME
    found: list[int] = []
    page = api.items(ITEMS, limit="50")
    while True:
        assert page["numberMatched"] == len(shown)
        found += [one["id"] for one in page["features"]]
        onward = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not onward:
            break
        page = api.client.get(onward[0]).json()
    assert found == shown
    assert _asked(api, offset=str(len(shown) + 5)) == (len(shown), [])


def test_a_box_holds_what_is_shown_in_it(api: Api) -> None:
    """Boxes of any size, a cell's middle as a point and as a corner: places count as they are shown, rounded."""
    shown, chance = _shown(), random.Random(SEED)
    middle = shown[0]
    lon, lat = middle["lon"], middle["lat"]
    boxes = [(lon, lat, lon, lat), (lon, lat, lon + 0.002, lat + 0.002), (lon - 0.002, lat, lon, lat),
             (-180.0, -90.0, 180.0, 90.0), (WEST, SOUTH, WEST + SIDE_DEG, SOUTH + SIDE_DEG)]
    for _ in range(25):
        west, south = WEST + chance.random() * SIDE_DEG, SOUTH + chance.random() * SIDE_DEG
        side = chance.choice((0.0004, 0.004, 0.015))
        boxes.append((west, south, west + side, south + side))
    for box in boxes:
        expected = _within(shown, box)
        assert _asked(api, bbox=",".join(map(repr, box)), limit="1000") == (len(expected), expected), box
    assert _within(shown, boxes[0])
    # A box over the antimeridian is two.
    assert _asked(api, bbox=f"{WEST},-90,-170,90", limit="1")[0] == len(_within(shown, (WEST, -90.0, 180.0, 90.0)))


def test_time_is_when_it_was_opened(api: Api) -> None:
    """Both ends included, with a box beside; not when it ended, which most of them have not."""
    shown = _shown()
    first, last = shown[3]["opened_at"], shown[-4]["opened_at"]
    span = "/".join(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (first, last))
    timely = [one for one in shown if first <= one["opened_at"] <= last]
    assert timely[0]["id"] == shown[3]["id"]
    assert _asked(api, datetime=span, limit="1000") == (len(timely), [one["id"] for one in timely])
    box = (WEST, SOUTH, WEST + SIDE_DEG / 2, SOUTH + SIDE_DEG / 2)
    assert _asked(api, datetime=span, bbox=",".join(map(repr, box)), limit="1000")[1] == _within(timely, box)


def test_other_questions_still_read_the_view(api: Api) -> None:
    """A property, a filter and an order narrow and sort as in any collection; a tile is drawn as from the view."""
    shown = {one["id"] for one in _shown()}
    code = api.items(ITEMS, limit="1")["features"][0]["properties"]["category"]
    of_code = _asked(api, category=code, limit="1000")
    assert of_code == _asked(api, filter=f"category='{code}'", limit="1000")
    assert set(of_code[1]) < shown
    assert _asked(api, sortby="-id", limit="1")[1] == [max(shown)]
    for tile in ("0/0/0", "13/6370/3904", "14/12741/7809"):
        path = f"/ogc/collections/{ITEMS}/tiles/WebMercatorQuad/{tile}"
        drawn, of_view = api.client.get(path), api.client.get(path, params={"filter": "id>0"})
        assert (drawn.status_code, drawn.content) == (200, of_view.content)
    assert api.client.get(f"/ogc/collections/{ITEMS}/tiles/WebMercatorQuad/0/0/0").content
