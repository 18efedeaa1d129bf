"""The outlines of CAP: polygons without holes that cover the whole zone. CAP 1.2 knows no holes, and wants lat,lon."""

from __future__ import annotations

from collections.abc import Iterator

import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

# Six decimals are 0.11 m; five are CAP practice's least.
DECIMALS = 6
GRID_DEG = 1e-6
# Snapping to the grid moves an edge by up to 0.71 of a cell: the outline first grows by three, a third of a metre.
GROWS_DEG = 3e-6
# A hole narrower than a metre is filled: it holds no home, and cannot be cut on the grid.
HOLE_WIDTH_DEG = 1e-5
# More vertices than a radio's or a sign's receiver takes in good time (assumed).
VERTICES_AT_MOST = 600


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    return [part for part in shapely.get_parts(geometry).tolist() if isinstance(part, Polygon) and not part.is_empty]


def _grown(geometry: BaseGeometry, by_deg: float) -> BaseGeometry:
    # Mitred corners keep the count of vertices; a corner is never cut inwards.
    return shapely.buffer(geometry, by_deg, join_style="mitre", mitre_limit=2.0)


def _on_grid(geometry: BaseGeometry) -> BaseGeometry:
    return shapely.set_precision(geometry, GRID_DEG)


def _simplified(geometry: BaseGeometry) -> BaseGeometry:
    """The geometry with fewer vertices, grown before so that nothing is lost: lines move by at most the tolerance."""
    tolerance_deg = 1e-5
    simpler = geometry
    while shapely.get_num_coordinates(simpler) > VERTICES_AT_MOST and tolerance_deg < 1e-3:
        simpler = shapely.simplify(_grown(geometry, tolerance_deg * 1.5), tolerance_deg)
        tolerance_deg *= 2
    return simpler


def _without_small_holes(polygon: Polygon) -> Polygon:
    def is_wide(ring: LineString) -> bool:
        west, south, east, north = ring.bounds
        return east - west >= HOLE_WIDTH_DEG and north - south >= HOLE_WIDTH_DEG

    return Polygon(polygon.exterior, [ring for ring in polygon.interiors if is_wide(ring)])


def _halves(polygon: Polygon) -> list[Polygon]:
    """The polygon cut from south to north through the middle one of its holes."""
    holes = sorted(polygon.interiors, key=lambda ring: ring.bounds[0] + ring.bounds[2])
    hole_west, _, hole_east, _ = holes[len(holes) // 2].bounds
    cut = round((hole_west + hole_east) / 2, DECIMALS)
    west, south, east, north = polygon.bounds
    sides = (box(west - 1, south - 1, cut, north + 1), box(cut, south - 1, east + 1, north + 1))
    return [piece for side in sides for piece in _polygons(shapely.intersection(polygon, side, grid_size=GRID_DEG))]


def _pieces(polygon: Polygon) -> Iterator[Polygon]:
    waiting = [_without_small_holes(polygon)]
    while waiting:
        piece = waiting.pop()
        if piece.interiors:
            waiting += [_without_small_holes(half) for half in _halves(piece)]
        else:
            yield piece


def outlines(zone: BaseGeometry) -> list[Polygon]:
    """Polygons without holes, on six decimals, whose union covers the zone (EPSG:4326); they reach outwards a little.

    An empty list for a zone without area.
    """
    whole = MultiPolygon(_polygons(shapely.make_valid(zone)))
    if whole.is_empty:
        return []
    grows_deg = GROWS_DEG
    for _ in range(8):
        snapped = _on_grid(_grown(_simplified(whole), grows_deg))
        pieces = [piece for polygon in _polygons(snapped) for piece in _pieces(polygon)]
        if shapely.union_all(pieces).covers(whole):
            return pieces
        grows_deg *= 2
    return _polygons(_on_grid(_grown(whole.convex_hull, grows_deg)))


def as_text(outline: Polygon) -> str:
    """A CAP polygon: "lat,lon lat,lon …", the first pair again at the end."""
    return " ".join(f"{lat:.{DECIMALS}f},{lon:.{DECIMALS}f}" for lon, lat in outline.exterior.coords)
