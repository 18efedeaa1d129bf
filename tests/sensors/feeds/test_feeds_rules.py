"""Frame counters, the mapping to our datastreams, back-off, and how a feed does."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.words import words
from sensors.feeds.backoff import PollRule, next_attempt_at
from sensors.feeds.counters import CounterRule, Verdict, verdict_on
from sensors.feeds.health import FeedState, PullTrouble, Standing, StoreTrouble, lines_of, standing_of
from sensors.feeds.mapping import mappings_of, reading_of
from sensors.feeds.row import FeedFault, FeedRow, Reason
from sensors.feeds.units import canonical, converted
from sensors.rules import IncomingReading

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last", "new", "rule", "verdict"),
    [
        (None, 0, CounterRule(), Verdict.ACCEPTED),
        (None, 900, CounterRule(), Verdict.ACCEPTED),
        (10, 11, CounterRule(), Verdict.ACCEPTED),
        (10, 400, CounterRule(), Verdict.ACCEPTED),
        (10, 10, CounterRule(), Verdict.REPEATED),
        (10, 9, CounterRule(), Verdict.REPLAYED),
        (10, 0, CounterRule(), Verdict.REPLAYED),
        (1000, 0, CounterRule(may_reset=True), Verdict.RESET),
        (1000, 500, CounterRule(may_reset=True), Verdict.REPLAYED),
        (65_535, 0, CounterRule(bits=16), Verdict.ACCEPTED),
        (65_500, 20, CounterRule(bits=16), Verdict.ACCEPTED),
        (20, 65_500, CounterRule(bits=16), Verdict.REPLAYED),
        (65_535, 0, CounterRule(), Verdict.REPLAYED),
        (65_535, 65_536, CounterRule(), Verdict.ACCEPTED),
        (5, 65_536, CounterRule(bits=16), Verdict.IMPOSSIBLE),
        (5, -1, CounterRule(), Verdict.IMPOSSIBLE),
    ],
)
def test_an_old_frame_is_never_taken_for_a_new_one(
    last: int | None, new: int, rule: CounterRule, verdict: Verdict
) -> None:
    """Accepted, repeated, replayed; reset only where declared or after a join; 16 bits roll over."""
    assert verdict_on(last, new, rule=rule) is verdict
    assert verdict.is_new == (verdict in {Verdict.ACCEPTED, Verdict.RESET})


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 1000), max_size=20), st.data())
def test_no_frame_of_a_recording_is_accepted_again(first: int, steps: list[int], data: st.DataObject) -> None:
    """Whatever was accepted once is refused when it is played again, at any later moment."""
    seen = [first % 2**31]
    for step in steps:
        assert verdict_on(seen[-1], seen[-1] + step).is_new
        seen.append(seen[-1] + step)
    assert not verdict_on(seen[-1], data.draw(st.sampled_from(seen))).is_new


def _row(value: float, unit: str = "", stream: str = "s") -> FeedRow:
    return FeedRow(stream=stream, at=NOW, value=value, unit=unit, raw="{}")


def _entry(**changes: object) -> dict[str, object]:
    return {"stream": "s", "datastream": "TST01", "unit": "mm", "to_unit": "m"} | changes


@pytest.mark.parametrize(
    ("entry", "value", "expected"),
    [
        (_entry(), 1170.0, 1.17),
        (_entry(unit="cm"), 11.7, 0.117),
        (_entry(height_mm=4200), 1880.0, 2.32),
        (_entry(height_mm=4200, zero_m_msl=-1.5), 1880.0, 0.82),
        (_entry(unit="cm", height_mm=4200, to_unit="cm"), 188.0, 232.0),
        (_entry(unit="cm", zero_m_msl=0.5), 200.0, 2.5),
        (_entry(unit="mASD", zero_m_msl=12.5), 0.412, 12.912),
        (_entry(unit="ม.รทก."), 2.41, 2.41),
        (_entry(unit="ft"), 10.0, 3.048),
        (_entry(unit="V", to_unit="mV"), 3.6, 3600.0),
        (_entry(to_unit="mm"), 2.5, 2.5),
        (_entry(height_mm=4200), 5000.0, -0.8),
    ],
)
def test_a_row_becomes_a_reading_in_our_unit(entry: dict[str, object], value: float, expected: float) -> None:
    """A level is the mount height minus the distance; a zero of its own is added in metres above mean sea level."""
    reading = reading_of(_row(value), mappings_of([entry]))
    assert isinstance(reading, IncomingReading)
    assert (reading.datastream_code, reading.value, reading.unit) == ("TST01", expected, entry["to_unit"])
    assert reading.observed_at == NOW


def test_no_value_stays_no_value_whatever_the_mounting() -> None:
    """A missing distance is not a level at the height of the sensor."""
    reading = reading_of(_row(math.nan), mappings_of([_entry(height_mm=4200)]))
    assert isinstance(reading, IncomingReading)
    assert math.isnan(reading.value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (_row(1.0, stream="other"), "unknown_stream"),
        (_row(1.0, unit="cm"), "wrong_unit"),
        (_row(1.0, unit="m_msl"), "wrong_unit"),
    ],
)
def test_an_unknown_series_or_another_unit_is_never_guessed(row: FeedRow, reason: str) -> None:
    """What a source began to send otherwise is a fault that names it."""
    fault = reading_of(row, mappings_of([_entry()]))
    assert isinstance(fault, FeedFault)
    assert fault.reason == reason


def test_a_value_too_large_for_our_unit_is_a_fault() -> None:
    """No conversion makes an infinite level."""
    fault = reading_of(_row(1e308), mappings_of([_entry(unit="m", to_unit="mm")]))
    assert isinstance(fault, FeedFault)
    assert fault.reason == "infinite"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({}, "must be a list"),
        ([], "at least one"),
        ([1], "Entry 1 of the mapping must be an object"),
        ([_entry(factor=2)], "unknown key 'factor'"),
        ([{"stream": "s"}], "lacks 'datastream'"),
        ([_entry(stream=" ")], "'stream' must be a name"),
        ([_entry(stream=7)], "'stream' must be a name"),
        ([_entry(unit="furlong")], "'unit' must be one of"),
        ([_entry(unit=None)], "'unit' must be one of"),
        ([_entry(to_unit="degC")], "'mm' cannot become 'degC'"),
        ([_entry(to_unit="m_msl")], "must be a plain unit"),
        ([_entry(height_mm="4200")], "'height_mm' must be a number"),
        ([_entry(height_mm=True)], "'height_mm' must be a number"),
        ([_entry(height_mm=-1)], "from 0 to 50000"),
        ([_entry(height_mm=math.nan)], "'height_mm' must be a number"),
        ([_entry(zero_m_msl=1e9)], "'zero_m_msl' must be a number"),
        ([_entry(unit="V", to_unit="V", height_mm=1)], "are for lengths"),
        ([_entry(unit="m_msl", height_mm=4200)], "a level already"),
        ([_entry(unit="m_msl", zero_m_msl=1)], "counts from mean sea level"),
        ([_entry(unit="mASD")], "counts from another zero"),
        ([_entry(unit="mAOD")], "counts from another zero"),
        ([_entry(), _entry()], "Entry 2 of the mapping repeats the stream 's'"),
        ([_entry(), _entry(stream="t")], "both claim the datastream 'TST01'"),
    ],
)
def test_a_mapping_is_read_strictly(document: object, sentence: str) -> None:
    """Mixed zeros, kinds and names are refused with the entry and the cause."""
    with pytest.raises(InvalidInputError, match=sentence):
        mappings_of(document)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("ซม.", "cm"),
        ("ม.รทก.", "m_msl"),
        ("M", "m"),
        ("ลบ.ม./วินาที", "m3/s"),
        ("m3_s", "m3/s"),
        ("ครั้ง", "tips"),
        ("x", None),
    ],
)
def test_units_are_known_in_thai_and_english(text: str, unit: str | None) -> None:
    """A unit that we do not know is none, not a guess."""
    assert canonical(text) == unit


def test_units_of_two_kinds_are_never_converted() -> None:
    """Millimetres of rain are no volts."""
    with pytest.raises(ValueError, match="mm measures length"):
        converted(1.0, unit="mm", to_unit="V")


RULE = PollRule(interval_s=600, first_retry_s=30, cap_s=1800)


def _wait_s(failures: int, *, seed: str = "feed", retry_after: str | None = None) -> float:
    at = next_attempt_at(failures=failures, now=NOW, rule=RULE, seed=seed, retry_after=retry_after)
    return (at - NOW).total_seconds()


@given(st.integers(1, 100_000), st.text())
def test_the_wait_grows_to_the_cap_and_never_below_half_of_it(failures: int, seed: str) -> None:
    """Each failure doubles the wait, jitter takes at most half of it, and the same seed waits the same."""
    whole_s = min(1800.0, 30.0 * 2.0 ** min(failures - 1, 30))
    assert whole_s / 2 <= _wait_s(failures, seed=seed) <= whole_s
    assert _wait_s(failures, seed=seed) == _wait_s(failures, seed=seed)


def test_feeds_that_fail_together_do_not_return_together() -> None:
    """The jitter differs from feed to feed."""
    assert len({_wait_s(6, seed=f"feed-{number}") for number in range(50)}) > 45
    assert _wait_s(0) == 600


@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [
        ("7200", 7200),
        ("1", 600),
        ("99999999999999999999", 86_400),
        ("Fri, 20 Nov 2026 05:00:00 GMT", 7200),
        ("Fri, 20 Nov 2020 05:00:00 GMT", 600),
        ("soon", 600),
        ("-5", 600),
        ("²", 600),
        ("", 600),
    ],
)
def test_a_source_that_asks_us_to_wait_is_obeyed(retry_after: str, wait_s: float) -> None:
    """Retry-After in seconds or as a date is waited for, at most a day; what is neither changes nothing."""
    assert _wait_s(0, retry_after=retry_after) == wait_s
    assert _wait_s(3, retry_after=retry_after) >= min(wait_s, 60)


@pytest.mark.parametrize(
    ("silent", "standing"),
    [(None, Standing.NEVER), (600, Standing.GOOD), (900, Standing.GOOD), (901, Standing.LATE), (1801, Standing.LOST)],
)
def test_late_and_lost_are_different(silent: int | None, standing: Standing) -> None:
    """Beyond 1.5 intervals a feed is late, beyond three lost; one that never spoke is neither."""
    last = None if silent is None else NOW - timedelta(seconds=silent)
    assert standing_of(FeedState(interval_s=600, last_success_at=last), now=NOW) is standing


@pytest.mark.parametrize("language", ["th", "en"])
def test_how_a_feed_does_has_words_for_every_span_and_every_reason(language: str) -> None:
    """Each standing, span, reason and trouble has a sentence with its number in Thai and in English."""
    for seconds in (5, 60, 119, 7_199, 7_200, 172_799, 172_800, 10**8):
        then, later = NOW - timedelta(seconds=seconds), NOW + timedelta(seconds=seconds)
        for newest in (then, later):
            for trouble in (*Reason, *PullTrouble, *StoreTrouble, "unheard_of", None):
                state = FeedState(600, then, newest, failures=1, trouble=trouble, next_attempt_at=later)
                lines = lines_of(state, now=NOW) + lines_of(state, now=NOW + 2 * (later - NOW))
                assert all(words("sensors", line.key, language=language, **line.slots) for line in lines)
    assert len(lines_of(FeedState(600), now=NOW)) == 1


def test_how_a_feed_does_reads_as_sentences() -> None:
    """Last success, lag, failures, error and next attempt, in this order."""
    state = FeedState(
        interval_s=600,
        last_success_at=NOW - timedelta(minutes=95),
        newest_at=NOW - timedelta(hours=50),
        failures=3,
        trouble=Reason.HTML,
        next_attempt_at=NOW + timedelta(minutes=4),
    )
    assert [words("sensors", line.key, language="en", **line.slots) for line in lines_of(state, now=NOW)] == [
        "Lost: no answer for three intervals",
        "Last success: 95 minutes ago",
        "Its newest reading is 2 days old",
        "3 failures in a row",
        "The source answered with a web page instead of data",
        "Is asked again in about 4 minutes",
    ]


@pytest.mark.parametrize(
    ("due_s", "now_s", "said"),
    [
        (20, 0, "Is asked again in less than a minute"),
        (29, 0, "Is asked again in less than a minute"),
        (31, 0, "Is asked again in about 1 minute"),
        (95, 0, "Is asked again in about 2 minutes"),
        (3600, 0, "Is asked again in about 60 minutes"),
        (20, 20, "Is asked in the worker's next round, every 30 seconds"),
        (20, 89, "Is asked in the worker's next round, every 30 seconds"),
        (20, 91, "Should have been asked 1 minute ago: the worker is not running, or behind"),
        (20, 30 + 3 * 3600, "Should have been asked 3 hours ago: the worker is not running, or behind"),
    ],
)
def test_when_a_feed_is_asked_again_is_when_the_worker_comes_round(due_s: int, now_s: int, said: str) -> None:
    """Nobody is asked at once: the first round after it is due asks, and one that does not come is told."""
    state = FeedState(600, failures=1, next_attempt_at=NOW + timedelta(seconds=due_s))
    line = lines_of(state, now=NOW + timedelta(seconds=now_s))[-1]
    assert words("sensors", line.key, language="en", **line.slots) == said
