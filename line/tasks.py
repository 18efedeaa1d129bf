"""What the inbox holds is told to the rooms above, once, in the order in which it happened."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, events, jobs, sealing
from core.logs import get_logger
from line import queries, rules
from line.events import (
    Followed,
    MessageReceived,
    MessageUnsent,
    PostbackReceived,
    Unfollowed,
    seal_line_user,
)
from line.models import InboxEvent

log = get_logger("line")
INBOX_LOCK = "line.inbox"
AT_ONCE = 200


@jobs.job(name="line.hand_on_inbox", queue="events")
def hand_on_inbox(session: Session) -> None:
    """Every event that waited in the inbox is told as a fact or, where it is of no known kind, kept and passed over."""
    waiting = queries.waiting_inbox_events(session, most=AT_ONCE)
    for kept in waiting:
        _hand_on(session, kept)
        kept.handled_at = clock.now()
    session.flush()
    if len(waiting) == AT_ONCE:
        jobs.enqueue(session, hand_on_inbox, lock=INBOX_LOCK)


def _hand_on(session: Session, kept: InboxEvent) -> None:
    fact = _fact_of(kept)
    if fact is None:
        log.info("inbox.passed_over", event_type=kept.event_type)
        return
    try:
        with session.begin_nested():
            events.publish(session, fact)
    except (sa.exc.DataError, ValueError) as exc:  # One odd event must not hold up those behind it; it stays kept.
        log.error("inbox.not_handed_on", event_type=kept.event_type, error=type(exc).__name__)


def _fact_of(kept: InboxEvent) -> events.Event | None:
    event = json.loads(sealing.unseal(kept.raw_sealed))
    if not isinstance(event, dict) or event.get("mode") == "standby":
        return None  # In standby another module owns the conversation.
    user_id = rules.line_user_of(event)
    if user_id is None:
        return None
    return fact_of(event, webhook_event_id=kept.webhook_event_id, line_user_id=user_id, happened_at=kept.happened_at)


def fact_of(
    event: dict[str, Any], *, webhook_event_id: str, line_user_id: str, happened_at: datetime
) -> events.Event | None:
    """The fact that a webhook event of one person tells; None where its type is unknown or a needed part is missing."""
    common: dict[str, Any] = {
        "webhook_event_id": webhook_event_id,
        "line_user_id_sealed": seal_line_user(line_user_id),
        "happened_at": happened_at,
    }
    token = event.get("replyToken")
    reply_token = token if isinstance(token, str) else None
    match event:
        case {"type": "message", "message": {"type": str(), "id": str()} as message}:
            return MessageReceived(reply_token=reply_token, message=message, **common)
        case {"type": "unsend", "unsend": {"messageId": str(message_id)}}:
            return MessageUnsent(message_id=message_id, **common)
        case {"type": "postback", "postback": {"data": str(data)} as postback}:
            return PostbackReceived(reply_token=reply_token, data=data, params=_params(postback), **common)
        case {"type": "follow"}:
            follow = event.get("follow")
            is_unblocked = isinstance(follow, dict) and follow.get("isUnblocked") is True
            return Followed(reply_token=reply_token, is_unblocked=is_unblocked, **common)
        case {"type": "unfollow"}:
            return Unfollowed(**common)
    return None


def _params(postback: dict[str, Any]) -> dict[str, str]:
    params = postback.get("params")
    return {str(key): str(value) for key, value in params.items()} if isinstance(params, dict) else {}
