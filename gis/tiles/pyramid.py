"""The tiles that there are, what a tile's SQL begins with, and the most that a tile may weigh."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from gis.errors import NoSuchTileError

LOWEST_ZOOM, HIGHEST_ZOOM = 8, 18
# Ground size of a pixel at zoom 0 in Web Mercator, for tiles of 512 pixels (OGC WebMercatorQuad: 156543.03 m at 256).
PIXEL_AT_ZOOM_0_M = 78_271.52
# Raw, before gzip: what a phone has to read, not only to fetch.
LARGEST_BYTES = 100_000

# The tile's box in Web Mercator, with a margin for lines and outlines that begin beside it, and the same in degrees.
BOX = """
    box AS MATERIALIZED (
        SELECT ST_TileEnvelope(:z, :x, :y) AS mercator,
               ST_TileEnvelope(:z, :x, :y, margin => 64.0 / 4096) AS wide,
               ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS degrees
    )"""

Rung = TypeVar("Rung")


@dataclass(frozen=True)
class Tile:
    """A tile of the Web Mercator pyramid; raises NoSuchTileError where there is none."""

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        """The tile exists at its zoom."""
        if not (LOWEST_ZOOM <= self.z <= HIGHEST_ZOOM and 0 <= self.x < 2**self.z and 0 <= self.y < 2**self.z):
            raise NoSuchTileError(
                f"There is no tile {self.z}/{self.x}/{self.y}: zoom is {LOWEST_ZOOM} to {HIGHEST_ZOOM}, "
                "x and y lie below 2 to the power of zoom."
            )

    @property
    def pixel_m(self) -> float:
        """The ground size of a pixel, metres of Web Mercator."""
        return float(PIXEL_AT_ZOOM_0_M / 2**self.z)

    @property
    def box(self) -> dict[str, int]:
        """The parameters of `BOX`."""
        return {"z": self.z, "x": self.x, "y": self.y}


def first_fitting(draw: Callable[[Rung], bytes], rungs: Iterable[Rung]) -> bytes:
    """The tile drawn at the first rung of a ladder, from fine to coarse, at which it weighs `LARGEST_BYTES` or less.

    Nothing at all where even the last rung is too heavy, so that the limit holds whatever the data are.
    """
    for rung in rungs:
        body = draw(rung)
        if len(body) <= LARGEST_BYTES:
            return body
    return b""
