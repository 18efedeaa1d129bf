"""A layer's id leads to a file that the database names, never a path or an address; for the raster process."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy.orm import Session

from core.errors import NotFoundError
from flood import queries
from rasters.cog import cog_of
from rasters.layers import terrain_file

_DEPTH = re.compile(r"depth-([1-9][0-9]{0,17})\Z")


def file_of(session: Session, layer_id: str) -> Path:
    """The GeoTIFF of a layer, made where it is asked for first; raises NotFoundError where there is none of this id."""
    depth = _DEPTH.match(layer_id)
    found = _depth_file(session, int(depth[1])) if depth else None
    if layer_id == "terrain":
        found = terrain_file(session)
    if found is None or not found.is_file():
        raise NotFoundError(f"There is no raster layer '{layer_id[:60]}'.")
    return found


def _depth_file(session: Session, run_id: int) -> Path | None:
    kept = queries.depth_planes(session, run_id)
    return cog_of(*kept) if kept else None
