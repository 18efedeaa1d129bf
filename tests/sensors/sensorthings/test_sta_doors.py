"""Who may write what through SensorThings, and that nothing a stranger sends breaks the service or leaks."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.db import transaction
from core.settings import settings
from sensors.sensorthings.model import COLLECTIONS
from tests.accounts import PASSWORD, add_account
from tests.sensors.sensorthings.conftest import DEVICE_KEY, PLACE, SENSOR, Sta, datastream, thing


def _count(query: str) -> int:
    with transaction() as session:
        return int(session.execute(sa.text(query)).scalar_one())


@pytest.mark.parametrize(("method", "path", "body"), [
    ("PATCH", "Things(1)", {"name": "x"}), ("DELETE", "Things(1)", None),
    ("PUT", "Things(1)", {"name": "x", "description": "x"}),
    ("PATCH", "Datastreams(1)", {"name": "x"}), ("DELETE", "Datastreams(1)", None), ("DELETE", "Sensors(1)", None),
    ("PATCH", "ObservedProperties(1)", {"name": "x"}), ("DELETE", "ObservedProperties(1)", None),
    ("PATCH", "Locations(1)", {"name": "x"}), ("DELETE", "FeaturesOfInterest(1)", None),
    ("DELETE", "Observations(1)", None),
    ("PATCH", "Observations(1)", {"result": 99}), ("DELETE", "HistoricalLocations(1)", None),
    ("POST", "Datastreams(1)/Observations", {"result": 9}), ("POST", "Things(1)/Datastreams", datastream()),
    ("POST", "Things(1)/Locations", PLACE), ("PATCH", "Things(1)", {"Locations": []}),
    ("POST", "Observations", {"result": 9, "Datastream": {"@iot.id": 1}}),
    ("POST", "Locations", PLACE | {"Things": [{"@iot.id": 1}]}),
    ("POST", "HistoricalLocations",
     {"time": "2090-01-01T00:00:00Z", "Thing": {"@iot.id": 1}, "Locations": [{"@iot.id": 1}]}),
    ("POST", "Sensors", SENSOR | {"Datastreams": [{"@iot.id": 1}]}),
])
def test_what_a_city_pack_owns_is_never_changed_from_here(
    sta: Sta, gauge: int, method: str, path: str, body: Any
) -> None:
    """Stations, their datastreams and readings answer 403 with a sentence, and stay as they are."""
    assert gauge == 1
    before = [sta.get(name) for name in COLLECTIONS]
    assert sta.send(method, path, body, status=403)["message"].endswith(".")
    assert [sta.get(name) for name in COLLECTIONS] == before


def test_a_device_observes_with_its_own_key_only(sta: Sta, gauge: int, now: datetime) -> None:
    """A station's key lets its readings in, judged and moving its state like all others; no other key does."""
    path, at = f"Datastreams({gauge})/Observations", now.isoformat()
    body = {"result": 4.5, "phenomenonTime": at}
    sta.post(path, body, status=403, X_Device_Key="another")
    made = sta.post(path, body, X_Device_Key=DEVICE_KEY)
    assert made["resultQuality"]["qartod"] == 1
    assert sta.post(path, body, X_Device_Key=DEVICE_KEY)["@iot.id"] == made["@iot.id"]
    assert sta.post(path, body | {"result": 4.6}, status=400, X_Device_Key=DEVICE_KEY)["message"].endswith(".")
    bad = {"result": 40, "phenomenonTime": (now - timedelta(minutes=1)).isoformat()}
    assert sta.post(path, bad, X_Device_Key=DEVICE_KEY)["resultQuality"] == {"qartod": 4, "reason": "other_datum"}
    later = {"result": 4.5, "phenomenonTime": (now + timedelta(minutes=2)).isoformat()}
    sta.post("CreateObservations", [{"Datastream": {"@iot.id": gauge}, "components": list(later),
                                     "dataArray": [list(later.values())]}], X_Device_Key=DEVICE_KEY)
    assert _count("SELECT state FROM level_state") == 2
    sta.post("Things", thing(), status=403, X_Device_Key=DEVICE_KEY)


def test_a_stranger_moves_no_state_and_no_map(sta: Sta, gauge: int) -> None:
    """What generic clients create is unverified, raises no event, and no gauge of the city shows it."""
    events = _count("SELECT count(*) FROM event")
    sta.post("Things", thing(Datastreams=[datastream(Observations=[{"result": 99, "resultQuality": {"qartod": 1}}])]))
    assert _count("SELECT count(*) FROM event") == events
    assert _count("SELECT count(*) FROM thing WHERE trust = 'unverified'") == 1
    assert _count("SELECT qc_flag FROM reading WHERE value = 99") == 2
    assert _count("SELECT count(*) FROM level_state") == 1


def test_only_recent_days_of_devices_get_a_partition(sta: Sta) -> None:
    """The year 1900 of a stranger goes into the default partition, and makes none."""
    before = _count("SELECT count(*) FROM pg_inherits WHERE inhparent = 'reading'::regclass")
    observed = {"result": 1, "phenomenonTime": "1900-01-01T00:00:00Z"}
    sta.post("Things", thing(Datastreams=[datastream(Observations=[observed, observed])]))
    assert _count("SELECT count(*) FROM pg_inherits WHERE inhparent = 'reading'::regclass") == before
    assert _count("SELECT count(*) FROM reading_default") == 2


@pytest.mark.parametrize(("host", "writes", "is_open"), [
    ("127.0.0.1", "loopback", True), ("192.0.2.7", "loopback", False), ("192.0.2.7", "open", True),
    ("127.0.0.1", "closed", False),
])
def test_writing_is_open_on_loopback_or_where_it_was_opened(
    sta: Sta, monkeypatch: pytest.MonkeyPatch, host: str, writes: str, is_open: bool
) -> None:
    """Beyond the machine itself a stranger's change is 401, while everybody may read."""
    monkeypatch.setenv("FAONAM_API_HOST", host)
    monkeypatch.setenv("FAONAM_STA_WRITES", writes)
    settings.cache_clear()
    sta.post("Things", thing(), status=201 if is_open else 401)
    sta.send("PATCH", "Things(1)", {"name": "x"}, status=200 if is_open else 401)
    assert len(sta.ids("Things")) == int(is_open)


def test_a_form_of_another_site_cannot_write(sta: Sta) -> None:
    """Bodies that a browser sends without asking first are refused."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = sta.http.post("/sta/v1.1/Things", content=json.dumps(thing()), headers={"Content-Type": kind})
        assert answer.status_code == 400
    for origin in ("http://evil.example", "null"):
        sta.post("Things", thing(), status=403, Origin=origin)
    assert sta.ids("Things") == []
    sta.post("Things", thing(), Origin="http://testserver")


def test_an_officer_writes_where_strangers_may_not(sta: Sta, gauge: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed in as an officer, with the token of the sign-in, one may write what no pack owns; a viewer may not."""
    monkeypatch.setenv("FAONAM_STA_WRITES", "closed")
    settings.cache_clear()
    for role, status in (("viewer", 403), ("officer", 201)):
        with transaction() as session:
            add_account(session, role, roles=[role])
        signed_in = sta.http.post("/api/v1/session", json={"username": role, "password": PASSWORD}).json()
        sta.post("Things", thing(), status=403)
        sta.post("Things", thing(), status=status, X_CSRF_Token=signed_in["csrf_token"])
        sta.send("DELETE", f"Datastreams({gauge})", status=403, X_CSRF_Token=signed_in["csrf_token"])


@pytest.mark.parametrize(("content", "status"), [
    (b"{" * 50_000, 400), (b'{"name": NaN}', 400), (b'{"name": 1e309}', 400), (b"\xff", 400), (b"", 400),
    (b" " * 10_000_000, 413), (b'{"name": "' + b"x" * 10_000_000 + b'"}', 413),
])
def test_a_hostile_body_is_refused(sta: Sta, content: bytes, status: int) -> None:
    """Endless nesting, infinite numbers, no UTF-8 and ten megabytes are refused, never a fault of ours."""
    answer = sta.http.post("/sta/v1.1/Things", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status


@pytest.mark.parametrize(("method", "path", "status"), [
    ("POST", "Things(1)", 405), ("DELETE", "Things", 405), ("PUT", "Things(1)/name", 405),
    ("POST", "Nothing", 404), ("DELETE", "Things(99)", 404), ("POST", "Datastreams(1)/Thing", 405),
])
def test_a_method_in_the_wrong_place_says_so(sta: Sta, gauge: int, method: str, path: str, status: int) -> None:
    """405 for what cannot be done there, 404 for what is not there, 501 for what is not built."""
    assert sta.send(method, path, {}, status=status)["code"] == status


def test_a_batch_is_answered_request_by_request(sta: Sta, gauge: int) -> None:
    """A request of a JSON batch stands for itself or falls with its atomicity group; later ones name earlier ones."""
    answers = sta.post("$batch", {"requests": [
        {"id": "1", "method": "post", "url": "Things", "body": {"name": "A", "description": "a"}},
        {"id": "2", "method": "patch", "url": "$1", "body": {"description": "later"}},
        {"id": "3", "method": "get", "url": "/sta/v1.1/Things?$filter=name eq 'A'&$select=description"},
        {"id": "4", "method": "post", "url": "$1/Datastreams", "body": datastream(), "atomicityGroup": "g"},
        {"id": "5", "method": "delete", "url": f"Datastreams({gauge})", "atomicityGroup": "g"},
        {"id": "6", "method": "post", "url": "Datastreams", "body": datastream(Thing={"@iot.id": "$1"})},
        {"id": "7", "method": "fly", "url": "Things"}, {"id": "8", "method": "get", "url": "Nothing"},
    ]}, status=200)["responses"]
    assert [(one["id"], one["status"]) for one in answers] == [
        ("1", 201), ("2", 200), ("3", 200), ("4", 424), ("5", 403), ("6", 201), ("7", 405), ("8", 404),
    ]
    assert answers[2]["body"]["value"] == [{"description": "later"}]
    thing_id = answers[0]["body"]["@iot.id"]
    assert len(sta.ids(f"Things({thing_id})/Datastreams")) == 1
    wrongs: list[Any] = [[], {"requests": 1}, {"requests": [{"id": 1}]}, {"requests": [{}] * 300}]
    for wrong in wrongs:
        sta.post("$batch", wrong, status=400)


_ATOMS = st.sampled_from([
    "result", "phenomenonTime", "resultTime", "parameters/a", "parameters", "resultQuality/qartod", "validTime", "id",
    "Datastream/name", "Datastream/observedArea", "Datastream/Thing/Locations/location", "FeatureOfInterest/feature",
    "Datastream/unitOfMeasurement", "1", "0", "-2.5", "1e308", "9223372036854775807", "1e19", "'x'", "''",
    "true", "null",
    "2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2020-01-01", "12:00:00", "duration'P1D'", "now()", "maxdatetime()",
    "geography'POINT(1 2)'", "geography'POLYGON((0 0,1 1,0 1,1 0,0 0))'", "'%_\\'",
])
_TERMS = st.recursive(
    _ATOMS,
    lambda inner: st.tuples(st.sampled_from([
        "year({})", "length({})", "round({})", "floor({})", "trim({})", "date({})", "time({})", "fractionalseconds({})",
        "-{}",
        "geo.length({})", "not {}", "({})", "totaloffsetminutes({})", "tolower({})",
    ]), inner).map(lambda pair: pair[0].format(pair[1]))
    | st.tuples(inner, st.sampled_from([
        "add", "sub", "mul", "div", "mod", "eq", "ne", "lt", "ge", "and", "or",
    ]), inner).map(" ".join)
    | st.tuples(st.sampled_from([
        "geo.distance", "st_relate", "st_within", "substringof", "indexof", "concat", "substring",
    ]), inner, inner).map(lambda three: f"{three[0]}({three[1]},{three[2]})"),
    max_leaves=6,
)


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=_TERMS, option=st.sampled_from(["$filter", "$orderby"]))
def test_no_question_is_a_fault_of_the_service(sta: Sta, question: str, option: str) -> None:
    """Whatever is asked, however the kinds of values are mixed, is answered or refused with a sentence."""
    if not sta.ids("Things"):
        observations = [{"result": value, "parameters": {"a": value}} for value in (1, "x", True, None, [1])]
        sta.post("Things", thing(Datastreams=[datastream(Observations=observations)]))
    answer = sta.http.get("/sta/v1.1/Observations", params={option: question})
    assert answer.status_code in {200, 400}, (question, answer.text)


def test_no_person_can_be_reached(sta: Sta, gauge: int) -> None:
    """No table of people, no key and no picture stands behind any address; a camera's observations are levels."""
    for name in COLLECTIONS:
        text = json.dumps(sta.get(name, expand=",".join(COLLECTIONS[name].relations)))
        assert "key" not in text
        assert "hash" not in text
    assert gauge
