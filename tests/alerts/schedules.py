"""Random plays of everything that may die or fail while an alert goes out: drawn from a number, the same each time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Begin = Literal["approving", "packing", "packed"]
Deed = Literal["fault", "kill sender", "kill all senders", "another sender", "kill worker", "kill database"]

# What the stand-in can do to multicasts.
FAULTS = (
    "error_500_before", "error_500_after", "reset", "reset_after", "accept_then_timeout", "slow_ms", "rate_429",
    "concurrency_429",
)  # fmt: skip
FAULTS_IN_A_ROW, LATE_PERCENT, LATE_IN_A_ROW = 10, 60, 2  # Few are left late; a chunk waits longer after each fault.
WAYS_TO_KILL_A_DATABASE = ("backend", "backend", "server", "immediate")
WEIGHTS: dict[Deed, int] = {"fault": 8, "kill sender": 5, "kill all senders": 2, "another sender": 2}
DIES_WHILE_APPROVING = 0.3


@dataclass(frozen=True)
class Step:
    """What happens once so many of a hundred residents were told. `what` says which fault, or how a server dies."""

    after_percent: int
    deed: Deed
    what: str = ""
    count: int = 1


@dataclass(frozen=True)
class Schedule:
    """One play: how it begins, how many send, how soon their leases end, and what goes wrong when.

    It begins before the approval, after it while the last messages are being packed, or when all of them wait.
    `lease` is how long a lease lasts, in times of how long a sender waits for an answer: a shorter one makes two
    senders send one chunk. `api_dies_after_s` are the seconds after each request for approval at which the API gets
    SIGKILL, until one is answered.
    """

    seed: int
    begin: Begin
    senders: int
    lease: float
    steps: tuple[Step, ...]
    api_dies_after_s: tuple[float, ...] = ()

    @property
    def kills_worker(self) -> bool:
        """A worker gets SIGKILL; or its database does, and it ends."""
        return any(step.deed in {"kill worker", "kill database"} for step in self.steps)


def drawn(seed: int, *, approval_takes_s: float) -> Schedule:
    """The schedule of this number.

    Of ten one is approved through the API, which dies, and in another one the database dies. Of twenty one begins while
    messages are packed, and its worker dies: another one takes up what that held when it has been silent for 8 s.
    """
    chance = random.Random(seed)
    lease = chance.choice((1.5, 1.5, 1.5, 0.6))
    steps = [_step(chance) for _ in range(chance.randint(2, 5))]
    begin: Begin = "approving" if seed % 10 == 3 else "packing" if seed % 20 == 9 else "packed"
    dies_after_s: tuple[float, ...] = ()
    if begin == "approving":
        dies_after_s = tuple(chance.uniform(0.0, 1.2 * approval_takes_s) for _ in range(chance.randint(1, 2)))
        if chance.random() < DIES_WHILE_APPROVING:
            steps.append(Step(0, "kill database", "backend"))
    if begin == "packing":
        steps.append(Step(chance.randrange(75), "kill worker"))
    if seed % 10 == 7:
        steps.append(Step(chance.randrange(100), "kill database", chance.choice(WAYS_TO_KILL_A_DATABASE)))
    return Schedule(
        seed=seed,
        begin=begin,
        senders=chance.choice((1, 2, 2, 3)),
        lease=lease,
        steps=tuple(sorted(steps, key=lambda step: step.after_percent)),
        api_dies_after_s=dies_after_s,
    )


def _step(chance: random.Random) -> Step:
    after_percent = chance.choice((0, chance.randrange(100), chance.randrange(100)))
    deed = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    if deed != "fault":
        return Step(after_percent, deed)
    kind = chance.choice(FAULTS)
    # Each 429 makes all senders pause for half a second.
    most = 1 if kind.endswith("429") else LATE_IN_A_ROW if after_percent > LATE_PERCENT else FAULTS_IN_A_ROW
    return Step(after_percent, deed, kind, chance.randint(1, most))
