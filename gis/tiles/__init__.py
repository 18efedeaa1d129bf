"""Vector tiles: the pyramid with its limit of bytes, and the base map."""

from __future__ import annotations

from gis.tiles.base import drawn, ready_version
from gis.tiles.pyramid import BOX, LARGEST_BYTES, Tile, first_fitting

__all__ = ["BOX", "LARGEST_BYTES", "Tile", "drawn", "first_fitting", "ready_version"]
