"""A picture's depths as a cloud-optimised GeoTIFF, made when it is first looked at: never on the way of an alert."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from flood.depths import PER_UNIT, UNKNOWN, read_planes
from gis.terrain.grid import Grid
from rasters.layers import DEPTH_NODATA, LEGENDS

BANDS = LEGENDS["depth"].bands
_one_at_a_time = threading.Lock()


def cog_of(planes_path: Path, grid: Grid) -> Path:
    """The GeoTIFF beside the planes, whole: best estimate and 90th percentile in metres, probability from 0 to 1.

    GeoTIFFs whose planes are gone are gone too.
    """
    path = planes_path.with_suffix(".tif")
    with _one_at_a_time:
        if not path.is_file():
            _write(path, read_planes(planes_path), grid)
            for old in path.parent.glob("*.tif"):
                if not old.with_suffix(".npy").exists():
                    old.unlink(missing_ok=True)
    return path


def _write(path: Path, planes: np.ndarray, grid: Grid) -> None:
    values = planes.astype(np.float32) / np.float32(PER_UNIT)
    values[planes == UNKNOWN] = DEPTH_NODATA
    fresh = path.with_name(f".{path.stem}-{os.getpid()}.tif")
    with rasterio.open(
        fresh, "w", driver="COG", width=grid.columns, height=grid.rows, count=len(BANDS), dtype="float32",
        crs=f"EPSG:{grid.srid}", transform=Affine(grid.cell_m, 0.0, grid.west_m, 0.0, -grid.cell_m, grid.north_m),
        nodata=DEPTH_NODATA, compress="deflate", predictor="yes",
    ) as target:
        target.write(values)
        for number, name in enumerate(BANDS, start=1):
            target.set_band_description(number, name)
    fresh.replace(path)
