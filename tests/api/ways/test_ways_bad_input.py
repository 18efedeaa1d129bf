"""Whatever is sent to the open doors: an answer in the right format, and never a fault of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes, quote_plus, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.api.ways.conftest import xml

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

# The town is one for all examples, and the doors are made for many callers.
many = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
SPOT = {"lat": "8.43", "long": "99.96"}
_text = st.text(st.characters(codec="utf-8"), max_size=40)
_NAMES = (
    "service_code", "lat", "long", "address_string", "address_id", "description", "media_url", "email", "phone",
    "attribute[fault]", "attribute[fault][]", "attribute[]", "jurisdiction_id", "account_id", "api_key",
    "attribute[fixmystreet_id]", "start_date", "end_date", "status", "service_request_id", "page", "page_size",
)
_fields = st.dictionaries(st.sampled_from(_NAMES) | _text, _text, max_size=6)


def _is_in_form(answer: Any, form: str) -> None:
    assert answer.status_code in (200, 400, 403, 404), answer.text
    if form == "json":
        json.loads(answer.content)
    else:
        xml(answer)


@many
@given(fields=_fields, form=st.sampled_from(["xml", "json"]))
@example(fields={"service_code": "road", **SPOT, "description": "\ufffe\u202e\u0000"}, form="xml")
@example(fields={"service_code": "road", **SPOT, "description": "\x0b\x1f]]>&<"}, form="xml")
@example(fields={"service_code": "road", "address_string": "\u200b" * 500}, form="json")
def test_any_report_is_answered_in_its_format(ways: Ways, fields: dict[str, str], form: str) -> None:
    """Control characters, marks that turn the writing, wrong numbers: refused or taken, in XML and JSON."""
    given_fields = {"api_key": ways.keys["fms"], "service_code": "street_light", **fields}
    _is_in_form(ways.client.post(f"/open311/v2/requests.{form}", data=given_fields), form)
    _is_in_form(ways.get(f"requests.{form}"), form)


@many
@given(fields=_fields, path=_text, form=st.sampled_from(["xml", "json"]))
@example(fields={}, path="\n", form="xml")
def test_any_question_is_answered_in_its_format(ways: Ways, fields: dict[str, str], path: str, form: str) -> None:
    """Filters and paths of every kind."""
    _is_in_form(ways.client.get(f"/open311/v2/requests.{form}?{urlencode(fields)}"), form)
    for resource in ("services", "requests", "tokens"):
        _is_in_form(ways.client.get(f"/open311/v2/{resource}/{quote_plus(path)}.{form}"), form)


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"\xed\xa0\x80", b"\xf0\x9f", "ไทย".encode("cp874")])
def test_letters_in_another_encoding_are_answered(ways: Ways, raw: bytes) -> None:
    """UTF-8 is assumed; what is none is refused or replaced, and the list is readable afterwards."""
    head = f"api_key={ways.keys['fms']}&service_code=road&lat=8.4222&long=99.9777&description=".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (head + quote_from_bytes(raw).encode(), head + raw):
        _is_in_form(ways.client.post("/open311/v2/requests.xml", content=body, headers=kind), "xml")
    _is_in_form(ways.get("requests.xml"), "xml")
    _is_in_form(ways.get("requests.json"), "json")


def test_a_flood_of_fields_is_refused(ways: Ways) -> None:
    """More than 200 fields, or a body beyond the limit."""
    fields = {f"attribute[a{number}]": "x" for number in range(300)}
    _is_in_form(ways.client.post("/open311/v2/requests.json", data={"api_key": ways.keys["fms"], **fields}), "json")
    huge = {"api_key": ways.keys["fms"], "description": "x" * (13 << 20)}
    assert ways.client.post("/open311/v2/requests.json", data=huge).status_code == 413


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3), max_leaves=6,
)
_ISSUE = (
    "latitude", "longitude", "description", "issue_category_id", "type_id", "type_name", "photo", "photo_base64",
    "client_ticket_id", "reporter_phone", "ticket_id", "note", "state_name", "issue_status_id", "org_id", "user",
    "pass", "timestamp", "event", "message_comment_id", "comment", "status", "address",
)


@many
@given(body=st.dictionaries(st.sampled_from(_ISSUE), _json, max_size=8))
@example(body={"latitude": "8.43", "longitude": "99.96", "description": "\u0000", "client_ticket_id": "\u0000"})
@example(body={"ticket_id": "\u0000", "note": "x", "state_name": "เสร็จสิ้น"})
@example(body={"latitude": 8.43, "longitude": 99.96, "description": "\ud800", "client_ticket_id": "\ud800"})
@example(body={"latitude": 1e400, "longitude": 99.96})
@example(body={"ticket_id": "\u0000", "timestamp": "2026-11-21 10:00:00", "latitude": 8.43, "longitude": 99.96})
def test_any_body_to_the_exchange_is_answered(ways: Ways, body: dict[str, Any]) -> None:
    """HTTP 200 with success or fail in its wrapper; a webhook is taken, refused or warned of; nothing fails inside."""
    raw = json.dumps({**body, "token_secret_key": ways.keys["partner"]}).encode()
    for method, path in (("POST", "new-issue/v1"), ("PATCH", "update-issue/v1"), ("POST", "get-auth/v1")):
        answer = ways.client.request(method, f"/exchange-api/{path}", content=raw)
        assert answer.status_code == 200
        assert answer.json()["status"] in ("success", "fail")
        assert "has been logged" not in answer.text, answer.text
    for method in ("POST", "PATCH"):
        answer = ways.client.request(method, f"/traffy/hook/{ways.keys['hook']}", content=raw)
        assert answer.status_code in (200, 400), answer.text


@many
@given(query=st.dictionaries(st.sampled_from(("org_id", "duration", "type_name_th", "issue_category_id", "ticket_id",
                                              "text")), _text, max_size=4))
@example(query={"ticket_id": "\u0000"})
@example(query={"type_name_th": "\u0000", "org_id": "\u0000"})
def test_any_question_to_the_exchange_is_answered(ways: Ways, query: dict[str, str]) -> None:
    """A list, a detail or a failure."""
    asked = urlencode({**query, "token_secret_key": ways.keys["partner"]})
    for path in ("get-issues/v2", "get-issue/v1", "search-org/v1", "get-org-list/v1"):
        answer = ways.client.get(f"/exchange-api/{path}?{asked}")
        assert answer.status_code == 200
        assert "has been logged" not in answer.text, answer.text


@many
@given(fields=st.dictionaries(
    st.sampled_from(("category", "text", "address", "lat", "long", "phone", "website", "stamp")), _text, max_size=8))
@example(fields={"category": "road", "text": "a\u0000b", "lat": "8.43", "long": "99.96"})
@example(fields={"stamp": "²³.x"})
def test_any_form_is_shown_again_or_taken(ways: Ways, fields: dict[str, str]) -> None:
    """What was written stands in it, escaped."""
    answer = ways.client.post("/report", data=fields, follow_redirects=False)
    assert answer.status_code in (303, 422, 429)
