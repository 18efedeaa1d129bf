"""A layer of a city pack from its file to rows that are ready to load."""

from __future__ import annotations

from gis.citypack import reader, terrain, voronoi
from gis.citypack.checks import CheckedLayer, check_layer
from gis.citypack.findings import Findings, Frame
from gis.citypack.layers import LayerKind
from gis.citypack.manifest import LayerEntry, Manifest
from gis.citypack.rawlayers import UnreadableFileError


def read_rows(
    manifest: Manifest, entry: LayerEntry, kind: LayerKind, frame: Frame | None, findings: Findings
) -> CheckedLayer | None:
    """The layer's rows, ready to load; None where something is wrong and noted in `findings`."""
    path = manifest.folder / entry.file
    if kind.geometry == "Raster":
        terrain.check_terrain(path, entry, frame, findings)
        return CheckedLayer(numbers=[1], columns={"path": [path]}, geoms=None, extras=[])
    try:
        raw = reader.read_layer(path, entry)
    except UnreadableFileError as exc:
        findings.note(entry.file, str(exc))
        return None
    rows = check_layer(raw, entry, kind, frame=frame, findings=findings)
    if rows is None or entry.polygons is None or frame is None:
        return rows
    return voronoi.as_cells(rows, entry, frame.boundary, findings)
