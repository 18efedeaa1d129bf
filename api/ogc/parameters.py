"""What a question may say, checked before tipg reads it: every wrong or unknown parameter is a 400."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from cql2 import Expr
from fastapi import Path, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from morecantile import Tile
from tipg import dependencies
from tipg.resources.enums import MediaType

from core.errors import InvalidInputError, NotFoundError

LONGEST_FILTER, DEEPEST_FILTER = 2_000, 40
FINEST_ZOOM = 22
BIGGEST_ID, LONGEST_ID = 2**63 - 1, 40
# cql2 turns any name into a call of that function in SQL: only what CQL2 itself defines may pass.
_OPERATORS = """
    and or not = <> < > <= >= + - * / % like between in isnull casei
    s_intersects s_equals s_disjoint s_touches s_within s_overlaps s_crosses s_contains
    t_after t_before t_during t_equals t_intersects t_disjoint t_finishedby t_finishes t_meets t_metby t_overlappedby
    t_overlaps t_startedby t_starts t_contains
"""
_ALLOWED = frozenset(_OPERATORS.split())
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")


def refuse_unknown(request: Request) -> None:
    """Every parameter is one of the address's own or of its collection's. Raises InvalidInputError."""
    route = request.scope["route"]
    if not isinstance(route, APIRoute):
        return
    known = _query_names(route.dependant)
    if route.name in {"items", "collection_get_tile"}:
        collection = request.app.state.collection_catalog["collections"].get(request.path_params["collectionId"])
        known |= {column.name for column in collection.properties} if collection else set()
    item = str(request.path_params.get("itemId", ""))
    if item.isdecimal() and (len(item) > LONGEST_ID or int(item) > BIGGEST_ID):
        raise NotFoundError(f"There is no feature '{item[:40]}'.")
    for name, value in request.query_params.items():
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise InvalidInputError(f"There is no parameter '{name}' here; there are {there}.")
        if "\x00" in value:
            raise InvalidInputError(f"{name} holds a letter that no text has.")
        if name in {"limit", "offset"} and not (value.isdecimal() and int(value[:12]) >= (name == "limit")):
            raise InvalidInputError(f"{name} is '{value}': it is a whole number from {int(name == 'limit')} on.")


def _query_names(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_query_names(inner) for inner in dependant.dependencies))


def as_json(f: Annotated[Literal["json"] | None, Query(description="The only form there is")] = None) -> MediaType:
    """Metadata is JSON."""
    return MediaType.json


def as_schema(f: Annotated[Literal["schemajson"] | None, Query()] = None) -> MediaType:
    """Queryables are a JSON schema."""
    return MediaType.schemajson


def as_geojson(f: Annotated[Literal["geojson", "json"] | None, Query()] = None) -> MediaType:
    """Features are GeoJSON."""
    return MediaType.geojson


def asked_box(bbox: Annotated[str | None, Query()] = None) -> list[float] | None:
    """Four or six numbers in CRS84, west first; heights are read and do not matter. Raises InvalidInputError."""
    if bbox is None:
        return None
    try:
        box = [float(part) for part in bbox.split(",")]
    except ValueError:
        raise InvalidInputError(f"bbox is '{bbox}': it is 4 or 6 numbers with commas between them.") from None
    if len(box) not in (4, 6) or not all(math.isfinite(part) for part in box):
        raise InvalidInputError(f"bbox has {len(box)} numbers: it is 4 or 6 finite numbers, west and south first.")
    west, south, east, north = box if len(box) == 4 else (box[0], box[1], box[3], box[4])
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise InvalidInputError(f"bbox is '{bbox}': longitudes are within 180, latitudes within 90, south first.")
    return box


def asked_time(datetime: Annotated[str | None, Query()] = None) -> list[str] | None:
    """First and last moment, UTC, empty where the interval is open there. Raises InvalidInputError."""
    if datetime is None:
        return None
    parts = datetime.split("/")
    if len(parts) > 2 or (len(parts) == 2 and all(part in {"", ".."} for part in parts)):
        raise InvalidInputError(f"datetime is '{datetime}': it is a time, or two with a / between.")
    first, last = _moments(parts[0], datetime)[0], _moments(parts[-1], datetime)[1]
    if first and last and first > last:
        raise InvalidInputError(f"datetime is '{datetime}': it ends before it begins.")
    return [first, last]


def _moments(part: str, whole: str) -> tuple[str, str]:
    """The first and last moment of a time (RFC 3339) or a day; both empty for an open end."""
    if part in {"", ".."}:
        if part == whole:
            raise InvalidInputError("datetime is empty: it is a time or an interval.")
        return "", ""
    try:
        at = datetime.fromisoformat(part.upper())
    except ValueError:
        raise InvalidInputError(f"datetime is '{whole}': '{part}' is no time as in 2026-11-21T03:00:00Z.") from None
    if _DATE.match(part):
        return _utc(at.replace(tzinfo=UTC)), _utc(at.replace(tzinfo=UTC) + timedelta(days=1, microseconds=-1))
    if at.tzinfo is None:
        raise InvalidInputError(f"datetime is '{whole}': '{part}' needs its zone, such as Z.")
    return _utc(at), _utc(at)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def asked_filter(
    query: Annotated[str | None, Query(alias="filter")] = None,
    filter_lang: Annotated[Literal["cql2-text", "cql2-json"] | None, Query(alias="filter-lang")] = None,
) -> Expr | None:
    """The CQL2 filter, of allowed operators only, neither long nor deep. Raises InvalidInputError."""
    if query is None:
        return None
    if len(query) > LONGEST_FILTER or _depth(query) > DEEPEST_FILTER:
        raise InvalidInputError(
            f"The filter is too large: {LONGEST_FILTER} letters, {DEEPEST_FILTER} nested brackets or NOTs "
            "are the most."
        )
    try:
        tree = Expr(query).to_json()
        _check_operators(tree)
        return Expr(tree)
    except InvalidInputError:
        raise
    except Exception:  # cql2 raises classes of its own for each fault, some of them plain ValueErrors.
        raise InvalidInputError(f"The filter is no CQL2: {query[:80]}") from None


def _depth(query: str) -> int:
    deepest = depth = 0
    for letter in query:
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
    return deepest + len(re.findall(r"(?i)\bnot\b", query)) + query.count("--")


def _check_operators(node: Any) -> None:
    if isinstance(node, list):
        for part in node:
            _check_operators(part)
    elif isinstance(node, dict):
        name = node.get("op", "and")
        if not (isinstance(name, str) and name.lower() in _ALLOWED):
            raise InvalidInputError(f"The filter calls '{name}', which is no operator of CQL2.")
        for part in node.values():
            _check_operators(part)


def asked_tile(z: Annotated[int, Path()], x: Annotated[int, Path()], y: Annotated[int, Path()]) -> Tile:
    """The tile of WebMercatorQuad; raises NotFoundError where there is none."""
    if not (0 <= z <= FINEST_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise NotFoundError(f"There is no tile {z}/{x}/{y}.")
    return Tile(x, y, z)


OVERRIDES: dict[Callable[..., Any], Callable[..., Any]] = {
    dependencies.OutputType: as_json,
    dependencies.QueryablesOutputType: as_schema,
    dependencies.ItemsOutputType: as_geojson,
    dependencies.ItemOutputType: as_geojson,
    dependencies.bbox_query: asked_box,
    dependencies.datetime_query: asked_time,
    dependencies.filter_query: asked_filter,
    dependencies.TileParams: asked_tile,
}
