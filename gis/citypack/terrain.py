"""The terrain layer: a GeoTIFF in any system, checked for heights, holes and reach, then kept in the city's own.

rasterio is imported when the first terrain is opened; the API process never gets here.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.settings import data_dir
from gis import crs
from gis.citypack import systems
from gis.citypack.findings import Findings, Frame, shown
from gis.citypack.manifest import LayerEntry
from gis.citypack.systems import System
from gis.points import LonLat

LOWEST_M, HIGHEST_M = -100.0, 3000.0  # No ground of Thailand lies outside; feet and centimetres do.
LEAST_COVER = 0.95
MOST_CELLS = 100_000_000  # 20 x 20 km at 2 m; what the process holds of it takes some gigabytes already.
WIDEST_CELL_M = 250.0  # Assumed: a street lies lower than its block, and a levee is narrower still.
ZERO_SHARE = 0.01  # Assumed: so much ground at exactly 0 m, and no nodata value, looks like holes that were filled so.
THREE_AXES = 3
SQUARE_TO = 1e-6
NODATA = -9999.0
_METRES = ("", "m", "metre", "metres", "meter", "meters")


def check_terrain(path: Path, entry: LayerEntry, frame: Frame | None, findings: Findings) -> None:
    """The file is an elevation model of this city, in any system, or `findings` says why not."""
    import rasterio

    if not path.is_file():
        findings.note(entry.file, "the file is missing from the pack.")
        return
    try:
        with warnings.catch_warnings(action="ignore", category=rasterio.errors.NotGeoreferencedWarning):
            # Nothing but a GeoTIFF: GDAL also knows formats (VRT) that read other files and addresses.
            source = rasterio.open(path, driver="GTiff")
    except rasterio.errors.RasterioIOError as exc:
        findings.note(entry.file, f"it cannot be read as a GeoTIFF: {_reason(exc)}")
        return
    before = len(findings.sentences)
    with source:
        system = _check_system(source, entry, findings)
        if len(findings.sentences) > before or system is None:
            return
        if system.accuracy:
            findings.accuracy = f"{system.name} {system.accuracy}"
        if frame is not None:
            _check_reach(source, entry, system, frame, findings)
        heights = _heights(source, entry, findings)
        if heights is not None and frame is not None and len(findings.sentences) == before:
            _check_holes(source, heights, entry, system, frame, findings)


def _check_system(source: Any, entry: LayerEntry, findings: Findings) -> System | None:
    """The raster's system; what is wrong with it, its band, its units or its grid is noted."""
    if source.count != 1:
        findings.note(entry.file, f"an elevation model has one band, this has {source.count}.")
    if np.dtype(source.dtypes[0]).kind not in "iuf":
        findings.note(entry.file, f"its cells are {source.dtypes[0]}, not heights.")
    if source.scales[0] != 1.0 or source.offsets[0] != 0.0:
        findings.note(
            entry.file, "its cells are to be scaled to be metres: write them out as metres (gdal_translate -unscale)."
        )
    if source.transform.is_degenerate:
        findings.note(entry.file, "its cells have no width or no height.")
    if source.width * source.height > MOST_CELLS:
        findings.note(
            entry.file, f"it has {source.width:,} x {source.height:,} cells; a city may have {MOST_CELLS:,}: cut it to "
            "the city or make its cells larger (gdalwarp -te … -tr …).",
        )
    unit = (source.units[0] or "").strip().lower()
    if unit not in _METRES:
        findings.note(entry.file, f"its heights are in '{unit}', not in metres: convert them first.")
    if source.transform == source.transform.identity():
        findings.note(entry.file, "it does not say where it lies: it has no geotransform.")
    stated = source.crs.to_wkt() if source.crs is not None else None
    if stated is None and entry.crs is None:
        findings.note(
            entry.file, "it does not say its coordinate system; say it in the manifest: crs = \"EPSG:…\"."
        )
        return None
    try:
        in_file = systems.system_of(stated) if stated else None
        in_manifest = systems.system_of(entry.crs) if entry.crs else None
    except pyproj.exceptions.CRSError:
        findings.note(entry.file, f"the coordinate system {shown(entry.crs or stated)} is not known.")
        return None
    except systems.NoMapSystemError as exc:
        findings.note(entry.file, str(exc))
        return None
    if in_file and in_manifest and not systems.is_same(in_file, in_manifest):
        findings.note(entry.file, f"the file says {in_file.name}, the manifest {entry.crs}: one of them is wrong.")
    system = in_file or in_manifest
    if stated and _is_ellipsoidal(stated):
        findings.note(
            entry.file, f"its heights are above the ellipsoid ({source.crs.to_string()[:40]}), tens of metres off mean "
            "sea level: convert them with a geoid first.",
        )
    return system


def _is_ellipsoidal(text: str) -> bool:
    system = pyproj.CRS.from_user_input(text)
    return len(system.axis_info) == THREE_AXES and not system.is_compound


def _heights(source: Any, entry: LayerEntry, findings: Findings) -> NDArray[np.float32] | None:
    """The heights, NaN where they are unknown; None, and noted, where they cannot be read or be heights in metres."""
    import rasterio

    try:
        read = source.read(1, masked=True)
    except rasterio.errors.RasterioIOError as exc:
        findings.note(entry.file, f"it is cut off or damaged: {_reason(exc)}")
        return None
    known = read.compressed()
    known = known[np.isfinite(known)]
    if known.size == 0:
        findings.note(entry.file, "it holds no heights: every cell is nodata.")
        return None
    lowest, highest = float(known.min()), float(known.max())
    if lowest >= LOWEST_M and highest <= HIGHEST_M:
        _tell_suspicions(source, known, entry, findings)
        heights: NDArray[np.float32] = read.astype("float32").filled(np.nan)
        return heights
    if source.nodata is None and lowest < LOWEST_M:
        findings.note(entry.file, f"it declares no nodata value, but holds heights of {lowest:g} m.")
        return None
    findings.note(entry.file, f"its heights run from {lowest:g} to {highest:g}: they cannot be metres above sea level.")
    return None


def _tell_suspicions(source: Any, known: NDArray[Any], entry: LayerEntry, findings: Findings) -> None:
    """Heights that can be, but hardly are: one for all of the ground, or zeros where nothing says what is unknown."""
    if known.min() == known.max():
        findings.warn(entry.file, f"every known cell is {float(known[0]):g} m high: is it an elevation model?")
    elif source.nodata is None and float((known == 0).mean()) >= ZERO_SHARE:
        findings.warn(
            entry.file, f"{float((known == 0).mean()):.0%} of its cells are exactly 0 m high and it declares no nodata "
            "value: are holes among them?",
        )


def _reason(exc: Exception) -> str:
    """What GDAL says; the error that it points back to says more."""
    text = (str(exc.__cause__ or exc).strip().splitlines() or [type(exc).__name__])[0].rstrip(".")
    return "it is none, or only its end is left." if "not recognized" in text else f"{text}."


def _bounds(source: Any) -> tuple[float, float, float, float]:
    """West, south, east and north, also of a raster that stands on its head or in a mirror."""
    west, south, east, north = source.bounds
    return min(west, east), min(south, north), max(west, east), max(south, north)


def _check_reach(source: Any, entry: LayerEntry, system: System, frame: Frame, findings: Findings) -> None:
    way = crs.transformer(system.definition, crs.STORED_SRID)
    west, south, east, north = way.transform_bounds(*_bounds(source))
    box: BaseGeometry = shapely.box(west, south, east, north)
    middle = LonLat(lon=frame.boundary.centroid.x, lat=frame.boundary.centroid.y)
    cell_m = crs.distance_m(middle, LonLat(lon=middle.lon, lat=middle.lat + (north - south) / source.height))
    if cell_m > WIDEST_CELL_M:
        findings.note(
            entry.file, f"its cells are {cell_m:,.0f} m wide; over {WIDEST_CELL_M:g} m they tell nothing of streets."
        )
    cover = box.intersection(frame.boundary).area / frame.boundary.area
    if cover < LEAST_COVER:
        findings.note(entry.file, f"it covers only {cover:.0%} of the municipality ({LEAST_COVER:.0%} are needed).")


def _check_holes(
    source: Any, heights: NDArray[np.float32], entry: LayerEntry, system: System, frame: Frame, findings: Findings
) -> None:
    """Unknown ground inside the municipality is a fault, or a warning where the manifest keeps it unknown."""
    from rasterio.features import geometry_mask, shapes

    boundary = shapely.transform(
        frame.boundary, crs.transformer(crs.STORED_SRID, system.definition).transform, interleaved=False
    )
    is_city = geometry_mask([boundary], heights.shape, source.transform, invert=True)
    is_hole = is_city & ~np.isfinite(heights)
    count = int(is_hole.sum())
    if not count:
        return
    outlines = [
        shapely.box(*_bounds_of(shape)) for shape, _ in shapes(
            is_hole.astype("uint8"), mask=is_hole, transform=source.transform, connectivity=8
        )
    ]
    largest = max(outlines, key=lambda outline: outline.area)
    way = crs.transformer(system.definition, crs.STORED_SRID)
    west, south, east, north = way.transform_bounds(*largest.bounds)
    cause = (
        f"{count:,} cells inside the municipality ({count / max(1, int(is_city.sum())):.1%}) have no height, in "
        f"{len(outlines):,} hole{'s' if len(outlines) > 1 else ''}; the widest spans {west:.5f} to {east:.5f} E, "
        f"{south:.5f} to {north:.5f} N"
    )
    if entry.holes == "keep":
        findings.warn(entry.file, f"{cause}: unknown ground, of which no flood can be told.")
        return
    findings.note(entry.file, f"{cause}. Fill them, or say holes = \"keep\" to let that ground stay unknown.")


def _bounds_of(shape: Any) -> tuple[float, float, float, float]:
    at = np.array(shape["coordinates"][0])
    (west, south), (east, north) = at.min(axis=0), at.max(axis=0)
    return west, south, east, north


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
    with rasterio.open(path, driver="GTiff") as source:
        is_ready = _is_city_grid(source, metric_srid)
    if is_ready:
        shutil.copyfile(path, fresh)
    else:
        _into_metres(path, fresh, entry=entry, srid=metric_srid)
    fresh.replace(kept)
    with rasterio.open(kept) as source:
        return {"path": str(kept), "srid": metric_srid, "cell_m": float(source.transform.a)}


def _is_city_grid(source: Any, srid: int) -> bool:
    """The raster is in the city's metric system already, north-up with square cells and a nodata value."""
    at = source.transform
    is_square = not at.b and not at.d and abs(at.a + at.e) <= SQUARE_TO * abs(at.a) and at.a > 0
    return is_square and source.crs is not None and source.crs.to_epsg() == srid


def _into_metres(path: Path, fresh: Path, *, entry: LayerEntry, srid: int) -> None:
    """The raster in the city's metric system: square cells about as wide as its own, bilinear, nodata -9999.

    A cell is known only where a known one of the source lies under it: holes stay holes.
    """
    import rasterio
    from rasterio.warp import Resampling, reproject

    with rasterio.open(path, driver="GTiff") as source:
        system = systems.system_of(source.crs.to_wkt() if source.crs is not None else str(entry.crs))
        own, target = rasterio.crs.CRS.from_user_input(system.definition), rasterio.crs.CRS.from_epsg(srid)
        transform, width, height = _city_grid(source, system, srid)
        profile = {
            "driver": "GTiff", "dtype": "float32", "count": 1, "nodata": NODATA, "compress": "deflate",
            "crs": target, "transform": transform, "width": width, "height": height,
        }
        heights = source.read(1, masked=True).astype("float32").filled(np.nan)
        heights[~np.isfinite(heights)] = NODATA
        with rasterio.open(fresh, "w", **profile) as output:
            reproject(
                heights, rasterio.band(output, 1), src_transform=source.transform, src_crs=own, src_nodata=NODATA,
                dst_nodata=NODATA, resampling=Resampling.bilinear,
            )


def _city_grid(source: Any, system: System, srid: int) -> tuple[Any, int, int]:
    """The raster's box in the city's system: geotransform, columns and rows of square cells, as many as it has."""
    from rasterio import Affine

    west, south, east, north = crs.transformer(system.definition, srid).transform_bounds(*_bounds(source))
    cell_m = math.sqrt((east - west) * (north - south) / (source.width * source.height))
    width, height = math.ceil((east - west) / cell_m), math.ceil((north - south) / cell_m)
    return Affine(cell_m, 0.0, west, 0.0, -cell_m, north), width, height
