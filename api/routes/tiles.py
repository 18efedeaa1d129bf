"""The map as vector tiles: the base map for everybody, pictures of the flood and incidents for officers."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response, status

import flood.tiles
import incidents.tiles
from api.deps import officer_session
from api.routes.flood import RunId
from core.db import transaction
from core.errors import NotFoundError
from gis import tiles
from gis.tiles import Tile

router = APIRouter(tags=["tiles"])

TILE_TYPE = "application/vnd.mapbox-vector-tile"
# A tile of the base map changes only with an import; browsers ask again after this and are told that nothing has.
TILE_FRESH_S = 300
IMMUTABLE_S = 365 * 24 * 3600
GZIP_FROM_BYTES = 512
ANSWERS: dict[int | str, dict[str, Any]] = {200: {"content": {TILE_TYPE: {}}}}


def _takes_gzip(request: Request) -> bool:
    """The client named gzip and did not forbid it."""
    offers = [offer.replace(" ", "") for offer in request.headers.get("accept-encoding", "").lower().split(",")]
    return any(offer.split(";")[0] == "gzip" and not offer.endswith(("q=0", "q=0.0")) for offer in offers)


def _is_known(request: Request, tag: str) -> bool:
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return tag in known or "*" in known


def _answer(request: Request, draw: Callable[[], bytes], *, cache: str, version: str | None = None) -> Response:
    """The tile with a strong tag, which differs with its encoding; 304 where the client has it.

    With a `version` the tag is known before anything is drawn; without one it is that of the bytes.
    """
    is_packed = _takes_gzip(request)
    body = draw() if version is None else None
    name = version if body is None else hashlib.sha256(body).hexdigest()[:20]
    tag = f'"{name}-gz"' if is_packed else f'"{name}"'
    headers = {"ETag": tag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    if _is_known(request, tag):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    body = draw() if body is None else body
    if is_packed and len(body) >= GZIP_FROM_BYTES:
        body = gzip.compress(body, compresslevel=4, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=TILE_TYPE, headers=headers)


@router.get("/tiles/{z}/{x}/{y}.mvt", response_class=Response, responses=ANSWERS)
def read_tile(z: int, x: int, y: int, request: Request) -> Response:
    """A tile of the base map: layers boundary, area, waterway, road, building, facility."""
    cache = f"public, max-age={TILE_FRESH_S}"
    with transaction() as session:
        tile, version = Tile(z=z, x=x, y=y), tiles.ready_version(session)
        return _answer(request, lambda: tiles.drawn(session, tile), cache=cache, version=f"{version}-{tile.z}")


@router.get("/tiles/{version}/{z}/{x}/{y}.mvt", response_class=Response, responses=ANSWERS)
def read_tile_of_version(version: str, z: int, x: int, y: int, request: Request) -> Response:
    """The same, to be kept for ever; 404 for any version but the one that `/city` names as `tiles_version`."""
    cache = f"public, max-age={IMMUTABLE_S}, immutable"
    with transaction() as session:
        tile, now = Tile(z=z, x=x, y=y), tiles.ready_version(session)
        if version != now:
            raise NotFoundError(f"The map is at version {now}, not {version}. Ask /api/v1/city again.")
        return _answer(request, lambda: tiles.drawn(session, tile), cache=cache, version=f"{version}-{tile.z}")


@router.get("/flood/runs/{run_id}/tiles/{z}/{x}/{y}.mvt", response_class=Response, responses=ANSWERS)
def read_flood_tile(run_id: RunId, z: int, x: int, y: int, request: Request) -> Response:
    """A tile of one picture of the flood: layers flood, zone, flooded_road; a picture never changes."""
    cache = f"private, max-age={IMMUTABLE_S}, immutable"
    with officer_session(request) as session:
        tile = Tile(z=z, x=x, y=y)
        flood.tiles.check_run(session, run_id)
        return _answer(request, lambda: flood.tiles.drawn(session, tile, run_id=run_id), cache=cache)


@router.get("/incidents/tiles/{z}/{x}/{y}.mvt", response_class=Response, responses=ANSWERS)
def read_incident_tile(z: int, x: int, y: int, request: Request) -> Response:
    """A tile of the incidents as they are now: layer incident, or incident_cluster where there are too many."""
    with officer_session(request) as session:
        tile = Tile(z=z, x=x, y=y)
        return _answer(request, lambda: incidents.tiles.drawn(session, tile), cache="private, no-cache")
