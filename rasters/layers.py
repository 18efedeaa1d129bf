"""Which raster layers there are: a layer's id leads to a file that the database names, never a path or an address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from core.errors import NotFoundError
from core.settings import data_dir
from flood import queries

SOCKET = "rasters.sock"
NEWEST_RUNS = 24
_DEPTH = re.compile(r"depth-([1-9][0-9]{0,17})\Z")


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
    found = [RasterLayer("terrain", "terrain")] if _terrain_file(session) else []
    runs = queries.runs_with_depth(session, NEWEST_RUNS)
    return [*found, *(RasterLayer(f"depth-{run_id}", "depth", run_id) for run_id in runs)]


def file_of(session: Session, layer_id: str) -> Path:
    """The GeoTIFF of a layer, made where it is asked for first; raises NotFoundError where there is none of this id."""
    depth = _DEPTH.match(layer_id)
    found = _depth_file(session, int(depth[1])) if depth else None
    if layer_id == "terrain":
        found = _terrain_file(session)
    if found is None or not found.is_file():
        raise NotFoundError(f"There is no raster layer '{layer_id[:60]}'.")
    return found


def _depth_file(session: Session, run_id: int) -> Path | None:
    from rasters.cog import cog_of  # Only the raster process gets here; the API lists layers and reads none.

    kept = queries.depth_planes(session, run_id)
    return cog_of(*kept) if kept else None


def _terrain_file(session: Session) -> Path | None:
    terrain = queries.terrain(session)
    return Path(terrain.path) if terrain else None
