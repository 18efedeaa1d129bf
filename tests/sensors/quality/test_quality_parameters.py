"""Quality parameters as data: they survive JSON, and nonsense is refused in a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import InvalidInputError
from sensors.quality import defaults
from sensors.quality.late import Stored, rejudge
from sensors.quality.parameters import Parameters
from sensors.quality.state import State

BOTH = [
    defaults.water_level(bank_m=2.54, bed_m=-1.0, interval_s=600.0),
    defaults.rain(sum_over_s=3600.0, interval_s=600.0),
    Parameters(version=7),
]


@pytest.mark.parametrize("parameters", BOTH)
def test_parameters_survive_json(parameters: Parameters) -> None:
    """Written to JSON and read again they are the same."""
    assert Parameters.from_json(json.loads(json.dumps(parameters.as_json(), allow_nan=False))) == parameters


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "must be a JSON object"),
        ({}, "no version"),
        ({"version": 0}, "whole number from 1"),
        ({"version": True}, "whole number from 1"),
        ({"version": 1, "rnage": None}, "no field 'rnage'"),
        ({"version": 1, "range": {"fail_mni": 1.0}}, "range has no field 'fail_mni'"),
        ({"version": 1, "range": {"fail_min": "low"}}, "range.fail_min must be a finite number"),
        ({"version": 1, "range": {"fail_min": float("nan")}}, "range.fail_min must be a finite number"),
        ({"version": 1, "range": {"fail_max": 10**400}}, "range.fail_max must be a finite number"),
        ({"version": 1, "range": {"fail_min": True}}, "range.fail_min must be a finite number"),
        ({"version": 1, "range": {"fail_min": 2.0, "fail_max": 1.0}}, "below its maximum"),
        ({"version": 1, "range": {"fail_min": 0.0, "suspect_min": -1.0}}, "within the range of failure"),
        ({"version": 1, "rate": {}}, "rate lacks a field"),
        ({"version": 1, "rate": {"suspect_per_s": 0.0}}, "greater than zero"),
        ({"version": 1, "spike": {"suspect": 1.0, "fail": 0.5}}, "in order"),
        ({"version": 1, "flat_line": {"tolerance": 0.0, "suspect_after_s": 1.0}}, "tolerance of flat_line"),
        ({"version": 1, "clock": {"ahead_suspect_s": 9.0, "ahead_fail_s": 5.0}}, "suspect before it fails"),
        ({"version": 1, "clock": {"too_old_s": -1.0}}, "clock.too_old_s is greater than zero"),
        ({"version": 1, "datum": {"bank": 1.0, "bed": 2.0}}, "bed lies below the bank"),
        ({"version": 1, "datum": {"bank": None}}, "datum.bank must be a finite number"),
        ({"version": 1, "gap_s": 0.0}, "gap_s is greater than zero"),
        ({"version": 1, "gap_s": "1"}, "gap_s must be a finite number"),
        ({"version": 1, "sentinels": [None]}, "sentinels are a list"),
        ({"version": 1, "sentinels": -999.0}, "sentinels are a list"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(document: Any, sentence: str) -> None:
    """A document that makes no sense names the field."""
    with pytest.raises(InvalidInputError, match=sentence):
        Parameters.from_json(document)


@pytest.mark.parametrize("document", [{}, [], {"format": 2}, {"format": 1, "last": 3}])
def test_a_damaged_state_is_refused(document: Any) -> None:
    """What is no state is told, never taken for an empty one."""
    with pytest.raises(InvalidInputError, match="quality state"):
        State.from_json(document)


def test_readings_around_late_ones_are_in_order() -> None:
    """Readings out of order are refused, wherever they stand; one time on both sides is a correction."""
    one, two, three = (Stored(at_s, 1.0, at_s) for at_s in (1.0, 2.0, 3.0))
    for before, late, after in [([two], [one], []), ([], [two, one], []), ([], [one], [three, two])]:
        with pytest.raises(InvalidInputError, match="in order of time"):
            rejudge(before, late, after, BOTH[0])
    assert [told.at_s for told in rejudge([one], [two], [two, three], BOTH[0]).revisions] == [2.0]
