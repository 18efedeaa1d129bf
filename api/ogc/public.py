"""A collection of the open data, whose `bbox` and `datetime` mean what the standard says."""

from __future__ import annotations

from typing import Any

from cql2 import Expr
from tipg.collections import PgCollection
from tipg.errors import InvalidPropertyName

SCHEMA = "gis_public"


class PublicCollection(PgCollection):
    """A collection whose `bbox` and `datetime` mean what the standard says."""

    def cql_where(  # type: ignore[override]  # tipg's own keywords, taken as they come.
        self,
        *,
        datetime: list[str] | None = None,
        bbox: list[float] | None = None,
        cql: Expr | None = None,
        **more: Any,
    ) -> Expr | None:
        """The filter of a question. Raises InvalidPropertyName for a property that the collection does not have."""
        if cql is not None:
            self._check_properties(cql.to_json())
        also = [Expr(part) for part in (self._in_box(bbox), self._in_time(datetime)) if part is not None]
        where = super().cql_where(cql=cql, **more)
        for part in also:
            where = part if where is None else where + part
        return where

    def _check_properties(self, node: Any) -> None:
        if isinstance(node, dict):
            name = node.get("property")
            if isinstance(name, str) and name not in {column.name for column in self.table_columns}:
                raise InvalidPropertyName(f"'{self.id}' has no property '{name}'.")
            for part in node.values():
                self._check_properties(part)
        elif isinstance(node, list):
            for part in node:
                self._check_properties(part)

    def _in_box(self, bbox: list[float] | None) -> dict[str, Any] | None:
        """Intersects the box; one whose west lies east of its east crosses the antimeridian and is two boxes."""
        if bbox is None or self.geometry_column is None:
            return None
        west, south, east, north = bbox if len(bbox) == 4 else (bbox[0], bbox[1], bbox[3], bbox[4])
        column = {"property": self.geometry_column.name}
        spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        parts = [{"op": "s_intersects", "args": [column, _box(left, south, right, north)]} for left, right in spans]
        return parts[0] if len(parts) == 1 else {"op": "or", "args": parts}

    def _in_time(self, interval: list[str] | None) -> dict[str, Any] | None:
        """At or between the times, both ends included; all features where they carry no time (Features 1, 7.15.4)."""
        if interval is None or self.datetime_column is None:
            return None
        column = {"property": self.datetime_column.name}
        bounds = ((">=", interval[0]), ("<=", interval[-1]))
        parts = [{"op": sign, "args": [column, {"timestamp": at}]} for sign, at in bounds if at]
        return parts[0] if len(parts) == 1 else {"op": "and", "args": parts}


def _box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """The box as GeoJSON: a line or a point where it has no width or no height, for an empty ring meets nothing."""
    if west == east and south == north:
        return {"type": "Point", "coordinates": [west, south]}
    if west == east or south == north:
        return {"type": "LineString", "coordinates": [[west, south], [east, north]]}
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
