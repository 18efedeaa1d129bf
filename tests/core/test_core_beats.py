"""Jobs on a beat of seconds."""

from __future__ import annotations

from itertools import pairwise

from cli.rooms import load_tasks
from core import jobs

MINUTE_S, FROM_S = 60, 1_795_900_267  # Seven seconds into a minute that neither 2 nor 5 divides.


def test_a_beat_of_seconds_is_one_in_every_minute() -> None:
    """A cron of six fields says how many seconds lie between two runs; no minute is left out."""
    load_tasks()
    beats = [one.croniter for one in jobs.app.periodic_registry.periodic_tasks.values() if len(one.cron.split()) == 6]
    assert len(beats) >= 10
    for beat in beats:
        beat.set_current(FROM_S)
        times = [FROM_S, *(beat.get_next(float) for _ in range(70))]
        assert all(later - earlier <= MINUTE_S / 2 for earlier, later in pairwise(times)), beat.expressions
