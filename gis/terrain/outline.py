"""Classes of cells as polygons without gaps or overlaps (rasterio and shapely; never imported by the API)."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes, sieve

from gis.terrain.grid import Cells, Grid
from gis.terrain.raster import affine_of

Classes = NDArray[np.uint8]


def sieved(classes: Classes | Cells, *, least_cells: int) -> Cells:
    """The classes with every patch of fewer cells given to its largest neighbour; 0 (nothing there) is a class too."""
    if least_cells >= classes.size:  # No patch is large enough to be given another.
        return classes.astype(np.int32)
    quiet: Cells = sieve(classes.astype(np.int32), size=least_cells, connectivity=4)
    return quiet


def outlines(grid: Grid, classes: Classes | Cells, *, tolerance_m: float) -> dict[int, shapely.MultiPolygon]:
    """One valid MultiPolygon for each class above 0, in the grid's metric system.

    Borders are simplified as one coverage (Visvalingam-Whyatt on shared edges): neighbours keep their common line, so
    classes leave no gaps and never overlap. `tolerance_m` squared is about the largest area that a border gives up.
    """
    found = shapes(classes.astype(np.int32), mask=classes > 0, connectivity=4, transform=affine_of(grid))
    patches = [
        (int(value), shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:])) for shape, value in found
    ]
    if not patches:
        return {}
    numbers = np.array([number for number, _ in patches])
    smooth = shapely.coverage_simplify(np.array([polygon for _, polygon in patches]), tolerance_m)
    return {int(number): _whole(smooth[numbers == number]) for number in np.unique(numbers)}


def _whole(polygons: NDArray[np.object_]) -> shapely.MultiPolygon:
    together = shapely.multipolygons(list(polygons))
    if not shapely.is_valid(together):
        together = shapely.multipolygons(shapely.get_parts(shapely.union_all(polygons)))
    assert isinstance(together, shapely.MultiPolygon)  # noqa: S101 - the stubs cannot tell one shape from many
    return together
