"""Rules in the running house: each kind through the real tables, versions, restarts, and what nobody pays for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.events import EventRecord
from gis.points import LonLat
from sensors.actions import IncomingReading, NewStation, register_station, store_readings
from sensors.models import LevelStateChange, LevelStateRow
from sensors.rulebook.following import follow_forecast
from sensors.rulebook.keeping import keep_rule, retire_rule
from sensors.rulebook.models import WatchRule, WatchRuleChange, WatchRuleState
from sensors.rulebook.trying import try_on_record
from sensors.watch.documents import parse_rule
from sensors.watch.signals import ForecastPoint
from sensors.watching import tick_all
from staff.models import AuditEntry
from staff.rules import AccountRef
from tests.accounts import add_account

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(hours=4)


@pytest.fixture(autouse=True)
def _now(frozen_clock: Callable[..., None]) -> None:
    frozen_clock(NOW)


@pytest.fixture
def author(session: Session) -> AccountRef:
    return add_account(session, "author", roles=["approver"])


def _station(session: Session, code: str, *, kind: Any = "gauge") -> int:
    levels = {"watch_m_msl": 1.0, "warning_m_msl": 1.5, "danger_m_msl": 2.0} if kind == "gauge" else {}
    return register_station(
        session,
        NewStation(
            **{"watch_m_msl": None, "warning_m_msl": None, "danger_m_msl": None, **levels},
            code=code, name_th=code, name_en=code, kind=kind, place=LonLat(lon=99.96, lat=8.43),
            bank_m_msl=2.5 if kind == "gauge" else None, bed_m_msl=-0.5 if kind == "gauge" else None, interval_s=300,
            device_key=None, trust="simulated", layer="gauges",
        ),
    )


def _at(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


def _store(session: Session, code: str, values: Sequence[tuple[float, float]], unit: str = "m") -> None:
    store_readings(session, [IncomingReading(code, _at(m), value, unit) for m, value in values], source="test")
    session.flush()


def _keep(session: Session, author: AccountRef, code: str, *, based_on: int = 0, **document: Any) -> bool:
    return keep_rule(
        session, code, document, based_on_version=based_on, account=author, reason="after the flood of 2025"
    ).keeps_state


def _told(session: Session, code: str) -> list[tuple[str, int]]:
    session.flush()
    rows = session.scalars(
        sa.select(WatchRuleChange).where(WatchRuleChange.rule_code == code).order_by(WatchRuleChange.id)
    )
    return [(row.kind, row.to_state) for row in rows]


def _events(session: Session) -> list[dict[str, Any]]:
    found = sa.select(EventRecord).where(EventRecord.name == "sensors.rule_state_changed").order_by(EventRecord.id)
    return [event.payload for event in session.scalars(found)]


def test_a_rise_raises_once_whatever_the_level(session: Session, author: AccountRef) -> None:
    """Half a metre in an hour is a warning, far below every threshold; a batch that comes twice changes nothing."""
    station_id = _station(session, "A")
    _keep(session, author, "a-rises", kind="rate_of_rise", streams=["A"], warning=0.3, within_s=3600)
    rising = [(5.0 * step, 0.05 * step) for step in range(10)]
    for place in range(10):
        _store(session, "A", rising[: place + 1])
    assert _told(session, "a-rises") == [("raised", 2)]
    [event] = _events(session)
    assert (event["rule_code"], event["rule_version"], event["station_id"]) == ("a-rises", 1, station_id)
    assert session.scalars(sa.select(WatchRuleState.state)).one() == 2
    assert session.scalars(sa.select(LevelStateRow.state)).one() == 0


def test_a_rain_sum_over_batches_is_read_back_from_the_table(session: Session, author: AccountRef) -> None:
    """Each batch holds one reading; the sum of the hour is that of all of them."""
    _station(session, "R", kind="rain")
    _keep(
        session, author, "heavy-rain", kind="rain_sum", streams=["R"], interval_s=300,
        sums={"1": {"warning": 35.0}, "3": {"danger": 90.0}},
    )
    for step in range(12):
        _store(session, "R", [(5.0 * step, 4.0)], unit="mm")
    assert _told(session, "heavy-rain") == [("raised", 2)]
    [change] = session.scalars(sa.select(WatchRuleChange))
    assert change.value == pytest.approx(40.0)


def test_water_upstream_warns_the_place_below_it(session: Session, author: AccountRef) -> None:
    """A rule about B that looks at A names B's station in what it tells, and lasts while the water is on its way."""
    _station(session, "A")
    below = _station(session, "B")
    _keep(session, author, "from-a", kind="upstream", streams=["A"], about="B", warning=1.2, lag_s=7200)
    _store(session, "A", [(0, 0.9), (5, 1.25), (10, 1.26), (15, 0.8), (20, 0.8), (25, 0.8), (60, 0.8)])
    assert _told(session, "from-a") == [("raised", 2)]
    assert [event["station_id"] for event in _events(session)] == [below]


def test_a_zone_is_raised_by_the_gauges_that_agree_in_one_moment(session: Session, author: AccountRef) -> None:
    """Gauges of one moment arrive one after the other; the second of two completes it, and does not count twice."""
    for code in ("A", "B"):
        _station(session, code)
    limits = {"A": {"watch": 1.2}, "B": {"watch": 1.2}}
    _keep(
        session, author, "zone", kind="quorum", streams=["A", "B"], needed=2, fresh_s=1800, limits=limits,
    )
    for minutes, level in ((0, 0.9), (5, 1.25)):
        _store(session, "A", [(minutes, level)])
        _store(session, "B", [(minutes, level)])
    assert _told(session, "zone") == []
    _store(session, "A", [(10, 1.26)])
    assert _told(session, "zone") == [("raised", 1)]
    assert [event["station_id"] for event in _events(session)] == [None]
    rule = parse_rule(session.scalars(sa.select(WatchRule.document)).one())
    trial, _ = try_on_record(session, rule, since=BEGAN, until=_at(10))
    assert [(change.kind, change.at) for change in trial.changes] == [("raised", _at(10))]


def test_silence_is_told_by_the_tick_and_only_by_rules_of_silence(session: Session, author: AccountRef) -> None:
    """A rule of the water does not repeat that its gauge is silent; a rule of silence tells it by its own times."""
    _station(session, "R", kind="rain")
    _keep(session, author, "quiet", kind="silence", streams=["R"], timing={"late_after_s": 600, "lost_after_s": 900})
    _keep(session, author, "rain", kind="rain_sum", streams=["R"], interval_s=300, sums={"1": {"watch": 9.0}})
    _store(session, "R", [(0, 0.0)], unit="mm")
    ticks = [tick_all(session, now=_at(minutes)) for minutes in (5, 11, 16, 17)]
    assert ticks[:2] == [0, 1]
    assert _told(session, "quiet") == [("late", 0), ("lost", 0)]
    tick_all(session, now=_at(200))
    _store(session, "R", [(205, 0.0)], unit="mm")
    assert _told(session, "quiet")[-1] == ("returned", 0)
    assert {event["rule_code"] for event in _events(session)} == {"quiet"}
    echoes = session.scalars(sa.select(WatchRuleChange).where(WatchRuleChange.rule_code == "rain")).all()
    assert [echo.kind for echo in echoes] == ["late", "lost", "returned"]
    assert not any(echo.is_announced for echo in echoes)


def test_a_forecast_raises_its_own_rule_and_lowers_no_other(session: Session, author: AccountRef) -> None:
    """What a threshold raised stands, whatever a forecast says; the same forecast twice is told once."""
    _station(session, "A")
    _store(session, "A", [(0, 1.2), (5, 1.2)])
    _keep(
        session, author, "soon", kind="forecast_crossing", streams=["A"], danger=2.0, within_h=6, least_confidence=0.8,
        timing={"readings_up": 1},
    )
    for issued, value in ((10, 2.1), (10, 2.1), (20, 0.2)):
        point = ForecastPoint("A", _at(issued), _at(issued + 120), value, confidence=0.9)
        follow_forecast(session, [point])
    assert _told(session, "soon") == [("raised", 3)]
    assert session.scalars(sa.select(LevelStateRow.state)).one() == 1


def test_an_officers_level_rule_takes_the_place_of_the_thresholds(session: Session, author: AccountRef) -> None:
    """Its levels count from the next reading on, its version stands beside the change, and retired it gives way."""
    _station(session, "A")
    _keep(session, author, "level/A", kind="level", streams=["A"], watch=0.5)
    _store(session, "A", [(0, 0.6), (5, 0.6)])
    assert retire_rule(session, "level/A", based_on_version=1, account=author, reason="too low") == 2
    _store(session, "A", [(10, 1.1), (15, 1.6), (20, 1.6)])
    changes = session.scalars(sa.select(LevelStateChange).order_by(LevelStateChange.id)).all()
    assert [(one.kind, one.to_state, one.rule_version) for one in changes] == [("raised", 1, 1), ("raised", 2, 0)]
    assert _told(session, "level/A") == []


def test_two_gauges_that_agree_at_the_top_are_danger_at_once(session: Session, author: AccountRef) -> None:
    """A witness that a rule names, read from the tables of the same transaction, spares the second reading."""
    for code in ("A", "B"):
        _station(session, code)
    levels = {"watch": 1.0, "warning": 1.5, "danger": 2.0}
    _keep(session, author, "level/A", kind="level", streams=["A"], witnesses={"B": {"danger": 2.0}}, **levels)
    _store(session, "B", [(0, 1.85), (5, 2.05)])
    _store(session, "A", [(0, 1.85), (6, 2.01)])
    [raised] = session.scalars(
        sa.select(LevelStateChange).where(LevelStateChange.to_state == 3, LevelStateChange.kind == "raised")
    )
    assert raised.observed_at == _at(6)


def test_a_rule_goes_on_over_a_restart_and_over_its_next_version(session: Session, author: AccountRef) -> None:
    """One reading before and one after: all that is known is in the table; another kind begins anew and says so."""
    _station(session, "A")
    rule = {"kind": "rate_of_rise", "streams": ["A"], "within_s": 3600}
    assert _keep(session, author, "r", **rule, watch=0.2) is False
    _store(session, "A", [(0, 0.1), (5, 0.32)])
    session.expire_all()
    assert _told(session, "r") == []
    assert _keep(session, author, "r", based_on=1, **rule, watch=0.25) is True
    _store(session, "A", [(10, 0.38)])
    assert _told(session, "r") == [("raised", 1)]
    assert session.scalars(sa.select(WatchRuleChange.rule_version)).one() == 2
    assert _keep(session, author, "r", based_on=2, kind="silence", streams=["A"]) is False
    session.expire_all()
    assert session.scalars(sa.select(WatchRuleState.state)).one() == 0


def test_versions_never_change(session: Session, author: AccountRef) -> None:
    """The database refuses; who looked at an older version is told; each version keeps who, when and why."""
    _station(session, "A")
    _keep(session, author, "s", kind="silence", streams=["A"])
    _keep(session, author, "s", based_on=1, kind="silence", streams=["A"], timing={"lost_after_s": 7200})
    with pytest.raises(ConflictError, match="version 2, not 1"):
        _keep(session, author, "s", based_on=1, kind="silence", streams=["A"])
    for statement in ("UPDATE watch_rule SET reason = 'x'", "DELETE FROM watch_rule"):
        with pytest.raises(sa.exc.DatabaseError, match="never changes"), session.begin_nested():
            session.execute(sa.text(statement))
    versions = session.scalars(sa.select(WatchRule).order_by(WatchRule.version)).all()
    assert [(one.version, "timing" in one.document, one.made_by) for one in versions] == [
        (1, False, author.id), (2, True, author.id),
    ]
    retire_rule(session, "s", based_on_version=2, account=author, reason="not needed")
    with pytest.raises(ConflictError, match="retired already"):
        retire_rule(session, "s", based_on_version=3, account=author, reason="again")
    with pytest.raises(NotFoundError):
        retire_rule(session, "none", based_on_version=0, account=author, reason="why")
    actions = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[-3:] == ["rule.kept", "rule.kept", "rule.retired"]


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"kind": "silence", "streams": ["nowhere"]}, "'streams' names 'nowhere'"),
        ({"kind": "level", "streams": ["A"], "watch": 1, "witnesses": {"Z": {"watch": 1}}}, "'witnesses' names 'Z'"),
        ({"kind": "upstream", "streams": ["A"], "watch": 1.0, "lag_s": 60, "about": "Z"}, "'about' names 'Z'"),
        ({"kind": "rain_sum", "streams": ["A"], "interval_s": 300, "sums": {"1": {"watch": 9}}}, "needs rainfall"),
        ({"kind": "level", "streams": ["A"]}, "'watch'"),
    ],
)
def test_a_rule_of_what_the_house_does_not_know_is_refused(
    session: Session, author: AccountRef, document: dict[str, Any], named: str
) -> None:
    """A stream that is not there would make a rule that never speaks."""
    _station(session, "A")
    with pytest.raises(InvalidInputError, match=named):
        _keep(session, author, "bad", **document)
    assert session.scalars(sa.select(WatchRule)).all() == []


def test_a_rule_that_cannot_be_read_stops_no_reading(session: Session, author: AccountRef) -> None:
    """Readings are stored and thresholds watched, whatever an older house has written into the book."""
    _station(session, "A")
    session.add(
        WatchRule(
            code="old", version=1, document={"kind": "gone", "streams": ["A"]}, is_active=True, valid_from_at=NOW,
            made_by=author.id, reason="x",
        )
    )
    session.flush()
    _store(session, "A", [(0, 1.2), (5, 1.2)])
    assert session.scalars(sa.select(LevelStateChange.to_state)).all() == [1]


def test_streams_without_rules_cost_one_question_a_batch(session: Session, author: AccountRef) -> None:
    """Where no rule looks at a batch's streams, the batch asks which rules count, and no more."""
    for code in ("A", "B"):
        _station(session, code)
    asked: list[str] = []
    connection = session.connection()

    def listen(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    _store(session, "A", [(0, 0.1)])
    _keep(session, author, "rise-b", kind="rate_of_rise", streams=["B"], watch=0.2, within_s=3600)
    _store(session, "A", [(5, 0.1)])
    sa.event.listen(connection, "before_cursor_execute", listen)
    _store(session, "A", [(10, 0.1)])
    sa.event.remove(connection, "before_cursor_execute", listen)
    assert len([one for one in asked if "watch_rule" in one]) == 1
    assert not any("LATERAL" in one and "FROM reading" in one for one in asked)
