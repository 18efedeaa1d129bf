"""Which raster layers there are, by id. Read by the API too, so that nothing here opens a raster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from core.settings import data_dir
from flood import queries, standing

SOCKET = "rasters.sock"
NEWEST_RUNS = 24
Kind = Literal["terrain", "hand", "depth"]
DEPTH_NODATA = -9999.0


@dataclass(frozen=True)
class Legend:
    """What a kind of layer shows: its bands with their units, and the value that means that nothing is known.

    `nodata` is None where it is that of the city's own file, which the layer's `info` tells. Words by the key
    `raster-<kind>`, and `raster-<kind>-note` where there is something to know before it is used.
    """

    bands: tuple[str, ...]
    units: tuple[str, ...]
    nodata: str | None
    has_note: bool = False


LEGENDS: dict[Kind, Legend] = {
    "terrain": Legend(("height_m_msl",), ("m above mean sea level",), None),
    "hand": Legend(("hand_m",), ("m",), "nan", has_note=True),
    "depth": Legend(("depth_p50_m", "depth_p90_m", "chance"), ("m", "m", "1"), f"{DEPTH_NODATA:g}"),
}


@dataclass(frozen=True)
class RasterLayer:
    """A layer by its id; `run_id` is the picture of the flood that a depth is of."""

    id: str
    kind: Kind
    run_id: int | None = None


def socket_path() -> Path:
    """Where the process listens."""
    return data_dir() / SOCKET


def layers(session: Session) -> list[RasterLayer]:
    """The terrain and its height above drainage, then the depths of the newest pictures that have a raster."""
    terrain = terrain_file(session)
    ground: tuple[Kind, ...] = ("terrain", "hand") if terrain is not None and terrain.is_file() else ()
    runs = queries.runs_with_depth(session, NEWEST_RUNS)
    return [
        *(RasterLayer(kind, kind) for kind in ground),
        *(RasterLayer(f"depth-{run_id}", "depth", run_id) for run_id in runs),
    ]


def terrain_file(session: Session) -> Path | None:
    """The city's elevation model, None where it has none."""
    terrain = standing.terrain(session)
    return Path(terrain.path) if terrain else None
