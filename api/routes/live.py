"""GET /live: news as server-sent events, for signed-in screens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from api import live
from api.deps import CurrentAccount

router = APIRouter(tags=["live"])


@router.get(
    "/live",
    summary="News for the screens (server-sent events)",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": 'Messages `{"id","name","data"}`'}},
)
async def hear_live_events(
    request: Request, account: CurrentAccount, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """News from now on, after what was missed since Last-Event-ID; fetch again after `live.hello` or `live.refetch`."""
    known = int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 19 else None
    broadcaster: live.Broadcaster = request.app.state.live
    broadcaster.check_room()
    return StreamingResponse(
        live.stream(broadcaster, last_event_id=known),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
