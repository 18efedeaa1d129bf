"""Groups and rooms, what only a person can do there, and what LIFF gives a page; for tests and the phone."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field

from line.standin import identity
from line.standin.world import World, world_of

router = APIRouter(prefix="/_standin")
WorldDep = Annotated[World, Depends(world_of)]


class ChatIn(BaseModel):
    """A group (or room) with these members, into which somebody adds the city's account."""

    name: str = "กลุ่ม"
    chat_id: str | None = Field(default=None, pattern="^[CR][0-9a-f]{32}$")
    is_room: bool = False
    user_ids: list[str] = []


class MembersIn(BaseModel):
    """Users who come or go."""

    user_ids: list[str] = Field(min_length=1)


class IdTokenIn(BaseModel):
    """What a LIFF page of this channel is given."""

    client_id: str = Field(min_length=1)
    nonce: str | None = None
    life_s: float = 3600.0


class LinkIn(BaseModel):
    """How the user comes back from the city's own page."""

    link_token: str
    nonce: str


def _known(world: World, chat_id: str) -> None:
    if world.store.things.get("chat", chat_id) is None:
        raise HTTPException(404, "The city's account is in no such group or room.")


@router.post("/chats")
async def open_chat(asked: ChatIn, world: WorldDep) -> dict[str, Any]:
    """The city's account is in the group, and the city hears of it (`join`)."""
    chat_id = asked.chat_id or f"{'R' if asked.is_room else 'C'}{secrets.token_hex(16)}"
    world.store.things.put("chat", chat_id, {"name": asked.name})
    world.store.things.join("chat", chat_id, asked.user_ids)
    event = world.event("join", None, at=world.now(), chat=chat_id, replyToken=world.token_for(chat_id))
    return {"chat_id": chat_id} | await world.tell(event)


@router.get("/chats/{chat_id}")
async def show_chat(chat_id: str, world: WorldDep) -> dict[str, Any]:
    """Who is in it; 404 once the city's account has left."""
    _known(world, chat_id)
    return {"chat_id": chat_id, "user_ids": world.store.things.members("chat", chat_id)}


@router.post("/chats/{chat_id}/members")
async def add_members(chat_id: str, asked: MembersIn, world: WorldDep) -> dict[str, Any]:
    """They are in the group, and the city hears of it (`memberJoined`)."""
    _known(world, chat_id)
    world.store.things.join("chat", chat_id, asked.user_ids)
    joined = {"members": [{"type": "user", "userId": user_id} for user_id in asked.user_ids]}
    token = world.token_for(chat_id)
    return await world.tell(
        world.event("memberJoined", None, at=world.now(), chat=chat_id, joined=joined, replyToken=token)
    )


@router.post("/chats/{chat_id}/members/leave")
async def remove_members(chat_id: str, asked: MembersIn, world: WorldDep) -> dict[str, Any]:
    """They have left the group, and the city hears of it (`memberLeft`)."""
    _known(world, chat_id)
    world.store.things.leave("chat", chat_id, asked.user_ids)
    left = {"members": [{"type": "user", "userId": user_id} for user_id in asked.user_ids]}
    return await world.tell(world.event("memberLeft", None, at=world.now(), chat=chat_id, left=left))


@router.delete("/chats/{chat_id}")
async def put_out(chat_id: str, world: WorldDep) -> dict[str, Any]:
    """The city's account has been put out of the group, and the city hears of it (`leave`)."""
    _known(world, chat_id)
    world.store.things.remove("chat", chat_id)
    return await world.tell(world.event("leave", None, at=world.now(), chat=chat_id))


@router.post("/users/{user_id}/id-token")
async def issue_id_token(user_id: str, asked: IdTokenIn, world: WorldDep) -> dict[str, Any]:
    """An ID token and an access token as LIFF gives a page; a negative life gives tokens that are over."""
    user = world.store.user(user_id)
    if user is None:
        raise HTTPException(404, "There is no such user.")
    return identity.issue(world, user, client_id=asked.client_id, life_s=asked.life_s, nonce=asked.nonce)


@router.post("/users/{user_id}/link")
async def link_account(user_id: str, asked: LinkIn, world: WorldDep) -> dict[str, Any]:
    """The city hears whether the user's account is linked (`accountLink`); a link token is good once."""
    found = world.store.things.get("link_token", asked.link_token)
    world.store.things.remove("link_token", asked.link_token)
    is_good = found is not None and found["user_id"] == user_id and found["until_s"] > world.platform.aged_s()
    link = {"result": "ok" if is_good else "failed", "nonce": asked.nonce}
    token = {"replyToken": world.token_for(user_id)} if is_good else {}
    return await world.tell(world.event("accountLink", user_id, at=world.now(), link=link, **token))
