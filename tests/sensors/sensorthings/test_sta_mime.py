"""Batches in MIME parts, as a stranger sends and reads them with the standard library alone (18-088, clause 11)."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.sensorthings import mime
from sensors.sensorthings.errors import BodyError
from tests.sensors.sensorthings.asking import ROOT, Sta
from tests.sensors.sensorthings.conftest import PROPERTY, SENSOR, datastream, thing
from tests.sensors.sensorthings.test_sta_requirements import requires

NEW = {"name": "N", "description": "n"}


def _request(line: str, body: Any = None, *, named: str | None = None) -> str:
    head = "Content-Type: application/http\r\n" + (f"Content-ID: {named}\r\n" if named else "")
    inner = f"{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n"
    return f"{head}\r\n{inner}{'' if body is None else json.dumps(body)}"


def _joined(parts: list[str], boundary: str) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--"


def _change_set(*parts: str) -> str:
    return f"Content-Type: multipart/mixed;boundary=set\r\n\r\n{_joined(list(parts), 'set')}"


def _batch(sta: Sta, *parts: str) -> list[Any]:
    """What each part was answered: (status, Content-ID, Location, JSON), or a list of these for a change set."""
    answer = sta.http.post(f"{ROOT}/$batch", content=_joined(list(parts), "batch"),
                           headers={"Content-Type": "multipart/mixed; boundary=batch"})
    assert answer.status_code == 200, answer.text
    whole = message_from_bytes(f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode() + answer.content)
    return [_read(part) for part in _parts(whole)]


def _parts(message: Message) -> list[Message]:
    parts = message.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


def _read(part: Message) -> Any:
    if part.is_multipart():
        return [_read(one) for one in _parts(part)]
    assert part.get_content_type() == "application/http"
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    line, _, rest = payload.partition(b"\r\n")
    inner = message_from_bytes(rest)
    body = inner.get_payload(decode=True)
    assert isinstance(body, bytes)
    content = json.loads(body) if inner.get_content_type() == "application/json" and body.strip() else body.decode()
    return int(line.split()[1]), part["Content-ID"], inner["Location"], content


@requires("batch-request/batch-request")
def test_a_batch_in_parts_is_answered_part_by_part(sta: Sta) -> None:
    """Questions and change sets are answered in their order; one that fails leaves the others as they are."""
    sta.post("Things", thing())
    asked, changed, missing, text = _batch(
        sta,
        _request("GET /sta/v1.1/Things(1)?$select=name"),
        _change_set(
            _request("POST Things", NEW, named="1"), _request("PATCH /v1.1/Things(1)", {"name": "P"}, named="2"),
        ),
        _request("GET http://testserver/sta/v1.1/Things(99)"),
        _request("GET Things?$filter=name%20eq%20'P'&$select=name"),
    )
    assert (asked[0], asked[3]) == (200, {"name": "T"})
    assert [(one[0], one[1]) for one in changed] == [(201, "1"), (200, "2")]
    assert sta.get(changed[0][2])["name"] == "N"
    assert (missing[0], missing[3]["code"]) == (404, 404)
    assert text[3]["value"] == [{"name": "P"}]
    assert _batch(sta, _request("GET Things(1)/name/$value"))[0][3] == "P"


def test_a_change_set_names_what_it_made_before(sta: Sta) -> None:
    """`$` and a Content-ID stand for the new entity, in an address and in place of an id."""
    made = _batch(sta, _change_set(
        _request("POST Sensors", SENSOR, named="eye"), _request("POST Things", NEW, named="pole"),
        _request("POST $pole/Datastreams",
                 datastream(Sensor={"@iot.id": "$eye"}, ObservedProperty=PROPERTY), named="flow"),
    ))[0]
    assert [one[0] for one in made] == [201, 201, 201]
    assert sta.get(f"{made[2][2]}/Sensor")["@iot.selfLink"] == made[0][2]
    assert sta.get(f"{made[2][2]}/Thing")["name"] == "N"


def test_a_change_set_is_done_whole_or_not_at_all(sta: Sta) -> None:
    """Where one of its requests fails, the one answer to the set is that fault, and nothing of it was done."""
    before = _request("POST Things", NEW)
    failed, after = _batch(sta, _change_set(before, _request("POST Things", {"name": "x"})), before)
    assert (failed[0], failed[1], after[0]) == (400, None, 201)
    assert len(sta.ids("Things")) == 1
    broken = before.replace('{"name"', '{"name')
    assert [one[0] for one in _batch(sta, _change_set(before, broken), broken, before)] == [400, 400, 201]
    assert len(sta.ids("Things")) == 2


@pytest.mark.parametrize(("body", "kind"), [
    ("", "boundary=x"), ("--x", "boundary=x"), ("--x\r\n\r\n", "boundary=x"), ("--x--", "boundary=x"), ("--x--", ""),
    ("--x\r\nContent-Type: text/plain\r\n\r\nGET Things\r\n--x--", "boundary=x"),
    ("--x\r\nContent-Type: application/http\r\n\r\n\r\n--x--", "boundary=x"),
    ("--x\r\nContent-Type: application/http\r\n\r\nGET\r\n--x--", "boundary=x"),
    ("--x\r\nContent-Type: multipart/mixed\r\n\r\n--y--\r\n--x--", "boundary=x"),
    (_joined([_request("GET Things")] * 201, "x"), "boundary=x"),
])
def test_what_is_no_batch_is_refused(sta: Sta, body: str, kind: str) -> None:
    """A batch without its boundary, its end or a request is 400, as is one that is too long."""
    answer = sta.http.post(f"{ROOT}/$batch", content=body, headers={"Content-Type": f"multipart/mixed; {kind}"})
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


def test_only_a_batch_has_parts(sta: Sta) -> None:
    """Parts sent to a collection are refused."""
    answer = sta.http.post(f"{ROOT}/Things", content=_joined([_request("GET Things")], "x"),
                           headers={"Content-Type": "multipart/mixed; boundary=x"})
    assert answer.status_code == 400


@given(pieces=st.lists(st.sampled_from([
    "--x", "--x--", "\n", "\r\n", "\n\n", "Content-Type: application/http", "Content-Type: multipart/mixed; boundary=x",
    "Content-Type: multipart/mixed; boundary*=y''x", "GET Things", "HTTP/1.1", ":", "{", "\x00", "Content-ID: 1", "é",
]), max_size=20))
def test_no_batch_is_a_fault_of_the_reader(pieces: list[str]) -> None:
    """Whatever is sent is read or refused with a sentence."""
    try:
        requests = mime.requests_of("".join(pieces).encode(), content_type="multipart/mixed; boundary=x")
    except BodyError:
        return
    assert all(request["method"] and request["url"] for request in requests)
