"""How sources write times and numbers, and what the bytes of a device hold."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from sensors.feeds.decoders import Measured, binary_layout, decode_em500_swl, layout_decoder
from sensors.feeds.times import DateOrder, time_of, time_of_epoch_ms
from sensors.feeds.values import value_of
from sensors.rules import SENTINELS, Refused

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
BANGKOK = ZoneInfo("Asia/Bangkok")
DAY_FIRST, MONTH_FIRST = DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2026-11-20T10:00:00+07:00", None, NOW),
        ("2026-11-20T03:00:00Z", None, NOW),
        ("2026-11-20 10:00", None, NOW),
        ("2569-11-20 10:00", None, NOW),
        ("20/11/2569 10:00 น.", DAY_FIRST, NOW),
        ("๒๐/๑๑/๒๕๖๙ ๑๐:๐๐", DAY_FIRST, NOW),
        ("11/20/2026 10.00", MONTH_FIRST, NOW),
        ("11/20/2026 10:00:00AM", MONTH_FIRST, NOW),
        ("2026-11-20 12:10:00AM", None, datetime(2026, 11, 19, 17, 10, tzinfo=UTC)),
        ("2026-11-20 12:10 pm", None, datetime(2026, 11, 20, 5, 10, tzinfo=UTC)),
        ("2026-11-19 24:00", None, datetime(2026, 11, 19, 17, tzinfo=UTC)),
        ("20261120240000", None, datetime(2026, 11, 20, 17, tzinfo=UTC)),
        ("20261120100000", None, NOW),
        ("29/02/2567 07:00", DAY_FIRST, datetime(2024, 2, 29, tzinfo=UTC)),
        ("2026-12-31 24:00:00", None, datetime(2026, 12, 31, 17, tzinfo=UTC)),
        ("2026-11-20T03:00:00.987654321Z", None, NOW + timedelta(microseconds=987_654)),
        ("2026-11-20T03:00:00.05Z", None, NOW + timedelta(milliseconds=50)),
    ],
)
def test_times_are_read_as_they_are_written(text: str, order: DateOrder | None, expected: datetime) -> None:
    """Buddhist years, declared order, hour 24, AM and PM, Thai digits; a zone in the text beats the declared one."""
    assert time_of(text, field="t", zone=BANGKOK, order=order) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("0001-01-01T00:00:00Z", "no_time"),
        ("1970-01-01 00:00", "no_time"),
        ("3000-01-01 00:00", "no_time"),
        ("", "no_time"),
        (None, "no_time"),
        ("03/04/2026 10:00", "ambiguous_date"),
        ("20/11/69 10:00", "ambiguous_date"),
        ("2026-11-20", "bad_time"),
        ("2026-11-31 10:00", "bad_time"),
        ("2026-02-29 10:00", "bad_time"),
        ("2026-11-20 24:01", "bad_time"),
        ("2026-11-20 25:00", "bad_time"),
        ("2026-11-20 13:00 PM", "bad_time"),
        ("2026-11-20 10:00+99:00", "bad_time"),
        ("yesterday", "bad_time"),
        (1795143600, "bad_time"),
        (True, "bad_time"),
    ],
)
def test_what_is_no_time_says_so_with_its_field(content: object, reason: str) -> None:
    """Year 0001, a clock that was never set, and dates that can be read in two ways never become a time."""
    refused = time_of(content, field="when", zone=BANGKOK)
    assert isinstance(refused, Refused)
    assert (str(refused.reason), "'when'" in refused.detail) == (reason, True)


def test_a_time_without_a_zone_needs_a_declared_one() -> None:
    """Seven hours are never guessed."""
    refused = time_of("2026-11-20 10:00", field="when")
    assert isinstance(refused, Refused)
    assert refused.reason == "no_time_zone"


@given(st.datetimes(datetime(1900, 2, 1), datetime(2156, 12, 30), timezones=st.just(UTC)))
def test_a_buddhist_year_is_the_same_moment(at: datetime) -> None:
    """Written with the year of either era, it is one time."""
    text = f"{at:%m-%dT%H:%M:%S}Z"
    if at.date() != datetime(1970, 1, 1, tzinfo=UTC).date():
        assert time_of(f"{at.year + 543}-{text}", field="t") == time_of(f"{at.year:04}-{text}", field="t")
        assert time_of(f"{at.year + 543}-{text}", field="t") == at.replace(microsecond=0)


def test_seconds_are_not_taken_for_milliseconds() -> None:
    """A Unix time in seconds would lie in January 1970."""
    assert time_of_epoch_ms(1_795_143_600_000, field="ts") == NOW
    assert isinstance(time_of_epoch_ms(1_795_143_600, field="ts"), Refused)
    assert isinstance(time_of_epoch_ms(math.inf, field="ts"), Refused)


@pytest.mark.parametrize("content", [None, "", "-", "N/A", "ไม่มีข้อมูล", math.nan, "NaN", *sorted(SENTINELS), "-999.00"])
def test_no_value_and_sentinels_are_nan(content: object) -> None:
    """-999, -9999 and -777 never become a level, in text or number."""
    value = value_of(content, field="v")
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize(
    ("content", "decimal", "expected"),
    [
        ("1.5", ".", 1.5),
        ("1,5", ",", 1.5),
        (" -0.35 ", ".", -0.35),
        ("−2", ".", -2.0),
        ("๑.๕", ".", 1.5),
        (0, ".", 0.0),
    ],
)
def test_numbers_are_read_with_the_declared_decimals(content: object, decimal: str, expected: float) -> None:
    """Zero is a value, negative levels are legal, and so is a typographic minus."""
    assert value_of(content, field="v", decimal=decimal) == expected


@pytest.mark.parametrize(
    ("content", "decimal", "reason"),
    [
        ("1,234.5", ".", "not_a_number"),
        ("1.234", ",", "not_a_number"),
        ("inf", ".", "not_a_number"),
        ("0x10", ".", "not_a_number"),
        ("1_000", ".", "not_a_number"),
        (True, ".", "not_a_number"),
        ([1], ".", "not_a_number"),
        ("1e309", ".", "infinite"),
        (math.inf, ".", "infinite"),
        (10**400, ".", "infinite"),
    ],
)
def test_what_is_no_number_is_refused(content: object, decimal: str, reason: str) -> None:
    """Grouped thousands are not guessed, and nothing is infinite."""
    refused = value_of(content, field="v", decimal=decimal)
    assert isinstance(refused, Refused)
    assert (str(refused.reason), "'v'" in refused.detail) == (reason, True)


def test_the_em500_swl_is_decoded_by_its_field_layout() -> None:
    """Battery 92 and level 2 cm; memory with its own time; codes for "no measurement" are no level."""
    decoded = decode_em500_swl(bytes.fromhex("01755C03770200"), 85)
    assert (decoded.battery, decoded.measured) == (92.0, (Measured("water_level", 2.0, "cm"),))
    memory = decode_em500_swl(bytes.fromhex("20CE") + int(NOW.timestamp()).to_bytes(4, "little") + b"\x2c\x01", 85)
    assert memory.measured == (Measured("water_level", 300.0, "cm", NOW),)
    for code in ("FFFF", "FDFF"):
        assert math.isnan(decode_em500_swl(bytes.fromhex("0377" + code), 85).measured[0].value)


@pytest.mark.parametrize(
    ("frame", "port", "kept", "problem"),
    [
        ("01755C0377", 85, 0, "ends within"),
        ("037702000377", 85, 1, "ends within"),
        ("03770200AA", 85, 1, "unknown channel"),
        ("03770200AABB01", 85, 1, "unknown channel"),
        ("03770200", 2, 0, "fPort 85"),
        ("20CE000000002C01", 85, 0, "Unix time"),
        ("FF16112233445566778803770300", 85, 1, ""),
    ],
)
def test_a_frame_is_never_read_beyond_its_end(frame: str, port: int, kept: int, problem: str) -> None:
    """What stands before the fault is kept, and the fault is said."""
    decoded = decode_em500_swl(bytes.fromhex(frame), port)
    assert len(decoded.measured) == kept
    assert problem in (decoded.problem or "")
    assert (decoded.problem is None) == (problem == "")


def test_a_simple_device_is_a_layout_of_data() -> None:
    """Type, byte order, scale, offset and missing codes are declared; a frame that is too short is said to be."""
    fields = [
        {"name": "distance", "at": 0, "type": "u16", "unit": "mm", "missing": [65535]},
        {"name": "temperature", "at": 2, "type": "i16", "order": "little", "unit": "degC", "scale": 0.1, "offset": -1},
        {"name": "battery", "at": 4, "type": "u8", "unit": "%"},
    ]
    decoder = layout_decoder(binary_layout({"port": 2, "fields": fields}))
    decoded = decoder(bytes.fromhex("0758 1D01 57".replace(" ", "")), 2)
    assert decoded.measured == (Measured("distance", 1880.0, "mm"), Measured("temperature", 27.5, "degC"))
    assert (decoded.battery, decoded.problem) == (87.0, None)
    short = decoder(b"\xff\xff", 2)
    assert math.isnan(short.measured[0].value)
    assert "'temperature'" in str(short.problem)
    assert "'battery'" in str(short.problem)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "must be an object"),
        ({"port": 2}, "lacks 'fields'"),
        ({"port": 0, "fields": [1]}, "'port' must be"),
        ({"port": 2, "fields": []}, "at least one"),
        ({"port": 2, "fields": [{"name": "a", "at": 0, "type": "u16"}]}, "Field 1 of the layout lacks 'unit'"),
        ({"port": 2, "fields": [{"name": "a", "at": -1, "type": "u16", "unit": "m"}]}, "'at' must be"),
        ({"port": 2, "fields": [{"name": "a", "at": 0, "type": "u64", "unit": "m"}]}, "'type' must be one of"),
        ({"port": 2, "fields": [{"name": "a", "at": 0, "type": "u8", "unit": "m", "order": "x"}]}, "'order' must be"),
        ({"port": 2, "fields": [{"name": "a", "at": 0, "type": "u8", "unit": "m", "scale": "2"}]}, "'scale' must be"),
        ({"port": 2, "fields": [{"name": "a", "at": 0, "type": "u8", "unit": "m", "x": 1}]}, "unknown key 'x'"),
        ({"port": 2, "fields": [{"name": "a", "at": 0, "type": "u8", "unit": "m"}] * 2}, "same name twice"),
    ],
)
def test_a_layout_is_read_strictly(document: object, sentence: str) -> None:
    """A mistake in a layout is a sentence, not a wrong level."""
    with pytest.raises(InvalidInputError, match=sentence):
        binary_layout(document)
