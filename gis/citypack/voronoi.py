"""Polygons for communities of which only a point is known: each gets the ground that lies nearest to it."""

from __future__ import annotations

import dataclasses

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.citypack.checks import CheckedLayer
from gis.citypack.findings import Findings
from gis.citypack.manifest import LayerEntry


def as_cells(
    rows: CheckedLayer, entry: LayerEntry, boundary: BaseGeometry, findings: Findings
) -> CheckedLayer | None:
    """Each point's Voronoi cell clipped to the boundary, in place of the point; derived, and to be labelled so."""
    if entry.trust == "real":
        findings.note(entry.file, "polygons = \"voronoi\" makes areas out of points: their trust is 'derived'.")
        return None
    points = rows.geoms
    if points is None or len(points) == 0:
        return rows
    first: dict[bytes, int] = {}
    for number, key in zip(rows.numbers, shapely.to_wkb(points).tolist(), strict=True):
        if key in first:
            findings.note(entry.file, f"it lies at the very place of row {first[key]}.", row=number)
        first.setdefault(key, number)
    if len(first) < len(points):
        return None
    if len(points) == 1:
        return dataclasses.replace(rows, geoms=np.array([boundary], dtype=object))
    cells = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=boundary, ordered=True)
    return dataclasses.replace(rows, geoms=shapely.intersection(shapely.get_parts(cells), boundary))
