"""What LINE decides about a request: right, rate, shape, retry key, token, quota, who gets it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from line.standin import checks, schemas
from line.standin.store import Store

RATES_PER_S = {"multicast": 200.0}
OTHER_RATE_PER_S = 2000.0
KEY_LIFE_S = 24 * 3600.0
TOKEN_LIFE_S = 60.0  # LINE does not publish it; users report failures from 10 s to 30 s on, and a minute as the end.
BODY_LIMIT_BYTES = 2_000_000

RATE_TEXT = "The API rate limit has been exceeded. Try again later."
QUOTA_TEXT = "You have reached your monthly limit."


@dataclass(frozen=True)
class Reply:
    """The platform's answer; `delivered` maps each user who got the messages to the id of the first bubble."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    delivered: dict[str, int] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    at: datetime | None = None


def refusal(status: int, message: str, faults: Sequence[schemas.Fault] = ()) -> Reply:
    """An answer in LINE's error shape; `details` is absent where it would be empty."""
    body: dict[str, Any] = {"message": message}
    if faults:
        body["details"] = [{"message": f.message, "property": f.property} for f in faults[:20]]
    return Reply(status, body)


@dataclass
class _Bucket:
    rate_per_s: float
    tokens: float
    filled_s: float

    def take(self, now_s: float) -> bool:
        self.tokens = min(self.rate_per_s, self.tokens + (now_s - self.filled_s) * self.rate_per_s)
        self.filled_s = now_s
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Platform:
    """The stand-in's judgement over its store. `now` is the time that chats show (the shared clock's)."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        """Buckets are full, the allowance is unlimited."""
        self.store = store
        self.now = now
        self.quota_limit: int | None = None
        self._advanced_s = 0.0
        self._buckets: dict[str, _Bucket] = {}

    def advance(self, seconds: float) -> None:
        """Retry keys and reply tokens are older by so many seconds."""
        self._advanced_s += seconds

    def aged_s(self) -> float:
        """The stand-in's own running time, in seconds since the epoch."""
        return time.time() + self._advanced_s

    def is_within_rate(self, endpoint: str) -> bool:
        """The endpoint's bucket had a token for this request."""
        now_s = time.monotonic() + self._advanced_s
        rate = RATES_PER_S.get(endpoint, OTHER_RATE_PER_S)
        return self._buckets.setdefault(endpoint, _Bucket(rate, rate, now_s)).take(now_s)

    def take(self, kind: str, raw: bytes, *, retry_key: str | None) -> Reply:
        """The request is judged and, where right, on record and in its recipients' chats."""
        body, refused = self.read(kind, raw)
        if refused is not None:
            return refused
        assert body is not None  # noqa: S101 - read() answers one of the two.
        if retry_key is not None:
            refused = self._refuse_key(kind, retry_key)
            if refused is not None:
                return refused
        to = self._recipients(kind, body)
        if to is None:
            return refusal(400, "Invalid reply token")
        if kind != "reply" and self._exceeds_quota(to):
            return refusal(429, QUOTA_TEXT)
        return self._accept(kind, body, to, retry_key=retry_key)

    def read(self, kind: str, raw: bytes) -> tuple[dict[str, Any] | None, Reply | None]:
        """The request's body, or what LINE holds against it."""
        if len(raw) > BODY_LIMIT_BYTES:
            return None, refusal(413, "Request entity too large")
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return None, refusal(400, "The request body could not be parsed as JSON")
        found = {fault.property: fault for fault in [*checks.faults(kind, body), *schemas.faults(kind, body)]}
        if found:
            return None, refusal(400, f"The request body has {len(found)} error(s)", list(found.values()))
        return body, None

    def _refuse_key(self, kind: str, retry_key: str) -> Reply | None:
        if kind == "reply":
            return refusal(400, "The retry key is not supported by this endpoint")
        try:
            uuid.UUID(retry_key)
        except ValueError:
            return refusal(400, "The value of the retry key is invalid")
        taken = self.store.taken_key(retry_key)
        if taken is None:
            return None
        if self.aged_s() - taken.aged_s > KEY_LIFE_S:
            self.store.forget_key(retry_key)
            return None
        body: dict[str, Any] = {"message": "The retry key is already accepted"}
        if kind == "push":
            body["sentMessages"] = _sent_messages(taken.number, taken.message_count)
        return Reply(409, body, {"x-line-accepted-request-id": taken.request_id})

    def _recipients(self, kind: str, body: dict[str, Any]) -> list[str] | None:
        if kind == "multicast":
            return list(body["to"])
        if kind == "push":
            return [body["to"]]
        user_id = self.store.spend_token(body["replyToken"], not_older_than_s=self.aged_s() - TOKEN_LIFE_S)
        return None if user_id is None else [user_id]

    def _exceeds_quota(self, to: Sequence[str]) -> bool:
        if self.quota_limit is None:
            return False
        return self.store.used_of_quota() + len(self.store.friends(to)) > self.quota_limit

    def _accept(self, kind: str, body: dict[str, Any], to: list[str], *, retry_key: str | None) -> Reply:
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
        )
        sent = {} if kind == "multicast" else {"sentMessages": _sent_messages(time.time_ns(), len(body["messages"]))}
        headers = {"x-line-request-id": request_id}
        return Reply(200, sent, headers, accepted.first_bubble_ids, body["messages"], at)


def _sent_messages(number: int, count: int) -> list[dict[str, str]]:
    return [{"id": f"{number}{i}"} for i in range(count)]
