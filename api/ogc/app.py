"""The open data as an application: tipg's features and tiles, our own metadata, our own errors."""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from morecantile import tms as every_grid
from morecantile.defaults import TileMatrixSets
from tipg import errors as tipg_errors
from tipg.collections import Collection
from tipg.factory import OGCFeaturesFactory, OGCTilesFactory
from tipg.resources.enums import MediaType

from api import problems
from api.ogc import description, parameters
from core.errors import InvalidInputError, NotFoundError
from core.words import words

GRID = "WebMercatorQuad"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_SPEC, _REL = "http://www.opengis.net/spec", "http://www.opengis.net/def/rel/ogc/1.0"
CONFORMS_TO = [
    f"{_SPEC}/ogcapi-common-1/1.0/conf/core",
    f"{_SPEC}/ogcapi-common-1/1.0/conf/landing-page",
    f"{_SPEC}/ogcapi-common-1/1.0/conf/json",
    f"{_SPEC}/ogcapi-common-1/1.0/conf/oas30",
    f"{_SPEC}/ogcapi-common-2/1.0/conf/collections",
    f"{_SPEC}/ogcapi-features-1/1.0/conf/core",
    f"{_SPEC}/ogcapi-features-1/1.0/conf/geojson",
    f"{_SPEC}/ogcapi-features-1/1.0/conf/oas30",
    f"{_SPEC}/ogcapi-tiles-1/1.0/conf/core",
    f"{_SPEC}/ogcapi-tiles-1/1.0/conf/tileset",
    f"{_SPEC}/ogcapi-tiles-1/1.0/conf/tilesets-list",
    f"{_SPEC}/ogcapi-tiles-1/1.0/conf/mvt",
]
JSON, GEOJSON, MVT = "application/json", "application/geo+json", "application/vnd.mapbox-vector-tile"
_OF_TIPG = {
    tipg_errors.NotFound: (404, "not-found"),
    tipg_errors.MissingCollectionCatalog: (503, "unavailable"),
    tipg_errors.TiPgError: (400, "invalid-input"),
}


def asked_collection(request: Request, collectionId: Annotated[str, Path()]) -> Collection:  # noqa: N803 - the standard's name.
    """The collection of the path; raises NotFoundError."""
    found = request.app.state.collection_catalog["collections"].get(collectionId)
    if found is None:
        raise NotFoundError(f"There is no collection '{collectionId}'.")
    return found  # type: ignore[no-any-return]  # the state is untyped


def _link(request: Request, path: str, *, rel: str, kind: str = JSON, title: str = "") -> dict[str, str]:
    named = {"title": title} if title else {}
    return {"href": f"{str(request.base_url).rstrip('/')}/{path}", "rel": rel, "type": kind, **named}


def _collection(request: Request, collection: Collection) -> dict[str, Any]:
    """The metadata of a collection."""
    here = f"collections/{collection.id}"
    extent = collection.extent.model_dump(exclude_none=True, mode="json") if collection.extent else None
    return {
        "id": collection.id,
        "title": words("api", f"collection-{collection.id.replace('_', '-')}", language="en"),
        "title_th": words("api", f"collection-{collection.id.replace('_', '-')}", language="th"),
        "itemType": "feature",
        "crs": [CRS84],
        **({"extent": extent} if extent else {}),
        "links": [
            _link(request, here, rel="self"),
            _link(request, f"{here}/items", rel="items", kind=GEOJSON, title="Features"),
            _link(request, f"{here}/queryables", rel=f"{_REL}/queryables",
                  kind="application/schema+json"),
            _link(request, f"{here}/tiles", rel=f"{_REL}/tilesets-vector"),
        ],
    }


def read_collection(
    request: Request,
    collection: Annotated[Collection, Depends(asked_collection)],
    form: Annotated[MediaType, Depends(parameters.as_json)],
) -> dict[str, Any]:
    """One collection."""
    return _collection(request, collection)


class _Features(OGCFeaturesFactory):
    """tipg's features without its pages of metadata, which are ours."""

    def register_routes(self) -> None:
        """The collection's page, which the others link, queryables, items and item."""
        self.router.add_api_route("/collections/{collectionId}", read_collection, name="collection")
        for register in (self._queryables_route, self._items_route, self._item_route):
            register()  # type: ignore[no-untyped-call]  # tipg types none of its methods.


def create_app() -> FastAPI:
    """The application, without its connections: `state.pool` and `state.collection_catalog` come from `catalogue`."""
    app = FastAPI(
        title="Faonam open data",
        description="OGC API Features and Tiles of one municipality; read only, CRS84, JSON.",
        version="1", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False,
        dependencies=[Depends(parameters.refuse_unknown)],
    )
    app.dependency_overrides.update(parameters.OVERRIDES)
    _add_errors(app)
    _add_metadata(app)
    grids = TileMatrixSets({GRID: every_grid.get(GRID)})
    features = _Features(with_common=False, collection_dependency=asked_collection)
    tiles = OGCTilesFactory(
        with_common=False, collection_dependency=asked_collection, with_viewer=False, supported_tms=grids
    )
    app.include_router(features.router)
    app.include_router(tiles.router)
    return app


def _add_metadata(app: FastAPI) -> None:
    """Landing page, conformance, description and the collections."""
    told: dict[str, Any] = {}
    asked_form = Depends(parameters.as_json)

    @app.get("/", dependencies=[asked_form])
    def landing(request: Request) -> dict[str, Any]:
        """What is here."""
        return {
            "title": app.title,
            "description": app.description,
            "links": [
                _link(request, "", rel="self"),
                _link(request, "api", rel="service-desc", kind=description.MEDIA_TYPE),
                _link(request, "conformance", rel="conformance"),
                _link(request, "collections", rel="data"),
                _link(request, "tileMatrixSets", rel=f"{_REL}/tiling-schemes"),
            ],
        }

    @app.get("/conformance", dependencies=[asked_form])
    def conformance() -> dict[str, Any]:
        """Which parts of which standards are kept."""
        return {"conformsTo": CONFORMS_TO}

    @app.get("/api", dependencies=[asked_form])
    def api_definition(request: Request) -> JSONResponse:
        """This description, OpenAPI 3.0."""
        if not told:
            told.update(description.as_openapi_30(app.openapi()))
        server = str(request.base_url).rstrip("/")
        return JSONResponse({**told, "servers": [{"url": server}]}, media_type=description.MEDIA_TYPE)

    @app.get("/collections", dependencies=[asked_form])
    def collections(request: Request) -> dict[str, Any]:
        """Every collection."""
        found = app.state.collection_catalog["collections"].values()
        return {
            "links": [_link(request, "collections", rel="self")],
            "collections": [_collection(request, one) for one in found],
        }


def _add_errors(app: FastAPI) -> None:
    """Every error is a problem document; a wrong parameter is a 400, as the standard has it."""
    problems.add_problems(app)

    def answer(request: Request, *, status: int, slug: str, detail: str) -> JSONResponse:
        return problems.problem(status=status, slug=slug, detail=detail, instance=request.url.path)

    def of_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only.
        first = error.errors()[0]
        is_path = first["loc"][0] == "path"
        detail = f"{first['loc'][-1]}: {first['msg']}."
        status, slug = (404, "not-found") if is_path else (400, "invalid-input")
        return answer(request, status=status, slug=slug, detail=detail)

    def of_input(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, InvalidInputError)  # noqa: S101 - registered for this class only.
        return answer(request, status=400, slug="invalid-input", detail=error.detail)

    def of_tipg(request: Request, error: Exception) -> JSONResponse:
        status, slug = next(_OF_TIPG[kind] for kind in type(error).__mro__ if kind in _OF_TIPG)
        return answer(request, status=status, slug=slug, detail=str(error))

    def of_database(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, asyncpg.QueryCanceledError):
            return answer(request, status=400, slug="invalid-input", detail="That takes too long: ask for less.")
        if isinstance(error, (asyncpg.DataError, asyncpg.SyntaxOrAccessError)):
            return answer(request, status=400, slug="invalid-input", detail="The question does not fit the data.")
        return answer(request, status=503, slug="database-down", detail="The database does not answer now; try again.")

    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(InvalidInputError, of_input)
    app.add_exception_handler(tipg_errors.TiPgError, of_tipg)
    app.add_exception_handler(asyncpg.PostgresError, of_database)
    app.add_exception_handler(asyncpg.InterfaceError, of_database)
    app.add_exception_handler(OSError, of_database)
    app.add_exception_handler(Exception, lambda request, error: problems.of_exception(error, instance=request.url.path))
