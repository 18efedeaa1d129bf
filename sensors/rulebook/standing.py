"""Where a rule stands between two readings, and how it is written down. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import orjson

from sensors.watch.documents import Kind, Rule
from sensors.watch.machine import Changes, advance
from sensors.watch.state import Observation, WatchState


@dataclass(frozen=True)
class Standing:
    """The machine's state; `before` is the one before its newest moment, which a second gauge may still complete."""

    state: WatchState = field(default_factory=WatchState)
    before: WatchState | None = None

    def document(self) -> bytes:
        """Both as JSON; `standing_of` gives the same back."""
        return orjson.dumps({"state": self.state, "before": self.before})


def standing_of(document: bytes) -> Standing:
    """The standing that was written down."""
    stored = orjson.loads(document)
    before = stored["before"]
    return Standing(WatchState.from_json(stored["state"]), WatchState.from_json(before) if before else None)


def stepped(standing: Standing, observation: Observation, rule: Rule) -> tuple[Standing, Changes]:
    """The standing after this observation, and what it changed.

    Gauges of a zone measure at the same moments and send one after the other: while nothing was told of a moment, each
    further reading of it is seen in the place of the last, so that the moment counts once and with all its gauges.
    """
    is_same_moment = standing.before is not None and observation.at == standing.state.observed_at
    base = standing.before if is_same_moment and standing.before is not None else standing.state
    after, changes = advance(base, observation, rule.timing)
    if after is base:
        return standing, ()
    keeps_before = rule.kind is Kind.QUORUM and not changes
    return Standing(after, base if keeps_before else None), changes


def ticked(standing: Standing, after: WatchState) -> Standing:
    """The standing after a tick; what the tick has changed, no further reading of the newest moment takes back."""
    return Standing(after, standing.before if has_only_aged(standing.state, after) else None)


def has_only_aged(before: WatchState, after: WatchState) -> bool:
    """A tick has found nothing but that time went by."""
    return replace(after, ticked_at=before.ticked_at) == before
