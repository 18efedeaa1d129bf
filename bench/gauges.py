"""Two real networks of gauges beside the project: the Calder's levels and rain, Jakarta's levels."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from sensors.nowcast.grid import HOUR_S, Readings, ascending

WIB = timezone(timedelta(hours=7))
MOST_JUMP_MM = 1000.0
JUMP_WITHIN_S = 2 * HOUR_S


@dataclass(frozen=True)
class Network:
    """The gauges of one place. `above` names each target's gauges upstream; `held_out_from` begins what is judged."""

    name: str
    unit: str
    held_out_from: datetime
    levels: Mapping[str, Readings]
    rain: Mapping[str, Readings]
    above: Mapping[str, tuple[str, ...]]


# From the map: the Calder flows from Todmorden past Hebden Bridge, where Nutclough joins, to Mytholmroyd.
CALDER_ABOVE = {
    "Mytholmroyd": ("Todmorden-Callis-Bridge", "Hebden-Bridge", "Nutclough", "Mytholmroyd-Dauber-Bridge"),
    "Hebden-Bridge": ("Todmorden-Callis-Bridge", "Nutclough"),
}
# The Ciliwung from Katulampa to Manggarai, then the west canal to Karet and the old course past Istiqlal.
JAKARTA_ABOVE = {
    "PS. Depok": ("PS. Katulampa (Hulu)",),
    "PA. Manggarai": ("PS. Depok", "PS. Katulampa (Hulu)"),
    "P.A. Karet": ("PA. Manggarai", "PS. Depok", "Pompa Cideng"),
    "P.A. Istiqlal": ("PA. Manggarai",),
    "P.A. Jembatan Merah": ("P.A. Istiqlal", "PA. Manggarai"),
    "P.A. Ancol Flusing": ("P.A. Jembatan Merah", "P.A. Marina Ancol"),
    "Pompa Cideng": ("PS. Krukut Hulu",),
}
LEAST_READINGS = 1000


def calder(folder: Path) -> Network:
    """Five levels (m, local datum) and four rains (mm) every 15 minutes, 28 days of 2025; times taken as UTC."""
    series = {path.name: _calder_rows(path) for path in sorted(folder.glob("*-15min-Qualified.csv"))}
    return Network(
        name="calder",
        unit="m",
        held_out_from=datetime(2025, 9, 5, tzinfo=UTC),
        levels={name.split("-level-")[0]: ascending(rows) for name, rows in series.items() if "-level-" in name},
        rain={name.split("-rainfall-")[0]: ascending(rows) for name, rows in series.items() if "-rainfall-" in name},
        above=CALDER_ABOVE,
    )


def jakarta(folder: Path, *, least_readings: int = LEAST_READINGS) -> Network:
    """Levels (mm, each gauge's own zero) of stations with that many readings, early 2019; no rain.

    Repeats are one reading, zeros are drops. A reading more than a metre from the last trusted one is doubted, and left
    out, until a second agrees with it: as a duty room would know it at that time, never by what comes later.
    """
    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for path in sorted(folder.glob("2019-0?.csv")):
        for station, time_s, level_mm in _jakarta_rows(path):
            rows[station].append((time_s, level_mm))
    levels = {station: _trusted(ascending(found)) for station, found in sorted(rows.items())}
    return Network(
        name="jakarta",
        unit="mm",
        held_out_from=datetime(2019, 3, 12, tzinfo=WIB),
        levels={station: readings for station, readings in levels.items() if len(readings.times_s) >= least_readings},
        rain={},
        above=JAKARTA_ABOVE,
    )


def _calder_rows(path: Path) -> list[tuple[float, float]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            (datetime.fromisoformat(row["dateTime"]).replace(tzinfo=UTC).timestamp(), float(row["value"]))
            for row in csv.DictReader(file)
            if row["value"]
        ]


def _jakarta_rows(path: Path) -> Iterator[tuple[str, float, float]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            moment = _jakarta_moment(row["tanggal"].strip(), row.get("waktu"))
            level_mm = float(row["tinggi_air"])
            if level_mm != 0.0:
                yield row["nama_pintu_air"].strip(), moment.replace(tzinfo=WIB).timestamp(), level_mm


def _jakarta_moment(day: str, clock: str | None) -> datetime:
    if clock is None:
        return datetime.fromisoformat(day)
    return datetime.strptime(f"{day} {clock.strip()}", "%Y-%m-%d %I:%M:%S%p")


def _trusted(readings: Readings) -> Readings:
    kept: list[tuple[float, float]] = []
    doubted: float | None = None
    for time_s, value in zip(readings.times_s.tolist(), readings.values.tolist(), strict=True):
        is_far = bool(kept) and abs(value - kept[-1][1]) > MOST_JUMP_MM and time_s - kept[-1][0] <= JUMP_WITHIN_S
        is_confirmed = doubted is not None and abs(value - doubted) <= MOST_JUMP_MM
        if is_far and not is_confirmed:
            doubted = value
            continue
        doubted = None
        kept.append((time_s, value))
    return ascending(kept)
