"""Where tiles touch: the lines between them over the whole raster, and the contacts of cells along a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gis.terrain.tiles import Layer, Tiling

Edges = tuple[Layer, Layer, Layer, Layer]


def edges_of(values: Layer) -> Edges:
    """Copies of the first and last row and the first and last column."""
    return values[0].copy(), values[-1].copy(), values[:, 0].copy(), values[:, -1].copy()


def lines(tiling: Tiling, edges: Sequence[Edges]) -> Iterator[tuple[Layer, Layer]]:
    """The cells before and behind every seam, each seam as long as the raster: from `edges_of` of every tile."""
    tile_at = np.arange(len(tiling)).reshape(tiling.down, tiling.across)
    for row in range(tiling.down - 1):
        yield _line(edges, tile_at[row], 1), _line(edges, tile_at[row + 1], 0)
    for column in range(tiling.across - 1):
        yield _line(edges, tile_at[:, column], 3), _line(edges, tile_at[:, column + 1], 2)


def outer_lines(tiling: Tiling, edges: Sequence[Edges]) -> Layer:
    """The cells along the raster's own edge, one side after the other."""
    tile_at = np.arange(len(tiling)).reshape(tiling.down, tiling.across)
    sides = ((tile_at[0], 0), (tile_at[-1], 1), (tile_at[:, 0], 2), (tile_at[:, -1], 3))
    return np.concatenate([_line(edges, tiles, side) for tiles, side in sides])


def contacts(before: Layer, behind: Layer) -> Iterator[tuple[Layer, Layer]]:
    """Cells that touch across a seam, straight or by a corner, side by side."""
    for here, there in ((0, 0), (0, 1), (1, 0)):
        yield before[here : before.size - there], behind[there : behind.size - here]


def _line(edges: Sequence[Edges], tiles: Layer, side: int) -> Layer:
    return np.concatenate([edges[tile][side] for tile in tiles])
