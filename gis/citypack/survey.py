"""Surveyed points of a pack, read and checked but not imported: street levels and high-water marks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely

from gis import crs
from gis.citypack import checks, reader
from gis.citypack.findings import Findings
from gis.citypack.loaders import OWN_KINDS
from gis.citypack.manifest import LayerEntry, Manifest
from gis.citypack.rawlayers import UnreadableFileError
from gis.errors import CityPackError
from gis.points import LonLat
from gis.terrain.grid import Floats


@dataclass(frozen=True, eq=False)
class SurveyedPoints:
    """Heights at places: east, north (metric system `srid`) and metres in the pack's datum; `event` may be empty.

    `where` is the file and the row of each, as a sentence names it.
    """

    x_m: Floats
    y_m: Floats
    level_m: Floats
    event: tuple[str, ...]
    where: tuple[str, ...]
    srid: int


def surveyed_points(manifest: Manifest, kind: str, *, srid: int | None = None) -> SurveyedPoints:
    """All points of the pack's layers of this kind (`road_levels`, `flood_marks`), in `srid` or their middle's system.

    A city may lie on the edge of two UTM zones: what is held against each other must be asked for in one system.
    Raises CityPackError that names file, row and cause where a point cannot be used, or that there is no such layer.
    """
    entries = [entry for entry in manifest.layers if entry.kind == kind]
    if not entries:
        raise CityPackError([f"{manifest.path.name}: the pack has no layer of the kind '{kind}'."])
    findings = Findings()
    parts = [_checked(manifest, entry, findings) for entry in entries]
    if findings.sentences:
        raise CityPackError(findings.sentences)
    rows = [part for part in parts if part is not None]
    where = [
        f"{entry.file}, row {number}"
        for entry, part in zip(entries, parts, strict=True) if part is not None for number in part.numbers
    ]
    lonlats = np.concatenate([shapely.get_coordinates(part.geoms) for part in rows])
    srid = srid or crs.metric_srid(LonLat(lon=float(lonlats[:, 0].mean()), lat=float(lonlats[:, 1].mean())))
    east_m, north_m = crs.transformer(crs.STORED_SRID, srid).transform(lonlats[:, 0], lonlats[:, 1])
    return SurveyedPoints(
        x_m=np.asarray(east_m), y_m=np.asarray(north_m),
        level_m=np.array([level_m for part in rows for level_m in part.columns["level_m_msl"]], dtype=np.float64),
        event=tuple(event or "" for part in rows for event in part.columns["event"]),
        where=tuple(where), srid=srid,
    )


def _checked(manifest: Manifest, entry: LayerEntry, findings: Findings) -> checks.CheckedLayer | None:
    try:
        raw = reader.read_layer(manifest.folder / entry.file, entry)
    except UnreadableFileError as exc:
        findings.note(entry.file, str(exc))
        return None
    # A survey may lie beside the city; what counts here is the survey alone.
    kind = next(kind for kind in OWN_KINDS if kind.kind == entry.kind)
    rows = checks.check_layer(raw, replace(entry, keep="all"), kind, frame=None, findings=findings)
    if rows is not None and not rows.numbers:
        findings.note(entry.file, "it holds no points.")
        return None
    return rows
