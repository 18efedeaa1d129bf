"""Decisions about LINE's traffic: pure functions over plain values."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TEXT_LIMIT_UTF16 = 5000
ALT_TEXT_LIMIT_UTF16 = 1500
LABEL_LIMIT_GRAPHEMES = 20
QUICK_REPLY_LIMIT = 13
MESSAGES_LIMIT = 5
MULTICAST_LIMIT = 500
POSTBACK_DATA_LIMIT = 300

RETRY_LIMIT_S = 60.0
RATE_PAUSE_S = 0.5
UNREACHABLE_PAUSE_S = 1.0
QUOTA_WORDS = "monthly limit"
REPLY_TOKEN_WORDS = "reply token"  # noqa: S105 - words of LINE's error message, no secret.


def utf16_units(text: str) -> int:
    """The length of a text as LINE counts it: UTF-16 code units (an emoji counts two, each Thai mark one)."""
    return len(text.encode("utf-16-le")) // 2


def _joins_the_letter_before(character: str) -> bool:
    return (
        unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or character in "\u0e33\u0eb3\u200d"  # Thai and Lao AM, zero-width joiner (UAX 29: GCB Extend and SpacingMark).
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def graphemes(text: str) -> int:
    """How many letters a reader sees (UAX 29, the parts that Thai, Lao, Burmese, Latin and emoji need)."""
    count, before, flags = 0, "", 0
    for character in text:
        is_flag = "\U0001f1e6" <= character <= "\U0001f1ff"
        flags = flags + 1 if is_flag else 0
        is_second_half = is_flag and flags % 2 == 0
        if not (before and (_joins_the_letter_before(character) or before == "\u200d" or is_second_half)):
            count += 1
        before = character
    return count


def signature(raw: bytes, *, channel_secret: str) -> str:
    """LINE's signature of a webhook body: base64 of HMAC-SHA-256 over the raw bytes."""
    return base64.b64encode(hmac.new(channel_secret.encode(), raw, hashlib.sha256).digest()).decode()


def is_genuine(raw: bytes, given: str | None, *, channel_secret: str) -> bool:
    """The signature belongs to these very bytes; compared in constant time."""
    if given is None:
        return False
    return hmac.compare_digest(signature(raw, channel_secret=channel_secret).encode(), given.strip().encode())


def is_exercise_tap(event: object) -> bool:
    """Somebody tapped a button of an exercise, in a chat of their own."""
    if not isinstance(event, dict) or event.get("type") != "postback":
        return False
    postback = event.get("postback")
    data = postback.get("data") if isinstance(postback, dict) else None
    return isinstance(data, str) and data.startswith("exercise:") and line_user_of(event) is not None


def is_about_something(subject: str) -> bool:
    """A chunk's subject names what it is about (`alert:12`); the words of a conversation are about nothing else."""
    return ":" in subject


def happened_at(timestamp_ms: object, *, otherwise: datetime) -> datetime:
    """The aware UTC time of LINE's millisecond timestamp; `otherwise` where it is missing or absurd."""
    if isinstance(timestamp_ms, bool) or not isinstance(timestamp_ms, int):
        return otherwise
    if not 0 < timestamp_ms < 4_102_444_800_000:  # Beyond 2099 it is no time but a fault.
        return otherwise
    return datetime.fromtimestamp(timestamp_ms / 1000, tz=UTC)


def event_id(event: dict[str, Any], *, raw: bytes) -> str:
    """LINE's id of the event, or, where it lacks one, the hash of its bytes, so that twice stays once."""
    given = event.get("webhookEventId")
    if isinstance(given, str) and 0 < len(given) <= 200:
        return given
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def line_user_of(event: dict[str, Any]) -> str | None:
    """The LINE user id of an event from one person's own chat; None for groups, rooms and unnamed sources."""
    source = event.get("source")
    return user_named_in(event) if isinstance(source, dict) and source.get("type") == "user" else None


def user_named_in(event: dict[str, Any]) -> str | None:
    """The LINE user id of whoever caused the event, wherever that was; None where it names nobody."""
    source = event.get("source")
    user_id = source.get("userId") if isinstance(source, dict) else None
    return user_id if isinstance(user_id, str) and user_id else None


def members_apart(event: dict[str, Any]) -> list[dict[str, Any]]:
    """An event of who came into a group or left it, as one event for each: so each can be forgotten by themselves."""
    part = {"memberJoined": "joined", "memberLeft": "left"}.get(str(event.get("type")))
    named = event.get(part) if part is not None else None
    members = named.get("members") if isinstance(named, dict) else None
    if part is None or not isinstance(members, list) or len(members) < 2:
        return [event]
    given = event.get("webhookEventId")
    ids = [f"{given}:{n}" if isinstance(given, str) else given for n in range(len(members))]
    return [
        {**event, part: {"members": [member]}, "webhookEventId": one}
        for one, member in zip(ids, members, strict=True)
    ]


def member_named_in(event: dict[str, Any]) -> str | None:
    """The LINE user id of the one who came into a group or left it; None in any other event."""
    match event:
        case {"type": "memberJoined", "joined": {"members": [{"userId": str(user_id)}]}}:
            return user_id or None
        case {"type": "memberLeft", "left": {"members": [{"userId": str(user_id)}]}}:
            return user_id or None
    return None


@dataclass(frozen=True)
class Answer:
    """What LINE answered to one attempt; `status` None means that no answer came in time.

    `is_unsent` says that not a byte of the request left: LINE could not be reached.
    """

    status: int | None
    request_id: str | None = None
    accepted_request_id: str | None = None
    message: str = ""
    is_unsent: bool = False


@dataclass(frozen=True)
class Outcome:
    """What follows from an answer: `state` as in the outbox; `wait_s` before the next attempt where it is queued again.

    `is_untouched` says that LINE surely took nothing, so this attempt need not count; `is_unsent` that LINE was not
    even reached: that does not count either, but is not tried for ever. `pause_s` closes the channel to all senders for
    a moment; `is_quota` closes it to everything but replies. `becomes_push` turns a reply that came too late into a
    push.
    """

    state: str
    request_id: str | None = None
    error: str | None = None
    wait_s: float = 0.0
    pause_s: float = 0.0
    is_untouched: bool = False
    is_unsent: bool = False
    is_quota: bool = False
    becomes_push: bool = False


def backoff_s(attempts: int, *, jitter: float) -> float:
    """Seconds before the next attempt: 0.2, 0.4, 0.8 … 60, spread by `jitter` (0..1) to half or full."""
    return min(RETRY_LIMIT_S, 0.2 * 2.0 ** min(attempts - 1, 12)) * (0.5 + 0.5 * jitter)


def outcome(answer: Answer, *, kind: str, attempts: int) -> Outcome:
    """What an attempt's answer means. `attempts` counts this one.

    LINE's rules of retrying: 409 says that an earlier attempt was taken; only 500 and silence are retried; 429 has
    three meanings told apart by its text, and an unknown wording is taken for the rate.
    """
    if answer.status == 200:
        return Outcome("accepted", request_id=answer.request_id)
    if answer.status == 409:
        return Outcome("accepted", request_id=answer.accepted_request_id or answer.request_id)
    if answer.is_unsent:
        pause_s = UNREACHABLE_PAUSE_S
        return Outcome("queued", error=answer.message, wait_s=pause_s, pause_s=pause_s, is_unsent=True)
    if answer.status is None or answer.status >= 500:
        wait_s = backoff_s(attempts, jitter=random.random())  # noqa: S311 - spreads the load, guards nothing.
        return Outcome("queued", error=answer.message or f"HTTP {answer.status}", wait_s=wait_s)
    if answer.status == 429:
        return _held_back(answer)
    if kind == "reply" and REPLY_TOKEN_WORDS in answer.message.lower():
        if attempts == 1:
            return Outcome("queued", error=answer.message, is_untouched=True, becomes_push=True)
        # The token is spent: an earlier attempt whose answer was lost may have used it. Nobody can tell.
        return Outcome("unknown", error=answer.message)
    return Outcome("failed", error=f"HTTP {answer.status}: {answer.message}")


def _held_back(answer: Answer) -> Outcome:
    if QUOTA_WORDS in answer.message.lower():
        return Outcome("queued", error=answer.message, is_untouched=True, is_quota=True)
    return Outcome("queued", error=answer.message, is_untouched=True, wait_s=RATE_PAUSE_S, pause_s=RATE_PAUSE_S)
