"""What LINE decides about messages: shape, retry key, token, quota, who gets them."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from line.standin import narrowing
from line.standin.clockwork import Clock, month_began_s
from line.standin.operations import Reply, refusal
from line.standin.rates import Buckets
from line.standin.store import Store

KEY_LIFE_S = 24 * 3600.0
TOKEN_LIFE_S = 60.0  # LINE does not publish it; users report failures from 10 s to 30 s on, and a minute as the end.

RATE_TEXT = "The API rate limit has been exceeded. Try again later."
CONCURRENCY_TEXT = "The number of concurrent operations has exceeded the limit. Try again later."
QUOTA_TEXT = "You have reached your monthly limit."
FAILED_TEXT = "Failed to send messages"
_FIRST_MESSAGE_ID = 5 * 10**17  # Eighteen digits, as LINE's are.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_QUOTABLE = {"text", "textV2", "sticker", "image", "video", "template", "flex", "imagemap"}


class Platform:
    """The stand-in's judgement over its store. `now` is the time that chats show (the shared clock's)."""

    def __init__(self, store: Store, *, now: Callable[[], datetime], clock: Clock) -> None:
        """Buckets are full; allowance and the clock's lead are as the store keeps them."""
        self.store = store
        self.now = now
        self.clock = clock
        self.buckets = Buckets()
        kept = store.things.get("setting", "quota")
        self._quota_limit: int | None = kept["limit"] if kept else None

    @property
    def quota_limit(self) -> int | None:
        """The month's allowance; None where it is unlimited."""
        return self._quota_limit

    def set_quota(self, limit: int | None) -> None:
        """The month's allowance is as given."""
        self._quota_limit = limit
        self.store.things.put("setting", "quota", {"limit": limit})

    def advance(self, seconds: float) -> None:
        """Everything that ages is older by so many seconds."""
        self.clock.advance(seconds)
        self.store.things.put("setting", "clock", {"advanced_s": self.clock.advanced_s})

    def aged_s(self) -> float:
        """The stand-in's own time, in seconds since the epoch."""
        return self.clock.now_s()

    def used_of_quota(self) -> int:
        """How much of the month's allowance is used."""
        return self.store.used_of_quota(since_s=month_began_s(self.aged_s()))

    def take(self, kind: str, body: dict[str, Any], *, retry_key: str | None) -> Reply:
        """The request is judged and, where right, on record and in its recipients' chats."""
        if retry_key is not None:
            retry_key = retry_key.lower()
            refused = self._refuse_key(kind, retry_key)
            if refused is not None:
                return refused
        match kind:
            case "reply":
                target = self.store.spend_token(
                    body["replyToken"], not_older_than_s=self.aged_s() - TOKEN_LIFE_S
                )
                if target is None:
                    return refusal(400, "Invalid reply token")
                return self._to_chat(kind, body, target, retry_key=None)
            case "push":
                return self._to_chat(kind, body, body["to"], retry_key=retry_key)
            case "narrowcast":
                return self._narrowcast(body, retry_key=retry_key)
            case "broadcast":
                to = self.store.all_friends()
            case _:
                to = list(body["to"])
        return self._within_quota(kind, body, to, retry_key=retry_key)

    def deliver_to_anyone(self, kind: str, body: dict[str, Any], user_id: str) -> Reply:
        """The user has the messages, friend or not."""
        accepted = self._accept(kind, body, [user_id], retry_key=None, chat=user_id)
        return Reply(200, {}, accepted.headers, accepted.delivered, accepted.messages, accepted.at)

    def _to_chat(self, kind: str, body: dict[str, Any], target: str, *, retry_key: str | None) -> Reply:
        if target.startswith("U"):
            return self._within_quota(kind, body, [target], retry_key=retry_key)
        if self.store.things.get("chat", target) is None:
            return refusal(400, FAILED_TEXT)
        members = self.store.things.members("chat", target)
        return self._within_quota(kind, body, members, retry_key=retry_key, chat=target)

    def _within_quota(
        self, kind: str, body: dict[str, Any], to: list[str], *, retry_key: str | None, chat: str | None = None
    ) -> Reply:
        if kind != "reply" and self._exceeds_quota(to, is_chat=chat is not None):
            return refusal(429, QUOTA_TEXT)
        return self._accept(kind, body, to, retry_key=retry_key, chat=chat)

    def _refuse_key(self, kind: str, retry_key: str) -> Reply | None:
        if not _UUID.fullmatch(retry_key):
            return refusal(400, "The value of the retry key is invalid")
        taken = self.store.taken_key(retry_key)
        if taken is None:
            return None
        if self.aged_s() - taken.aged_s > KEY_LIFE_S:
            self.store.forget_key(retry_key)
            return None
        body: dict[str, Any] = {"message": "The retry key is already accepted"}
        if kind == "push" and taken.kind == "push":
            body["sentMessages"] = sent_messages(taken.number, taken.message_types)
        return Reply(409, body, {"x-line-accepted-request-id": taken.request_id})

    def _exceeds_quota(self, to: Sequence[str], *, is_chat: bool) -> bool:
        if self._quota_limit is None:
            return False
        reached = len(self.store.known(to) if is_chat else self.store.friends(to))
        return self.used_of_quota() + reached > self._quota_limit

    def _narrowcast(self, body: dict[str, Any], *, retry_key: str | None) -> Reply:
        """202 at once; whom it reached, or why nobody, is told by its progress."""
        chosen = narrowing.choose(self.store, body, now_s=self.aged_s(), left_of_quota=self._left_of_quota())
        if chosen.is_over_quota:
            return refusal(429, QUOTA_TEXT)
        reply = self._accept("narrowcast", body, chosen.to, retry_key=retry_key)
        self.store.things.put(
            "narrowcast",
            reply.headers["x-line-request-id"],
            {"accepted_s": self.aged_s(), "target": chosen.target, "sent": len(chosen.to), "error": chosen.error},
        )
        return Reply(202, {}, reply.headers, reply.delivered, reply.messages, reply.at)

    def _left_of_quota(self) -> int | None:
        return None if self._quota_limit is None else max(0, self._quota_limit - self.used_of_quota())

    def _accept(
        self, kind: str, body: dict[str, Any], to: list[str], *, retry_key: str | None, chat: str | None = None
    ) -> Reply:
        units = body.get("customAggregationUnits") or [None]
        request_id = str(uuid.uuid4())
        at = self.now()
        accepted = self.store.accept(
            request_id=request_id,
            kind=kind,
            retry_key=retry_key,
            to=to,
            messages=body["messages"],
            unit=units[0],
            at=at,
            wall_at=datetime.now(UTC),
            aged_s=self.aged_s(),
            chat=chat,
        )
        has_ids = kind in {"push", "reply"}
        sent = sent_messages(accepted.number, [m["type"] for m in body["messages"]]) if has_ids else []
        answer = {"sentMessages": sent} if sent else {}
        headers = {"x-line-request-id": request_id}
        return Reply(200, answer, headers, accepted.first_bubble_ids, body["messages"], at)


def sent_messages(request_no: int, types: Sequence[str]) -> list[dict[str, str]]:
    """Ids of a request's messages, the same whenever they are asked for."""
    found = []
    for i, kind in enumerate(types):
        number = str(_FIRST_MESSAGE_ID + request_no * 8 + i)
        quote = {"quoteToken": hashlib.sha256(number.encode()).hexdigest()[:40]} if kind in _QUOTABLE else {}
        found.append({"id": number} | quote)
    return found
