"""What a webhook event tells, as a fact for the rooms above. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.events import Event
from line.events import (
    CriedInGroup,
    Followed,
    JoinedGroup,
    LeftGroup,
    MembersLeftGroup,
    MessageReceived,
    MessageUnsent,
    PostbackReceived,
    PressedInGroup,
    SpokenInGroup,
    Unfollowed,
    seal_line_user,
)


def fact_of(event: dict[str, Any], *, webhook_event_id: str, line_user_id: str, happened_at: datetime) -> Event | None:
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


def group_fact_of(
    event: dict[str, Any], *, webhook_event_id: str, line_user_id: str | None, is_urgent: bool, happened_at: datetime
) -> Event | None:
    """What an event of a group or room tells; None where its type is none of ours or a needed part is missing."""
    source = event.get("source")
    if not isinstance(source, dict) or source.get("type") not in {"group", "room"}:
        return None
    token = event.get("replyToken")
    reply_token = token if isinstance(token, str) else None
    sealed = seal_line_user(line_user_id) if line_user_id is not None else None
    group_id = source.get(f"{source['type']}Id")
    group_sealed = seal_line_user(group_id) if isinstance(group_id, str) and group_id else None
    match event:
        case {"type": "join"} if reply_token is not None:
            return JoinedGroup(reply_token)
        case {"type": "message", "message": {"type": "text", "text": str(text)}} if is_urgent:
            return CriedInGroup(webhook_event_id, sealed, reply_token, text, happened_at, group_sealed)
    if group_sealed is None:
        return None
    match event:
        case {"type": "message", "message": {"type": "text", "text": str(text)}}:
            return SpokenInGroup(group_sealed, sealed, reply_token, text, happened_at)
        case {"type": "postback", "postback": {"data": str(data)}}:
            return PressedInGroup(group_sealed, sealed, reply_token, data, happened_at)
        case {"type": "leave"}:
            return LeftGroup(group_sealed, happened_at)
        case {"type": "memberLeft", "left": {"members": list(members)}}:
            return MembersLeftGroup(group_sealed, _sealed_users(members), happened_at)
    return None


def _sealed_users(members: list[Any]) -> tuple[str, ...]:
    ids = [one.get("userId") for one in members if isinstance(one, dict)]
    return tuple(seal_line_user(user_id) for user_id in ids if isinstance(user_id, str) and user_id)


def _params(postback: dict[str, Any]) -> dict[str, str]:
    params = postback.get("params")
    return {str(key): str(value) for key, value in params.items()} if isinstance(params, dict) else {}
