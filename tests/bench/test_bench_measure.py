"""Turns, medians, ratios, the bar, and the line that a bench ends with."""

from __future__ import annotations

import json

import pytest

from bench.measure import OURS, Limit, Result, Timing, WrongWorkError, check, rounded, take_turns, timed


def _result(*, ours: float, bar: float) -> Result:
    peers = {"copy": Timing((0.2, 0.1, 0.6)), "rate": Limit(4.0)}
    return Result("readings", {"rows": 5}, Timing((ours,)), peers, {"copy": bar})


def test_every_side_has_one_turn_a_round() -> None:
    """Sides take turns, each round in the opposite order of the last; the first round only warms up."""
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    told: list[str] = []
    taken = take_turns(
        {OURS: lambda: side("ours"), "copy": lambda: side("copy")}, rounds=2, tell=told.append
    )
    assert order == ["copy", "ours", "ours", "copy", "copy", "ours"]
    assert taken == {OURS: Timing((3.0, 6.0)), "copy": Timing((4.0, 5.0))}
    assert told == ["warming up", "round 1 of 2", "round 2 of 2"]


def test_a_ratio_is_our_median_through_the_peers() -> None:
    """One slow round moves no ratio; above 1 we are the slower side; a limit counts like a peer."""
    assert _result(ours=1.0, bar=9.0).ratios == {"copy": 5.0, "rate": 0.25}


@pytest.mark.parametrize(("bar", "holds"), [(4.9, False), (5.0, True), (5.1, True)])
def test_the_bar_is_the_greatest_ratio_that_holds(bar: float, holds: bool) -> None:
    """A ratio as great as its bar still holds; a peer without a bar is only told of."""
    assert _result(ours=1.0, bar=bar).holds is holds


@pytest.mark.parametrize(("peak_gb", "right", "holds"), [(0.9, 0.95, True), (1.1, 0.95, False), (0.9, 0.85, False)])
def test_figures_have_a_most_or_a_least(peak_gb: float, right: float, holds: bool) -> None:
    """What is no time is judged by its own bar, and both stand in the closing line."""
    result = Result(
        "terrain", {}, Timing((1.0,)), {}, {}, figures={"peak_gb": peak_gb, "right": right}, most={"peak_gb": 1.0},
        least={"right": 0.9},
    )
    assert result.holds is holds
    printed = json.loads(result.line())
    assert printed["ours"]["peak_gb"] == peak_gb
    assert printed["bar"] == {"peak_gb at most": 1.0, "right at least": 0.9}


def test_the_95th_percentile_is_a_turn_that_was_measured() -> None:
    """Of 20 turns the 19th, of one the one."""
    assert Timing(tuple(float(n) for n in range(20, 0, -1))).p95_s == 19.0
    assert Timing((0.5,)).p95_s == 0.5


def test_what_is_printed_is_what_is_judged() -> None:
    """Ratios are judged with the three digits that are printed."""
    result = _result(ours=1.0004, bar=5.0)
    assert (result.ratios["copy"], result.holds) == (5.0, True)
    assert [rounded(number) for number in (0.0123456, 98765.0, 1.0)] == [0.0123, 98800.0, 1.0]


def test_the_closing_line() -> None:
    """It is one line of JSON with the six keys in their order."""
    line = _result(ours=1.0, bar=4.0).line()
    assert "\n" not in line
    assert list(json.loads(line)) == ["bench", "ours", "peers", "ratios", "bar", "holds"]
    assert json.loads(line) == {
        "bench": "readings",
        "ours": {"rows": 5, "median_s": 1.0, "p95_s": 1.0, "fastest_s": 1.0, "slowest_s": 1.0, "rounds": 1},
        "peers": {
            "copy": {"median_s": 0.2, "p95_s": 0.6, "fastest_s": 0.1, "slowest_s": 0.6, "rounds": 3},
            "rate": {"limit_s": 4.0},
        },
        "ratios": {"copy": 5.0, "rate": 0.25},
        "bar": {"copy": 4.0},
        "holds": False,
    }


def test_wrong_work_is_never_timed() -> None:
    """A side that does other work ends the bench with a sentence."""
    check(True, "all is well.")
    with pytest.raises(WrongWorkError, match="a row is missing"):
        check(False, "a row is missing.")


def test_a_turn_does_the_work_once() -> None:
    """The seconds of a turn are those of one of its pieces."""
    done: list[int] = []
    whole, each = timed(lambda: done.append(1)), timed(lambda: done.append(2), pieces=1000)
    assert whole() >= 0.0
    assert 0.0 <= each() < 0.1
    assert done == [1, 2]
