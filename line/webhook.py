"""Webhook calls: verified over the raw bytes, kept raw, answered at once; what they mean is for later."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from core import clock, sealing
from core.logs import get_logger
from core.settings import settings
from line import inbox_queries, rules
from line.inbox_queries import InboxRow

log = get_logger("line")
IsUrgent = Callable[[dict[str, Any]], bool]
EVENT_TYPE_LIMIT = 60


def is_genuine(raw: bytes, signature: str | None) -> bool:
    """The call comes from LINE: its signature belongs to these bytes under the channel's secret."""
    channel_secret = settings().line.channel_secret
    if channel_secret is None:
        return False
    return rules.is_genuine(raw, signature, channel_secret=channel_secret.get_secret_value())


def exercise_taps(raw: bytes, signature: str | None) -> bytes | None:
    """A call of the channel of exercises, with nothing but taps on exercises' buttons left; None where it is none.

    What else people say there is no report and reaches no officer.
    """
    secret = settings().line.exercise_secret
    if secret is None or not rules.is_genuine(raw, signature, channel_secret=secret.get_secret_value()):
        return None
    taps = [event for event in _events_of(raw) if rules.is_exercise_tap(event)]
    return json.dumps({"events": taps}).encode()


def count_refusal(session: Session) -> None:
    """A call without a good signature leaves one more in the day's count, and nothing else."""
    inbox_queries.count_refusal(session, day=clock.now().date())


def keep(session: Session, raws: Sequence[bytes], *, is_urgent: IsUrgent) -> int:
    """Every new event of these calls, known to be LINE's, is kept as it came; how many were new.

    `is_urgent` says of an event whether its sender is to be served before all others.
    """
    rows = [_row(one, is_urgent) for raw in raws for event in _events_of(raw) for one in _apart(event)]
    return inbox_queries.keep_inbox_events(session, rows)


def _events_of(raw: bytes) -> list[object]:
    try:
        body = json.loads(raw, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        log.warning("webhook.unreadable", bytes=len(raw))
        return [{"type": "unreadable", "raw": raw.decode("utf-8", "replace")}]
    events = body.get("events") if isinstance(body, dict) else None
    if not isinstance(events, list):
        log.warning("webhook.without_events", bytes=len(raw))
        return [{"type": "unreadable", "raw": raw.decode("utf-8", "replace")}]
    return events


def _apart(event: object) -> list[Any]:
    return rules.members_apart(event) if isinstance(event, dict) else [event]


def _storable(event: object) -> dict[str, Any]:
    """The event without what PostgreSQL cannot hold: NUL, half surrogates, numbers without a value."""
    fields = event if isinstance(event, dict) else {"type": "unreadable", "raw": event}
    text = json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace").decode().replace("\\u0000", "\\ufffd")
    storable: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)
    return storable


def _row(event: object, is_urgent: IsUrgent) -> InboxRow:
    fields = _storable(event)
    text = json.dumps(fields, ensure_ascii=False)
    received_at = clock.now()
    event_type = fields.get("type")
    event_id = rules.event_id(fields, raw=text.encode())
    return InboxRow(
        webhook_event_id=event_id,
        event_type=_type_of(fields, event_type),
        raw_sealed=sealing.seal(text),
        happened_at=rules.happened_at(fields.get("timestamp"), otherwise=received_at),
        received_at=received_at,
        received_wall_at=clock.wall_now(),
        user_hash=sealing.fingerprint(rules.user_named_in(fields) or rules.member_named_in(fields) or event_id),
        is_urgent=is_urgent(fields),
    )


def _type_of(fields: dict[str, Any], event_type: object) -> str:
    """LINE's own word for it; what was said among others in a group is none of what a person says to us."""
    name = _printable(event_type) if isinstance(event_type, str) else "unknown"
    source = fields.get("source")
    is_among_others = isinstance(source, dict) and source.get("type") in {"group", "room"}
    return f"group.{name}"[:EVENT_TYPE_LIMIT] if is_among_others else name


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:EVENT_TYPE_LIMIT] or "unknown"
