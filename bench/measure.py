"""What a bench is made of: sides that take turns, their medians, and the line that says whether the bar holds.

A ratio is always our time divided by the peer's: 2 means that we take twice as long, 0.5 half as long. What is not a
time (memory, shares of right answers) stands among the figures, with a most or a least of its own.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.errors import FaonamError

Turn = Callable[[], float]
OURS = "ours"


class WrongWorkError(FaonamError):
    """A side of the bench does not do the work that it is measured by."""


@dataclass(frozen=True)
class Timing:
    """The seconds of a side's counted turns."""

    seconds: tuple[float, ...]

    @property
    def typical_s(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    @property
    def p95_s(self) -> float:
        """The time within which 95 of 100 turns ended; the nearest turn that was measured, never one between."""
        ranked = sorted(self.seconds)
        return ranked[math.ceil(0.95 * len(ranked)) - 1]

    def as_json(self) -> dict[str, object]:
        """Median, 95th percentile, fastest and slowest in seconds, and of how many rounds."""
        return {
            "median_s": rounded(self.typical_s),
            "p95_s": rounded(self.p95_s),
            "fastest_s": rounded(min(self.seconds)),
            "slowest_s": rounded(max(self.seconds)),
            "rounds": len(self.seconds),
        }


@dataclass(frozen=True)
class Limit:
    """Seconds that a rule sets; there is nothing to measure."""

    typical_s: float

    def as_json(self) -> dict[str, object]:
        """The limit in seconds."""
        return {"limit_s": rounded(self.typical_s)}


@dataclass(frozen=True)
class Result:
    """What a bench found. `facts` tell of the input; `bar` gives the greatest ratio that holds, by peer.

    `figures` are what is judged and is no ratio of times; `most` and `least` are their bars, by name.
    """

    bench: str
    facts: Mapping[str, object]
    ours: Timing
    peers: Mapping[str, Timing | Limit]
    bar: Mapping[str, float]
    figures: Mapping[str, float] = field(default_factory=dict)
    most: Mapping[str, float] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)

    @property
    def ratios(self) -> dict[str, float]:
        """Our median divided by each peer's, to three digits, as printed and as judged."""
        return {name: rounded(self.ours.typical_s / peer.typical_s) for name, peer in self.peers.items()}

    @property
    def holds(self) -> bool:
        """No ratio is greater than its bar, and no figure beyond its own."""
        ratios, figures = self.ratios, self.figures
        return (
            all(ratios[name] <= most for name, most in self.bar.items())
            and all(figures[name] <= most for name, most in self.most.items())
            and all(figures[name] >= least for name, least in self.least.items())
        )

    def line(self) -> str:
        """The closing line of JSON."""
        return json.dumps(
            {
                "bench": self.bench,
                "ours": {**self.facts, **self.ours.as_json(), **self.figures},
                "peers": {name: peer.as_json() for name, peer in self.peers.items()},
                "ratios": self.ratios,
                "bar": {
                    **self.bar,
                    **{f"{name} at most": most for name, most in self.most.items()},
                    **{f"{name} at least": least for name, least in self.least.items()},
                },
                "holds": self.holds,
            },
            ensure_ascii=False,
        )


def rounded(number: float) -> float:
    """The number to three digits."""
    return float(f"{number:.3g}")


def check(is_so: bool, sentence: str) -> None:
    """It is so; else WrongWorkError with this sentence, and nothing is timed."""
    if not is_so:
        raise WrongWorkError(f"The bench would measure wrong work: {sentence}")


def timed(work: Callable[[], object], *, pieces: int = 1) -> Turn:
    """A turn that does `work` once and gives the seconds that each of its equal `pieces` took."""

    def turn() -> float:
        began_s = time.perf_counter()
        work()
        return (time.perf_counter() - began_s) / pieces

    return turn


def take_turns(sides: Mapping[str, Turn], *, rounds: int, tell: Callable[[str], None]) -> dict[str, Timing]:
    """Every side has had one turn a round, each round in the opposite order of the last; a first round warms up.

    What slows the machine down for a while so slows every side. `tell` hears which round it is.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        tell(f"round {number} of {rounds}" if number else "warming up")
        for name in list(sides)[:: 1 if number % 2 else -1]:
            took_s = sides[name]()
            if number:
                seconds[name].append(took_s)
    return {name: Timing(tuple(taken)) for name, taken in seconds.items()}
