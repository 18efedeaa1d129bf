"""The drainage of an elevation model as a folder of maps: all of them, or nothing (rasterio).

Everything is made in a folder beside the wanted one, which takes its name at the end.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.shutil import copy as copy_raster

from core.errors import ConflictError, InvalidInputError
from core.progress import Progress
from gis.terrain import runners, workers
from gis.terrain.directions import NOWHERE
from gis.terrain.elevation import Elevation, Survey, elevation_at, survey_of, survey_tile
from gis.terrain.hydrology import derive, each
from gis.terrain.tiles import Folder, Layer, Tiling, Window

NOTE = "terrain.json"
UNKNOWN_STREAM = np.uint8(255)
ENCODING = "D8 as ESRI counts: 1 E, 2 SE, 4 S, 8 SW, 16 W, 32 NW, 64 N, 128 NE; 0 leaves the raster; 247 nodata"
COG = {"driver": "COG", "compress": "deflate", "bigtiff": "if_safer", "overview_resampling": "nearest"}

LOWEST_M, HIGHEST_M = -500.0, 9000.0  # The shore of the Dead Sea lies at -430 m, the highest summit at 8,849 m.

BYTES_A_CELL = 13  # Filled 4, directions 1, counts 4, hand 4; what is packed in the end is less.

Holes = Literal["refuse", "drain"]


@dataclass(frozen=True)
class Wish:
    """What is to be made: a stream has `threshold` cells upstream or more, itself among them.

    `holes` says what becomes of a terrain with patches of nodata inside: it is refused, or water drains into them as it
    does over the raster's edge.
    """

    source: Path
    out: Path
    threshold: int
    side: int
    holes: Holes


def prepare(wish: Wish, *, dask: str | None, tell: Progress) -> Mapping[str, Any]:
    """The folder holds the five maps and `terrain.json`, whose content is returned; a second time nothing is done.

    With `dask` the workers of the scheduler at this address do the tiles, else this process does. Raises
    InvalidInputError where the terrain cannot be used, ConflictError where the folder is another's or at work, and
    UnavailableError where the cluster is not there; then nothing has changed.
    """
    terrain = elevation_at(wish.source)
    tell("reading the file's digest")
    identity = {
        "source": wish.source.name, "sha256": terrain.digest(), "threshold_cells": wish.threshold,
        "holes": wish.holes, "faonam": version("faonam"),
    }
    made = _made(wish.out)
    if made is not None and identity.items() <= made.items():
        return made
    _check_room(wish.out, terrain)
    with _workshop(wish.out) as work, contextlib.ExitStack() as stack:
        tiles = work / "tiles"
        tiles.mkdir()
        store = Folder(tiles, Tiling(rows=terrain.rows, columns=terrain.columns, side=wish.side), terrain)
        run = runners.in_turn if dask is None else stack.enter_context(workers.cluster(dask, tiles))
        survey = survey_of(store.tiling, each(store, run, tell, "looking for holes", survey_tile))
        _check(survey, wish)
        derive(store, threshold=wish.threshold, run=run, tell=tell)
        fresh = work / "maps"
        fresh.mkdir()
        told = {**identity, **_facts(terrain, survey), **_draw(store, terrain, wish.threshold, fresh, tell)}
        (fresh / NOTE).write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
        _take_place(fresh, wish.out, work)
    return told


def _made(out: Path) -> Mapping[str, Any] | None:
    """What the folder says it is; None where it is not there or empty. Raises ConflictError for somebody else's."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    ours = {NOTE, *(f"{name}.tif" for name in MAPS)}
    inside = {path.name for path in out.iterdir()} if out.is_dir() else {out.name}
    if NOTE not in inside or inside - ours - {f"{name}.aux.xml" for name in ours}:
        raise ConflictError(f"{out} holds other things; name a new folder, or one that this command made.")
    try:
        told = json.loads((out / NOTE).read_text())
    except ValueError:
        return {}
    return told if isinstance(told, dict) and inside >= ours else {}


def _check_room(out: Path, terrain: Elevation) -> None:
    """The disk can hold what is made on the way. Raises InvalidInputError that says how much it would be."""
    home = next(folder for folder in out.absolute().parents if folder.is_dir())
    needed, free = terrain.rows * terrain.columns * BYTES_A_CELL, shutil.disk_usage(home).free
    if needed > free:
        raise InvalidInputError(
            f"{terrain.path.name}: its {terrain.rows:,} x {terrain.columns:,} cells need {needed / 1e9:,.0f} GB on the "
            f"way, and {home} has {free / 1e9:,.0f} GB: name an --out with more room, or cut the terrain."
        )


@contextlib.contextmanager
def _workshop(out: Path) -> Iterator[Path]:
    """An empty folder beside `out` that is gone afterwards; what a killed run left in it is gone too."""
    work = out.absolute().with_name(f".{out.absolute().name}.new")
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InvalidInputError(f"{out} cannot be made: {exc.strerror}.") from exc
    handle = os.open(work, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"Another run is making {out} right now.") from None
        try:
            for left in work.iterdir():
                shutil.rmtree(left)
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(handle)


def _take_place(fresh: Path, out: Path, work: Path) -> None:
    if out.exists():
        out.replace(work / "before")
    fresh.replace(out)


def _check(survey: Survey, wish: Wish) -> None:
    name = wish.source.name
    if survey.known == 0:
        raise InvalidInputError(f"{name}: it holds no heights, every cell is nodata.")
    if survey.lowest_m < LOWEST_M or survey.highest_m > HIGHEST_M:
        raise InvalidInputError(
            f"{name}: heights run from {survey.lowest_m:g} to {survey.highest_m:g}, which no ground in metres does; "
            "if one of them means that nothing is known, declare it as nodata."
        )
    if survey.holes and wish.holes == "refuse":
        row, column = survey.largest_at
        raise InvalidInputError(
            f"{name}: {_counted(survey.holes, 'hole')} ({_counted(survey.hole_cells, 'cell')} of nodata inside), the "
            f"largest of {_counted(survey.largest_cells, 'cell')} from row {row}, column {column}. Fill them; or where "
            "they are water that takes the flow away, say --holes drain."
        )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _facts(terrain: Elevation, survey: Survey) -> dict[str, Any]:
    return {
        "crs": CRS.from_wkt(terrain.crs).to_string(), "cell_m": terrain.affine[0],
        "rows": terrain.rows, "columns": terrain.columns,
        "known_cells": survey.known, "lowest_m": survey.lowest_m, "highest_m": survey.highest_m,
        "hole_count": survey.holes, "hole_cells": survey.hole_cells, "directions": ENCODING,
    }


# --- Maps


@dataclass(frozen=True)
class _Map:
    """A map as it is written: its nodata, the predictor that packs it best, and its values in a window."""

    nodata: float
    predictor: str
    says: str
    values: Callable[[Folder, Window, int], Layer]


def _layer(name: str) -> Callable[[Folder, Window, int], Layer]:
    return lambda store, window, _: store.read(name, window)


def _counts(store: Folder, window: Window, _: int) -> Layer:
    return store.read(store.tiling.count_layer, window)


def _streams(store: Folder, window: Window, threshold: int) -> Layer:
    counts = _counts(store, window, threshold)
    return np.where(counts == 0, UNKNOWN_STREAM, counts >= threshold).astype(np.uint8)


MAPS: Mapping[str, _Map] = {
    "filled": _Map(np.nan, "floating_point", "height with depressions filled, metres", _layer("filled")),
    "directions": _Map(float(NOWHERE), "no", ENCODING, _layer("directions")),
    "accumulation": _Map(0, "standard", "cells upstream, itself among them", _counts),
    "streams": _Map(float(UNKNOWN_STREAM), "no", "1 where accumulation reaches the threshold", _streams),
    "hand": _Map(np.nan, "floating_point", "metres above the first stream on the way down", _layer("hand")),
}


def _draw(
    store: Folder, terrain: Elevation, threshold: int, fresh: Path, tell: Progress
) -> dict[str, int]:
    """The maps lie in the folder; returns how many cells were raised, are streams, and drain into none."""
    told = {"raised_cells": 0, "stream_cells": 0, "cells_without_drain": 0}
    for name, drawn in MAPS.items():
        tell(f"writing {name}.tif")
        plain = store.path / f"{name}.tif"
        with rasterio.open(plain, "w", **_profile(terrain, _dtype(drawn, store), drawn)) as output:
            output.update_tags(says=drawn.says)
            output.set_band_description(1, name)
            for tile in range(len(store.tiling)):
                window = store.tiling.window(tile)
                values = drawn.values(store, window, threshold)
                output.write(values, 1, window=((window.top, window.bottom), (window.left, window.right)))
                _count(told, name, values, store, window)
        copy_raster(plain, fresh / f"{name}.tif", predictor=drawn.predictor, **COG)
        plain.unlink()
    return told


def _profile(terrain: Elevation, dtype: str, drawn: _Map) -> dict[str, Any]:
    return {
        "driver": "GTiff", "dtype": dtype, "count": 1, "nodata": drawn.nodata, "bigtiff": "if_safer",
        "crs": CRS.from_wkt(terrain.crs), "transform": terrain.transform, "tiled": True,
        "height": terrain.rows, "width": terrain.columns,
    }


def _dtype(drawn: _Map, store: Folder) -> str:
    return str(drawn.values(store, Window(0, 0, 1, 1), 1).dtype)


def _count(told: dict[str, int], name: str, values: Layer, store: Folder, window: Window) -> None:
    if name == "filled":
        told["raised_cells"] += int(np.count_nonzero(values > store.read("heights", window)))
    if name == "streams":
        told["stream_cells"] += int(np.count_nonzero(values == 1))
    if name == "hand":
        without = np.isnan(values) & (_counts(store, window, 0) > 0)
        told["cells_without_drain"] += int(np.count_nonzero(without))
