"""Incidents as open data: a page at a time, filtered, safe in a spreadsheet; and what officers take along is logged."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from api.routes.open_incidents import RecentAnswers
from core.db import transaction
from gis.points import LonLat
from incidents import actions, export_queries, opendata
from incidents.exchange import privacy
from incidents.rules import OPEN_STATES, NewReport
from tests.accounts import PASSWORD
from tests.api.ways.conftest import NOW, walk

if TYPE_CHECKING:
    import httpx

    from tests.api.ways.conftest import Ways

CODES = ("road", "drain", "flooded_home", "safety")
FORMULAS = st.text(alphabet="=+-@\t\r\n ＝＠ab1", min_size=1)
_places = iter(range(1, 1000))


def _told(code: str, text: str = "ข้อความ", **more: Any) -> str:
    step = next(_places)
    place = LonLat(lon=99.9433 + step % 17 * 0.00213, lat=8.4127 + step // 17 * 0.00211)
    with transaction() as session:
        return actions.receive_report(session, NewReport(text, code, place, "pin", **more))[1].number


@pytest.fixture(scope="module")
def numbers(ways: Ways) -> list[str]:
    """Three incidents of each of four categories, one of which is hidden; one of them is done."""
    told = [_told(code) for code in CODES for _ in range(3)]
    walk(told[0], "accepted", "in_progress", "done")
    return told


def _forget_answers(ways: Ways) -> None:
    ways.client.app.state.open_incidents = RecentAnswers()  # type: ignore[attr-defined]  # the client's application.


@pytest.fixture(autouse=True)
def answers_anew(ways: Ways) -> None:
    """No answer of an earlier test."""
    _forget_answers(ways)


def _page(ways: Ways, form: str = "geojson", **query: Any) -> httpx.Response:
    answer = ways.client.get(f"/api/v1/public/incidents.{form}", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def _numbers(ways: Ways, **query: Any) -> list[str]:
    return [one["properties"]["number"] for one in _page(ways, **query).json()["features"]]


def _table(answer: httpx.Response) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]


def test_map_and_table_say_the_same(ways: Ways, numbers: list[str]) -> None:
    """The newest first, hidden ones in neither, every column in both; the table begins with the mark for Excel."""
    features, answer = _page(ways).json()["features"], _page(ways, "csv")
    assert answer.content.startswith(b"\xef\xbb\xbfnumber,category,")
    rows = _table(answer)
    assert [row["number"] for row in rows] == [one["properties"]["number"] for one in features]
    assert set(numbers[:9]) <= {row["number"] for row in rows}
    assert not set(numbers[9:]) & {row["number"] for row in rows}
    for row, feature in zip(rows, features, strict=True):
        assert [float(row["lon"]), float(row["lat"])] == feature["geometry"]["coordinates"]
        assert set(row) == set(opendata.COLUMNS) == set(feature["properties"]) | {"lon", "lat"}


def test_filters_leave_what_is_asked_for(ways: Ways, numbers: list[str]) -> None:
    """By category and state, several of each, by time and by box; what is no filter is refused with its reason."""
    assert _numbers(ways, state="done", category="road") == [numbers[0]]
    assert set(_numbers(ways, category=["road", "drain"])) >= set(numbers[:6])
    assert _numbers(ways, category="safety") == _numbers(ways, category="no'such\x00") == []
    assert _numbers(ways, to=NOW.isoformat()) == []
    soon = {"from": NOW.isoformat(), "to": (NOW + timedelta(days=9)).isoformat()}
    assert set(_numbers(ways, **soon)) >= set(numbers[:9])
    assert _numbers(ways, bbox="100.5,8,101,9") == []
    for wrong in ({"bbox": "1,2,3"}, {"bbox": "nan,1,2,3"}, {"bbox": "9,1,2,3"}, {"state": "x"}, {"limit": 0},
                  {"from": "2026-01-01T00:00:00"}, {"after": 2**63}):
        assert ways.client.get("/api/v1/public/incidents.geojson", params=wrong).status_code == 422, wrong


def test_cells_count_what_the_map_shows(ways: Ways, numbers: list[str]) -> None:
    """Each point of the map lies in one cell, every cell is as full as its points; filters narrow both alike."""
    for asked in ({}, {"category": ["road", "drain"]}, {"state": "done"}, {"category": "safety"}):
        points = _page(ways, **asked).json()["features"]
        answer = ways.client.get("/api/v1/public/incidents/cells.geojson", params=asked)
        cells = answer.json()["features"]
        counts = [cell["properties"]["count"] for cell in cells]
        assert (sum(counts), counts) == (len(points), sorted(counts, reverse=True))
        for cell in cells:
            (west, south), _, (east, north), *_ = cell["geometry"]["coordinates"][0]
            inside = [one["properties"] for one in points if west < one["geometry"]["coordinates"][0] < east
                      and south < one["geometry"]["coordinates"][1] < north]
            assert cell["properties"]["count"] == len(inside)
            assert cell["properties"]["open"] == sum(one["state"] in OPEN_STATES for one in inside)
            assert cell["properties"]["category_th"] in {one["category_th"] for one in inside}
        known = {"If-None-Match": answer.headers["etag"]}
        again = ways.client.get("/api/v1/public/incidents/cells.geojson", params=asked, headers=known)
        assert again.status_code == 304
    assert numbers


def test_ever_smaller_boxes_find_no_more_than_the_cell(ways: Ways) -> None:
    """A box is laid over the rounded place: around the true place, without the cell's middle, it finds nothing."""
    place = LonLat(lon=99.97711, lat=8.44811)
    with transaction() as session:
        number = actions.receive_report(session, NewReport("น้ำเข้าบ้าน", "flooded_home", place, "pin"))[1].number
    middle = privacy.coarsened(place)

    def around(spot: LonLat) -> str:
        return f"{spot.lon - 1e-5},{spot.lat - 1e-5},{spot.lon + 1e-5},{spot.lat + 1e-5}"

    assert number not in _numbers(ways, bbox=around(place))
    assert number in _numbers(ways, bbox=around(middle))
    found = ways.client.get("/ogc/collections/incidents/items", params={"bbox": around(place)}).json()
    assert found["features"] == []


def test_pages_follow_one_another_without_gap_or_repeat(ways: Ways, numbers: list[str]) -> None:
    """Along the links every incident comes once, in both forms, also where new ones are told of meanwhile."""
    for form in ("geojson", "csv"):
        _forget_answers(ways)
        whole = [row["number"] for row in _table(_page(ways, "csv", limit=5000))]
        seen: list[str] = []
        path: str | None = f"/api/v1/public/incidents.{form}?limit=4"
        while path is not None:
            answer = ways.client.get(path)
            rows = _table(answer) if form == "csv" else [one["properties"] for one in answer.json()["features"]]
            seen += [row["number"] for row in rows]
            path = answer.links.get("next", {}).get("url")
            if len(seen) == 4:
                _told("road")
        assert seen == whole


def test_who_has_it_is_told_that_nothing_changed(ways: Ways, numbers: list[str]) -> None:
    """The tag is that of the content: the same for the same, another one after a change; and browsers may keep it."""
    first = _page(ways)
    again = ways.client.get("/api/v1/public/incidents.geojson", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "public, max-age=30"
    _told("road")
    _forget_answers(ways)
    assert _page(ways).headers["etag"] != first.headers["etag"]


@given(text=FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever stands at its beginning, a text opens as a text; numbers stay numbers, also below zero."""
    row = {"name": text, "lon": -1.5}
    (_, (name, lon)) = csv.reader(io.StringIO(opendata.as_csv([row], ("name", "lon")).decode("utf-8-sig"), newline=""))
    assert not name.lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"))
    assert name in (text, f"'{text}")
    assert lon == "-1.5"


def test_the_data_describe_themselves(ways: Ways) -> None:
    """A DCAT entry with licence, every column in two languages, every public category, and addresses that answer."""
    told = ways.client.get("/api/v1/public/incidents").json()
    assert told["@type"] == "dcat:Dataset"
    assert told["dct:license"]["@id"].startswith("https://creativecommons.org/")
    assert [one["csvw:name"] for one in told["csvw:column"]] == list(opendata.COLUMNS)
    codes = {one["skos:notation"] for one in told["skos:hasTopConcept"]}
    assert "road" in codes
    assert "safety" not in codes
    for way in told["dcat:distribution"]:
        assert ways.client.get(way["dcat:accessURL"]["@id"]).status_code == 200


def test_a_grid_of_the_citys_own_is_kept_everywhere(ways: Ways) -> None:
    """A category's cell is data: the table, the map and Open311 round by it alike."""
    with transaction() as session:
        session.execute(sa.text("UPDATE open_service SET grid_degrees = 0.02 WHERE category_code = 'canal'"))
    place = LonLat(lon=99.9663, lat=8.4213)
    with transaction() as session:
        number = actions.receive_report(session, NewReport("คลองตื้น", "canal", place, "pin"))[1].number
    middle = privacy.coarsened(place, cell_degrees=0.02)
    (row,) = [one for one in _table(_page(ways, "csv", category="canal")) if one["number"] == number]
    assert (float(row["lon"]), float(row["lat"]), row["cell_degrees"]) == (middle.lon, middle.lat, "0.02")
    shown = ways.shown(number)
    assert (shown["long"], shown["lat"]) == (middle.lon, middle.lat)


def test_officers_take_along_more_and_the_log_says_who(ways: Ways, numbers: list[str]) -> None:
    """Exact places and first words, hidden ones too, safe in a spreadsheet; nobody without the role, each look kept."""
    formula = _told("safety", text='=HYPERLINK("http://evil.example","คลิก")')
    for path in ("export.csv", "export.geojson"):
        assert ways.client.get(f"/api/v1/incidents/{path}").status_code == 401
    for role, status in (("viewer", 403), ("officer", 200)):
        answer = ways.client.post("/api/v1/session", json={"username": role, "password": PASSWORD})
        ways.client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        asked = {"category": "safety", "q": "hyperlink", "agency": "clerk"}
        for path in ("export.csv", "export.geojson"):
            answer = ways.client.get(f"/api/v1/incidents/{path}", params=asked)
            assert answer.status_code == status, answer.text
            if status == 200 and path == "export.csv":
                (row,) = _table(answer)
                assert (row["number"], row["summary"][:2]) == (formula, "'=")
                assert set(row) == set(export_queries.COLUMNS)
        ways.client.delete("/api/v1/session")
    with transaction() as session:
        looks = session.execute(sa.text(
            "SELECT detail FROM audit_entry WHERE action = 'incident.exported' ORDER BY id"
        )).scalars().all()
    assert [(one["form"], one["count"]) for one in looks] == [("csv", 1), ("geojson", 1)]
    assert all("category=safety" in one["asked"] and "agency=clerk" in one["asked"] for one in looks)
