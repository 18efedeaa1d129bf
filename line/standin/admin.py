"""The platform's other side, for tests and load: what was delivered, what shall go wrong, start afresh."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from line.standin import hooks
from line.standin.clockwork import iso_of
from line.standin.faults import Fault, Kind
from line.standin.webhooks import Order
from line.standin.world import World, world_of

router = APIRouter(prefix="/_standin")
WorldDep = Annotated[World, Depends(world_of)]


class FaultIn(BaseModel):
    """A fault for the next `count` requests to `endpoint` (`multicast`, `push`, `getProfile`, …; any where absent)."""

    kind: Kind
    count: int = Field(default=1, ge=1, le=100_000)
    ms: float = Field(default=2000.0, ge=0, le=600_000)
    endpoint: str | None = None


class QuotaIn(BaseModel):
    """The month's allowance; unlimited where absent."""

    limit: int | None = Field(default=None, ge=0)


class ClockIn(BaseModel):
    """How many seconds everything shall age at once; whether time stands still from then on."""

    advance_s: float = Field(default=0.0, ge=0, le=1e9)
    is_stopped: bool | None = None


class HoldIn(BaseModel):
    """In which order the events that waited shall go out."""

    order: Order = "kept"
    seed: int = 0


class EventsIn(BaseModel):
    """Events of one call."""

    events: list[Any] = Field(max_length=1000)


class RedeliveryIn(BaseModel):
    """Whether events that were not taken are sent again."""

    is_redelivering: bool


class AssertionKeyIn(BaseModel):
    """The public half (JWK) of a key by which the channel signs its assertions."""

    kid: str = Field(min_length=1, max_length=100)
    n: str
    e: str


class MembershipIn(BaseModel):
    """A membership plan and who has it."""

    title: str
    description: str = ""
    benefits: list[str] = Field(min_length=1)
    price: float = Field(default=100.0, ge=0)
    user_ids: list[str] = []


class Which(BaseModel):
    """Which requests are meant: of a kind, with an aggregation unit, with words in their first text."""

    kind: str | None = None
    unit: str | None = None
    q: str | None = None

    def condition(self) -> tuple[str, list[object]]:
        """As SQL about request `r`, with its values."""
        parts, values = ["1 = 1"], []
        for clause, value in (("r.kind = ?", self.kind), ("r.unit = ?", self.unit)):
            if value is not None:
                parts.append(clause)
                values.append(value)
        if self.q:
            parts.append("r.text LIKE ?")
            values.append(f"%{self.q}%")
        return " AND ".join(parts), list(values)


WhichDep = Annotated[Which, Depends()]


@router.get("/health")
async def health(world: WorldDep) -> dict[str, Any]:
    """The stand-in runs."""
    total, _ = world.store.users(limit=1, q=None)
    return {"ok": True, "users": total}


@router.get("/deliveries")
async def list_deliveries(world: WorldDep, which: WhichDep, after: int = 0) -> StreamingResponse:
    """One line of JSON for each user and accepted request, in order: the oracle for 'once, and nobody else'."""
    where, values = which.condition()

    def lines() -> Iterator[bytes]:
        for delivery in world.store.deliveries(where, values, after=after):
            yield json.dumps(delivery, ensure_ascii=False).encode() + b"\n"

    async def on_the_loop() -> Any:
        for line in lines():  # The store belongs to this thread.
            yield line

    return StreamingResponse(on_the_loop(), media_type="application/x-ndjson")


@router.get("/deliveries/summary")
async def summarise_deliveries(world: WorldDep, which: WhichDep) -> dict[str, Any]:
    """Counts in all, by kind and by aggregation unit."""
    where, values = which.condition()
    in_all = world.store.counts(where, values, by="0")
    none = dict.fromkeys(("requests", "deliveries", "users", "users_more_than_once", "undelivered"), 0)
    total = in_all[0] if in_all else none | {"first_wall_at": None, "last_wall_at": None}
    by_unit = {row.pop("key"): row for row in world.store.counts(where, values, by="r.unit") if row["key"]}
    by_kind = {row["key"]: row["deliveries"] for row in world.store.counts(where, values, by="r.kind")}
    return {**{k: v for k, v in total.items() if k != "key"}, "by_kind": by_kind, "by_unit": by_unit}


@router.get("/deliveries/users")
async def list_told(world: WorldDep) -> Response:
    """How often each user was told, by user id; who was not told is absent."""
    return Response(orjson.dumps(world.store.times_told()), media_type="application/json")


@router.delete("/deliveries")
async def forget_deliveries(world: WorldDep) -> dict[str, int]:
    """All chats are empty; the users stay."""
    return {"deleted": world.store.forget_deliveries()}


@router.get("/requests")
async def list_requests(world: WorldDep, limit: int = 100) -> dict[str, Any]:
    """The newest accepted requests."""
    return {"requests": world.store.requests(limit=max(1, min(limit, 10_000)))}


@router.get("/webhooks")
async def show_webhooks(world: WorldDep) -> dict[str, Any]:
    """How the city answered what it was told."""
    return world.webhooks.as_json()


@router.post("/webhooks/hold")
async def hold_webhooks(world: WorldDep) -> dict[str, bool]:
    """Events wait from now on, until they are released."""
    world.webhooks.hold()
    return {"ok": True}


@router.post("/webhooks/release")
async def release_webhooks(hold: HoldIn, world: WorldDep) -> dict[str, Any]:
    """The events that waited have gone out: in order, reversed, shuffled, or together in one call."""
    outcomes = await world.webhooks.release(order=hold.order, seed=hold.seed)
    return {"outcomes": [{"status": o.status, "error": o.error, "ms": round(o.ms, 1)} for o in outcomes]}


@router.post("/webhooks/send")
async def send_events(asked: EventsIn, world: WorldDep) -> dict[str, Any]:
    """The city has been told these events, signed, in one call, whatever they are: odd ones are a test's own."""
    outcome = await world.webhooks.send(asked.events)
    return {"status": outcome.status, "error": outcome.error, "ms": round(outcome.ms, 1)}


@router.post("/webhooks/redelivery")
async def set_redelivery(asked: RedeliveryIn, world: WorldDep) -> dict[str, Any]:
    """LINE's console has this switch: events that were not taken are sent again, or lost."""
    world.webhooks.use(is_redelivering=asked.is_redelivering)
    return world.webhooks.as_json()


@router.post("/reset")
async def reset(world: WorldDep) -> dict[str, bool]:
    """Nobody is known, nothing was said or set up, nothing goes wrong; the clock runs as it did."""
    world.store.reset()
    world.faults.clear()
    world.platform.set_quota(None)
    world.platform.buckets.fill()
    world.platform.advance(0.0)
    world.webhooks.send_to(hooks.own_address())
    return {"ok": True}


@router.get("/channel")
async def show_channel(world: WorldDep) -> dict[str, str]:
    """The channel's public names."""
    return {"channel_id": world.channel.channel_id, "bot_user_id": world.channel.bot_user_id}


@router.post("/assertion-keys")
async def register_key(key: AssertionKeyIn, world: WorldDep) -> dict[str, str]:
    """Assertions signed with this key are believed, as if it had been registered in LINE's console."""
    world.store.things.put("assertion_key", key.kid, key.model_dump())
    return {"kid": key.kid}


@router.post("/memberships")
async def open_membership(plan: MembershipIn, world: WorldDep) -> dict[str, int]:
    """The account has this plan, and these users have it."""
    number, now_s = world.store.things.next_number(), world.platform.aged_s()
    next_bill_at = datetime.fromtimestamp(now_s + 30 * 86_400, UTC)
    body = plan.model_dump(exclude={"user_ids"}) | {
        "membershipId": number, "currency": "THB", "memberLimit": None, "isInAppPurchase": False, "isPublished": True,
        "opened_s": int(now_s), "next_billing_date": next_bill_at.date().isoformat(),
    }
    world.store.things.put("membership", str(number), body)
    world.store.things.join("membership", str(number), plan.user_ids)
    return {"membership_id": number}


@router.get("/faults")
async def list_faults(world: WorldDep) -> dict[str, Any]:
    """The faults that wait."""
    return {"faults": world.faults.as_json()}


@router.post("/faults")
async def add_fault(fault: FaultIn, world: WorldDep) -> dict[str, Any]:
    """The fault befalls the next requests, after those that wait already."""
    world.faults.add(Fault(**fault.model_dump()))
    return {"faults": world.faults.as_json()}


@router.delete("/faults")
async def clear_faults(world: WorldDep) -> dict[str, Any]:
    """Nothing goes wrong any more."""
    world.faults.clear()
    return {"faults": []}


@router.post("/quota")
async def set_quota(quota: QuotaIn, world: WorldDep) -> dict[str, Any]:
    """The month's allowance is as given."""
    world.platform.set_quota(quota.limit)
    return {"limit": quota.limit, "used": world.platform.used_of_quota()}


@router.get("/clock")
async def show_clock(world: WorldDep) -> dict[str, Any]:
    """The time by which keys, tokens, buckets, days and months are measured."""
    clock = world.platform.clock
    return {"now": iso_of(clock.now_s()), "advanced_s": round(clock.advanced_s, 3), "is_stopped": clock.is_stopped}


@router.post("/clock")
async def move_clock(asked: ClockIn, world: WorldDep) -> dict[str, Any]:
    """Everything that ages is that much older; time stands still or runs on."""
    clock = world.platform.clock
    if asked.is_stopped is not None and asked.is_stopped is not clock.is_stopped:
        clock.stop() if asked.is_stopped else clock.resume()
    world.platform.advance(asked.advance_s)
    return {"ok": True} | await show_clock(world)
