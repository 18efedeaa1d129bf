"""Refused rows: kept whole, tried again by an operator alone, told in words, and gone after their time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.errors import InvalidInputError
from core.words import LANGUAGES
from gis.points import LonLat
from sensors import quarantine, tasks
from sensors.actions import (
    IncomingReading,
    NewStation,
    Operator,
    keep_unstorable,
    key_hash,
    register_station,
    replay_refused,
    replay_vouched,
    store_device_rows,
    store_readings,
)
from sensors.feeds.health import StoreTrouble
from sensors.feeds.row import Reason
from sensors.models import Datastream, Reading, ReadingRefused
from sensors.payloads import MAX_KEPT_CHARS, rows_of_message
from sensors.quarantine import Choice
from sensors.retrying import units_of
from staff.models import AuditEntry

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
KEY = "key-of-G1-long-and-random"
BY = Operator("tester")
ALL = Choice()


def _station(session: Session, code: str = "G1", **changes: Any) -> int:
    facts: dict[str, Any] = {
        "code": code, "name_th": "คลอง", "name_en": "Canal", "kind": "gauge", "place": LonLat(lon=100.0, lat=8.0),
        "bank_m_msl": 2.5, "bed_m_msl": -1.5, "watch_m_msl": 1.0, "warning_m_msl": 1.5, "danger_m_msl": 2.0,
        "interval_s": 300, "device_key": KEY, "trust": "simulated", "layer": "gauge",
    }
    return register_station(session, NewStation(**(facts | changes)))


def _body(minutes: float = -5, **changes: Any) -> dict[str, Any]:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return {"observed_at": at, "value": 1.2, "unit": "m", "key": KEY} | changes


def _send(session: Session, content: Any, *, code: str = "G1", wall_at: datetime = NOW) -> list[str | None]:
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    answers = store_device_rows(session, rows_of_message(code, payload, received_wall_at=wall_at), source="mqtt")
    session.flush()
    return [answer.reason for answer in answers]


def _refused(session: Session) -> list[ReadingRefused]:
    session.flush()
    return list(session.scalars(sa.select(ReadingRefused).order_by(ReadingRefused.id)))


def _readings(session: Session) -> list[Reading]:
    return list(session.scalars(sa.select(Reading).order_by(Reading.observed_at)))


def test_a_row_of_a_station_that_was_not_registered_yet_is_taken_later(
    session: Session, frozen_clock: Callable[[datetime], None]
) -> None:
    """Registered with the key the row came with, its station gets the row as if it were taken when it came."""
    wall_at = NOW - timedelta(seconds=7)
    assert _send(session, _body(), wall_at=wall_at) == ["unknown_datastream"]
    frozen_clock(NOW + timedelta(days=40))
    _station(session)
    tried = replay_refused(session, ALL, units={}, by=BY)
    assert (tried.rows, tried.taken, tried.still_refused) == (1, 1, {})
    (reading,) = _readings(session)
    assert (reading.value, reading.qc_flag, reading.source) == (1.2, 1, "mqtt")
    assert (reading.received_at, reading.received_wall_at) == (NOW, wall_at)
    (row,) = _refused(session)
    assert (row.reason, row.replayed_at, row.replayed_by) == ("unknown_datastream", clock.now(), "tester")


def test_trying_twice_changes_nothing(session: Session) -> None:
    """What was taken is not tried again; what is still refused stays as it is, with its reason."""
    _send(session, [_body(-6), _body(-5, unit="cm")])
    _station(session)
    first = replay_refused(session, ALL, units={}, by=BY)
    assert (first.rows, first.taken, first.still_refused) == (2, 1, {"wrong_unit": 1})
    before = [vars(row).copy() for row in _refused(session)]
    second = replay_refused(session, ALL, units={}, by=BY)
    assert (second.rows, second.taken, second.still_refused) == (1, 0, {"wrong_unit": 1})
    session.expire_all()
    after = _refused(session)
    assert [(row.id, row.reason, row.replayed_at) for row in after] == [
        (row["id"], row["reason"], row["replayed_at"]) for row in before
    ]
    assert [row.reason for row in after] == ["unknown_datastream"] * 2
    assert len(_readings(session)) == 1


def test_a_row_that_is_stored_already_counts_as_taken(session: Session) -> None:
    """The device sent it again meanwhile: the reading is there once, and nothing waits."""
    _send(session, _body())
    _station(session)
    assert _send(session, _body()) == [None]
    assert replay_refused(session, ALL, units={}, by=BY).taken == 1
    assert len(_readings(session)) == 1


def test_no_key_no_reading_however_often_it_is_tried(session: Session) -> None:
    """A stranger's row is not taken because an operator tries all that waits; it takes a word for these very rows."""
    _station(session)
    _send(session, [_body(-4, key="stolen"), _body(-3, key=None)])
    _send(session, _body(-2, key="stolen"), code="G2")
    _station(session, "G2", device_key="another key")
    tried = replay_refused(session, ALL, units={}, by=BY)
    assert (tried.taken, tried.still_refused) == (0, {"wrong_key": 3})
    with pytest.raises(InvalidInputError, match="for which rows"):
        replay_vouched(session, ALL, units={}, by=BY)
    assert replay_vouched(session, Choice(reason="wrong_key"), units={}, by=BY).taken == 2
    assert [row.replayed_by for row in _refused(session)] == ["tester", "tester", None]


def test_nothing_a_device_sends_says_how_it_is_tried(session: Session) -> None:
    """Fields named like ours are text of the device and no more."""
    _station(session)
    claims = {"received_at": "2026-01-01T00:00:00Z", "is_vouched": True, "key_hash": key_hash(KEY).hex()}
    assert _send(session, _body(key="stolen", source="camera", **claims)) == ["wrong_key"]
    assert replay_refused(session, ALL, units={}, by=BY).still_refused == {"wrong_key": 1}


def test_a_key_is_kept_nowhere(session: Session) -> None:
    """Neither a refused row, nor a broken message, nor one that the database could not take shows its key."""
    _station(session)
    _send(session, _body(unit="cm"))
    _send(session, json.dumps(_body()).encode()[:-1])
    _send(session, b'{"key"  :\n"' + KEY.encode())
    keep_unstorable(
        session, json.dumps([_body()]).encode(), topic_code="G1", received_wall_at=NOW, source="mqtt"
    )
    rows = _refused(session)
    assert len(rows) == 4
    assert KEY not in json.dumps([row.raw for row in rows])


def test_a_unit_is_converted_on_an_operators_word_alone(session: Session) -> None:
    """Centimetres stay refused until somebody says that they are centimetres, or that they were metres all along."""
    _station(session)
    _send(session, [_body(-5, value=120, unit="cm"), _body(-4, value=1.3, unit="ม.")])
    assert replay_refused(session, ALL, units={}, by=BY).still_refused == {"wrong_unit": 2}
    assert replay_refused(session, ALL, units=units_of(["cm=cm", "ม.=m"]), by=BY).taken == 2
    assert [reading.value for reading in _readings(session)] == [1.2, 1.3]
    _send(session, _body(-3, value=1.4, unit="cm"))
    assert replay_refused(session, ALL, units=units_of(["cm=m"]), by=BY).taken == 1
    _send(session, _body(-2, value=3, unit="V"))
    assert replay_refused(session, ALL, units=units_of(["V=V"]), by=BY).still_refused == {"wrong_unit": 1}


@pytest.mark.parametrize("said", ["cm", "=m", "cm=furlong", "cm=mASD", "", "a\0=m"])
def test_a_unit_that_is_none_is_refused_with_a_sentence(said: str) -> None:
    """An operator's slip converts nothing."""
    with pytest.raises(InvalidInputError, match=r"\.$"):
        units_of([said])
    with pytest.raises(InvalidInputError, match="two units"):
        units_of(["cm=m", "cm=cm"])


def test_a_corrected_station_takes_what_it_refused(session: Session) -> None:
    """A datastream whose unit was wrong and is put right takes the rows that were right all along."""
    _station(session)
    session.execute(sa.update(Datastream).values(unit="cm"))
    assert _send(session, _body()) == ["wrong_unit"]
    session.execute(sa.update(Datastream).values(unit="m"))
    assert replay_refused(session, ALL, units={}, by=BY).taken == 1


def test_a_time_is_judged_as_when_the_row_came(
    session: Session, frozen_clock: Callable[[datetime], None]
) -> None:
    """A clock that was ahead was wrong, also seen from later; a row that was in time then is not too old now."""
    _station(session)
    assert _send(session, [_body(60), _body(-60 * 24 * 31)]) == ["future_time", "too_old"]
    assert _send(session, _body(-60 * 24 * 29, unit="cm")) == ["wrong_unit"]
    frozen_clock(NOW + timedelta(days=5))
    tried = replay_refused(session, ALL, units={"cm": "m"}, by=BY)
    assert (tried.taken, tried.still_refused) == (1, {"future_time": 1, "too_old": 1})


def test_a_clock_that_was_set_back_lets_nothing_ahead_in(
    session: Session, frozen_clock: Callable[[datetime], None]
) -> None:
    """A row that came in a later time than now is judged by now: nothing is stored ahead of the clock."""
    _station(session)
    frozen_clock(NOW + timedelta(hours=5))
    assert _send(session, _body(299, unit="cm")) == ["wrong_unit"]
    frozen_clock(NOW)
    assert replay_refused(session, ALL, units={"cm": "m"}, by=BY).still_refused == {"future_time": 1}


def test_where_our_own_clock_was_wrong_an_operator_says_so(
    session: Session, frozen_clock: Callable[[datetime], None]
) -> None:
    """What came while the house's clock stood too early is kept, and taken on an operator's word, never ahead."""
    _station(session)
    frozen_clock(NOW - timedelta(hours=1))
    never = {"observed_at": "9999-12-31T23:59:59Z"}
    assert _send(session, [_body(-5), _body(-4), _body(999), _body() | never]) == ["future_time"] * 4
    frozen_clock(NOW)
    assert replay_refused(session, ALL, units={}, by=BY).taken == 0
    tried = replay_vouched(session, Choice(reason="future_time"), units={}, by=BY)
    assert (tried.taken, tried.still_refused) == (2, {"future_time": 2})
    assert [(reading.qc_flag, reading.observed_at, reading.received_at) for reading in _readings(session)] == [
        (1, NOW - timedelta(minutes=ago), NOW - timedelta(minutes=ago)) for ago in (5, 4)
    ]


def test_where_our_clock_stood_too_late_nobody_need_vouch(
    session: Session, frozen_clock: Callable[[datetime], None]
) -> None:
    """A row cannot have come later than now, so it is in time once the clock is right. An old row needs a word."""
    _station(session)
    frozen_clock(NOW + timedelta(days=45))
    assert _send(session, _body(-3)) == ["too_old"]
    frozen_clock(NOW)
    assert replay_refused(session, ALL, units={}, by=BY).taken == 1
    assert _send(session, _body(-60 * 24 * 40)) == ["too_old"]
    assert replay_refused(session, ALL, units={}, by=BY).taken == 0
    assert replay_vouched(session, Choice(reason="too_old"), units={}, by=BY).taken == 1


def test_a_day_that_left_for_the_archive_is_not_begun_again(
    session: Session, frozen_clock: Callable[[datetime], None]
) -> None:
    """Where nobody can see whether a reading is there already, it is not stored once more."""
    _station(session)
    _send(session, _body(unit="cm"))
    frozen_clock(NOW + timedelta(days=400))
    assert replay_refused(session, ALL, units={"cm": "m"}, by=BY).still_refused == {"too_old": 1}
    frozen_clock(NOW + timedelta(days=398))
    assert replay_refused(session, ALL, units={"cm": "m"}, by=BY).taken == 1


def test_another_value_of_the_same_time_stays_refused_once(session: Session) -> None:
    """A try that fails adds no row of its own to the quarantine, and changes no reading."""
    _station(session)
    _send(session, [_body(value=1.2), _body(value=1.3)])
    for _ in range(2):
        assert replay_refused(session, ALL, units={}, by=BY).still_refused == {"conflicting_value": 1}
    assert [reading.value for reading in _readings(session)] == [1.2]
    assert len(_refused(session)) == 1


def test_a_replayed_past_moves_no_state_back(session: Session) -> None:
    """What is older than what the gauge has said since is history: it neither raises nor lowers anything."""
    _station(session)
    _send(session, [_body(-30, value=2.4, unit="cm"), _body(-25, value=2.4, unit="cm")])
    _send(session, [_body(-6, value=0.3), _body(-1, value=0.3)])
    assert replay_refused(session, ALL, units={"cm": "m"}, by=BY).taken == 2
    assert session.scalars(sa.text("SELECT state FROM level_state")).all() == [0]
    assert session.scalars(sa.text("SELECT good_value FROM latest_reading")).all() == [0.3]


def test_a_message_that_the_database_could_not_take_is_taken_later_row_by_row(session: Session) -> None:
    """A list is taken whole or waits; what of it was taken is not doubled by the next try."""
    _station(session)
    payload = json.dumps([_body(-5), _body(-4, unit="cm")]).encode()
    keep_unstorable(session, payload, topic_code="G1", received_wall_at=NOW, source="mqtt")
    mine = Choice(reason="unstorable")
    assert replay_refused(session, mine, units={}, by=BY).still_refused == {"wrong_key": 1}
    assert replay_vouched(session, mine, units={}, by=BY).still_refused == {"wrong_unit": 1}
    assert len(_readings(session)) == 1
    assert replay_vouched(session, mine, units={"cm": "m"}, by=BY).taken == 1
    assert [reading.observed_at for reading in _readings(session)] == [NOW - timedelta(minutes=5 - i) for i in (0, 1)]


def test_one_row_that_the_database_cannot_take_holds_up_no_other(session: Session) -> None:
    """The others are stored; it stays, and says that it is the one."""
    _station(session)
    _send(session, [_body(-5 + step, unit="cm") for step in range(3)])
    day = f"reading_{NOW:%Y%m%d}"
    store_readings(session, [IncomingReading("G1", NOW - timedelta(minutes=9), 1.0, "m")], source="test")
    session.execute(
        sa.text(f"ALTER TABLE {day} ADD CHECK (observed_at <> '{(NOW - timedelta(minutes=4)).isoformat()}')")
    )
    tried = replay_refused(session, ALL, units={"cm": "m"}, by=BY)
    assert (tried.taken, tried.still_refused) == (2, {"unstorable": 1})
    assert [row.replayed_by for row in _refused(session)] == ["tester", None, "tester"]


def test_what_the_house_itself_said_needs_no_key(session: Session) -> None:
    """A camera's or a feed's reading is tried again with its doubt; what a source wrote is left to its feed."""
    reading = IncomingReading("CAM1", NOW - timedelta(minutes=5), 1.2, "m", confidence=0.5)
    store_readings(session, [reading], source="camera")
    session.add(ReadingRefused(
        raw={"text": json.dumps(_body() | {"datastream": "CAM1"})}, reason="unknown_stream", source="feed:x",
        received_at=NOW,
    ))
    _station(session, "CAM1", device_key=None)
    tried = replay_refused(session, ALL, units={}, by=BY)
    assert (tried.taken, tried.still_refused) == (1, {"unknown_stream": 1})
    assert [one.qc_reason for one in _readings(session)] == ["low_confidence"]


def test_a_message_is_kept_whole(session: Session) -> None:
    """As long as a message may be, as much of it stands in quarantine; bytes that are no text are written out."""
    text = '{"a": "' + "x" * (MAX_KEPT_CHARS - 10)
    _send(session, text.encode())
    _send(session, b"\xff\xfe\x01 not json")
    first, second = _refused(session)
    assert first.raw["text"] == text
    assert second.raw["text"] == "\\xff\\xfe\x01 not json"


def test_every_try_is_in_the_audit_log(session: Session) -> None:
    """Who tried what with which units, for what they vouched, and what became of it."""
    _station(session)
    _send(session, _body(unit="cm", key="stolen"))
    replay_vouched(session, Choice(reason="wrong_key"), units={"cm": "m"}, by=BY)
    replay_refused(session, ALL, units={}, by=BY)
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "readings.replayed")).one()
    assert entry.detail == {
        "by": "tester", "reason": "wrong_key", "units": {"cm": "m"}, "vouched_by": "tester", "rows": 1, "taken": 1,
        "still_refused": {},
    }


def test_every_reason_has_words() -> None:
    """Each reason that the house gives is told in Thai and English; one it has never heard of is told too."""
    for language in LANGUAGES:
        reasons = {*quarantine.WITH_WORDS, *Reason, *StoreTrouble}
        told = {reason: quarantine.words_of(reason, language=language) for reason in reasons}
        assert all(told.values())
        assert all(quarantine.advice_of(reason, language=language) for reason in quarantine.WITH_WORDS)
        assert quarantine.advice_of("never_heard", language=language) is None
        other = quarantine.words_of("never_heard", language=language)
        assert other not in told.values()


def test_the_quarantine_forgets_after_its_time_and_says_how_much(
    session: Session, frozen_clock: Callable[[datetime], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows older than the city keeps them are gone, whatever became of them; younger ones stay whole."""
    _send(session, [_body(-5), _body(-4, unit=7)])
    frozen_clock(NOW + timedelta(days=89))
    _send(session, _body(-1))
    tasks.drop_old_refused.run(session)
    assert len(_refused(session)) == 3
    frozen_clock(NOW + timedelta(days=91))
    tasks.drop_old_refused.run(session)
    assert [row.received_at for row in _refused(session)] == [NOW + timedelta(days=89)]
    said = capsys.readouterr()
    assert "refused.dropped" in said.out + said.err
