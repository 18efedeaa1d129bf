"""Whatever a source sends, a parser answers with rows that can be stored and faults that say why."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.feeds import chirpstack, csv_upload, ea, http_json, mqtt_json, rain_csv, thaiwater, thingsboard, tts
from sensors.feeds.csv_upload import CsvLayout
from sensors.feeds.decoders import binary_layout, decode_em500_swl, layout_decoder
from sensors.feeds.http_json import JsonLayout
from sensors.feeds.rain_csv import Counting, RainLayout
from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason
from sensors.feeds.tables import TimeWay
from sensors.feeds.times import DateOrder
from sensors.feeds.uplinks import Device
from sensors.payloads import SAID_TWICE

RECORDED = Path(__file__).parent / "recorded"
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
DEVICES = {"24E124FFFF000002": Device(decoder=decode_em500_swl, fields=("water_level",))}
TIMES = TimeWay(UTC, DateOrder.DAY_FIRST)
FLEXIBLE = JsonLayout(values={"value": "m", "water_level_cm": "cm"}, zone=UTC, id_field="id")

Parser = Callable[[bytes], Parsed]
JSON_PARSERS: dict[str, Parser] = {
    "tts": lambda body: tts.rows_of_message(body, devices=DEVICES),
    "chirpstack": lambda body: chirpstack.rows_of_event(body, event="up", devices=DEVICES),
    "thingsboard": lambda body: thingsboard.rows_of_telemetry(body, device="d", received_at=NOW),
    "thaiwater list": thaiwater.rows_of_levels,
    "thaiwater history": lambda body: thaiwater.rows_of_history(body, station="1"),
    "ea": ea.rows_of_batch,
    "http json": http_json.rows_of_body,
    "http json declared": lambda body: http_json.rows_of_body(body, layout=FLEXIBLE),
    "mqtt json": lambda body: mqtt_json.rows_of_publish("c", body, received_wall_at=NOW),
}
CSV_PARSERS: dict[str, Parser] = {
    "csv": lambda body: csv_upload.rows_of_file(body, layout=CsvLayout(times=TIMES, unit="m")),
    "csv comma": lambda body: csv_upload.rows_of_file(body, layout=CsvLayout(times=TIMES, decimal=",")),
    "rain running": lambda body: rain_csv.rows_of_log(
        body, layout=RainLayout("r", TIMES, Counting.RUNNING, mm_per_tip=0.2, rolls_over_at=65_536)
    ),
    "rain interval": lambda body: rain_csv.rows_of_log(body, layout=RainLayout("r", TIMES, Counting.INTERVAL)),
}
PARSERS = JSON_PARSERS | CSV_PARSERS

# The names that parsers look for, so that what is drawn gets past the first guard.
_NAMES = st.sampled_from(
    sorted(
        {"end_device_ids", "dev_eui", "device_id", "uplink_message", "f_cnt", "f_port", "frm_payload", "received_at"}
        | {"decoded_payload", "result", "deviceInfo", "devEui", "time", "fCnt", "fPort", "data", "object", "rxInfo"}
        | {"nsTime", "ts", "values", "battery", "waterlevel_data", "waterlevel_msl", "waterlevel_datetime", "station"}
        | {"id", "graph_data", "datetime", "value", "items", "measure", "@id", "unitName", "latestReading", "dateTime"}
        | {"datastream", "observed_at", "unit", "water_level_cm", "key", "join_accept", "last_battery_percentage"}
    )
)
_LETTERS = st.characters(codec=None, categories=None)
_TEXTS = st.one_of(
    st.text(_LETTERS, max_size=20),
    st.sampled_from(
        ["", "-999", "1e309", "NaN", "2569-11-20 24:00", "2026-11-20T03:00:00Z", "0001-01-01", "\x00", "OK"]
    ),
    st.sampled_from(["NO", "24e124ffff000002", "AXVcA3cCAA==", "a/b-mASD", "\ud800", "31/12/9999 23:59", "1970-01-01"]),
)
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-1, 2**70), st.floats(), _TEXTS, st.just(10**400)
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_NAMES | _TEXTS, inner, max_size=8)),
    max_leaves=25,
)
_CELLS = st.one_of(
    _TEXTS,
    st.sampled_from(
        ["time", "date", "เวลา", "วันที่", "ระดับน้ำ (ม.)", "tips", "rain (mm)", "20/11/2569 10:00", "1,5", '"']
    ),
)
_SEPARATORS = st.sampled_from([",", ";", "\t", "\n", "\r\n", '","'])


def _storable(text: str) -> bool:
    return "\x00" not in text and len(text) <= 2000 and bool(text.encode("utf-8", "strict") or not text)


def _assert_sound(parsed: Parsed) -> None:
    """Rows are finite or NaN at an aware UTC time, faults have a known reason and a sentence, all can be stored."""
    assert parsed
    for one in parsed:
        assert _storable(one.raw)
        if isinstance(one, FeedFault):
            assert one.reason in set(Reason)
            assert one.detail.endswith(".")
            assert _storable(one.detail)
            continue
        assert isinstance(one, FeedRow)
        assert one.at.utcoffset() == timedelta()
        assert math.isfinite(one.value) or math.isnan(one.value)
        assert one.stream
        assert all(_storable(text) for text in (one.stream, one.unit, one.dedup or ""))


@pytest.mark.parametrize("name", sorted(PARSERS))
@given(body=st.binary(max_size=300))
def test_no_bytes_make_a_parser_fall(name: str, body: bytes) -> None:
    """Any bytes give rows or faults."""
    _assert_sound(PARSERS[name](body))


@pytest.mark.parametrize("name", sorted(JSON_PARSERS))
@given(content=_TREES)
def test_no_json_makes_a_parser_fall(name: str, content: object) -> None:
    """Wrong types, NaN, Infinity, halves of surrogate pairs and huge numbers in any place give rows or faults."""
    _assert_sound(JSON_PARSERS[name](json.dumps(content).encode()))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("tts", "tts_decoded.json"),
        ("tts", "tts_swl_bytes.json"),
        ("chirpstack", "chirpstack_object.json"),
        ("chirpstack", "chirpstack_bytes.json"),
        ("thingsboard", "thingsboard_point.json"),
        ("thaiwater list", "thaiwater_list.json"),
        ("thaiwater history", "thaiwater_history.json"),
        ("ea", "ea_latest.json"),
        ("http json", "http_json_ours.json"),
        ("mqtt json", "mqtt_json.json"),
    ],
)
@given(data=st.data())
def test_no_change_of_a_recorded_message_makes_a_parser_fall(name: str, file: str, data: st.DataObject) -> None:
    """A field of another type, or none, in any place of a real message costs what it touches and nothing else."""
    content = json.loads((RECORDED / file).read_bytes())
    places = _places(content)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(_LEAVES | st.just([]) | st.just({}))  # type: ignore[index]  # a key of this dict or list
    _assert_sound(JSON_PARSERS[name](json.dumps(content).encode()))


def _places(content: object) -> list[tuple[object, object]]:
    """Each place in a JSON value: what holds it, and under which key."""
    if isinstance(content, dict):
        return [place for key, inner in content.items() for place in [(content, key), *_places(inner)]]
    if isinstance(content, list):
        return [place for index, inner in enumerate(content) for place in [(content, index), *_places(inner)]]
    return []


@pytest.mark.parametrize("name", sorted(CSV_PARSERS))
@given(cells=st.lists(st.tuples(_CELLS, _SEPARATORS), max_size=30), encoding=st.sampled_from(["utf-8", "cp874"]))
def test_no_table_makes_a_parser_fall(name: str, cells: list[tuple[str, str]], encoding: str) -> None:
    """Headings, quotes, delimiters and blanks in any order give rows or faults."""
    text = "time,level (mm)\n" + "".join(cell + separator for cell, separator in cells)
    _assert_sound(CSV_PARSERS[name](text.encode(encoding, "replace")))


@pytest.mark.parametrize("name", sorted(PARSERS))
@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", {"html", "not_json"}),
        (b"\n  <html>", {"html", "not_json"}),
        (b" " * 10_000_000, {"too_large"}),
        (b"[" * 100_000 + b"]" * 100_000, {"too_deep", "too_large", "not_a_table"}),
        (b"", {"not_json", "not_a_table"}),
        (b'{"a": 1}\x00', {"not_json", "not_a_table"}),
    ],
    ids=["html", "html behind blanks", "10 MB", "deep", "nothing", "NUL"],
)
def test_a_body_that_cannot_be_read_is_one_fault_that_says_why(name: str, body: bytes, reasons: set[str]) -> None:
    """HTML instead of data, 10 MB, deep nesting, nothing and NUL are told apart."""
    (fault,) = PARSERS[name](body)
    assert isinstance(fault, FeedFault)
    assert fault.reason in reasons


@pytest.mark.parametrize("name", sorted(JSON_PARSERS))
def test_nesting_just_below_the_readers_limit_is_no_crash(name: str) -> None:
    """What can just be read may be too deep to be written again: it is still a fault, at every depth."""
    for depth in range(900, 1010):
        _assert_sound(JSON_PARSERS[name](b"[" * depth + b"]" * depth))
        _assert_sound(JSON_PARSERS[name](b'{"items": ' + b"[" * depth + b"]" * depth + b"}"))


@given(frame=st.binary(max_size=60), port=st.integers(0, 255))
def test_no_frame_makes_a_decoder_fall(frame: bytes, port: int) -> None:
    """Any bytes on any port give values, or a problem in a sentence; a value is never infinite."""
    fields = [
        {"name": "a", "at": 0, "type": "f32", "unit": "m", "scale": 1e30},
        {"name": "b", "at": 7, "type": "i16", "order": "little", "unit": "mm"},
        {"name": "battery", "at": 3, "type": "u8", "unit": "%"},
    ]
    for decoder in (decode_em500_swl, layout_decoder(binary_layout({"port": 2, "fields": fields}))):
        decoded = decoder(frame, port)
        assert all(not math.isinf(one.value) for one in decoded.measured)
        assert decoded.problem is None or decoded.problem.endswith(".")
        assert decoded.battery is None or 0 <= decoded.battery <= 100


@pytest.mark.parametrize("text", [" " * 200_000 + "x", "1" * 200_000 + "x", "(" + " " * 200_000 + "x", "_" * 200_000])
@pytest.mark.parametrize("where", ["2026-11-20 10:00{}", "{}", "({})"])
def test_a_long_text_in_any_field_costs_no_more_than_its_length(text: str, where: str) -> None:
    """No pattern runs for minutes over one hostile field, be it a time, a value, a unit or a heading."""
    hostile = where.format(text)
    row = {"datastream": "s", "observed_at": hostile, "value": 1, "unit": "m"}
    for changes in ({}, {"observed_at": "2026-11-20T03:00:00Z", "value": hostile}, {"unit": hostile}):
        _assert_sound(http_json.rows_of_body(json.dumps(row | changes).encode()))
    plain = hostile.replace("\n", " ")
    for table in (f"time,{plain}\n{plain},1\n", f"time,level (m)\n2026-11-20T03:00:00Z,{plain}\n"):
        _assert_sound(csv_upload.rows_of_file(table.encode(), layout=CsvLayout(times=TIMES, unit="m")))


def _declared(body: bytes) -> Parsed:
    return http_json.rows_of_body(body, layout=JsonLayout(rows_at=("rows", "all"), hidden=frozenset({"pin"})))


OURS = '{"datastream": "%s", "observed_at": "2026-11-20T03:00Z", "unit": "m", "value": 1%s}'
STATION = '{"station": {"id": %s}, "waterlevel_datetime": "2026-11-20 10:00", "waterlevel_msl": "1.0"%s}'
POINT = '{"ts": 1795057200%s00, "values": {"level": 1%s}}'
LISTS: dict[str, tuple[Parser, str, str, str]] = {
    "ours": (http_json.rows_of_body, "[%s]", OURS, ', "value": 2'),
    "declared": (_declared, '{"rows": {"n": 3, "all": [%s]}}', OURS, ', "pin": 4711, "more": [{"a": 1, "a": {}}]'),
    "thaiwater": (thaiwater.rows_of_levels, '{"waterlevel_data": {"result": "OK", "data": [%s]}}', STATION,
                  ', "agency": {"id": {"x": 1, "x": 2}, "id": 3}'),
    "thaiwater alone": (thaiwater.rows_of_levels, '{"result": "OK", "data": [%s]}', STATION, ', "station": {"id": 4}'),
    "history": (lambda body: thaiwater.rows_of_history(body, station="1"), '{"data": {"graph_data": [%s]}}',
                '{"datetime": "2026-11-20 1%s:00", "value": 1%s}', ', "value": 2'),
    "ea": (ea.rows_of_batch, '{"items": [%s]}',
           '{"measure": "m-%s-mASD", "dateTime": "2026-11-20T03:00Z", "value": 1%s}', ', "value": 2'),
    "thingsboard": (lambda body: thingsboard.rows_of_telemetry(body, device="d", received_at=NOW), "[%s]", POINT,
                    ', "level": 2'),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_row_that_says_a_name_twice_costs_no_other_row(name: str) -> None:
    """Which of two values is meant nobody knows, of that row; it is refused with both, and the others are read."""
    parse, around, row, twice = LISTS[name]
    rows = [row % (1, ""), row % (2, twice), row % (3, "")]
    parsed = parse((around % ", ".join(rows)).encode())
    assert [isinstance(one, FeedRow) for one in parsed] == [True, False, True]
    fault = parsed[1]
    assert isinstance(fault, FeedFault)
    assert (fault.reason, fault.detail) == (Reason.MALFORMED, SAID_TWICE)
    assert fault.raw == rows[1].replace('"pin": 4711, ', "")
    assert parsed[0] == parse((around % rows[0]).encode())[0]


@pytest.mark.parametrize("name", [name for name in LISTS if name not in {"ours", "thingsboard"}])
def test_a_name_twice_outside_the_rows_refuses_the_whole_answer(name: str) -> None:
    """Two lists under one name, or two results, cannot be told apart row by row: nothing of the answer is taken."""
    parse, around, row, twice = LISTS[name]
    once = around % (row % (1, ""))
    lists = f"{once[:-1]}, {once[1:]}"
    beside = once.replace("{", '{"x": 1, "x": 2, ', 1)
    both = beside.replace(row % (1, ""), row % (1, twice))
    for body in (lists, beside, both):
        parsed = parse(body.encode())
        assert [(one.reason, one.detail) for one in parsed if isinstance(one, FeedFault)] == [
            (Reason.MALFORMED, SAID_TWICE)
        ]
        assert len(parsed) == 1


def test_a_row_too_deep_to_be_walked_is_no_failure() -> None:
    """What can just be read is counted without a limit, and told as too deep where it cannot be written."""
    deep = "[" * 900 + '{"a": 1, "a": 2}' + "]" * 900
    parsed = http_json.rows_of_body(f'[{OURS % (1, "")}, {OURS % (2, f", {chr(34)}more{chr(34)}: {deep}")}]'.encode())
    assert isinstance(parsed[0], FeedRow)
    assert isinstance(parsed[1], FeedFault)
    assert parsed[1].detail == SAID_TWICE
