"""What the city decided about warning, as it comes with Faonam; a city's own versions live in `alert_rule`."""

from __future__ import annotations

import functools
import tomllib
from datetime import timedelta
from pathlib import Path

from alerts.rules import LevelRule, Policy


@functools.cache
def shipped() -> Policy:
    """The policy that comes with Faonam, from `alerts/data/policy.toml`."""
    found = tomllib.loads((Path(__file__).parent / "data" / "policy.toml").read_text(encoding="utf-8"))
    levels = tuple(
        LevelRule(
            level=row["level"],
            min_severity=row["min_severity"],
            is_proposed=row["is_proposed"],
            lasts=timedelta(hours=row["lasts_hours"]),
            declined_holds=timedelta(minutes=row["declined_holds_minutes"]),
            priority=row["priority"],
        )
        for row in found["level"]
    )
    return Policy(version=found["version"], levels=levels)
