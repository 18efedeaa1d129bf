"""Reads that take a shorter way through the tables give what the long way gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import transaction
from sensors.actions import IncomingReading, store_readings
from sensors.partitions import ensure_partitions
from tests.sensors.sensorthings.conftest import Sta, datastream, thing

_NEWEST = "$top=1;$orderby=phenomenonTime desc"
VALUES = f"Observations({_NEWEST};$select=phenomenonTime,result)"


def _newest(sta: Sta, expand: str) -> list[dict[str, Any] | None]:
    """The time and the result of each datastream's newest observation, None where it shows none."""
    found = sta.get("Datastreams", expand=expand, select="name", orderby="id")["value"]
    shown = [one["Observations"][0] if one["Observations"] else None for one in found]
    return [one and {name: one[name] for name in ("phenomenonTime", "result")} for one in shown]


def _store(now: datetime, *readings: tuple[int, float]) -> None:
    rows = [IncomingReading("G1", now + timedelta(minutes=minutes), value, "m") for minutes, value in readings]
    with transaction() as session:
        store_readings(session, rows, source="test")


@pytest.mark.parametrize("more", [
    [], [(-5, 2.5)], [(-15, 2.5)], [(-5, -999.0)], [(24 * 60, 1.5)], [(24 * 60, 1.5), (-4, 1.25)],
], ids=["as it is", "newer", "late", "sentinel", "ahead of the clock", "newer than one ahead of the clock"])
def test_the_newest_value_alone_is_that_of_the_newest_observation(
    sta: Sta, gauge: int, now: datetime, more: list[tuple[int, float]]
) -> None:
    """Time and result of the newest observation are the same whether or not anything else of it is asked."""
    _store(now, *more)
    sta.post("Things", thing(Datastreams=[datastream(Observations=[
        {"phenomenonTime": f"2020-01-01T00:0{minute}:00Z", "result": result}
        for minute, result in enumerate([1, "high", 3, {"a": 1}])
    ]), datastream()]))
    whole = _newest(sta, f"Observations({_NEWEST})")
    assert len(whole) == 3
    assert whole[2] is None
    assert _newest(sta, VALUES) == whole


def test_the_list_behind_a_newest_value_goes_on_with_the_one_before(sta: Sta, gauge: int) -> None:
    """The link beside a newest value leads to all others of its datastream, each once, newest first."""
    stream = sta.get("Datastreams", expand=VALUES, select="name")["value"][0]
    assert [one["result"] for one in stream["Observations"]] == [2]
    behind = sta.pages(stream["Observations@iot.nextLink"])
    assert [one["result"] for one in behind] == [3, 4]


def test_a_newest_value_that_the_archive_took_is_not_shown(
    sta: Sta, gauge: int, now: datetime, frozen_clock: Callable[[datetime], None]
) -> None:
    """What stands beside the readings is no observation once its reading has left the table."""
    with transaction() as session:
        session.execute(sa.text("DELETE FROM reading"))
    frozen_clock(now + timedelta(days=33))
    assert _newest(sta, VALUES) == [None]


def test_numbers_that_no_machine_word_holds_come_back_as_they_were_sent(sta: Sta) -> None:
    """A whole number beyond 64 bits in a client's own properties is neither refused later nor rounded."""
    sent = {"huge": 2**70, "text": "ระดับน้ำ"}
    made = sta.post("Things", thing(properties=sent))
    assert made["properties"] == sent
    assert sta.get(f"Things({made['@iot.id']})")["properties"] == sent


def test_every_days_readings_are_in_order_of_time(session: Session, now: datetime) -> None:
    """A partition that is made has the index by which pages of all observations by time are read."""
    (made,) = ensure_partitions(session, [(now + timedelta(days=40)).date()])
    columns = session.scalars(
        sa.text("SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = CAST(:name AS regclass)"),
        {"name": f"reading_{made:%Y%m%d}"},
    )
    assert any(definition.endswith("(observed_at)") for definition in columns)


def test_pages_of_all_observations_by_time_show_each_once(sta: Sta, gauge: int, now: datetime) -> None:
    """Newest first over days and datastreams, no observation is lost or doubled, not even where times are shared."""
    shared = (now - timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    times = ["2020-01-01T00:00:00Z", shared, shared, "2026-11-20T00:00:00Z"]
    sta.post("Things", thing(Datastreams=[datastream(Observations=[
        {"phenomenonTime": time, "result": number} for number, time in enumerate(times)
    ])]))
    found = sta.pages("Observations", orderby="phenomenonTime desc", top="2")
    keys = [(one["phenomenonTime"], -one["@iot.id"]) for one in found]
    assert len(found) == 7
    assert keys == sorted(set(keys), reverse=True)
