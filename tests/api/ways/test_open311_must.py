"""What the frozen specification of GeoReport v2 demands, sentence by sentence, in both formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core.db import transaction
from tests.api.ways.conftest import TYPES, errors_of, xml

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

FORMS = ("xml", "json")


# ── Formats ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", ["services", "services/road", "services/flooded_road", "requests", "nothing"])
def test_the_ending_of_the_address_chooses_the_format_and_its_content_type(ways: Ways, path: str, form: str) -> None:
    """XML is text/xml, JSON application/json, both UTF-8, whatever is asked for, also what is not there."""
    assert ways.get(f"{path}.{form}").headers["content-type"] == TYPES[form]


def test_xml_is_declared_and_has_neither_a_namespace_nor_foreign_elements(ways: Ways) -> None:
    """The root is led by a declaration with its encoding; only elements of the standard are there."""
    ways.reported()
    text = ways.get("requests.xml").text
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>')
    assert "xmlns" not in text
    known = {
        "service_requests", "request", "service_request_id", "status", "status_notes", "service_name", "service_code",
        "description", "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
        "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url",
    }
    assert {element.tag for element in xml(ways.get("requests.xml")).iter()} <= known


def test_json_drops_the_wrappers_of_lists(ways: Ways) -> None:
    """Services and requests are arrays, a definition is one object with arrays in it, also where they are empty."""
    assert isinstance(ways.get("services.json").json(), list)
    assert ways.get("requests.json", start_date="2020-01-01T00:00:00Z").json() == []
    assert len(xml(ways.get("requests.xml", start_date="2020-01-01T00:00:00Z"))) == 0
    assert ways.get("services/road.json").json() == {"service_code": "road", "attributes": []}
    assert ways.get("services/street_light.json").json()["attributes"][1]["values"] == []


def test_a_slash_too_many_is_forgiven(ways: Ways) -> None:
    """Clients append to the endpoint with or without a slash."""
    assert ways.client.get("/open311/v2//services.xml").status_code == 200


# ── GET services, GET services/{code} ────────────────────────────────────────────────────────────────────────────────


def test_each_service_says_what_it_is_and_how_it_answers(ways: Ways) -> None:
    """Code, name, description, metadata true or false, realtime, batch or blackbox, keywords and group, in both."""
    as_json = ways.get("services.json").json()
    root = xml(ways.get("services.xml"))
    assert root.tag == "services"
    assert len(as_json) == len(root) == 24
    for service, element in zip(as_json, root, strict=True):
        assert element.tag == "service"
        assert list(service) == [child.tag for child in element]
        assert list(service) == [
            "service_code", "service_name", "description", "metadata", "type", "keywords", "group"
        ]
        assert service["metadata"] is (element.findtext("metadata") == "true")
        assert element.findtext("metadata") in {"true", "false"}
        assert service["type"] in {"realtime", "batch", "blackbox"}
        for name in ("service_code", "service_name", "description", "type", "keywords", "group"):
            assert isinstance(service[name], str)
            assert service[name] == element.findtext(name)
    assert len({service["service_code"] for service in as_json}) == 24


def test_metadata_is_true_exactly_where_a_definition_asks_something(ways: Ways) -> None:
    """Who reads metadata false need not ask for the definition."""
    for service in ways.get("services.json").json():
        definition = ways.get(f"services/{service['service_code']}.json").json()
        assert bool(definition["attributes"]) is service["metadata"]


def test_a_definition_has_attributes_with_unique_codes_and_orders_and_keyed_values(ways: Ways) -> None:
    """Order is a positive number used once; a list's values have key and name; all six datatypes are met."""
    met = set()
    for service in ways.get("services.json").json():
        code = service["service_code"]
        as_json = ways.get(f"services/{code}.json").json()
        root = xml(ways.get(f"services/{code}.xml"))
        assert root.tag == "service_definition"
        assert [child.tag for child in root] == list(as_json)
        attributes, elements = as_json["attributes"], root.findall("attributes/attribute")
        assert len({one["code"] for one in attributes}) == len(attributes)
        assert sorted(one["order"] for one in attributes) == list(range(1, len(attributes) + 1))
        for one, element in zip(attributes, elements, strict=True):
            assert list(one) == [child.tag for child in element]
            assert (one["variable"], one["required"]) == (
                element.findtext("variable") == "true", element.findtext("required") == "true"
            )
            assert str(one["order"]) == element.findtext("order")
            assert one["code"] == element.findtext("code")
            assert [(v["key"], v["name"]) for v in one["values"]] == [
                (v.findtext("key"), v.findtext("name")) for v in element.findall("values/value")
            ]
            assert bool(one["values"]) is (one["datatype"] in {"singlevaluelist", "multivaluelist"})
            met.add(one["datatype"])
    assert met == {"string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"}


def test_english_names_are_there_for_who_asks_for_them(ways: Ways) -> None:
    """Thai first; the Accept-Language header brings English, and caches are told so."""
    answer = ways.client.get("/open311/v2/services.json", headers={"Accept-Language": "en-GB,en;q=0.8"})
    assert "Flooded road" in {one["service_name"] for one in answer.json()}
    assert answer.headers["vary"].lower().startswith("accept-language")


# ── POST requests ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMS)
def test_a_realtime_service_answers_the_number_and_no_token(ways: Ways, form: str) -> None:
    """Never both; a notice says what will happen; the account's number comes back."""
    answer = ways.post(form, account_id="007")
    assert (answer.status_code, answer.headers["content-type"]) == (200, TYPES[form])
    if form == "json":
        (taken,) = answer.json()
        assert list(taken) == ["service_request_id", "service_notice", "account_id"]
        assert taken["account_id"] == "007"
        assert isinstance(taken["service_request_id"], str)
    else:
        root = xml(answer)
        assert (root.tag, [child.tag for child in root]) == ("service_requests", ["request"])
        assert [child.tag for child in root[0]] == ["service_request_id", "service_notice", "account_id"]
        assert root[0].findtext("service_request_id")


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_service_answers_a_token_under_which_the_number_is_found(ways: Ways, form: str) -> None:
    """Never both; the token leads to the number at once, which is well within 10 s; an unknown token is 404."""
    answer = ways.post(form, service_code="other", description=f"เสนอแนะ {form}")
    if form == "json":
        (taken,) = answer.json()
        assert "service_request_id" not in taken
        token = taken["token"]
        (told,) = ways.get(f"tokens/{token}.json").json()
        assert list(told) == ["service_request_id", "token"]
        number = told["service_request_id"]
    else:
        (taken,) = xml(answer)
        assert taken.find("service_request_id") is None
        token = taken.findtext("token")
        (told,) = xml(ways.get(f"tokens/{token}.xml"))
        assert told.findtext("token") == token
        number = told.findtext("service_request_id")
    assert ways.shown(number)["service_request_id"] == number
    missing = ways.get(f"tokens/none.{form}")
    assert (missing.status_code, errors_of(missing, form)[0][0]) == (404, "404")


@pytest.mark.parametrize("form", FORMS)
def test_a_blackbox_service_answers_neither(ways: Ways, form: str) -> None:
    """What the public never sees has no number to ask for; the sender reads that it was taken."""
    answer = ways.post(form, service_code="safety", description="มีคนขายยา")
    assert answer.status_code == 200
    assert "service_request_id" not in answer.text
    assert "token" not in answer.text
    assert "ความปลอดภัย" in answer.text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [None, "", "wrong", "\U0001f511"])
def test_without_a_key_that_is_good_nothing_is_taken(ways: Ways, form: str, key: str | None) -> None:
    """403, in the format that was asked for, and the key is not repeated."""
    answer = ways.post(form, api_key=key)
    assert answer.status_code == 403
    ((code, sentence),) = errors_of(answer, form)
    assert code == "403"
    assert "api_key" in sentence
    assert "wrong" not in sentence


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (400, {"service_code": None}),
        (400, {"service_code": ""}),
        (404, {"service_code": "unheard-of"}),
        (404, {"jurisdiction_id": "elsewhere.example"}),
        (400, {"lat": "", "long": ""}),
        (400, {"lat": "8.43"}),
        (400, {"lat": "north", "long": "east"}),
        (400, {"lat": "99.96", "long": "8.43"}),
        (400, {"lat": "nan", "long": "99.96"}),
        (400, {"lat": "91", "long": "99.96"}),
        (400, {"lat": "7.2", "long": "98.0"}),
        (400, {"address_string": "ถนนที่ไม่มีในโลกนี้"}),
        (400, {"address_id": "no-such-house"}),
        (400, {"description": "ก" * 4001}),
        (400, {"media_url": "javascript:alert(1)"}),
        (400, {"media_url": "http://example.org/a.jpg"}),
        (400, {"service_code": "street_light"}),
        (400, {"service_code": "street_light", "attribute[fault]": "unheard-of"}),
        (400, {"service_code": "street_light", "attribute[fault]": ""}),
        (400, {"service_code": "flooded_road", "attribute[length_m]": "long"}),
        (400, {"service_code": "flooded_road", "attribute[length_m]": "1e999"}),
        (400, {"service_code": "flooded_road", "attribute[since]": "yesterday"}),
        (400, {"service_code": "flooded_road", "attribute[landmark]": "a\nb"}),
        (400, {"service_code": "flooded_road", "attribute[depth][]": ["ankle", "knee"]}),
        (400, {"service_code": "flooded_road", "attribute[passable][]": ["foot", "submarine"]}),
        (400, {"description": "a\x00b"}),
    ],
)
def test_what_cannot_be_taken_is_refused_in_the_format_that_was_asked_for(
    ways: Ways, form: str, status: int, fields: dict[str, Any]
) -> None:
    """404 for an unknown service or jurisdiction, 400 for everything else, with a sentence each."""
    answer = ways.post(form, **fields)
    assert answer.status_code == status, answer.text
    for code, sentence in errors_of(answer, form):
        assert code == str(status)
        assert len(sentence) > 10


def test_several_faults_are_told_at_once(ways: Ways) -> None:
    """The body is an array: each fault has a sentence of its own."""
    answer = ways.post("json", service_code="street_light", lat="8.43", media_url="ftp://x")
    assert len(answer.json()) == 3


def test_empty_parameters_equal_none(ways: Ways) -> None:
    """Optional fields that are sent empty change nothing."""
    empty = dict.fromkeys(
        ("email", "device_id", "account_id", "first_name", "last_name", "phone", "media_url", "address_string",
         "address_id", "jurisdiction_id", "attribute[depth]"), "",
    )
    number = ways.reported(service_code="flooded_road", **empty, **ways.spot())
    assert ways.shown(number)["media_url"] is None
    assert ways.get("requests.json", service_request_id=number, status="", service_code="").status_code == 200
    everything = ways.get("requests.json").json()
    assert ways.get("requests.json", status="", service_code="", start_date="", end_date="").json() == everything


def test_attributes_are_taken_with_and_without_brackets_and_read_by_officers(ways: Ways) -> None:
    """attribute[CODE] for one value, attribute[CODE][] for several; the officer reads question and answer."""
    number = ways.reported(
        service_code="flooded_road", description="น้ำขึ้นเร็ว",
        **{
            "attribute[depth]": "knee", "attribute[passable][]": ["foot", "truck"],
            "attribute[since]": "2026-11-21T08:30:00+07:00", "attribute[length_m]": "120.5",
            "attribute[more]": "สองบรรทัด\nก็ได้",
        },
    )
    told = _report_text(number)
    assert told.startswith("น้ำขึ้นเร็ว\n")
    for words in ("เข่า", "คนเดิน, รถบรรทุก", "120.5", "ก็ได้"):
        assert words in told
    assert ways.shown(number)["description"] == "น้ำขึ้นเร็ว"


def _report_text(number: str) -> str:
    asked = "SELECT r.text FROM report r JOIN incident i ON i.id = r.incident_id WHERE i.number = :number"
    with transaction() as session:
        return str(session.execute(sa.text(asked), {"number": number}).scalar_one())


def test_words_may_have_lines_but_no_html(ways: Ways) -> None:
    """Tags are taken out, the words stay; XML and JSON say them alike."""
    number = ways.reported(description="หลุม <b>ลึก</b>\r\nกว้าง 30 < 50 ซม. & ลื่น<script>alert(1)</script>")
    assert ways.shown(number)["description"] == "หลุม ลึก\nกว้าง 30 < 50 ซม. & ลื่น"


def test_the_body_must_be_a_form(ways: Ways) -> None:
    """JSON and broken forms are refused in the format that was asked for."""
    for content, kind in ((b"{}", "application/json"), (b"--x", "multipart/form-data; boundary=y")):
        answer = ways.client.post("/open311/v2/requests.xml", content=content, headers={"Content-Type": kind})
        assert answer.status_code in (400, 403)
        errors_of(answer, "xml")


def test_what_is_not_read_or_sent_is_no_method_of_the_standard(ways: Ways) -> None:
    """PUT and DELETE are refused with what is allowed; HEAD answers as GET does."""
    for method in ("PUT", "DELETE", "PATCH"):
        answer = ways.client.request(method, "/open311/v2/requests.json")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
        errors_of(answer, "json")
    assert ways.client.head("/open311/v2/services.xml").status_code == 200
