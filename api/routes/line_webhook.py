"""Where LINE tells us what residents do."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from core.db import transaction
from core.errors import InvalidInputError, UnauthenticatedError
from incidents import cries
from line import webhook
from line.letterbox import Letterbox

router = APIRouter()

BODY_LIMIT_BYTES = 2_000_000  # LINE's own limit of a body.


async def _raw_body(request: Request) -> bytes:
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > BODY_LIMIT_BYTES:
            raise InvalidInputError(f"The body is larger than {BODY_LIMIT_BYTES} bytes.")
    return bytes(raw)


def _count_refusal() -> None:
    with transaction() as session:
        webhook.count_refusal(session)


def _keep(raws: Sequence[bytes]) -> None:
    with transaction() as session:
        webhook.keep(session, raws, is_urgent=cries.is_cry)


def _letterbox(request: Request) -> Letterbox:
    """The one of this process."""
    state = request.app.state
    if not hasattr(state, "letterbox"):
        state.letterbox = Letterbox(_keep)
    letterbox: Letterbox = state.letterbox
    return letterbox


@router.post("/line/webhook", include_in_schema=False)
async def receive_line_events(request: Request) -> Response:
    """LINE's events are kept before the answer; what they mean is done later. 401 leaves only a count.

    The body is read raw, since the signature is over its very bytes; so this endpoint is async and opens its
    transaction itself, after the body has arrived.
    """
    raw = await _raw_body(request)
    signature = request.headers.get("x-line-signature")
    if not webhook.is_genuine(raw, signature):
        taps = webhook.exercise_taps(raw, signature)
        if taps is None:
            await run_in_threadpool(_count_refusal)
            raise UnauthenticatedError("The signature of this webhook call is not LINE's.")
        raw = taps
    await _letterbox(request).put(raw)
    return Response(status_code=200)
