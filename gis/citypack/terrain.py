"""The terrain layer: a GeoTIFF checked for its system, its nodata and its reach, then kept in the data folder.

rasterio is imported when the first terrain is opened; the API process never gets here.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from core.settings import data_dir
from gis import crs as systems
from gis.citypack.findings import Findings, Frame
from gis.citypack.manifest import LayerEntry

LOWEST_M, HIGHEST_M = -100.0, 3000.0  # No ground of Thailand lies outside; feet and centimetres do.
LEAST_COVER = 0.95


def check_terrain(path: Path, entry: LayerEntry, frame: Frame | None, findings: Findings) -> None:
    """The file is an elevation model of this city, or `findings` says why not."""
    import rasterio

    if not path.is_file():
        findings.note(entry.file, "the file is missing from the pack.")
        return
    try:
        source = rasterio.open(path)
    except rasterio.errors.RasterioIOError as exc:
        findings.note(entry.file, f"it cannot be read as a GeoTIFF: {str(exc).splitlines()[0]}")
        return
    before = len(findings.sentences)
    with source:
        _check_system(source, entry, findings)
        if len(findings.sentences) == before:
            _check_heights(source, entry, findings)
        if frame is not None and source.crs is not None:
            _check_reach(source, entry, frame, findings)


def _check_system(source: Any, entry: LayerEntry, findings: Findings) -> None:
    if source.count != 1:
        findings.note(entry.file, f"an elevation model has one band, this has {source.count}.")
    if source.crs is None:
        findings.note(entry.file, "it does not say its coordinate system.")
        return
    if entry.crs and not pyproj.CRS(source.crs).equals(pyproj.CRS(entry.crs), ignore_axis_order=True):
        findings.note(entry.file, f"the file says {source.crs}, the manifest {entry.crs}: one of them is wrong.")
    if source.crs.is_projected and source.crs.to_epsg() is None:
        findings.note(entry.file, "its coordinate system has no EPSG number.")
    transform = source.transform
    if transform.b or transform.d or abs(transform.a + transform.e) > 1e-6 * abs(transform.a):
        findings.note(entry.file, "it must be north-up with square cells.")


def _check_heights(source: Any, entry: LayerEntry, findings: Findings) -> None:
    heights = source.read(1, masked=True)
    known = heights.compressed()
    known = known[np.isfinite(known)]
    if known.size == 0:
        findings.note(entry.file, "it holds no heights: every cell is nodata.")
        return
    lowest, highest = float(known.min()), float(known.max())
    if lowest >= LOWEST_M and highest <= HIGHEST_M:
        return
    if source.nodata is None and lowest < LOWEST_M:
        findings.note(entry.file, f"it declares no nodata value, but holds heights of {lowest:g} m.")
        return
    findings.note(entry.file, f"its heights run from {lowest:g} to {highest:g}: they cannot be metres above sea level.")


def _check_reach(source: Any, entry: LayerEntry, frame: Frame, findings: Findings) -> None:
    way = systems.transformer(source.crs.to_string(), systems.STORED_SRID)
    box: BaseGeometry = shapely.box(*way.transform_bounds(*source.bounds))
    cover = box.intersection(frame.boundary).area / frame.boundary.area
    if cover < LEAST_COVER:
        findings.note(entry.file, f"it covers only {cover:.0%} of the municipality ({LEAST_COVER:.0%} are needed).")


def keep_terrain(path: Path, *, slug: str, version: int, metric_srid: int, entry: LayerEntry) -> dict[str, Any]:
    """The terrain lies in the data folder in a metric system; returns its columns for table `terrain`.

    Its name holds a digest of its content: two databases that share a data folder never change each other's terrain.
    """
    import rasterio

    folder = data_dir() / "terrain"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    kept = folder / f"{slug}-v{version}-{digest}.tif"
    fresh = kept.with_suffix(".new.tif")
    with rasterio.open(path) as source:
        is_metric = source.crs.is_projected
    if is_metric:
        shutil.copyfile(path, fresh)
    else:
        _into_metres(path, fresh, metric_srid)
    fresh.replace(kept)
    with rasterio.open(kept) as source:
        return {"path": str(kept), "srid": int(source.crs.to_epsg()), "cell_m": float(source.transform.a)}


def _into_metres(path: Path, fresh: Path, srid: int) -> None:
    import rasterio
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    with rasterio.open(path) as source:
        target = rasterio.crs.CRS.from_epsg(srid)
        transform, width, height = calculate_default_transform(
            source.crs, target, source.width, source.height, *source.bounds
        )
        profile = {
            "driver": "GTiff", "dtype": "float32", "count": 1, "nodata": -9999.0, "compress": "deflate",
            "crs": target, "transform": transform, "width": width, "height": height,
        }
        with rasterio.open(fresh, "w", **profile) as output:
            reproject(
                rasterio.band(source, 1), rasterio.band(output, 1), src_nodata=source.nodata, dst_nodata=-9999.0,
                resampling=Resampling.bilinear,
            )
