"""OGC SensorThings API 1.1 at /sta/v1.1: the standard's addresses, status codes and errors."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.routing import APIRoute

from api.deps import OptionalAccount, SessionDep
from core import clock, errors
from core.settings import settings
from sensors.sensorthings import actions, rendering
from sensors.sensorthings.errors import MethodError, NoSuchResourceError, NotBuiltError, QueryError
from sensors.sensorthings.options import Address, address_of, options_of_query
from sensors.sensorthings.payloads import content_of
from sensors.sensorthings.reading import Place, Reader
from sensors.sensorthings.service import ROOT, service_root
from staff.rules import AccountRef

WRITERS = ("officer", "admin")
CREATE_OBSERVATIONS = "CreateObservations"
JSON_PATCH = "application/json-patch+json"
# A page from elsewhere can send these without asking first; it must not write to a service on this machine.
FORMS = frozenset({"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
STATUS: dict[type[errors.FaonamError], int] = {
    errors.NotFoundError: 404,
    errors.InvalidInputError: 400,
    errors.ConflictError: 409,
    errors.ForbiddenError: 403,
    errors.UnauthenticatedError: 401,
    MethodError: 405,
    NotBuiltError: 501,
}


class StandardError(Exception):
    """A domain error on an address of the standard, which has a form of its own for errors."""

    def __init__(self, error: errors.FaonamError, status: int) -> None:
        super().__init__(error.detail)
        self.error, self.status = error, status


class _Route(APIRoute):
    """Domain errors become the standard's; they are raised on, because a session that sees none is committed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await inner(request)
            except errors.FaonamError as error:
                status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)
                if status is None:
                    raise
                raise StandardError(error, status) from error

        return answer


def add_problems(app: FastAPI) -> None:
    """Errors on the standard's addresses are JSON with a code, its title and the sentence of the case."""

    def answer(request: Request, fault: Exception) -> JSONResponse:
        assert isinstance(fault, StandardError)  # noqa: S101 - registered for this class only.
        content = {"code": fault.status, "type": fault.error.title, "message": fault.error.detail}
        return JSONResponse(content, status_code=fault.status)

    app.add_exception_handler(StandardError, answer)


router = APIRouter(prefix=ROOT, tags=["sensorthings"], route_class=_Route, include_in_schema=False)


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in FORMS:
        raise QueryError(f"The body must be application/json, not {kind}.")
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
DeviceKey = Annotated[str | None, Header(alias="X-Device-Key")]


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}{ROOT}"


def _reader(session: SessionDep, request: Request) -> Reader:
    return Reader(session, base=_base(request), now=clock.now())


AskedReader = Annotated[Reader, Depends(_reader)]


def _refuse_stranger(account: AccountRef | None) -> None:
    if settings().has_open_sta_writes or (account is not None and account.has_any(WRITERS)):
        return
    if account is None:
        raise errors.UnauthenticatedError("Writing here needs an officer's sign-in or a device's key.")
    raise errors.ForbiddenError(f"Writing here needs the role {' or '.join(WRITERS)}.")


@router.get("")
@router.get("/")
def read_root(request: Request) -> JSONResponse:
    """The collections, and what of the standard is kept."""
    return JSONResponse(service_root(_base(request)))


@router.get("/{path:path}")
def read(path: str, request: Request, reader: AskedReader) -> Response:
    """One entity, a page of a collection, a property, or their references."""
    address = address_of(path)
    place = reader.place(address)
    if address.property:
        return _property(reader, place, address)
    options = options_of_query(request.url.query, place.entity)
    here = f"{reader.base}/{_plain_path(address)}"
    if address.ending == "$ref":
        return JSONResponse(reader.references(place, options, address=f"{here}/$ref"))
    if place.id is not None:
        return JSONResponse(reader.one(place, options))
    return JSONResponse(reader.page(place, options, address=here))


def _plain_path(address: Address) -> str:
    return "/".join(step.name if step.id is None else f"{step.name}({step.id})" for step in address.steps)


def _property(reader: Reader, place: Place, address: Address) -> Response:
    name, *deeper = address.property
    said = reader.property(place, name)
    for key in deeper:
        if not isinstance(said, dict) or key not in said:
            raise NoSuchResourceError(f"There is no '{key[:60]}' in the property '{name}'.")
        said = said[key]
    if said is None:
        return Response(status_code=204)
    if address.ending == "$value":
        return PlainTextResponse(said) if isinstance(said, str) else JSONResponse(said)
    return JSONResponse({address.property[-1]: said})


@router.post("/{path:path}")
def create(
    path: str,
    body: Body,
    reader: AskedReader,
    account: OptionalAccount,
    device_key: DeviceKey = None,
    prefer: Annotated[str | None, Header()] = None,
) -> Response:
    """A new entity with all inside it, or arrays of observations: 201 with the address."""
    if device_key is None:
        _refuse_stranger(account)
    session = reader.session
    if path.strip("/") == CREATE_OBSERVATIONS:
        made = actions.create_observations(
            session, content_of(body), base=reader.base, device_key=device_key, now=reader.now
        )
        return JSONResponse(made, status_code=201)
    if path.strip("/") == "$batch":
        raise NotBuiltError("Batch requests are not built; send the requests one by one.")
    place = _entities(reader, path)
    id_ = actions.post(session, place, content_of(body), device_key=device_key, now=reader.now)
    headers = {"Location": rendering.link(reader.base, place.entity, id_)}
    if prefer is not None and "return=minimal" in prefer.replace(" ", ""):
        return Response(status_code=201, headers=headers | {"Preference-Applied": "return=minimal"})
    content = reader.one(Place(place.entity, id_), options_of_query("", place.entity))
    return JSONResponse(content, status_code=201, headers=headers)


def _entities(reader: Reader, path: str) -> Place:
    address = address_of(path)
    if address.property or address.ending:
        raise MethodError("Entities are changed whole, at their own address.")
    return reader.place(address)


@router.patch("/{path:path}")
def update(
    path: str,
    body: Body,
    reader: AskedReader,
    account: OptionalAccount,
    content_type: Annotated[str, Header()] = "application/json",
) -> Response:
    """The entity is as the body says, and as before where it says nothing; or as after a JSON Patch."""
    _refuse_stranger(account)
    place = _entities(reader, path)
    if content_type.partition(";")[0].strip().lower() == JSON_PATCH:
        actions.patch_by_operations(reader, place, content_of(body))
    else:
        actions.patch(reader.session, place, content_of(body), now=reader.now)
    return _changed(reader, place)


@router.put("/{path:path}")
def replace(path: str, body: Body, reader: AskedReader, account: OptionalAccount) -> Response:
    """The entity is as the body says, and without what it does not say."""
    _refuse_stranger(account)
    place = _entities(reader, path)
    actions.put(reader.session, place, content_of(body), now=reader.now)
    return _changed(reader, place)


def _changed(reader: Reader, place: Place) -> Response:
    here = Place(place.entity, place.id)
    headers = {"Location": rendering.link(reader.base, place.entity, place.id or 0)}
    return JSONResponse(reader.one(here, options_of_query("", place.entity)), headers=headers)


@router.delete("/{path:path}")
def delete(path: str, reader: AskedReader, account: OptionalAccount) -> Response:
    """The entity is gone with what depends on it."""
    _refuse_stranger(account)
    actions.delete(reader.session, _entities(reader, path))
    return Response(status_code=200)


