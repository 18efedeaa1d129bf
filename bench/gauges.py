"""Two real networks of gauges beside the project: the Calder's levels and rain, Jakarta's levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sensors.nowcast.grid import HOUR_S, Readings, ascending
from sensors.records.calder import read_calder
from sensors.records.jakarta import read_jakarta
from sensors.records.rows import JAKARTA_TIME, Row

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
    series = {path.name: _readings(read_calder(path).rows) for path in sorted(folder.glob("*-15min-Qualified.csv"))}
    return Network(
        name="calder",
        unit="m",
        held_out_from=datetime(2025, 9, 5, tzinfo=UTC),
        levels={name.split("-level-")[0]: readings for name, readings in series.items() if "-level-" in name},
        rain={name.split("-rainfall-")[0]: readings for name, readings in series.items() if "-rainfall-" in name},
        above=CALDER_ABOVE,
    )


def jakarta(folder: Path, *, least_readings: int = LEAST_READINGS) -> Network:
    """Levels (mm, each gauge's own zero) of stations with that many readings, early 2019; no rain.

    Repeats are one reading, zeros are drops. A reading more than a metre from the last trusted one is doubted, and left
    out, until a second agrees with it: as a duty room would know it at that time, never by what comes later.
    """
    stations = read_jakarta(folder).stations()
    levels = {name: _trusted(_readings(row for row in rows if row.value != 0.0)) for name, rows in stations.items()}
    return Network(
        name="jakarta",
        unit="mm",
        held_out_from=datetime(2019, 3, 12, tzinfo=JAKARTA_TIME),
        levels={station: readings for station, readings in levels.items() if len(readings.times_s) >= least_readings},
        rain={},
        above=JAKARTA_ABOVE,
    )


def _readings(rows: Iterable[Row]) -> Readings:
    return ascending([(row.at.timestamp(), row.value) for row in rows])


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
