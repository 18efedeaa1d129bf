"""A layer's shapes: their coordinate system, their validity, and whether they lie where the city lies."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gis.citypack import surroundings, systems
from gis.citypack.findings import Findings, Frame, shown
from gis.citypack.layers import LayerKind
from gis.citypack.manifest import LayerEntry
from gis.citypack.rawlayers import RawLayer
from gis.citypack.systems import System
from gis.points import coordinate_fault, is_swapped_in_thailand

Geoms = NDArray[np.object_]
Flags = NDArray[np.bool_]

DEGREE_M = 111_320.0  # Length of one degree of latitude, metres; good to 0.5 %, and margins need no better.
SWAP_REACH_M = 20_000.0
_WGS_84 = ("EPSG:4326", "OGC:CRS84")
PROVINCE_UNKNOWN_DEGREES = 0.27  # About 30 km (assumed): as far as people speak of places in their city's name.
_TYPES = {
    "Point": ("Point",),
    "LineString": ("LineString", "MultiLineString"),
    "Polygon": ("Polygon", "MultiPolygon"),
    "Any": ("Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
}


def in_place(
    raw: RawLayer, entry: LayerEntry, kind: LayerKind, frame: Frame | None, findings: Findings
) -> tuple[Geoms, int]:
    """The shapes in EPSG:4326, flat, None where one has a fault that hides its place; faults are noted.

    A row with a fault keeps no other from being looked at.
    """
    placed: Geoms = np.full(len(raw.numbers), None, dtype=object)
    if raw.geoms is None:
        cause = "it has no shapes." if entry.file.lower().split(".")[-1] != "csv" else (
            "there are no longitude and latitude columns (lon, lat, or those that 'columns' names)."
        )
        findings.note(entry.file, cause)
        return placed, 0
    is_empty = shapely.is_missing(raw.geoms) | shapely.is_empty(raw.geoms)
    for index in np.flatnonzero(is_empty).tolist():
        if raw.numbers[index] not in findings.rows:
            findings.note(entry.file, "it has no geometry, or an empty one.", row=raw.numbers[index])
    if is_empty.any() and is_empty.all():
        return placed, 0
    left = np.flatnonzero(~is_empty)
    raw = raw.those(~is_empty) if is_empty.any() else raw
    system = _system(raw, entry, frame, findings)
    if system is None:
        return placed, 0
    _check_types(raw, entry, kind, findings)
    found = _in_degrees(raw, entry, system, frame, findings)
    if found is None:
        return placed, 0
    geoms, is_readable = found
    if not is_readable.all():
        left, raw = left[is_readable], raw.those(is_readable)
    geoms, repaired = _valid(raw, geoms, entry, findings)
    placed[left] = geoms
    has_own_place = _check_places(raw, geoms, entry, None if kind.is_of_country else frame, findings)
    if frame is not None and not kind.is_of_country and has_own_place:
        is_sound = np.array([number not in findings.rows for number in raw.numbers], dtype=bool)
        if not is_sound.all():
            geoms, raw = geoms[is_sound], raw.those(is_sound)
        surroundings.check(raw, geoms, entry, kind, frame, findings)
    return placed, repaired


def _system(raw: RawLayer, entry: LayerEntry, frame: Frame | None, findings: Findings) -> System | None:
    """The coordinate system of the file; None (and a finding) where it is unknown, doubtful or contradicted."""
    is_geojson = entry.file.lower().endswith(("json",))
    # GeoJSON without a `crs` member is read as EPSG:4326: the format's default is no statement of the file's author.
    stated = None if is_geojson and raw.declared_crs in ("EPSG:4326", "OGC:CRS84") else raw.declared_crs
    in_file, in_manifest = _known(stated, entry, findings), _known(entry.crs, entry, findings)
    if (stated and in_file is None) or (entry.crs and in_manifest is None):
        return None
    if in_file is not None and in_manifest is not None and not systems.is_same(in_file, in_manifest):
        findings.note(entry.file, f"the file says {in_file.name}, the manifest {entry.crs}: one of them is wrong.")
        return None
    system = in_file or in_manifest
    if system is None and (is_geojson or entry.file.lower().endswith(".csv")):
        return systems.system_of("EPSG:4326")  # Both formats mean degrees unless something else is said.
    if system is None:
        return _found(raw, entry, frame, findings)
    if system.accuracy:
        findings.accuracy = f"{system.name} {system.accuracy}"
    return system


def _found(raw: RawLayer, entry: LayerEntry, frame: Frame | None, findings: Findings) -> System | None:
    """The only system in use that puts the layer where the city is; where several do, what to pass is noted."""
    bounds = tuple(shapely.total_bounds(raw.geoms).tolist())
    candidates = systems.found(bounds, frame)
    if len(candidates) != 1:
        findings.note(entry.file, systems.question(candidates, bounds))
        return None
    system = candidates[0]
    findings.warn(
        entry.file, f"it does not say its coordinate system; {system.name} ({systems.NAMES[system.name]}) alone puts "
        "it where the city is.",
    )
    findings.accuracy = f"{system.name} {system.accuracy}".strip()
    return system


def _known(name: str | None, entry: LayerEntry, findings: Findings) -> System | None:
    if name is None:
        return None
    try:
        return systems.system_of(name)
    except pyproj.exceptions.CRSError:
        findings.note(entry.file, f"the coordinate system {shown(name)} is not known.")
    except systems.NoMapSystemError as exc:
        findings.note(entry.file, str(exc))
    return None


def _check_types(raw: RawLayer, entry: LayerEntry, kind: LayerKind, findings: Findings) -> None:
    assert raw.geoms is not None and kind.geometry is not None  # noqa: S101, PT018 - the caller has looked.
    allowed = ("Point",) if entry.polygons == "voronoi" else _TYPES[kind.geometry]
    for number, geom in zip(raw.numbers, raw.geoms, strict=True):
        if geom.geom_type not in allowed:
            cause = f"the kind {kind.kind} takes {' or '.join(allowed)}, not {geom.geom_type}."
            findings.note(entry.file, cause, row=number)


def _in_degrees(
    raw: RawLayer, entry: LayerEntry, system: System, frame: Frame | None, findings: Findings
) -> tuple[Geoms, Flags] | None:
    """The shapes in degrees of those rows that can be read so, and which these are; None where no row can be."""
    geoms: Geoms = np.asarray(shapely.force_2d(raw.geoms))
    bounds = shapely.bounds(geoms)
    if not system.is_projected:
        faults = _degree_faults(bounds)
        is_metric = len(faults) == len(bounds) > 0 and not any("swapped" in fault for _, fault in faults)
        if is_metric and entry.crs is None and raw.declared_crs != "EPSG:4326":
            whole = tuple(shapely.total_bounds(geoms).tolist())
            candidates = systems.found(whole, frame)
            if candidates:
                faults = [(index, f"{fault} {systems.question(candidates, whole)}") for index, fault in faults[:1]]
        for index, fault in faults:
            findings.note(entry.file, fault, row=raw.numbers[index])
        is_readable = np.ones(len(geoms), dtype=bool)
        is_readable[[index for index, _ in faults]] = False
        if is_metric or (faults and not is_readable.any()):
            return None
        geoms = geoms[is_readable]
        return geoms if system.name in _WGS_84 else systems.into_degrees(geoms, system), is_readable
    if len(bounds) and np.abs(bounds).max() <= 360.0:
        findings.note(entry.file, f"{system.name} is in metres, but its coordinates look like degrees.")
        return None
    moved = systems.into_degrees(geoms, system)
    if not np.isfinite(shapely.bounds(moved)).all():
        findings.note(entry.file, f"its coordinates are none of {system.name}.")
        return None
    return moved, np.ones(len(moved), dtype=bool)


def _degree_faults(bounds: NDArray[np.float64]) -> list[tuple[int, str]]:
    """The rows that reach beyond the range of degrees, and why."""
    limits = np.array([180.0, 90.0, 180.0, 90.0])
    beyond = np.flatnonzero(~(np.abs(bounds) <= limits).all(axis=1)).tolist()
    faults: list[tuple[int, str]] = []
    for index in beyond:
        west, south, east, north = bounds[index].tolist()
        fault = coordinate_fault(lon=west, lat=south) or coordinate_fault(lon=east, lat=north)
        faults.append((index, fault or "its coordinates are not degrees."))
    return faults


def _valid(raw: RawLayer, geoms: Geoms, entry: LayerEntry, findings: Findings) -> tuple[Geoms, int]:
    is_bad = ~shapely.is_valid(geoms)
    if not is_bad.any():
        return geoms, 0
    if entry.repair:
        return _repaired(raw, geoms, is_bad, entry, findings), int(is_bad.sum())
    for index in np.flatnonzero(is_bad).tolist():
        reason = shapely.is_valid_reason(geoms[index])
        findings.note(entry.file, f"the geometry is not valid ({reason}).", row=raw.numbers[index])
    return geoms, 0


def _repaired(
    raw: RawLayer, geoms: Geoms, is_bad: Flags, entry: LayerEntry, findings: Findings
) -> Geoms:
    """The shapes with the bad ones mended: what falls in on itself is dropped; where that is all, it is noted."""
    mended = geoms.copy()
    mended[is_bad] = shapely.make_valid(geoms[is_bad], method="structure", keep_collapsed=False)
    is_lost = shapely.is_empty(mended) | (shapely.get_dimensions(mended) != shapely.get_dimensions(geoms))
    for index in np.flatnonzero(is_bad & is_lost).tolist():
        reason = shapely.is_valid_reason(geoms[index])
        cause = f"the geometry is not valid ({reason}), and repaired it is no {geoms[index].geom_type} any more."
        findings.note(entry.file, cause, row=raw.numbers[index])
    return mended


def _check_places(
    raw: RawLayer, geoms: Geoms, entry: LayerEntry, frame: Frame | None, findings: Findings
) -> bool:
    """Rows lie near the city; those that would if read the other way round are told as swapped.

    False where the layer as a whole lies elsewhere, and no row says anything of its own.
    """
    if not len(geoms):
        return True
    bounds = shapely.bounds(geoms)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    if frame is None:
        for index, (lon, lat) in enumerate(middle.tolist()):
            if is_swapped_in_thailand(lon=lon, lat=lat):
                findings.note(entry.file, _swapped(lon, lat), row=raw.numbers[index])
        return True
    box = np.array(frame.extent.bounds)
    near = box + np.array([-1, -1, 1, 1]) * _degrees(max(entry.margin_m, SWAP_REACH_M), box)
    is_swapped = ~_is_within(middle, near) & _is_within(middle[:, ::-1], near)
    for index in np.flatnonzero(is_swapped).tolist():
        findings.note(entry.file, _swapped(*middle[index]), row=raw.numbers[index])
    if entry.keep != "all":
        return True
    allowed = box + np.array([-1, -1, 1, 1]) * _degrees(entry.margin_m, box)
    is_out = ~_is_within(bounds[:, :2], allowed) | ~_is_within(bounds[:, 2:], allowed)
    if len(middle) > 1 and (is_out & ~is_swapped).all():
        lon, lat = middle[0]
        findings.note(
            entry.file,
            f"none of its {len(middle):,} rows lies within the city's extent and a margin of {entry.margin_m:,.0f} m "
            f"(row {raw.numbers[0]} near {lon:.5f}, {lat:.5f}; the city near {frame.boundary.centroid.x:.5f}, "
            f"{frame.boundary.centroid.y:.5f}): is it of this city, and is its coordinate system, or the boundary, "
            "the right one?",
        )
        return False
    for index in np.flatnonzero(is_out & ~is_swapped).tolist():
        lon, lat = middle[index]
        findings.note(
            entry.file,
            f"it lies outside the city's extent and a margin of {entry.margin_m:,.0f} m (near {lon:.5f}, {lat:.5f}).",
            row=raw.numbers[index],
        )
    return True


def _swapped(lon: float, lat: float) -> str:
    return f"longitude and latitude are swapped (longitude {lon:.5f}, latitude {lat:.5f})."


def _degrees(margin_m: float, box: NDArray[np.float64]) -> NDArray[np.float64]:
    north = margin_m / DEGREE_M
    east = north / math.cos(math.radians(float(box[1] + box[3]) / 2))
    return np.array([east, north, east, north])


def _is_within(places: NDArray[np.float64], box: NDArray[np.float64]) -> Flags:
    return np.asarray(((places >= box[:2]) & (places <= box[2:])).all(axis=1), dtype=bool)


def kept(geoms: Geoms, entry: LayerEntry, frame: Frame | None) -> Flags:
    """True for the rows that the manifest asks to keep: all, or those that touch the province, extent or boundary.

    Of the province with 5 km around it; where no layer brings the province, of 30 km around the extent. A row whose
    place is not known is kept, to be judged.
    """
    if entry.keep == "all" or frame is None:
        return np.ones(len(geoms), dtype=bool)
    is_unknown = shapely.is_missing(geoms)
    if entry.keep == "province":
        reach = surroundings.PROVINCE_REACH_DEGREES if frame.province else PROVINCE_UNKNOWN_DEGREES
        return np.asarray(shapely.dwithin(geoms, frame.province or frame.extent, reach) | is_unknown, dtype=bool)
    area = frame.extent if entry.keep == "extent" else frame.boundary
    shapely.prepare(area)
    return np.asarray(shapely.intersects(area, geoms) | is_unknown, dtype=bool)
