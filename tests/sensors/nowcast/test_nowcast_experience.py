"""What lies inside what a model was fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.nowcast.experience import Experience, learn_experience
from sensors.nowcast.features import Design
from sensors.nowcast.grid import Array

NAMES = ("level:now", "rain:0-1h", "hour:sin12h", "upstream:U:now")


def rows(number: int, *, seed: int) -> Array:
    """A level and its copy upstream, on the line; no rain; an hour."""
    level = np.random.default_rng(seed).uniform(0.0, 1.0, number)
    return np.column_stack([level, np.zeros(number), np.linspace(0.0, 0.5, number), level])


@pytest.fixture(scope="module")
def learnt() -> Experience:
    return learn_experience(NAMES, rows(4000, seed=1))


def is_held(learnt: Experience, *row: float) -> bool:
    return bool(learnt.holds(Design(NAMES, np.array([row])))[0])


def test_more_of_the_same_lies_inside(learnt: Experience) -> None:
    """Nearly all moments of the same kind are spoken of, though none was fitted on."""
    assert learnt.holds(Design(NAMES, rows(500, seed=2))).mean() > 0.95


def test_beyond_what_was_seen_lies_outside(learnt: Experience) -> None:
    """A level twice as high as ever is another water."""
    assert is_held(learnt, 0.5, 0.0, 0.1, 0.5)
    assert not is_held(learnt, 2.0, 0.0, 0.1, 2.0)


def test_known_values_that_never_came_together_lie_outside(learnt: Experience) -> None:
    """High here and low above is new, though each alone is known: ranges would not see it."""
    assert not is_held(learnt, 0.9, 0.0, 0.1, 0.1)


def test_what_never_moved_is_unknown_when_it_moves(learnt: Experience) -> None:
    """Who learnt on dry days says nothing in the rain."""
    assert not is_held(learnt, 0.5, 0.2, 0.1, 0.5)


def test_the_hour_of_the_tide_is_never_new(learnt: Experience) -> None:
    """The moon comes round; nothing strange is in that."""
    assert is_held(learnt, 0.5, 0.0, -1.0, 0.5)


def test_a_gap_lies_outside(learnt: Experience) -> None:
    """What is not known is not like anything."""
    assert not is_held(learnt, 0.5, 0.0, 0.1, np.nan)


def test_of_many_rows_some_are_kept(learnt: Experience) -> None:
    """A document does not grow with the history."""
    assert len(learnt.known) == 1000
