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
            persons=row["persons"],
            needs_typed_name=row["needs_typed_name"],
            is_quiet_at_night=row["is_quiet_at_night"],
            quiet_from_h=found["quiet"]["from_hour"],
            quiet_to_h=found["quiet"]["to_hour"],
            check_holds=timedelta(minutes=row["check_holds_minutes"]),
            may_be_armed=row["may_be_armed"],
            armed_delay=timedelta(seconds=found["armed"]["delay_seconds"]),
            armed_at_most=timedelta(hours=found["armed"]["hours_at_most"]),
        )
        for row in found["level"]
    )
    return Policy(version=found["version"], levels=levels)
