"""A raster cut into tiles, and where their layers are kept: in arrays, or in a folder that several processes see."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gis.terrain.directions import FAR, NOWHERE

Layer = NDArray[Any]
Numbers = NDArray[np.int64]

# What stands where a layer says nothing: beyond the raster, and in tiles that have not been written yet.
NOTHING: Mapping[str, Any] = {
    "heights": np.float32(np.nan),
    "filled": np.float32(np.nan),
    "labels": np.int32(-1),
    "directions": NOWHERE,
    "distance": FAR,
    "accumulation": np.int32(0),
    "accumulation_wide": np.int64(0),
    "hand": np.float32(np.nan),
}


@dataclass(frozen=True)
class Window:
    """Rows and columns of the raster, ends not included; they may lie beyond it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return (self.bottom - self.top, self.right - self.left)

    def ringed(self, cells: int) -> Window:
        """The window with so many more cells on each side."""
        return Window(self.top - cells, self.left - cells, self.bottom + cells, self.right + cells)

    def common(self, other: Window) -> Window:
        """What both cover; empty or turned inside out where they cover nothing in common."""
        return Window(
            max(self.top, other.top), max(self.left, other.left),
            min(self.bottom, other.bottom), min(self.right, other.right),
        )

    def within(self, outer: Window) -> tuple[slice, slice]:
        """This window as an index into an array of `outer`."""
        return (
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )


@dataclass(frozen=True)
class Tiling:
    """A raster of `rows` x `columns` in square tiles of `side` cells; the last of a row or column may be smaller."""

    rows: int
    columns: int
    side: int

    @property
    def whole(self) -> Window:
        """The whole raster."""
        return Window(0, 0, self.rows, self.columns)

    @cached_property
    def across(self) -> int:
        """How many tiles stand in a row."""
        return -(-self.columns // self.side)

    @cached_property
    def down(self) -> int:
        """How many tiles stand in a column."""
        return -(-self.rows // self.side)

    @property
    def count_layer(self) -> str:
        """The layer of accumulation: counts need 64 bits where the raster has 2**31 cells or more."""
        return "accumulation" if self.rows * self.columns < 2**31 else "accumulation_wide"

    def __len__(self) -> int:
        return self.down * self.across

    def window(self, tile: int) -> Window:
        """What the tile of this number covers; numbers run along the rows."""
        row, column = divmod(tile, self.across)
        top, left = row * self.side, column * self.side
        return Window(top, left, min(top + self.side, self.rows), min(left + self.side, self.columns))

    def beside(self, tile: int, down: int, right: int) -> int | None:
        """The tile so many tiles below and to the right, None beyond the raster."""
        row, column = tile // self.across + down, tile % self.across + right
        is_there = 0 <= row < self.down and 0 <= column < self.across
        return row * self.across + column if is_there else None

    def tiles_in(self, window: Window) -> Iterator[int]:
        """The numbers of the tiles that lie under the window."""
        inside = window.common(self.whole)
        for row in range(inside.top // self.side, -(-inside.bottom // self.side)):
            for column in range(inside.left // self.side, -(-inside.right // self.side)):
                yield row * self.across + column

    def numbers_of(self, cells: Numbers, ringed: Window) -> Numbers:
        """Flat cells of an array of the window as flat cells of the raster; -1 stays -1."""
        row, column = np.divmod(cells, ringed.right - ringed.left)
        return np.where(cells < 0, -1, (row + ringed.top) * self.columns + column + ringed.left)

    def cells_in(self, numbers: Numbers, ringed: Window) -> Numbers:
        """Flat cells of the raster as flat cells of an array of the window, which must hold them."""
        row, column = np.divmod(numbers, self.columns)
        return (row - ringed.top) * (ringed.right - ringed.left) + column - ringed.left


class Store(Protocol):
    """Layers of a raster by name, read and written tile by tile."""

    @property
    def tiling(self) -> Tiling:
        """How the raster is cut."""

    def read(self, layer: str, window: Window) -> Layer:
        """A copy of the layer in the window, `NOTHING` where the layer says nothing."""

    def write(self, layer: str, tile: int, values: Layer) -> None:
        """The layer holds these values in this tile; who reads meanwhile gets the old ones or the new ones."""

    def begin(self, layer: str) -> None:
        """The layer says nothing anywhere and can be written."""

    def drop(self, layer: str) -> None:
        """The layer is gone and takes no room."""


class Arrays:
    """Layers as whole arrays in the memory of this process."""

    def __init__(self, heights_m: NDArray[np.float32], *, side: int) -> None:
        rows, columns = heights_m.shape
        self._tiling = Tiling(rows=rows, columns=columns, side=side)
        self.layers: dict[str, Layer] = {"heights": heights_m}

    @property
    def tiling(self) -> Tiling:
        """How the arrays are cut."""
        return self._tiling

    def read(self, layer: str, window: Window) -> Layer:
        """A copy of the layer in the window."""
        values = np.full(window.shape, NOTHING[layer])
        if layer in self.layers:
            inside = window.common(self.tiling.whole)
            values[inside.within(window)] = self.layers[layer][inside.within(self.tiling.whole)]
        return values

    def write(self, layer: str, tile: int, values: Layer) -> None:
        """The layer holds these values in this tile."""
        self.layers[layer][self.tiling.window(tile).within(self.tiling.whole)] = values

    def begin(self, layer: str) -> None:
        """The layer says nothing anywhere and can be written."""
        self.layers[layer] = np.full(self.tiling.whole.shape, NOTHING[layer])

    def drop(self, layer: str) -> None:
        """The array is gone."""
        del self.layers[layer]


class Source(Protocol):
    """Where the heights come from."""

    def read(self, window: Window) -> NDArray[np.float32]:
        """The heights in the window (metres), NaN where nothing is known."""


@dataclass(frozen=True)
class Folder:
    """Layers as one file for each tile in a folder that every process at work sees under the same path."""

    path: Path
    tiling: Tiling
    heights: Source

    def file_of(self, layer: str, tile: int) -> Path:
        """Where the tile's values are."""
        return self.path / f"{layer}-{tile}.npy"

    def read(self, layer: str, window: Window) -> Layer:
        """A copy of the layer in the window, put together from the tiles under it."""
        if layer == "heights":
            return self.heights.read(window)
        values = np.full(window.shape, NOTHING[layer])
        for tile in self.tiling.tiles_in(window):
            file = self.file_of(layer, tile)
            if file.exists():
                covers = self.tiling.window(tile)
                common = covers.common(window)
                values[common.within(window)] = np.load(file, mmap_mode="r")[common.within(covers)]
        return values

    def write(self, layer: str, tile: int, values: Layer) -> None:
        """The tile's file is replaced as a whole."""
        file = self.file_of(layer, tile)
        fresh = file.with_suffix(f".{os.getpid()}.new")
        with fresh.open("wb") as output:
            np.save(output, values)
        fresh.replace(file)

    def begin(self, layer: str) -> None:
        """No tile of the layer is written."""
        self.drop(layer)

    def drop(self, layer: str) -> None:
        """The layer's files are gone."""
        for tile in range(len(self.tiling)):
            self.file_of(layer, tile).unlink(missing_ok=True)
