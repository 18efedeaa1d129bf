"""Terrain and depth as raster tiles, for officers: asked of the raster process, which alone reads rasters."""

from __future__ import annotations

import functools
import re

import httpx
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.deps import CurrentAccount, SessionDep
from api.routes.city import Names
from core.errors import InvalidInputError, NotFoundError, UnavailableError
from core.words import words
from rasters import layers

router = APIRouter(tags=["rasters"])

PATIENCE_S = 15.0
# What may be asked of a layer: its description, tiles, the values at a point, one small picture.
_ALLOWED = re.compile(
    r"info|info\.geojson|WebMercatorQuad/tilejson\.json|preview(\.(png|webp|jpeg))?|"
    r"tiles/WebMercatorQuad/\d{1,2}/\d{1,8}/\d{1,8}(@[12]x)?(\.(png|webp|jpeg))?|point/-?\d{1,3}(\.\d+)?,-?\d{1,2}(\.\d+)?"
)
_LAYER = re.compile(r"[a-z0-9-]{1,40}")
_AWAY = "The raster process does not answer; it is started with: faonam rasters"
_SLOW = f"The raster process needs more than {PATIENCE_S:.0f} s: the layer is being made. Ask again in a minute."
_PASSED_ON = ("content-type", "cache-control", "etag")


class BandOut(BaseModel):
    """A band by its name, and the unit of its values (`1` for a share or probability)."""

    name: str
    unit: str


class RasterLayerOut(BaseModel):
    """A raster layer; its description is at `/rasters/{id}/WebMercatorQuad/tilejson.json`.

    `nodata` is the value that means that nothing is known (`nan` for no number), null where the layer's `info` tells
    it; `note` is what to know before it is used.
    """

    id: str
    kind: layers.Kind
    run_id: int | None
    title: Names
    note: Names | None
    bands: list[BandOut]
    nodata: str | None


class RasterLayersOut(BaseModel):
    """The terrain and its height above drainage first, then the depths of the newest pictures of the flood."""

    layers: list[RasterLayerOut]


@router.get("/rasters", summary="Every raster layer")
def list_rasters(session: SessionDep, account: CurrentAccount) -> RasterLayersOut:
    """The layers that have a raster."""
    return RasterLayersOut(layers=[_layer(one) for one in layers.layers(session)])


def _layer(one: layers.RasterLayer) -> RasterLayerOut:
    legend = layers.LEGENDS[one.kind]
    return RasterLayerOut(
        id=one.id, kind=one.kind, run_id=one.run_id, title=_names(f"raster-{one.kind}"),
        note=_names(f"raster-{one.kind}-note") if legend.has_note else None,
        bands=[BandOut(name=name, unit=unit) for name, unit in zip(legend.bands, legend.units, strict=True)],
        nodata=legend.nodata,
    )


def _names(key: str) -> Names:
    return Names(th=words("rasters", key, language="th"), en=words("rasters", key, language="en"))


@router.get("/rasters/{layer_id}/{question:path}", summary="Ask a raster layer", response_class=Response)
def ask_raster(layer_id: str, question: str, account: CurrentAccount, request: Request) -> Response:
    """A description, a tile, the values at a point or a small picture of a layer."""
    if not _LAYER.fullmatch(layer_id) or not _ALLOWED.fullmatch(question):
        raise NotFoundError(f"A raster layer has no '{question[:60]}'.")
    forwarded = {"Host": request.headers.get("host", "localhost"), "X-Forwarded-Proto": request.url.scheme}
    query = f"?{request.url.query}" if request.url.query else ""
    path = f"/{layer_id}/{question}{query}"  # The process puts /api/v1/rasters before it.
    socket_path = layers.socket_path()
    if not socket_path.is_socket():
        raise UnavailableError(_AWAY)
    try:
        answer = _client(str(socket_path)).get(path, headers=forwarded)
    except httpx.ReadTimeout as error:
        raise UnavailableError(_SLOW) from error
    except httpx.TransportError as error:
        raise UnavailableError(_AWAY) from error
    _raise_for(answer)
    headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    return Response(answer.content, status_code=answer.status_code, headers=headers)


@functools.cache
def _client(socket_path: str) -> httpx.Client:
    """One for all requests: each new one makes a TLS context, which takes longer than a tile."""
    no_rest = httpx.Limits(max_keepalive_connections=0)  # A restart of the process breaks connections that rest.
    transport = httpx.HTTPTransport(uds=socket_path, limits=no_rest)
    return httpx.Client(transport=transport, base_url="http://rasters", timeout=PATIENCE_S)


def _raise_for(answer: httpx.Response) -> None:
    """Raises the domain error that a refusal of the raster process is."""
    if answer.status_code < httpx.codes.BAD_REQUEST:
        return
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotFoundError(str(answer.json().get("detail")))
    if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
        raise InvalidInputError(str(answer.json().get("detail")))
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise UnavailableError(str(answer.json().get("detail")))
    raise UnavailableError("The raster process could not read this layer.")
