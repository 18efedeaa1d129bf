"""JSON that callers send: read once, and a name that an object says twice is refused, at every door that has a model.

FastAPI reads a body as JSON by itself, where the last of two values wins; to read it a second time cost as much as the
first and more. So doors with a model are `OnceRoute`s, which read it in FastAPI's place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response, params
from fastapi.routing import APIRoute

from core.errors import InvalidInputError
from gis.citypack.findings import shown
from sensors.payloads import SaidTwiceError, said_once

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class FieldTwiceError(InvalidInputError):
    """A field is there twice; one of them is meant."""


class _ReadRequest(Request):
    """A request whose body has been read, as bytes and as JSON."""

    def __init__(self, request: Request, raw: bytes, content: object) -> None:
        super().__init__(request.scope, request.receive)
        self._raw, self._content = raw, content

    async def body(self) -> bytes:
        """All that came."""
        return self._raw

    async def json(self) -> Any:
        """What it says."""
        return self._content


class OnceRoute(APIRoute):
    """A route whose JSON body says no name twice, however deep; else FieldTwiceError is raised before anything is done.

    What is no JSON is left to FastAPI to refuse. Endpoints that read raw bytes judge them by themselves.
    """

    def get_route_handler(self) -> Answer:
        """What answers a request to this route."""
        answer = super().get_route_handler()
        # A form is read as a stream: no JSON is there.
        if self.body_field is None or isinstance(self.body_field.field_info, params.Form):
            return answer

        async def answer_once_read(request: Request) -> Response:
            return await answer(await _read(request))

        return answer_once_read


async def _read(request: Request) -> Request:
    raw = await request.body()
    try:
        return _ReadRequest(request, raw, json.loads(raw, object_pairs_hook=said_once))
    except SaidTwiceError as fault:
        raise FieldTwiceError(f"The field {shown(fault.name)} is there twice; one of them is meant.") from None
    except (ValueError, RecursionError):
        return request
