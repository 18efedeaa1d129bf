"""Periods and instants beside each other in filters (18-088, tables of filter operators and functions)."""

from __future__ import annotations

import pytest

from tests.sensors.sensorthings.conftest import Sta, datastream, thing

_DAY = "2020-01-01T"
TIMES = {
    "at 7": f"{_DAY}07:00:00Z", "at 8": f"{_DAY}08:00:00Z", "6 to 7": f"{_DAY}06:00:00Z/{_DAY}07:00:00Z",
    "7 to 8": f"{_DAY}07:00:00Z/{_DAY}08:00:00Z", "6 to 9": f"{_DAY}06:00:00Z/{_DAY}09:00:00Z",
    "8 to 9": f"{_DAY}08:00:00Z/{_DAY}09:00:00Z",
}


@pytest.fixture
def timed(sta: Sta) -> Sta:
    """A service with an observation at each of the times; its result is the name of its time."""
    observations = [{"result": name, "phenomenonTime": time, "validTime": time} for name, time in TIMES.items()]
    sta.post("Things", thing(Datastreams=[datastream(Observations=[*observations, {"result": "never valid"}])]))
    return sta


@pytest.mark.parametrize(("question", "names"), [
    ("{0} lt AT7", {"6 to 7"}), ("{0} gt AT7", {"at 8", "8 to 9"}), ("{0} lt SEVEN", {"6 to 7"}),
    ("{0} gt SEVEN", {"at 8", "8 to 9"}), ("SEVEN lt {0}", {"at 8", "8 to 9"}),
    ("{0} le SEVEN", {"at 7", "6 to 7", "7 to 8"}), ("{0} ge SEVEN", {"at 8", "7 to 8", "8 to 9"}),
    ("{0} eq SEVEN", {"7 to 8"}), ("{0} ne SEVEN", set(TIMES) - {"7 to 8"}),
    ("before({0},SEVEN)", {"6 to 7"}), ("before(AT7,{0})", {"at 8", "8 to 9"}),
    ("after({0},SEVEN)", {"at 8", "8 to 9"}), ("meets({0},SEVEN)", {"at 7", "at 8", "6 to 7", "8 to 9"}),
    ("during({0},SEVEN)", {"at 7", "7 to 8"}), ("during(AT7,{0})", {"7 to 8", "6 to 9"}),
    ("overlaps({0},SEVEN)", {"at 7", "7 to 8", "6 to 9"}), ("overlaps(AT7,{0})", {"at 7", "7 to 8", "6 to 9"}),
    ("starts({0},SEVEN)", {"at 7", "7 to 8"}), ("finishes({0},SEVEN)", {"at 8", "7 to 8"}),
    ("overlaps({0},'2020-01-01T07:00:00Z/PT1H')", {"at 7", "7 to 8", "6 to 9"}),
    ("{0} add duration'PT1H' eq SEVEN", {"6 to 7"}), ("SEVEN sub duration'PT1H' eq {0}", {"6 to 7"}),
    ("{0} gt SEVEN add duration'PT1H'", set()),
])
def test_periods_are_half_open(timed: Sta, question: str, names: set[str]) -> None:
    """A period's end is no part of it: what starts then comes after it, without overlap. Absent times are left out."""
    filled = question.format("validTime").replace("SEVEN", TIMES["7 to 8"]).replace("AT7", TIMES["at 7"])
    assert {one["result"] for one in timed.get("Observations", filter=filled)["value"]} == names
    by_phenomenon = filled.replace("validTime", "phenomenonTime")
    found = timed.get("Observations", filter=f"({by_phenomenon}) and result ne 'never valid'")["value"]
    assert {one["result"] for one in found} == names


@pytest.mark.parametrize("question", [
    f"during(validTime,{TIMES['at 7']})", "during(validTime,resultTime)", "before(validTime,result)",
    "starts(validTime)",
])
def test_what_is_no_period_holds_nothing(timed: Sta, question: str) -> None:
    """An instant has no inside, and only times can be compared in time: 400."""
    timed.get("Observations", filter=question, status=400)


def test_a_datastream_is_found_by_the_span_of_its_observations(timed: Sta) -> None:
    """phenomenonTime of a datastream is a period, from its first observation to its last."""
    assert timed.ids("Datastreams", filter=f"starts(phenomenonTime,{TIMES['6 to 7']})") == [1]
    assert timed.ids("Datastreams", filter=f"phenomenonTime lt {TIMES['at 7']}") == []
    assert timed.ids("Datastreams", filter=f"resultTime ne {TIMES['at 7']}") == []
