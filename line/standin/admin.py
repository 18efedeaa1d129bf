"""The platform's other side, for tests and load: what was delivered, what shall go wrong, start afresh."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from line.standin.faults import Fault, Kind
from line.standin.world import World, world_of

router = APIRouter(prefix="/_standin")
WorldDep = Annotated[World, Depends(world_of)]


class FaultIn(BaseModel):
    """A fault for the next `count` requests to `endpoint` (multicast, push, reply; any where absent)."""

    kind: Kind
    count: int = Field(default=1, ge=1, le=100_000)
    ms: float = Field(default=2000.0, ge=0, le=600_000)
    endpoint: str | None = None


class QuotaIn(BaseModel):
    """The month's allowance; unlimited where absent."""

    limit: int | None = Field(default=None, ge=0)


class ClockIn(BaseModel):
    """How many seconds retry keys and reply tokens shall age at once."""

    advance_s: float = Field(ge=0)


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


@router.post("/reset")
async def reset(world: WorldDep) -> dict[str, bool]:
    """Nobody is known, nothing was said, nothing goes wrong."""
    world.store.reset()
    world.faults.clear()
    world.platform.quota_limit = None
    return {"ok": True}


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
    world.platform.quota_limit = quota.limit
    return {"limit": quota.limit, "used": world.store.used_of_quota()}


@router.post("/clock")
async def advance_clock(clock: ClockIn, world: WorldDep, request: Request) -> dict[str, bool]:
    """Retry keys and reply tokens are that much older."""
    world.platform.advance(clock.advance_s)
    return {"ok": True}
