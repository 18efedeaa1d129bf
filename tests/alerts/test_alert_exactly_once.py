"""The right people, once: random plays of everything that may die or fail, judged by what LINE's stand-in delivered."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.alerts import schedules
from tests.alerts.killed import House, await_that, house

# As many as fit into the suite; FAONAM_SCHEDULES=200 plays 200. FAONAM_FIRST_SCHEDULE begins at another number.
COUNT = int(os.environ.get("FAONAM_SCHEDULES", "4"))
FIRST = int(os.environ.get("FAONAM_FIRST_SCHEDULE", "1"))


@pytest.fixture(scope="module")
def town() -> Iterator[House]:
    """50,000 residents in two zones side by side, and 2,000 beside them."""
    with house() as one:
        yield one


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_everybody_in_the_zone_is_told_once_and_nobody_else(town: House, seed: int) -> None:
    """API, worker, senders and database get SIGKILL, answers are lost, chunks claimed twice, LINE says 429 and 500.

    Whatever the play of this number does: the stand-in's log is the frozen audience, each resident once.
    """
    schedule = schedules.drawn(seed, approval_takes_s=town.approval_takes_s)
    print(schedule)
    town.play(schedule)
    assert town.wrongly_told() == {"missed": [], "twice": [], "outside": []}
    assert town.chunk_states().keys() == {"accepted"}
    if schedule.begin == "approving" and not schedule.kills_worker:  # The jobs of one that died wait for 8 s.
        assert await_that(town.is_told_to_the_officer)
