"""Map pictures on alerts' cards: for every phone that has the address, which nobody can guess."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from alerts import pictures
from api.deps import SessionDep

router = APIRouter(include_in_schema=False)

# A picture's bytes never change: another picture has another address.
HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Robots-Tag": "noindex, nofollow"}


@router.get("/pictures/zone/{token}.png")
def read_zone_picture(token: str, request: Request, session: SessionDep) -> Response:
    """The picture; 304 where the caller has it."""
    headers = {**HEADERS, "ETag": f'"{token}"'}
    found = pictures.served(session, token)
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.content_type, headers=headers)
