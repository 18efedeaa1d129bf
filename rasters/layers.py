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


@dataclass(frozen=True)
class RasterLayer:
    """A layer by its id; `run_id` is the picture of the flood that a depth is of."""

    id: str
    kind: Literal["terrain", "depth"]
    run_id: int | None = None


def socket_path() -> Path:
    """Where the process listens."""
    return data_dir() / SOCKET


def layers(session: Session) -> list[RasterLayer]:
    """The terrain, and the depths of the newest pictures that have a raster, newest first."""
    found = [RasterLayer("terrain", "terrain")] if terrain_file(session) else []
    runs = queries.runs_with_depth(session, NEWEST_RUNS)
    return [*found, *(RasterLayer(f"depth-{run_id}", "depth", run_id) for run_id in runs)]


def terrain_file(session: Session) -> Path | None:
    """The city's elevation model, None where it has none."""
    terrain = standing.terrain(session)
    return Path(terrain.path) if terrain else None
