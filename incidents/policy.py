"""What the city decided about promises and messages, as it comes with Faonam: read from `data/policy.toml`."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path


@dataclass(frozen=True)
class Policy:
    """The durations and limits of `data/policy.toml`; quiet hours are Bangkok's."""

    warn_at_shares: tuple[float, ...]
    warn_before: timedelta
    wait_limit: timedelta
    waits_limit: timedelta
    handing_limit: int
    bundle_urgent: timedelta
    bundle_ordinary: timedelta
    urgent_tier: int
    quiet_from: time
    quiet_to: time
    answer_within: timedelta
    wet_from_m: float


@functools.cache
def shipped() -> Policy:
    """The policy that comes with Faonam."""
    found = tomllib.loads((Path(__file__).parent / "data" / "policy.toml").read_text(encoding="utf-8"))
    promise, messages, fading = found["promise"], found["messages"], found["fading"]
    return Policy(
        warn_at_shares=tuple(promise["warn_at_shares"]),
        warn_before=timedelta(minutes=promise["warn_before_minutes"]),
        wait_limit=timedelta(hours=promise["wait_limit_hours"]),
        waits_limit=timedelta(hours=promise["waits_limit_hours"]),
        handing_limit=promise["handing_limit"],
        bundle_urgent=timedelta(seconds=messages["bundle_seconds_urgent"]),
        bundle_ordinary=timedelta(seconds=messages["bundle_seconds_ordinary"]),
        urgent_tier=messages["urgent_tier"],
        quiet_from=messages["quiet_from"],
        quiet_to=messages["quiet_to"],
        answer_within=timedelta(minutes=fading["answer_minutes"]),
        wet_from_m=fading["wet_from_m"],
    )
