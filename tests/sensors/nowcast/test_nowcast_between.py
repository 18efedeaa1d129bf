"""A forecast between its horizons."""

from __future__ import annotations

import pytest

from sensors.nowcast.forecast import Point, between

SHOWN = (Point(1.0, 2.0, 1.8, 2.2, True), Point(3.0, 3.0, 2.4, 3.6, True), Point(6.0, 3.0, 2.0, 4.0, False))


def test_it_lies_on_the_line_between_its_neighbours() -> None:
    """From the origin, which is certain, to the first horizon, and from one horizon to the next."""
    assert between(1.0, SHOWN, hours=0.5) == Point(0.5, 1.5, 1.4, 1.6, True)
    assert between(1.0, SHOWN, hours=1.0) == SHOWN[0]
    found = between(1.0, SHOWN, hours=2.0)
    assert found is not None
    assert (found.level, found.low, found.high) == pytest.approx((2.5, 2.1, 2.9))


def test_what_may_not_be_shown_tells_nothing() -> None:
    """Beside a horizon without skill nothing is expected, nor beyond the last one for longer than is asked."""
    assert between(1.0, SHOWN, hours=4.0) is None
    assert between(1.0, SHOWN, hours=6.2, beyond_h=0.5) is None
    assert between(1.0, SHOWN[:2], hours=3.4, beyond_h=0.5) == SHOWN[1]
    assert between(1.0, SHOWN[:2], hours=3.6, beyond_h=0.5) is None
    assert between(1.0, (), hours=0.2, beyond_h=0.5) is None
