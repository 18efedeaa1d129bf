"""JSON that callers send: a name that an object says twice is refused, at every door that reads JSON by a model."""

from __future__ import annotations

import json
from typing import cast

from fastapi import Request, params
from fastapi.routing import APIRoute

from core.errors import InvalidInputError
from gis.citypack.findings import shown
from sensors.payloads import SaidTwiceError, said_once


class FieldTwiceError(InvalidInputError):
    """A field is there twice; one of them is meant."""


async def refuse_fields_twice(request: Request) -> None:
    """The body says no name twice, however deep. Raises FieldTwiceError; what is no JSON is left to the endpoint.

    Endpoints that read raw bytes judge them by themselves.
    """
    body = cast(APIRoute, request.scope["route"]).body_field
    if body is None or isinstance(body.field_info, params.Form):  # A form has been read as a stream: no JSON is there.
        return
    try:
        json.loads(await request.body(), object_pairs_hook=said_once)
    except SaidTwiceError as fault:
        raise FieldTwiceError(f"The field {shown(fault.name)} is there twice; one of them is meant.") from None
    except (ValueError, RecursionError):
        return
