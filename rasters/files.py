"""A layer's id leads to a file that the database names, never a path or an address; for the raster process."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy.orm import Session

from core.errors import NotFoundError
from flood import queries, standing
from rasters.cog import cog_of
from rasters.drainage import hand_of
from rasters.layers import terrain_file

_DEPTH = re.compile(r"depth-([1-9][0-9]{0,17})\Z")


def file_of(session: Session, layer_id: str) -> Path:
    """The GeoTIFF of a layer, made where it is asked for first; raises NotFoundError where there is none of this id."""
    depth = _DEPTH.match(layer_id)
    found = _depth_file(session, int(depth[1])) if depth else None
    if layer_id == "terrain":
        found = terrain_file(session)
    if layer_id == "hand":
        found = _hand_file(session)
    if found is None or not found.is_file():
        raise NotFoundError(f"There is no raster layer '{layer_id[:60]}'.")
    return found


def _hand_file(session: Session) -> Path | None:
    terrain, path = standing.terrain(session), terrain_file(session)
    if terrain is None or path is None or not path.is_file():
        return None
    return hand_of(path, cell_m=terrain.cell_m)


def _depth_file(session: Session, run_id: int) -> Path | None:
    kept = queries.depth_planes(session, run_id)
    if kept is None and queries.had_depths(session, run_id):
        raise NotFoundError(
            f"The depths of picture {run_id} are no longer kept, only those of the newest pictures: how deep it was is "
            "not known. Its outlines and zones are kept."
        )
    return cog_of(*kept) if kept else None
