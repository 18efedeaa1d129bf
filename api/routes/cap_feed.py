"""The city's alerts for other systems: an Atom feed of CAP 1.2 messages, and each message as it was published."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import APIRouter, Request, Response

from alerts import cap_queries
from alerts.cap import feed, read
from api.deps import SessionDep
from core import clock
from core.settings import settings
from core.words import words
from gis import queries as gis_queries

router = APIRouter(prefix="/cap", tags=["cap"])

# A warning reaches a reader who looks again this often; what was published never changes.
FEED_KEPT_S, DOCUMENT_KEPT_S = 15, 86_400
READABLE_BY_ALL = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag, Last-Modified"}


def _base(request: Request) -> str:
    return (settings().public_url or str(request.base_url)).rstrip("/")


def _is_known(request: Request, *, tag: str, changed_at: datetime) -> bool:
    """Whether the reader has it already; its tag counts before its time (RFC 9110, section 13.1)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return bool({"*", tag} & {one.strip().removeprefix("W/") for one in tags.split(",")})
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.tzinfo is not None and changed_at.replace(microsecond=0) <= since


def _answer(request: Request, body: bytes, *, media_type: str, changed_at: datetime, kept_s: int) -> Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    # A city's clock may run ahead in a demonstration; HTTP's dates may not.
    modified_at = min(changed_at, clock.wall_now())
    headers = {
        **READABLE_BY_ALL,
        "ETag": tag,
        "Last-Modified": format_datetime(modified_at, usegmt=True),
        "Cache-Control": f"public, max-age={kept_s}",
    }
    if _is_known(request, tag=tag, changed_at=modified_at):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


@router.get("/feed.atom", summary="Alerts in force, as an Atom feed of CAP 1.2", response_class=Response)
@router.head("/feed.atom", include_in_schema=False)
def read_feed(request: Request, session: SessionDep) -> Response:
    """What is in force now, the newest first: neither replaced, cancelled nor expired; exercises are never in it."""
    city, now, base = gis_queries.city(session), clock.now(), _base(request)
    entries = []
    for document in cap_queries.in_force(session, now=now):
        (message,) = read(document.xml.encode(), source=document.identifier).messages
        entries.append((message, f"{base}/cap/{document.identifier}.xml"))
    changed_at = cap_queries.changed_at(session, now=now) or city.imported_at
    kind = "cap-feed-simulated" if city.is_simulated else "cap-feed"
    names = {"th": city.name_th, "en": city.name_en}
    titles = [words("api", kind, language=language, city=name) for language, name in names.items()]
    described = feed.Feed(
        address=f"{base}/cap/feed.atom",
        home=f"{base}/",
        title=" · ".join(titles),
        author=city.name_th,
        updated_at=changed_at,
    )
    body = feed.to_atom(described, entries)
    return _answer(request, body, media_type=feed.ATOM_TYPE, changed_at=changed_at, kept_s=FEED_KEPT_S)


@router.get("/{identifier}.xml", summary="One published CAP 1.2 message", response_class=Response)
@router.head("/{identifier}.xml", include_in_schema=False)
def read_message(identifier: str, request: Request, session: SessionDep) -> Response:
    """The bytes as they were published, also after the message expired; 404 for what is not public."""
    document = cap_queries.published(session, identifier, now=clock.now())
    return _answer(
        request,
        document.xml.encode(),
        media_type=feed.CAP_TYPE,
        changed_at=document.sent_at,
        kept_s=DOCUMENT_KEPT_S,
    )
