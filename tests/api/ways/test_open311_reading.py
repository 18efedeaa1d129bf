"""How service requests and discovery are read, sentence by sentence of the specification, in both formats."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core.db import transaction
from tests.api.ways.conftest import NOW, errors_of, walk, xml

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

FORMS = ("xml", "json")
W3C = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")


# ── GET requests ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_request_has_the_fields_of_the_standard_and_both_formats_agree(ways: Ways) -> None:
    """Open or closed only, times with their zone, degrees as numbers, what is not known as null or empty."""
    spot = ways.spot()
    number = ways.reported(**spot)
    shown = ways.shown(number)
    assert list(shown) == [
        "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
        "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime",
        "address", "address_id", "zipcode", "lat", "long", "media_url",
    ]
    assert (shown["status"], shown["service_code"], shown["zipcode"]) == ("open", "road", None)
    assert (shown["lat"], shown["long"]) == (float(spot["lat"]), float(spot["long"]))
    for name in ("requested_datetime", "updated_datetime", "expected_datetime"):
        assert W3C.fullmatch(shown[name])
    assert datetime.fromisoformat(shown["expected_datetime"]) == NOW + timedelta(hours=48)


def test_a_closed_request_was_updated_when_it_was_closed(ways: Ways, later: Callable[..., None]) -> None:
    """Done, closed and rejected are closed; the update's time stays that of the end; again opened it is open."""
    number = ways.reported()
    later(hours=1)
    walk(number, "accepted", "in_progress")
    assert ways.shown(number)["status"] == "open"
    later(hours=2)
    walk(number, "done", reason="ซ่อมแล้ว โทร 081-234-5678")
    later(hours=5)
    walk(number, "closed")
    shown = ways.shown(number)
    assert shown["status"] == "closed"
    assert datetime.fromisoformat(shown["updated_datetime"]) == NOW + timedelta(hours=2)
    assert "ซ่อมแล้ว โทร …" in shown["status_notes"]
    walk(number, "reopened")
    assert ways.shown(number)["status"] == "open"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("status", "query"),
    [
        (400, {"start_date": "2026-11-21"}),
        (400, {"start_date": "2026-11-21T00:00:00"}),
        (400, {"end_date": "soon"}),
        (400, {"start_date": "2026-08-01T00:00:00Z", "end_date": "2026-10-31T00:00:00Z"}),
        (400, {"start_date": "2026-11-21T00:00:00Z", "end_date": "2026-11-20T00:00:00Z"}),
        (400, {"status": "resolved"}),
        (400, {"page": "0"}),
        (400, {"page_size": "1001"}),
        (400, {"page_size": "٣"}),
        (404, {"jurisdiction_id": "elsewhere.example"}),
        (200, {"jurisdiction_id": "tiny"}),
        (200, {"jurisdiction_id": "testserver"}),
        (200, {"start_date": "2026-08-02T00:00:00Z", "end_date": "2026-10-31T00:00:00Z"}),
        (200, {"start_date": "2026-11-21T07:00:00+07:00"}),
        (200, {"service_code": "unheard-of"}),
        (200, {"service_request_id": "unheard-of"}),
    ],
)
def test_filters_are_judged(ways: Ways, form: str, status: int, query: dict[str, str]) -> None:
    """Dates with a zone, at most 90 days apart; states of the standard; what is asked wrongly is 400."""
    answer = ways.get(f"requests.{form}", **query)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert errors_of(answer, form)[0][0] == str(status)


def test_comma_lists_and_repeated_parameters_mean_any_of_them(ways: Ways) -> None:
    """service_code and status take lists; numbers that are asked for override every other filter."""
    road, tree = ways.reported(), ways.reported(service_code="fallen_tree", description="ต้นไม้ล้ม")
    closed = ways.reported(service_code="bridge", description="ราวสะพาน")
    walk(closed, "rejected", reason="ของกรมทางหลวง")

    def numbers(**query: Any) -> set[str]:
        return {one["service_request_id"] for one in ways.get("requests.json", **query).json()}

    assert {road, tree} <= numbers(service_code="road, fallen_tree")
    assert numbers(service_code=["bridge", "fallen_tree"]) == {tree, closed}
    assert closed in numbers(status="closed")
    assert closed not in numbers(status="open")
    assert {road, closed} <= numbers(status="open,closed")
    assert numbers(
        service_request_id=f"{road},{closed}", status="open", service_code="noise", start_date="2020-01-01T00:00:00Z"
    ) == {road, closed}


def test_the_window_is_on_the_time_of_the_request_as_it_is_told(ways: Ways, later: Callable[..., None]) -> None:
    """What was requested at the very second of an end of the window is in it."""
    later(days=3, seconds=1, microseconds=700_000)
    number = ways.reported()
    at = ways.shown(number)["requested_datetime"]
    for query in ({"start_date": at, "end_date": at}, {"start_date": at}, {"end_date": at}):
        assert number in {one["service_request_id"] for one in ways.get("requests.json", **query).json()}
    later(days=94)
    assert number not in {one["service_request_id"] for one in ways.get("requests.json").json()}
    assert number in {one["service_request_id"] for one in ways.get("requests.json", start_date=at).json()}


def test_pages_follow_one_another_without_gap_or_repeat(ways: Ways) -> None:
    """page and page_size are ours; the newest come first, and all pages together are the whole list."""
    for _ in range(5):
        ways.reported()
    whole = [one["service_request_id"] for one in ways.get("requests.json").json()]
    paged: list[str] = []
    for page in range(1, len(whole) // 2 + 2):
        paged += [one["service_request_id"] for one in ways.get("requests.json", page=page, page_size=2).json()]
    assert paged == whole


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "path", ["services/none", "requests/none", "tokens/none", "none", "requests/1/2", "services/%00"]
)
def test_what_is_not_there_is_404_in_the_format_that_was_asked_for(ways: Ways, form: str, path: str) -> None:
    """Resources, codes and numbers that do not exist."""
    answer = ways.get(f"{path}.{form}")
    assert answer.status_code == 404
    assert errors_of(answer, form)[0][0] == "404"


def test_without_a_known_ending_the_error_is_xml(ways: Ways) -> None:
    """XML is the format that every client reads."""
    for path in ("services", "services.yaml", ""):
        answer = ways.get(path)
        assert answer.status_code == 404
        errors_of(answer, "xml")


# ── Discovery ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_discovery_names_the_endpoint_and_both_formats_agree(ways: Ways) -> None:
    """Every field is filled; the address ends with a slash, since clients append to it."""
    as_json = ways.client.get("/open311/discovery.json").json()
    root = xml(ways.client.get("/open311/discovery.xml"))
    assert [child.tag for child in root] == list(as_json) == ["changeset", "contact", "key_service", "endpoints"]
    (endpoint,) = as_json["endpoints"]
    element = root.find("endpoints/endpoint")
    assert element is not None
    assert [child.tag for child in element] == list(endpoint)
    assert endpoint["specification"] == element.findtext("specification") == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"] == element.findtext("url") == "http://testserver/open311/v2/"
    assert endpoint["type"] == "test"
    assert endpoint["formats"] == [one.text for one in element.findall("formats/format")]
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert W3C.fullmatch(as_json["changeset"])
    assert all(as_json[name] for name in ("contact", "key_service"))


def test_the_changeset_moves_when_the_services_change_and_only_then(ways: Ways, later: Callable[..., None]) -> None:
    """A client that has seen this changeset need not read the services again."""
    def changeset() -> str:
        return str(ways.client.get("/open311/discovery.json").json()["changeset"])

    before = changeset()
    later(hours=3)
    assert changeset() == before
    with transaction() as session:
        session.execute(sa.text("UPDATE category SET promise_hours = 72 WHERE code = 'air'"))
    assert changeset() > before


def test_discovery_also_lies_beside_the_resources(ways: Ways) -> None:
    """The same document, for clients that look for it at the endpoint."""
    for form in FORMS:
        assert ways.get(f"discovery.{form}").content == ways.client.get(f"/open311/discovery.{form}").content


def test_an_unknown_discovery_is_404(ways: Ways) -> None:
    """There are two of them."""
    assert ways.client.get("/open311/discovery.yaml").status_code == 404


def test_no_answer_has_more_than_a_thousand_requests(ways: Ways) -> None:
    """The newest thousand; the others are on the next page."""
    before = len(ways.get("requests.json").json())
    with transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO incident (number, category_code, state, place, place_source, place_label_th, "
                "place_label_en, summary, report_count, last_report_at, opened_at, promised_at) "
                "SELECT 'many-' || n, 'air', 'new', ST_SetSRID(ST_MakePoint(99.99, 8.49), 4326), 'pin', '', '', '', 1, "
                ":now, :now, :now FROM generate_series(1, 1005) n"
            ),
            {"now": NOW},
        )
    assert len(ways.get("requests.json").json()) == 1000
    assert len(xml(ways.get("requests.xml"))) == 1000
    assert len(ways.get("requests.json", page=2).json()) == before + 5
