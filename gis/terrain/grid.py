"""Where the cells of a raster lie. Needs numpy only."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Heights = NDArray[np.float32]
Cells = NDArray[np.int32]
Mask = NDArray[np.bool_]

OUTSIDE = -1


@dataclass(frozen=True)
class Grid:
    """North-up square cells of `cell_m` metres in the metric system `srid`, numbered row by row from the north-west."""

    rows: int
    columns: int
    cell_m: float
    west_m: float
    north_m: float
    srid: int

    @property
    def size(self) -> int:
        """How many cells there are."""
        return self.rows * self.columns

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns), as numpy writes it."""
        return (self.rows, self.columns)

    def cells_at(self, x_m: Floats, y_m: Floats) -> Cells:
        """The cell under each place, `OUTSIDE` where the grid does not reach, as where x or y is not finite."""
        column = np.floor((np.asarray(x_m) - self.west_m) / self.cell_m)
        row = np.floor((self.north_m - np.asarray(y_m)) / self.cell_m)
        is_inside = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        with np.errstate(invalid="ignore"):
            return np.where(is_inside, row * self.columns + column, OUTSIDE).astype(np.int32)

    def centres_m(self, cells: Cells) -> tuple[Floats, Floats]:
        """East and north of the middle of each cell, metres."""
        row, column = np.divmod(cells, self.columns)
        return self.west_m + (column + 0.5) * self.cell_m, self.north_m - (row + 0.5) * self.cell_m

    def as_json(self) -> dict[str, float | int]:
        """The grid as plain values; `Grid(**grid.as_json()) == grid`."""
        return asdict(self)


def sample(values: Heights, cells: Cells, *, outside: float) -> Heights:
    """The value of each cell of the flat array, `outside` for cells that are `OUTSIDE`."""
    return np.where(cells >= 0, values[np.maximum(cells, 0)], np.float32(outside)).astype(np.float32)
