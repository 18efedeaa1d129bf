"""Series with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.nowcast.grid import Array, History

STEP_S = 900.0
DAYS = 16
LAG_STEPS = 8


def as_history(level: Array, *, rain: Array | None = None, upstream: Array | None = None) -> History:
    """A history without gaps on steps of 15 minutes."""
    return History(
        start_s=0.0,
        step_s=STEP_S,
        level=level,
        is_measured=np.isfinite(level),
        rain_mm={} if rain is None else {"R": rain},
        upstream={} if upstream is None else {"U": upstream},
    )


def floods(rng: np.random.Generator, points: int) -> Array:
    """A flood every 15 hours or so: up in two hours, down in a day."""
    pulse = np.where(rng.random(points) < 1 / 60, rng.uniform(0.2, 1.0, points), 0.0)
    steps = np.arange(300)
    shape = (1.0 - np.exp(-steps / 6.0)) * np.exp(-steps / 40.0)
    return np.asarray(np.convolve(pulse, shape)[:points])


@pytest.fixture(scope="session")
def river() -> History:
    """A level that is the gauge upstream two hours ago, with 2 mm of noise, and rain that says nothing."""
    rng = np.random.default_rng(7)
    points = DAYS * 96
    above = floods(rng, points + LAG_STEPS)
    level = above[:points] + rng.normal(0.0, 0.002, points)
    return as_history(level, rain=rng.exponential(0.1, points), upstream=above[LAG_STEPS:])


@pytest.fixture(scope="session")
def noise() -> History:
    """Steps that nothing foretells: the best that can be said is that the level stays."""
    rng = np.random.default_rng(3)
    return as_history(np.cumsum(rng.normal(0.0, 0.01, DAYS * 96)), rain=rng.exponential(0.1, DAYS * 96))
