"""titiler behind a Unix socket: tiles, points and previews of layers by id."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated, Any

import numpy as np
import uvicorn
from fastapi import Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse
from morecantile import tms as every_grid
from morecantile.defaults import TileMatrixSets
from rasterio._err import CPLE_AppDefinedError
from rio_tiler.colormap import cmap as every_colormap
from rio_tiler.errors import PointOutsideBounds, RioTilerError, TileOutsideBounds
from titiler.core.dependencies import create_colormap_dependency
from titiler.core.factory import TilerFactory

from core.db import transaction
from core.errors import InvalidInputError, NotFoundError, SetupError, UnavailableError
from core.logs import get_logger
from rasters import files, layers
from rasters.reader import NamingReader

log = get_logger("rasters")

PREFIX = "/api/v1/rasters"
GRID = "WebMercatorQuad"
# What a question may say; `url`, expressions and algorithms are none of it.
PARAMETERS = frozenset({"bidx", "rescale", "colormap_name", "resampling", "max_size", "tilesize", "return_mask"})
LARGEST_SIDE = 1024
Rgba = tuple[int, int, int, int]
# From nearly dry to surely wet: a violet that no depth and no level has.
_UNLIKELY, _LIKELY = (214, 178, 226, 110), (74, 20, 110, 225)


def _chance_colours() -> dict[int, Rgba]:
    """Colours of a probability that was rescaled from 0..1 to 0..255; nothing is drawn at 0."""
    ramp = np.linspace(_UNLIKELY, _LIKELY, 255).round().astype(int).tolist()
    colours: dict[int, Rgba] = {0: (0, 0, 0, 0)}
    for step, (red, green, blue, alpha) in enumerate(ramp, start=1):
        colours[step] = (red, green, blue, alpha)
    return colours


COLORMAPS = every_colormap.register({"chance": _chance_colours()})


def refuse_unknown(request: Request) -> None:
    """Every parameter is an allowed one, and no picture is larger than `LARGEST_SIDE`. Raises InvalidInputError."""
    for name, value in request.query_params.multi_items():
        if name not in PARAMETERS:
            raise InvalidInputError(f"There is no parameter '{name[:40]}' here: a layer is named by its id.")
        if name in {"max_size", "tilesize"} and not (value.isdecimal() and 0 < int(value[:9]) <= LARGEST_SIDE):
            raise InvalidInputError(f"{name} is a number of pixels up to {LARGEST_SIDE}.")


def layer_file(layer_id: Annotated[str, Path()]) -> str:
    """The file of the layer that the path names; raises NotFoundError."""
    with transaction() as session:
        return str(files.file_of(session, layer_id))


def create_app() -> FastAPI:
    """The application; its links begin at the API's address, which asked."""
    app = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(refuse_unknown)]
    )
    tiler = TilerFactory(
        reader=NamingReader,
        path_dependency=layer_file, router_prefix="/{layer_id}", add_viewer=False, add_part=False,
        colormap_dependency=create_colormap_dependency(COLORMAPS),
        supported_tms=TileMatrixSets({GRID: every_grid.get(GRID)}),
    )
    app.include_router(tiler.router, prefix="/{layer_id}")
    app.add_exception_handler(Exception, _unreadable)
    app.add_exception_handler(CPLE_AppDefinedError, _off_the_map)
    for kind, status in (
        (NotFoundError, 404), (TileOutsideBounds, 404), (PointOutsideBounds, 404), (InvalidInputError, 400),
        (RioTilerError, 400), (ValueError, 400), (IndexError, 400), (UnavailableError, 503),
    ):
        app.add_exception_handler(kind, _answer(status))
    return app


def _answer(status: int) -> Callable[[Request, Exception], JSONResponse]:
    """An error as a sentence; the API makes a problem of it."""

    def answer(request: Request, error: Exception) -> JSONResponse:
        detail: Any = getattr(error, "detail", None) or str(error).splitlines()[0]
        return JSONResponse({"detail": str(detail)}, status_code=status)

    return answer


def _off_the_map(request: Request, error: Exception) -> JSONResponse:
    """PROJ has no place in the layer's system for a point on the other side of the world: it lies outside."""
    if "lon" in request.path_params:
        return JSONResponse({"detail": "The point lies outside of this layer."}, status_code=404)
    return _unreadable(request, error)


def _unreadable(request: Request, error: Exception) -> JSONResponse:
    """A layer that cannot be read is told to whoever runs the house, and to the officer as not available now."""
    log.error("rasters.unreadable", path=request.url.path, error=f"{type(error).__name__}: {error}"[:300])
    return JSONResponse({"detail": "This layer could not be read."}, status_code=503)


def listening_socket(path: FilePath) -> socket.socket:
    """A Unix socket that listens at the path, for this user alone; raises SetupError where it cannot be made."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path.unlink(missing_ok=True)
    try:
        listening.bind(str(path))
    except OSError as error:
        raise SetupError(f"The rasters cannot listen at {path}: {error.strerror or error}.") from error
    path.chmod(0o600)
    listening.listen()
    return listening


def server_of(app: FastAPI) -> uvicorn.Server:
    """The server of `app`; what comes through the socket comes from the API, whose word on addresses counts."""
    return uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, root_path=PREFIX, forwarded_allow_ips="*",
            timeout_graceful_shutdown=2,
        )
    )


def run() -> None:
    """Serve until told to stop."""
    path = layers.socket_path()
    listening = listening_socket(path)
    log.info("rasters.serves", socket=str(path))
    with contextlib.suppress(KeyboardInterrupt):
        server_of(create_app()).run(sockets=[listening])
    path.unlink(missing_ok=True)
