"""The storm as a plan: how long it lasts, when readings are due, who reports what."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

STORM_H = 5.0
READING_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class PlannedReport:
    """A resident writes `text` `after_h` hours into the storm; `echo` neighbours report the same thing."""

    after_h: float
    is_wet: bool
    text: str
    has_photo: bool
    echo: int


def planned_reports() -> list[PlannedReport]:
    """Every report of the storm, in order."""
    path = Path(__file__).with_name("reports.toml")
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["report"]
    reports = [
        PlannedReport(
            after_h=float(row["after_h"]), is_wet=row["where"] == "wet", text=str(row["text"]),
            has_photo=bool(row["photo"]), echo=int(row.get("echo", 0)),
        )
        for row in rows
    ]
    return sorted(reports, key=lambda report: report.after_h)


def hours_in(start_at: datetime, now: datetime) -> float:
    """How many hours into the storm it is."""
    return (now - start_at) / timedelta(hours=1)


def rain_mm_per_h(after_h: float) -> float:
    """The storm's rain, mm/h: a burst that rises for 1.5 h, holds, and dies away by the fourth hour."""
    if after_h <= 0 or after_h >= 4.0:
        return 0.0
    rising, falling = after_h / 1.5, (4.0 - after_h) / 1.5
    return 60.0 * min(1.0, rising, falling)
