"""Each source's recorded shape, and the trap that it is known for."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sensors.feeds import chirpstack, csv_upload, ea, http_json, mqtt_json, rain_csv, thaiwater, thingsboard, tts
from sensors.feeds.csv_upload import CsvLayout
from sensors.feeds.decoders import decode_em500_swl
from sensors.feeds.http_json import JsonLayout
from sensors.feeds.rain_csv import Counting, RainLayout
from sensors.feeds.row import FeedFault, FeedRow, Parsed, faults_in, rows_in
from sensors.feeds.tables import TimeWay
from sensors.feeds.times import DateOrder
from sensors.feeds.uplinks import Device

RECORDED = Path(__file__).parent / "recorded"
BANGKOK = ZoneInfo("Asia/Bangkok")
THAI_TIMES = TimeWay(BANGKOK, DateOrder.DAY_FIRST)
RADAR, SWL, WEIR = "A84041FFFF0000C1", "24E124FFFF000002", "70B3D5FFFF000009"


def _recorded(name: str) -> bytes:
    return (RECORDED / name).read_bytes()


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def _values(parsed: Parsed) -> list[float | str | None]:
    """Values in order, None for a row without one, the reason for a fault."""
    return [
        one.reason if isinstance(one, FeedFault) else None if math.isnan(one.value) else one.value for one in parsed
    ]


def test_the_things_stack_gives_a_row_for_each_decoded_field() -> None:
    """The DevEUI in capitals and the field name a series; the network's time, counter and battery go with it."""
    row, fault = tts.rows_of_message(_recorded("tts_decoded.json"), devices={})
    assert isinstance(row, FeedRow)
    assert (row.stream, row.value, row.unit) == (f"{RADAR}/distance", 1880.0, "")
    assert row.at == datetime(2026, 11, 20, 3, 0, 2, 123456, tzinfo=UTC)
    assert (row.frame_counter, row.battery, row.dedup) == (417, 87.0, f"{RADAR}:AZInventedKey==:417")
    assert '"distance": 1880' in row.raw
    assert "gw-roof" not in row.raw
    assert isinstance(fault, FeedFault)
    assert (fault.reason, "note" in fault.detail) == ("not_a_number", True)


def test_a_left_out_counter_is_0_and_a_left_out_level_is_missing() -> None:
    """The Things Stack leaves out zeros: f_cnt is then 0, which tells uplinks apart; a level is never taken for 0."""
    device = Device(fields=("distance", "temperature"), units={"distance": "mm"})
    parsed = rows_in(tts.rows_of_message(_recorded("tts_first_uplink.json"), devices={RADAR: device}))
    assert [(row.stream, row.unit, row.frame_counter, row.dedup) for row in parsed] == [
        (f"{RADAR}/distance", "mm", 0, f"{RADAR}:AZAnotherKey==:0"),
        (f"{RADAR}/temperature", "", 0, f"{RADAR}:AZAnotherKey==:0"),
    ]
    assert _values(list(parsed)) == [None, 28.5]


def test_a_frame_that_the_server_did_not_decode_is_decoded_here_or_a_fault() -> None:
    """Bytes without a declared decoder are never guessed."""
    body = _recorded("tts_swl_bytes.json")
    (row,) = rows_in(tts.rows_of_message(body, devices={SWL: Device(decoder=decode_em500_swl)}))
    assert (row.stream, row.value, row.unit, row.battery) == (f"{SWL}/water_level", 2.0, "cm", 92.0)
    assert _values(tts.rows_of_message(body, devices={})) == ["no_decoder"]


def test_a_join_is_no_uplink_and_names_the_device_whose_counter_begins_again() -> None:
    """A join carries no reading, but after it the counter of that device may start at 0."""
    body = _recorded("tts_join.json")
    assert _values(tts.rows_of_message(body, devices={})) == ["not_an_uplink"]
    assert tts.joined_device(body) == SWL
    assert tts.joined_device(_recorded("tts_decoded.json")) is None


def test_a_simulated_uplink_is_no_measurement() -> None:
    """What someone typed into the console of The Things Stack never becomes a level."""
    message = json.loads(_recorded("tts_decoded.json")) | {"simulated": True}
    assert _values(tts.rows_of_message(json.dumps(message).encode(), devices={})) == ["simulated"]


def test_chirpstack_gives_the_decoded_object_under_its_deduplication_id() -> None:
    """The same uplink over two gateways has one deduplicationId."""
    (row,) = rows_in(chirpstack.rows_of_event(_recorded("chirpstack_object.json"), event="up", devices={}))
    assert (row.stream, row.value, row.battery, row.frame_counter) == (f"{WEIR}/level_cm", 142.5, 64.0, 65)
    assert row.at == datetime(2026, 11, 20, 3, 10, 0, 250_000, tzinfo=UTC)
    assert row.dedup == f"{WEIR}:5d3c0f6e-0000-4000-8000-00000000abcd:65"


def test_chirpstack_without_object_is_decoded_by_the_devices_codec() -> None:
    """`object` is absent where no codec is set on the server."""
    body = _recorded("chirpstack_bytes.json")
    device = Device(decoder=decode_em500_swl)
    assert _values(chirpstack.rows_of_event(body, event="up", devices={SWL: device})) == [2.0]
    assert _values(chirpstack.rows_of_event(body, event="up", devices={})) == ["no_decoder"]
    assert _values(chirpstack.rows_of_event(body, event="status", devices={})) == ["not_an_uplink"]
    assert chirpstack.joined_device(body, event="join") == SWL
    assert chirpstack.joined_device(body, event="up") is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": "not base64!"}, "undecodable"),
        ({"data": ""}, "no_reading"),
        ({"data": "AXVcAw=="}, "undecodable"),
        ({"joinServerContext": {"sessionKeyId": "x"}}, "undecodable"),
        ({"fCnt": -1}, "malformed"),
        ({"fCnt": 1.5}, "malformed"),
        ({"time": "2026-11-20T03:20:00"}, "no_time_zone"),
        ({"deviceInfo": {}}, "malformed"),
    ],
)
def test_an_uplink_that_cannot_be_read_is_a_fault_with_its_reason(change: dict[str, object], reason: str) -> None:
    """Broken base64, cut frames, foreign keys, counters and times are told apart."""
    body = json.dumps(json.loads(_recorded("chirpstack_bytes.json")) | change).encode()
    parsed = chirpstack.rows_of_event(body, event="up", devices={SWL: Device(decoder=decode_em500_swl)})
    assert _values(parsed) == [reason]


def test_thingsboards_three_shapes_give_the_same_rows() -> None:
    """A point, a list of points, and bare keys whose time is that of arrival; seconds are no milliseconds."""
    arrived = _at(20, 9)
    point = thingsboard.rows_of_telemetry(_recorded("thingsboard_point.json"), device="gate", received_at=arrived)
    assert _values(point) == [1.31, 71.0, "not_a_number"]
    assert [(row.stream, row.at, row.battery) for row in rows_in(point)] == [
        ("gate/level", _at(20, 3), 71.0),
        ("gate/battery", _at(20, 3), 71.0),
    ]
    listed = thingsboard.rows_of_telemetry(_recorded("thingsboard_list.json"), device="gate", received_at=arrived)
    assert _values(listed) == [1.31, 1.36, "no_time"]
    bare = rows_in(thingsboard.rows_of_telemetry(_recorded("thingsboard_bare.json"), device="g", received_at=arrived))
    assert [(row.stream, row.value, row.at) for row in bare] == [("g/level", 1.29, arrived), ("g/rain", 0.0, arrived)]


def test_each_row_of_thaiwater_has_its_own_time_and_no_sentinel_is_a_level() -> None:
    """Rows of 04:00, 13:50 and 21:30 stand in one answer; a negative level is one, -999, "" and null are none."""
    parsed = thaiwater.rows_of_levels(_recorded("thaiwater_list.json"))
    assert _values(parsed) == [2.41, -0.35, None, None, 20.47, "no_time", None, "malformed"]
    rows = rows_in(parsed)
    assert [row.at for row in rows[:4]] == [_at(20, 14, 30), _at(19, 21), _at(20, 6, 50), _at(20, 14, 30)]
    assert [row.stream for row in rows] == ["7001", "7002", "7003", "7004", "7005", "7007"]
    assert {row.unit for row in rows} == {"m_msl"}
    assert all(fault.raw for fault in faults_in(parsed))


def test_thaiwaters_stations_carry_code_names_and_banks_for_who_maps_them() -> None:
    """Banks are numbers or texts, null, empty or sentinels; whether a level fits them is judged elsewhere."""
    stations = {one.id: one for one in thaiwater.stations_of(_recorded("thaiwater_list.json"))}
    assert (stations["7001"].code, stations["7001"].name_en) == ("TST.01", "North Test Canal")
    assert (stations["7001"].min_bank_m_msl, stations["7001"].ground_m_msl) == (3.5, -1.2)
    assert [stations[id].min_bank_m_msl for id in ("7002", "7003", "7004", "7005")] == [None, 4.2, None, 2.54]
    assert stations["7002"].ground_m_msl is None
    assert "7008" not in stations


def test_thaiwater_that_answers_200_and_no_is_a_failure() -> None:
    """`"result": "NO"` is no data, and neither is a list without stations: both are told, not taken for silence."""
    assert _values(thaiwater.rows_of_levels(_recorded("thaiwater_no.json"))) == ["refused_by_source"]
    assert _values(thaiwater.rows_of_history(_recorded("thaiwater_no.json"), station="7001")) == ["refused_by_source"]
    assert _values(thaiwater.rows_of_levels(b'{"result": "OK", "data": []}')) == ["empty"]
    assert thaiwater.stations_of(_recorded("thaiwater_no.json")) == []


def test_thaiwaters_history_is_local_time_and_may_be_of_the_buddhist_era() -> None:
    """Times without a zone are of Bangkok; 2569 is 2026."""
    parsed = thaiwater.rows_of_history(_recorded("thaiwater_history.json"), station="7001")
    assert _values(parsed) == [1.02, None, 1.07]
    assert [row.at for row in rows_in(parsed)] == [_at(19, 16), _at(19, 17), _at(19, 18)]


def test_the_environment_agencys_batch_gives_a_row_per_measure_in_its_own_unit() -> None:
    """A list of one value is that value, of two it is ambiguous; the unit is the measure's or its name's."""
    parsed = ea.rows_of_batch(_recorded("ea_latest.json"))
    assert _values(parsed) == [0.412, -1.204, "ambiguous_value", 0.0, "no_unit", 5.5]
    assert [(row.stream.partition("-")[0], row.unit) for row in rows_in(parsed)] == [
        ("T1", "mASD"),
        ("T2", "mAOD"),
        ("T3", "mm"),
        ("T5", "m3/s"),
    ]
    assert [row.at for row in rows_in(parsed)][:2] == [_at(20, 2, 45), _at(19, 18)]


def test_plain_json_is_read_in_our_shape_or_a_declared_one() -> None:
    """A time without a zone and a value without a unit are refused; null is no value."""
    parsed = http_json.rows_of_body(_recorded("http_json_ours.json"))
    assert _values(parsed) == [1.52, "no_time_zone", None, "no_unit"]
    assert "not-kept" not in parsed[0].raw
    layout = JsonLayout(
        rows_at=("data", "rows"),
        stream_field=None,
        stream="city",
        time_field="record_time",
        values={"water_level_cm": "cm", "gate_cm": "cm"},
        unit_field=None,
        zone=BANGKOK,
        order=DateOrder.DAY_FIRST,
    )
    rows = rows_in(http_json.rows_of_body(_recorded("http_json_city.json"), layout=layout))
    assert _values(list(rows)) == [117.0, 40.0, 121.0, None]
    assert [(row.stream, row.at) for row in rows[1:3]] == [
        ("city/gate_cm", _at(20, 1)),
        ("city/water_level_cm", _at(20, 9, 30)),
    ]


def test_our_own_mqtt_messages_give_the_same_rows() -> None:
    """Sentinels are taken out, infinity is refused, and a device's key is never in what is kept."""
    parsed = mqtt_json.rows_of_publish("TST01", _recorded("mqtt_json.json"), received_wall_at=_at(20, 4))
    assert _values(parsed) == [1.5, None, "infinite", "no_time_zone", "not_an_object"]
    assert all("not-kept" not in one.raw for one in parsed)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp874"])
def test_a_thai_csv_is_read_in_utf8_and_in_tis620(encoding: str) -> None:
    """Thai headings with units, Buddhist years, Thai digits, hour 24, and a title above the headings."""
    body = _recorded("csv_thai.csv").decode().encode(encoding)
    parsed = csv_upload.rows_of_file(body, layout=CsvLayout(times=THAI_TIMES))
    assert _values(parsed) == [1.25, 0.5, 1.3, None, None, None, "bad_time", "not_a_number", 0.0]
    rows = rows_in(parsed)
    assert [(row.stream, row.unit) for row in rows[:2]] == [
        ("คลองสมมุติ/ระดับน้ำ", "m_msl"),
        ("คลองสมมุติ/ปริมาณฝน", "mm"),
    ]
    assert [row.at for row in rows[::2]] == [_at(20, 16, 30), _at(20, 17), _at(20, 17, 30), _at(20, 18, 30)]


def test_an_english_csv_with_decimal_commas_is_never_read_a_thousandfold() -> None:
    """A point beside a decimal comma may group thousands: it is refused, as is a row of too few cells."""
    layout = CsvLayout(times=TimeWay(BANGKOK), decimal=",")
    parsed = csv_upload.rows_of_file(_recorded("csv_english.csv"), layout=layout)
    assert _values(parsed) == [142.5, 3.75, "not_a_number", 3.8, "malformed"]
    assert [(row.stream, row.unit) for row in rows_in(parsed)][:2] == [
        ("Test weir/level", "cm"),
        ("Test weir/flow", "m3/s"),
    ]


def test_a_csv_of_one_value_a_row_takes_unit_and_station_from_it() -> None:
    """Where neither row nor heading says a unit, and none is declared, there is no reading."""
    parsed = csv_upload.rows_of_file(_recorded("csv_long.csv"), layout=CsvLayout(times=TimeWay(None)))
    assert _values(parsed) == [1.5, 12.0, "no_unit"]
    assert [(row.stream, row.unit) for row in rows_in(parsed)] == [("TST01", "m"), ("TST02", "mm")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html><table><tr><td>time</td></tr></table></html>", "html"),
        (b"a,b\n1,2\n", "not_a_table"),
        (b"time,remark\n2026-11-20T03:00:00Z,x\n", "not_a_table"),
        (b"time,level (m)\n", "empty"),
        ("time,level (m)\n".encode("utf-16"), "unknown_letters"),
        (b"time,caf\xe9 (m)\n", "unknown_letters"),
        (b"", "not_a_table"),
        (b"time,level (m)\n" + b"x" * 10_000_000, "too_large"),
    ],
)
def test_a_file_that_is_no_table_is_one_fault(body: bytes, reason: str) -> None:
    """Who sends a web page, another encoding or no headings is told which."""
    assert _values(csv_upload.rows_of_file(body, layout=CsvLayout(times=TimeWay(UTC)))) == [reason]


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    """The lines behind an open quote are read, not swallowed."""
    body = b'time,level (m)\n2026-11-20T03:00:00Z,"1.0\n2026-11-20T03:05:00Z,1.1\n2026-11-20T03:10:00Z,1\x00\n'
    assert _values(csv_upload.rows_of_file(body, layout=CsvLayout(times=TimeWay(UTC), station="s"))) == [
        "malformed",
        1.1,
        "not_a_number",
    ]


def test_a_tipping_bucket_that_is_reset_makes_neither_negative_nor_double_rain() -> None:
    """A total that falls was reset: what it shows has fallen since; a gap is bridged; times must go forward."""
    layout = RainLayout(station="roof", times=TimeWay(BANGKOK), counting=Counting.RUNNING, mm_per_tip=0.2)
    parsed = rain_csv.rows_of_log(_recorded("rain_tips.csv"), layout=layout)
    assert _values(parsed) == [None, 0.4, 1.0, 0.6, "out_of_order", None, 0.8, "not_a_number"]
    assert {(row.stream, row.unit) for row in rows_in(parsed)} == {("roof/rain", "mm")}
    follow_up = RainLayout("roof", TimeWay(BANGKOK), Counting.RUNNING, mm_per_tip=0.2, last_total=116)
    assert _values(rain_csv.rows_of_log(_recorded("rain_tips.csv"), layout=follow_up))[0] == 0.4


def test_a_counter_that_rolls_over_near_its_end_loses_no_rain() -> None:
    """Near its end it rolled over, from anywhere else it was reset."""
    body = b"time,tips\n2026-11-20T03:00:00Z,65530\n2026-11-20T03:05:00Z,4\n2026-11-20T03:10:00Z,1\n"
    layout = RainLayout("r", TimeWay(None), Counting.RUNNING, mm_per_tip=0.5, rolls_over_at=65_536)
    assert _values(rain_csv.rows_of_log(body, layout=layout)) == [None, 5.0, 0.5]


def test_rain_in_millimetres_per_interval_is_taken_as_it_is() -> None:
    """Thai heading, Buddhist years; a sentinel is no rain that fell."""
    layout = RainLayout("school", THAI_TIMES, Counting.INTERVAL)
    assert _values(rain_csv.rows_of_log(_recorded("rain_mm.csv"), layout=layout)) == [0.0, 2.5, None]


def test_tips_without_the_rain_of_a_tip_are_refused() -> None:
    """The size of a bucket is never guessed."""
    layout = RainLayout("roof", TimeWay(BANGKOK), Counting.RUNNING)
    assert _values(rain_csv.rows_of_log(_recorded("rain_tips.csv"), layout=layout)) == ["no_unit"]
