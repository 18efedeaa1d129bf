"""How a feed stands at one glance, and that nothing is counted twice when two hands store at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core import clock
from core.db import transaction
from sensors.feeds.health import FeedState
from sensors.feeds_store import actions, queries
from sensors.feeds_store.models import FeedHealth
from sensors.feeds_store.reading import Body
from sensors.feeds_store.rules import Condition, Result, RowFate, condition_of, result_of
from sensors.models import Reading
from tests.sensors.feeds_house.declared import a_feed, add_gauge, stream

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def _ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("state", "condition"),
    [
        (FeedState(600), Condition.WAITING),
        (FeedState(600, _ago(5), _ago(10)), Condition.WORKING),
        (FeedState(600, _ago(16), _ago(16)), Condition.LATE),
        (FeedState(600, _ago(31), _ago(31)), Condition.FAILING),
        (FeedState(600, _ago(5), _ago(10), failures=1, trouble="html"), Condition.FAILING),
        (FeedState(600, None, None, failures=1, trouble="timeout"), Condition.FAILING),
        # It answers in time, with readings of this morning: three intervals of its slowest gauge are allowed.
        (FeedState(600, _ago(5), _ago(179)), Condition.WORKING),
        (FeedState(600, _ago(5), _ago(181)), Condition.LATE),
        (FeedState(600, _ago(5), _ago(10), trouble="replayed"), Condition.WORKING),
    ],
)
def test_a_feed_at_one_glance(state: FeedState, condition: Condition) -> None:
    """Late and failing are different; a source that answers in time with old readings is late; off is off."""
    assert condition_of(state, is_enabled=True, longest_interval_s=3600, now=NOW) is condition
    assert condition_of(state, is_enabled=False, longest_interval_s=3600, now=NOW) is Condition.OFF


def test_the_trouble_of_a_push_is_what_most_rows_share() -> None:
    """One good row makes a success that still names its trouble; joins and simulated uplinks are no trouble."""
    bad = [RowFate("refused", "too_old", "a"), RowFate("refused", "html", "b"), RowFate("refused", "too_old", "c")]
    good = RowFate("flagged", "spike", observed_at=NOW)
    assert result_of(bad) == Result(refused=3, trouble="too_old", detail="a")
    assert result_of([*bad, good]).is_success
    assert result_of([*bad, good]).newest_at == NOW
    assert result_of([RowFate("refused", "not_an_uplink"), RowFate("ignored", "unknown_stream")]) == Result()


def test_the_lag_is_the_same_on_both_clocks(database: sa.Engine, frozen_clock: Callable[[datetime], None]) -> None:
    """A storm's clock runs years ahead: attempts are told in real time, the lag as a span of the shared clock."""
    wall = clock.wall_now()
    frozen_clock(datetime(2031, 1, 1, tzinfo=UTC))
    with transaction() as session:
        add_gauge(session, "G1")
        actions.declare_feed(session, a_feed("rows", "http_json"))
        health = session.scalars(sa.select(FeedHealth)).one()
        health.last_success_wall_at = wall - timedelta(minutes=3)
        health.newest_observed_at = clock.now() - timedelta(minutes=9)
        session.flush()
        (card,) = queries.cards(session, now=clock.now(), wall_now=wall)
    assert (card.condition, card.lag_s) == (Condition.WORKING, 540)
    assert [(line.key, line.slots.get("count")) for line in card.lines[1:]] == [
        ("feed-success-minutes", 3), ("feed-lag-minutes", 9),
    ]


def test_the_same_uplink_from_many_hands_is_stored_once(
    database: sa.Engine, frozen_clock: Callable[[datetime], None]
) -> None:
    """A webhook that is delivered six times at once is one reading and five repeats."""
    with transaction() as session:
        add_gauge(session, "G1")
        actions.declare_feed(session, a_feed("lora", "tts", streams=[stream("PROBE/level")]))

    def push(counter: int) -> list[str]:
        uplink = {"f_cnt": counter, "decoded_payload": {"level": 0.5}, "received_at": _ago(30 - counter).isoformat()}
        content = json.dumps({"end_device_ids": {"device_id": "PROBE"}, "uplink_message": uplink}).encode()
        with transaction() as session:
            spec = queries.spec_by_code(session, "lora")
            assert spec is not None
            return [fate.status for fate in actions.take_push(session, spec, Body(content, NOW, clock.wall_now()))]

    assert push(0) == ["stored"]
    with ThreadPoolExecutor(6) as hands:
        fates = list(hands.map(push, [1] * 6))
    assert sorted(fates) == [["repeated"]] * 5 + [["stored"]]
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Reading)) == 2
        health = session.scalars(sa.select(FeedHealth)).one()
    assert (health.rows_stored, health.rows_repeated) == (2, 5)
