"""Readings on their way into the database: once, row by row, with states and news that follow."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import db
from core.errors import InvalidInputError
from core.events import EventRecord
from gis.points import LonLat
from sensors import queries
from sensors.actions import IncomingReading, NewStation, register_station, store_device_rows, store_readings
from sensors.history import history
from sensors.models import LatestReading, LevelStateChange, LevelStateRow, Reading, ReadingRefused
from sensors.partitions import ensure_partitions
from sensors.payloads import rows_of_message
from sensors.quality.stream import Tests
from sensors.rules import Refused

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
KEY = "a-long-random-key"


def _station(session: Session, code: str = "KTY01", **changes: object) -> int:
    facts: dict[str, object] = {
        "code": code,
        "name_th": "คลองท่าใหญ่",
        "name_en": "Khlong Tha Yai",
        "kind": "gauge",
        "place": LonLat(lon=99.96, lat=8.43),
        "bank_m_msl": 2.5,
        "bed_m_msl": -1.5,
        "watch_m_msl": 1.0,
        "warning_m_msl": 1.5,
        "danger_m_msl": 2.0,
        "interval_s": 300,
        "device_key": KEY,
        "trust": "simulated",
        "layer": "gauges",
    }
    return register_station(session, NewStation(**(facts | changes)))  # type: ignore[arg-type]  # the facts are those of NewStation


def _reading(value: float, minutes: float = 0, *, code: str = "KTY01", unit: str = "m") -> IncomingReading:
    return IncomingReading(code, NOW + timedelta(minutes=minutes), value, unit)


def _statuses(session: Session, readings: Sequence[IncomingReading]) -> list[tuple[str, str | None]]:
    return [(a.status, a.reason) for a in store_readings(session, readings, source="test")]


def _count(session: Session, table: type) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_every_row_has_its_own_answer(session: Session) -> None:
    """One bad row refuses itself and nobody else; what is refused is kept as it came."""
    _station(session)
    rows = [
        _reading(0.5, -10),
        _reading(math.nan, -9),
        _reading(-999, -8),
        _reading(20.47, -7),
        _reading(50.0, -6, unit="cm"),
        _reading(0.5, -5, code="NOBODY"),
        _reading(0.5, 20),
        _reading(0.5, 7),
        _reading(math.inf, -4),
    ]
    assert _statuses(session, rows) == [
        ("stored", None),
        ("flagged", "no_value"),
        ("flagged", "sentinel"),
        ("flagged", "other_datum"),
        ("refused", "wrong_unit"),
        ("refused", "unknown_datastream"),
        ("refused", "future_time"),
        ("flagged", "clock_ahead"),
        ("flagged", "infinite"),
    ]
    session.flush()
    assert _count(session, Reading) == 6
    assert _count(session, ReadingRefused) == 3
    good = session.scalars(sa.select(Reading.value).where(Reading.qc_flag == 1)).all()
    assert good == [0.5]


def test_a_repeated_batch_changes_nothing(session: Session) -> None:
    """The same batch twice, also within itself, is stored once and announced once."""
    _station(session)
    batch = [_reading(1.2, -10), _reading(1.2, -5), _reading(1.2, -5)]
    first = _statuses(session, batch)
    second = _statuses(session, batch)
    assert first == [("stored", None), ("stored", None), ("repeated", None)]
    assert second == [("repeated", None)] * 3
    assert _count(session, Reading) == 2
    names = session.scalars(sa.select(EventRecord.name).order_by(EventRecord.id)).all()
    assert names == ["sensors.level_state_changed", "sensors.readings_stored"]


def test_another_value_for_the_same_time_is_kept_aside(session: Session) -> None:
    """A stored reading never changes; the contradiction is kept with its reason."""
    _station(session)
    assert _statuses(session, [_reading(1.2, -5)]) == [("stored", None)]
    assert _statuses(session, [_reading(1.3, -5)]) == [("refused", "conflicting_value")]
    assert session.scalars(sa.select(Reading.value)).all() == [1.2]
    assert session.scalars(sa.select(ReadingRefused.raw)).one()["value"] == "1.3"


def test_a_time_without_a_value_is_told_apart_from_another_value(session: Session) -> None:
    """Nothing said of a stored value is not another value, nor is a value said of a time that was stored without."""
    _station(session)
    nothing, infinite = _reading(math.nan, -5), _reading(math.inf, -4)
    assert _statuses(session, [nothing, nothing, infinite, infinite]) == [
        ("flagged", "no_value"), ("repeated", None), ("flagged", "infinite"), ("repeated", None),
    ]
    assert _statuses(session, [nothing, _reading(1.2, -5), _reading(1.2, -3)]) == [
        ("repeated", None), ("refused", "value_after_missing"), ("stored", None),
    ]
    assert _statuses(session, [_reading(math.nan, -3), _reading(math.inf, -3), _reading(1.3, -3)]) == [
        ("refused", "missing_after_value"), ("refused", "missing_after_value"), ("refused", "conflicting_value"),
    ]
    assert _statuses(session, [_reading(1.1, -2), _reading(math.nan, -2)]) == [
        ("stored", None), ("refused", "missing_after_value"),
    ]
    assert session.scalars(sa.select(Reading.value).order_by(Reading.observed_at)).all() == [None, None, 1.2, 1.1]


def test_late_rows_never_move_the_latest_back(session: Session) -> None:
    """A late batch is history: neither the newest reading nor the state follows it."""
    station_id = _station(session)
    store_readings(session, [_reading(0.4, -5)], source="test")
    store_readings(session, [_reading(1.3, -20), _reading(1.3, -15)], source="test")
    gauge = queries.gauge(session, station_id, NOW)
    assert gauge is not None
    assert (gauge.level_m_msl, gauge.observed_at, gauge.state) == (0.4, NOW - timedelta(minutes=5), 0)


def test_doubtful_readings_never_become_the_level(session: Session) -> None:
    """The level on the map is the newest good one; the flag beside it tells of the newest of all."""
    station_id = _station(session)
    store_readings(session, [_reading(0.4, -5), _reading(30.0, -1)], source="test")
    gauge = queries.gauge(session, station_id, NOW)
    assert gauge is not None
    assert (gauge.level_m_msl, gauge.qc_flag, gauge.qc_reason) == (0.4, 4, "other_datum")


def test_a_clock_that_runs_ahead_does_not_move_the_latest_into_the_future(session: Session) -> None:
    """A reading 10 min ahead of the clock is kept, but is not the newest."""
    station_id = _station(session)
    store_readings(session, [_reading(0.4, -5), _reading(0.5, 10)], source="test")
    assert session.get_one(LatestReading, queries.streams_by_code(session, ["KTY01"])["KTY01"].id).observed_at < NOW
    assert queries.gauge(session, station_id, NOW).level_m_msl == 0.4  # type: ignore[union-attr]  # registered above


def test_a_reading_ahead_of_the_clock_is_known_when_its_time_has_come(session: Session) -> None:
    """What is newer than the latest may still have been stored before: the intake remembers the newest of all."""
    _station(session)
    store_readings(session, [_reading(1.2, 10)], source="test")
    answers = store_readings(session, [_reading(1.1, 5), _reading(1.2, 10), _reading(1.3, 12)], source="test")
    assert [answer.status for answer in answers] == ["stored", "repeated", "flagged"]


def test_a_stored_reading_is_a_spike_once_the_next_has_come(session: Session) -> None:
    """Its flag says so from then on, by which test and parameters; its value stays, and it is no longer the level."""
    station_id = _station(session)
    for value, minutes in ((0.5, -15), (0.52, -10), (0.9, -5)):
        store_readings(session, [_reading(value, minutes)], source="test")
    before = queries.gauge(session, station_id, NOW)
    assert before is not None
    assert before.level_m_msl == 0.9
    store_readings(session, [_reading(math.nan, -4)], source="test")
    store_readings(session, [_reading(0.5, 0)], source="test")
    session.expire_all()
    spike = session.scalars(sa.select(Reading).where(Reading.value == 0.9)).one()
    assert (spike.qc_flag, spike.qc_reason, Tests(spike.qc_tests)) == (3, "spike", Tests.SPIKE)
    after = queries.gauge(session, station_id, NOW)
    assert after is not None
    assert (after.level_m_msl, after.observed_at) == (0.5, NOW)


def test_a_late_batch_changes_the_flags_that_it_touches(session: Session) -> None:
    """A reading that came late bears out the one that stood alone; the others' rows are not written again."""
    _station(session)
    store_readings(session, [_reading(0.5, minutes) for minutes in range(-60, -10, 5)], source="test")
    store_readings(session, [_reading(value, at) for value, at in ((0.9, -8), (0.5, -3), (0.52, 0))], source="test")
    session.expire_all()
    assert [row.qc_reason for row in _by_time(session)][-3:] == ["spike", None, None]
    versions = dict(session.execute(sa.text("SELECT observed_at, xmin::text FROM reading")).all())
    session.execute(sa.text("SAVEPOINT before_the_late_one"))
    store_readings(session, [_reading(0.75, -6)], source="test")
    session.expire_all()
    assert [row.qc_reason for row in _by_time(session)][-4:] == [None] * 4
    written = {
        at for at, version in session.execute(sa.text("SELECT observed_at, xmin::text FROM reading"))
        if versions.get(at) != version
    }
    assert written == {NOW - timedelta(minutes=8), NOW - timedelta(minutes=6)}


def _by_time(session: Session) -> list[Reading]:
    return list(session.scalars(sa.select(Reading).order_by(Reading.observed_at)))


def test_two_good_readings_raise_the_state_and_say_so(session: Session) -> None:
    """The change is stored, kept as history, and published with the arrival of the reading that caused it."""
    station_id = _station(session)
    arrived = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    second = IncomingReading("KTY01", NOW, 2.2, "m", received_wall_at=arrived)
    store_readings(session, [_reading(2.1, -5), second], source="test")
    change = session.scalars(sa.select(LevelStateChange)).one()
    assert (change.from_state, change.to_state, change.level_m_msl) == (0, 3, 2.2)
    event = session.scalars(sa.select(EventRecord).where(EventRecord.name == "sensors.level_state_changed")).one()
    assert event.payload["station_id"] == station_id
    assert datetime.fromisoformat(event.payload["received_wall_at"]) == arrived


def test_a_state_half_way_up_survives(session: Session) -> None:
    """The first of two readings is remembered in the database, not in a process."""
    _station(session)
    store_readings(session, [_reading(1.2, -5)], source="one process")
    session.flush()
    session.expire_all()
    assert session.scalars(sa.select(LevelStateRow)).one().state == 0
    store_readings(session, [_reading(1.2)], source="another process")
    session.expire_all()
    assert session.scalars(sa.select(LevelStateRow)).one().state == 1


def test_an_unsure_camera_moves_nothing(session: Session) -> None:
    """Low confidence is suspect: no state, no level; but that danger may be there is told, and that it is doubted."""
    _station(session)
    unsure = [IncomingReading("KTY01", NOW + timedelta(minutes=m), 2.4, "m", confidence=0.3) for m in (-5, -4, -3)]
    store_readings(session, unsure, source="camera")
    session.flush()
    changes = session.scalars(sa.select(LevelStateChange).order_by(LevelStateChange.id)).all()
    assert [change.kind for change in changes] == ["unconfirmed", "untrusted"]
    assert session.scalars(sa.select(LevelStateRow.state)).one() == 0
    assert queries.current_levels(session, NOW) == []


def test_trend_and_staleness_are_those_of_now(session: Session) -> None:
    """The trend is the slope of the last hour's good readings; three silent intervals make a gauge stale."""
    _station(session)
    store_readings(session, [_reading(0.5 + 0.01 * step, -60 + 5 * step) for step in range(13)], source="test")
    level = queries.current_levels(session, NOW)[0]
    assert level.trend_m_per_h == pytest.approx(0.12)
    assert (level.level_m_msl, level.is_stale) == (pytest.approx(0.62), False)
    assert queries.current_levels(session, NOW + timedelta(minutes=16))[0].is_stale


def test_history_is_in_order_and_an_unknown_station_has_none(session: Session) -> None:
    """A gauge's history runs from old to new, across midnight too."""
    station_id = _station(session)
    store_readings(session, [_reading(0.5, -5), _reading(0.4, -600)], source="test")
    found = history(session, station_id, since=NOW - timedelta(hours=12), now=NOW)
    assert found is not None
    assert [point.value for point in found.points] == [0.4, 0.5]
    assert history(session, 0, since=NOW, now=NOW) is None


def test_only_the_stations_own_key_is_believed(session: Session) -> None:
    """A row with another key, or none, is refused and kept without the key."""
    _station(session)
    body = [
        {"observed_at": "2026-11-21T02:55:00Z", "value": 0.5, "unit": "m", "key": KEY},
        {"observed_at": "2026-11-21T02:56:00Z", "value": 0.5, "unit": "m", "key": "stolen"},
        {"observed_at": "2026-11-21T02:57:00Z", "value": 0.5, "unit": "m"},
    ]
    rows = rows_of_message("KTY01", json.dumps(body).encode(), received_wall_at=NOW)
    answers = store_device_rows(session, rows, source="mqtt")
    assert [(a.status, a.reason) for a in answers] == [
        ("stored", None),
        ("refused", "wrong_key"),
        ("refused", "wrong_key"),
    ]
    session.flush()
    kept = session.scalars(sa.select(ReadingRefused.raw)).all()
    assert "stolen" not in json.dumps(kept)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xff\xfe", "not_json"),
        (b'{"value": 1', "not_json"),
        (b"[" * 5000, "not_json"),
        (b"7", "not_an_object"),
        (b'{"observed_at": "2026-11-21T03:00:00Z", "value": "1.2", "unit": "m"}', "malformed"),
        (b'{"observed_at": "2026-11-21T03:00:00Z", "value": true, "unit": "m"}', "malformed"),
        (b'{"observed_at": "2026-11-21T03:00:00Z", "unit": "m"}', "malformed"),
        (b'{"observed_at": "2026-11-21T03:00:00", "value": 1, "unit": "m"}', "no_time_zone"),
        (b'{"observed_at": "0001-01-01T00:00:00+07:00", "value": 1, "unit": "m"}', "malformed"),
        (b'{"observed_at": 1763694000, "value": 1, "unit": "m"}', "malformed"),
        (b'{"observed_at": "2026-11-21T03:00:00Z", "value": 1}', "malformed"),
        (b'{"a": "\\u0000"}', "malformed"),
        (b" " * 70000, "too_large"),
    ],
)
def test_malformed_messages_are_refused_and_kept(session: Session, payload: bytes, reason: str) -> None:
    """Whatever a device sends, it is answered and kept, and nothing breaks."""
    _station(session)
    answers = store_device_rows(session, rows_of_message("KTY01", payload, received_wall_at=NOW), source="mqtt")
    session.flush()
    assert [(a.status, a.reason) for a in answers] == [("refused", reason)]
    assert session.scalars(sa.select(ReadingRefused.reason)).all() == [reason]


def test_a_message_at_the_edge_of_nesting_is_refused() -> None:
    """What is nested so deep that it can be read but not written again is a refused row, no fault of the gateway."""
    for depth in range(900, 1100):
        payload = b"[" * depth + b"]" * depth
        rows = rows_of_message("KTY01", payload, received_wall_at=NOW)
        assert [type(row.reading) for row in rows] == [Refused], depth


def test_numbers_at_the_edge_of_json_are_flagged(session: Session) -> None:
    """null, NaN, Infinity and absurdly large numbers are readings without a value."""
    _station(session)
    template = '{{"observed_at": "2026-11-21T02:5{}:00Z", "value": {}, "unit": "m", "key": "{}"}}'
    values = ["null", "NaN", "Infinity", "1" + "0" * 400, "-9999", "-9999.0"]
    payload = "[" + ",".join(template.format(i, value, KEY) for i, value in enumerate(values)) + "]"
    answers = store_device_rows(
        session, rows_of_message("KTY01", payload.encode(), received_wall_at=NOW), source="mqtt"
    )
    assert [(a.status, a.reason) for a in answers] == [
        ("flagged", "no_value"),
        ("flagged", "no_value"),
        ("flagged", "infinite"),
        ("flagged", "infinite"),
        ("flagged", "sentinel"),
        ("flagged", "sentinel"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"watch_m_msl": 1.6},
        {"warning_m_msl": 2.0},
        {"bed_m_msl": 3.0},
        {"bank_m_msl": 20.47},
    ],
)
def test_a_station_whose_levels_contradict_is_refused(session: Session, changes: dict[str, float]) -> None:
    """Thresholds that do not rise, or share no datum with the bank, never enter the city."""
    with pytest.raises(InvalidInputError, match="KTY01"):
        _station(session, **changes)


def test_importing_a_station_again_updates_it_and_keeps_its_state(session: Session) -> None:
    """A second import changes names and thresholds, not ids, readings or states."""
    first = _station(session)
    store_readings(session, [_reading(1.2, -5), _reading(1.2)], source="test")
    assert _station(session, name_en="Renamed", watch_m_msl=0.9) == first
    gauge = queries.gauge(session, first, NOW)
    assert gauge is not None
    assert (gauge.name_en, gauge.watch_m_msl, gauge.state) == ("Renamed", 0.9, 1)


def test_processes_that_race_for_a_new_day_all_store(database: sa.Engine, frozen_clock: Callable[..., None]) -> None:
    """Eight writers that all need the same missing days neither fail nor wait for ever, and lose nothing."""
    with db.transaction() as session:
        for number in range(8):
            _station(session, f"G{number}")
    faults: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with db.transaction() as session:
                days = (0, -1, -2) if number % 2 else (-2, -1, 0)
                rows = [_reading(0.5, day * 1440 - 5, code=f"G{number}") for day in days]
                answers = store_readings(session, rows, source="race")
                if [a.status for a in answers] != ["stored"] * 3:
                    raise RuntimeError(answers)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with db.transaction() as session:
        assert _count(session, Reading) == 24
        assert ensure_partitions(session, [NOW.date()]) == []


def test_two_writers_of_the_same_rows_store_them_once(database: sa.Engine, frozen_clock: Callable[..., None]) -> None:
    """The same 200 rows from two processes at once: each is stored once, no deadlock, one raise."""
    with db.transaction() as session:
        _station(session)
        ensure_partitions(session, [NOW.date(), (NOW - timedelta(days=1)).date()])
    rows = [_reading(1.2, -200 + step) for step in range(200)]
    stored: list[int] = []

    def write(order: Sequence[IncomingReading]) -> None:
        with db.transaction() as session:
            answers = store_readings(session, order, source="race")
            stored.append(sum(a.status == "stored" for a in answers))

    threads = [threading.Thread(target=write, args=(order,)) for order in (rows, rows[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(stored) == 200
    with db.transaction() as session:
        assert _count(session, Reading) == 200
        assert len(session.scalars(sa.select(LevelStateChange)).all()) == 1
