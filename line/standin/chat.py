"""The residents' side, for the phone page, the storm and tests: who there is, what they read, what they say."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import re
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from line.standin.store import User
from line.standin.world import World, world_of

router = APIRouter(prefix="/_standin")
WorldDep = Annotated[World, Depends(world_of)]

KINDS = (
    "text", "image", "video", "audio", "file", "location", "postback", "sticker", "unsend", "tap", "richmenuswitch",
)
FILES = {"image", "video", "audio", "file"}
TRAITS = ("gender", "age", "area", "appType")
USER_ID = re.compile(r"U[0-9a-f]{32}")
PING_S = 15.0
PHOTO_LIMIT_BYTES = 10_000_000


class LoadIn(BaseModel):
    """So many friends at once."""

    count: int = Field(ge=1, le=2_000_000)
    first: int = Field(default=0, ge=0)
    name: str = "ผู้อยู่อาศัย"
    language: str | None = "th"


def _user_json(row: sqlite3.Row, last_at: str | None = None) -> dict[str, Any]:
    return {
        "user_id": row["user_id"],
        "display_name": row["display_name"],
        "language": row["language"],
        "is_friend": row["state"] == "friend",
        "is_blocked": row["state"] == "blocked",
        "last_message_at": last_at,
    }


def _user(world: World, user_id: str) -> sqlite3.Row:
    row = world.store.user(user_id)
    if row is None:
        raise HTTPException(404, "There is no such user.")
    return row


@router.get("/users")
async def list_users(world: WorldDep, limit: int = 50, q: str | None = None) -> dict[str, Any]:
    """Users, who spoke last first."""
    total, rows = world.store.users(limit=max(1, min(limit, 1000)), q=q)
    return {"total": total, "users": [_user_json(row, row["last_at"]) for row in rows]}


@router.post("/users")
async def register_users(request: Request, world: WorldDep) -> dict[str, int]:
    """All users of the list are known, as friends unless they say otherwise; none of them sends a webhook."""
    people = await request.json()
    if not isinstance(people, list):
        raise HTTPException(400, "A JSON list of users is needed.")
    users = [_user_of(person, number) for number, person in enumerate(people, start=1)]
    count = world.store.register(users, at_s=world.platform.aged_s())
    for person in people:
        if "phone" in person:
            hashed = hashlib.sha256(str(person["phone"]).encode()).hexdigest()
            world.store.things.join_only("phone", hashed, [person["user_id"]])
    return {"registered": count}


@router.post("/users/load")
async def load_users(asked: LoadIn, world: WorldDep) -> dict[str, int]:
    """So many friends are known, numbered ids from `first` on."""
    users = (
        User(f"U{number:032x}", f"{asked.name} {number}", asked.language)
        for number in range(asked.first, asked.first + asked.count)
    )
    return {"registered": world.store.register(users, at_s=world.platform.aged_s())}


def _user_of(person: Any, number: int) -> User:
    user_id = person.get("user_id") if isinstance(person, dict) else None
    if not isinstance(user_id, str) or not USER_ID.fullmatch(user_id):
        raise HTTPException(400, f"User {number}: user_id must be U and 32 hexadecimal digits.")
    state = "blocked" if person.get("is_blocked") else "friend" if person.get("is_friend", True) else "none"
    traits = {name: str(person[name]) for name in TRAITS if person.get(name)}
    return User(user_id, str(person.get("display_name") or user_id[:8]), person.get("language"), state, traits)


@router.get("/users/{user_id}")
async def show_user(user_id: str, world: WorldDep) -> dict[str, Any]:
    """One user."""
    return _user_json(_user(world, user_id))


@router.get("/users/{user_id}/messages")
async def list_messages(user_id: str, world: WorldDep, after: int | None = None, limit: int = 200) -> dict[str, Any]:
    """The chat, both ways, oldest first: after a bubble id, or the newest."""
    user = _user(world, user_id)
    world.store.set_read(user["no"])
    bubbles = world.store.bubbles(user["no"], after=after, limit=max(1, min(limit, 2000)))
    return {"messages": bubbles, "last_id": bubbles[-1]["id"] if bubbles else after or 0}


@router.get("/users/{user_id}/live")
async def follow_chat(user_id: str, request: Request, world: WorldDep, after: int | None = None) -> StreamingResponse:
    """Each new bubble as a server-sent event; `after` or Last-Event-ID brings those missed."""
    user = _user(world, user_id)
    seen = request.headers.get("last-event-id", "")
    since = int(seen) if seen.isdecimal() else after
    return StreamingResponse(
        _stream(world, user_id, user["no"], since),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(world: World, user_id: str, user_no: int, since: int | None) -> AsyncIterator[str]:
    with world.phone(user_id) as queue:
        yield ": listening\n\n"
        missed = world.store.bubbles(user_no, after=since, limit=2000) if since is not None else []
        for bubble in missed:
            yield _sse(bubble)
        last_id = missed[-1]["id"] if missed else 0
        while True:
            try:
                bubble = await asyncio.wait_for(queue.get(), PING_S)
            except TimeoutError:
                yield ": ping\n\n"
                continue
            if "loading_s" in bubble:
                yield f"event: loading\ndata: {json.dumps(bubble)}\n\n"
            elif bubble["id"] > last_id:
                yield _sse(bubble)


def _sse(bubble: dict[str, Any]) -> str:
    return f"event: message\nid: {bubble['id']}\ndata: {json.dumps(bubble, ensure_ascii=False)}\n\n"


@router.post("/users/{user_id}/follow")
async def follow(user_id: str, request: Request, world: WorldDep) -> dict[str, Any]:
    """The user is a friend, and the city hears of it; an unknown user is made."""
    body = await _json_or_nothing(request)
    user = world.store.user(user_id)
    is_unblocked = user is not None and user["state"] == "blocked"
    if user is None:
        world.store.register([_user_of(body | {"user_id": user_id}, 1)], at_s=world.platform.aged_s())
    world.store.set_state(user_id, "friend", at_s=world.platform.aged_s())
    token = world.token_for(user_id)
    event = world.event("follow", user_id, at=world.now(), replyToken=token, follow={"isUnblocked": is_unblocked})
    return await world.tell(event)


@router.post("/users/{user_id}/unfollow")
async def unfollow(user_id: str, world: WorldDep) -> dict[str, Any]:
    """The user has blocked the city's account, and the city hears of it."""
    _user(world, user_id)
    world.store.set_state(user_id, "blocked", at_s=world.platform.aged_s())
    return await world.tell(world.event("unfollow", user_id, at=world.now()))


@router.post("/users/{user_id}/send")
async def send(user_id: str, request: Request, world: WorldDep) -> dict[str, Any]:
    """The user says, shows or taps something; the city has been told once when this answers."""
    user = _user(world, user_id)
    said, picture = await _said(request)
    at = world.now()
    message_id = f"{time.time_ns() // 1000}{secrets.randbelow(1000):03d}"
    if said["type"] == "unsend":
        return await _unsend(world, user_id, said, at)
    if said["type"] == "tap":
        return _tapped(world, user, said)
    if said["type"] == "richmenuswitch":
        said = _switched(world, user_id, said)
    if picture is not None:
        world.store.keep_content(message_id, content_type=picture[0], content=picture[1])
    bubble_message = _bubble_message(said, message_id)
    if bubble_message is not None:
        _show_said(world, user, bubble_message, at)
    chat = _chat_of(world, user_id, said)
    token = world.token_for(chat or user_id)
    parts = _event_parts(world, said, message_id)
    event = world.event(**parts, user_id=user_id, at=at, chat=chat, replyToken=token)
    answer = await world.tell(event, message_id=None if said["type"] == "postback" else message_id)
    if said.get("is_duplicated"):
        await world.webhooks.tell(event)
    return answer


async def _unsend(world: World, user_id: str, said: dict[str, Any], at: datetime) -> dict[str, Any]:
    message_id = str(said.get("messageId", ""))
    world.store.forget_content(message_id)
    chat = _chat_of(world, user_id, said)
    return await world.tell(world.event("unsend", user_id, at=at, chat=chat, unsend={"messageId": message_id}))


def _chat_of(world: World, user_id: str, said: dict[str, Any]) -> str | None:
    """The group or room in which it was said; None in the user's own chat with the city."""
    chat = said.get("chat_id")
    if chat is not None and not world.store.things.is_member("chat", str(chat), user_id):
        raise HTTPException(400, "The user is not in that group or room.")
    return chat


def _tapped(world: World, user: sqlite3.Row, said: dict[str, Any]) -> dict[str, Any]:
    """An address in a message or an area of the menu was tapped: LINE counts it, the city hears nothing."""
    subject, part = str(_needed(said, "subject")), str(_needed(said, "part"))
    world.store.things.tap(subject, part, user["no"], at_s=world.platform.aged_s())
    return {"ok": True}


def _switched(world: World, user_id: str, said: dict[str, Any]) -> dict[str, Any]:
    """The user has the menu of this alias, and the city hears of it by a postback."""
    alias = str(_needed(said, "richMenuAliasId"))
    found = world.store.things.get("alias", alias)
    if found is not None:
        world.store.things.join_only("menu", found["richMenuId"], [user_id])
    status = "SUCCESS" if found is not None else "RICHMENU_ALIAS_ID_NOTFOUND"
    params = {"newRichMenuAliasId": alias, "status": status}
    return {"type": "postback", "data": said.get("data") or alias, "params": params}


def _show_said(world: World, user: sqlite3.Row, message: dict[str, Any], at: datetime) -> None:
    wall_at = datetime.now(UTC)
    bubble_id = world.store.keep_said(user["no"], message, at=at, wall_at=wall_at)
    bubble = {
        "id": bubble_id,
        "direction": "in",
        "at": at.isoformat(timespec="milliseconds"),
        "wall_at": wall_at.isoformat(timespec="milliseconds"),
        "request_id": None,
        "kind": None,
        "message": message,
    }
    world.show(user["user_id"], bubble)


async def _said(request: Request) -> tuple[dict[str, Any], tuple[str, bytes] | None]:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            upload = form.get("file")
            if upload is None or isinstance(upload, str):
                raise HTTPException(400, "A picture is needed in the field 'file'.")
            words = {name: str(form[name]) for name in ("chat_id", "image_set") if name in form}
            return {"type": "image"} | words, _picture(upload.content_type, await upload.read())
    said = await _json_or_nothing(request)
    if said.get("type") not in KINDS:
        raise HTTPException(400, f"type must be one of {', '.join(KINDS)}.")
    if said["type"] not in FILES:
        return said, None
    try:
        content = base64.b64decode(str(said.pop("content_base64", "")), validate=True)
    except binascii.Error as exc:
        raise HTTPException(400, "content_base64 is not base64.") from exc
    return said, _picture(said.get("content_type"), content)


def _picture(content_type: str | None, content: bytes) -> tuple[str, bytes]:
    if not 0 < len(content) <= PHOTO_LIMIT_BYTES:
        raise HTTPException(400, f"A picture has 1 to {PHOTO_LIMIT_BYTES} bytes.")
    return content_type or "image/jpeg", content


async def _json_or_nothing(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as exc:
        raise HTTPException(400, "The body is not JSON.") from exc
    if not isinstance(body, dict):
        raise HTTPException(400, "A JSON object is needed.")
    return body


def _bubble_message(said: dict[str, Any], message_id: str) -> dict[str, Any] | None:
    """What the chat shows of it; a postback shows only when it has words."""
    if said["type"] == "postback":
        if not said.get("displayText"):
            return None
        return {"type": "postback", "data": _needed(said, "data"), "displayText": said["displayText"]}
    return _message(said, message_id)


def _needed(said: dict[str, Any], name: str) -> Any:
    value = said.get(name)
    if value is None or value == "":
        raise HTTPException(400, f"'{name}' is needed for {said['type']}.")
    return value


def _degrees(said: dict[str, Any], name: str) -> float:
    try:
        return float(_needed(said, name))
    except (TypeError, ValueError) as exc:
        raise HTTPException(400, f"'{name}' is no number.") from exc


def _message(said: dict[str, Any], message_id: str) -> dict[str, Any]:
    match said["type"]:
        case "text":
            return {"type": "text", "id": message_id, "text": str(_needed(said, "text"))}
        case "location":
            place = {"latitude": _degrees(said, "latitude"), "longitude": _degrees(said, "longitude")}
            named = {name: said[name] for name in ("title", "address") if said.get(name)}
            return {"type": "location", "id": message_id, **named, **place}
        case "sticker":
            numbers = {name: str(said.get(name, "1")) for name in ("packageId", "stickerId")}
            return {"type": "sticker", "id": message_id, "stickerResourceType": "STATIC", **numbers}
    sent = {"type": said["type"], "id": message_id, "contentProvider": {"type": "line"}}
    match said["type"]:
        case "image" if isinstance(said.get("imageSet"), dict):
            return sent | {"imageSet": said["imageSet"]}
        case "video" | "audio":
            return sent | {"duration": int(said.get("duration", 1000))}
        case "file":
            size = int(said.get("fileSize", 0))
            return {"type": "file", "id": message_id, "fileName": str(said.get("fileName", "file")), "fileSize": size}
    return sent


def _event_parts(world: World, said: dict[str, Any], message_id: str) -> dict[str, Any]:
    if said["type"] == "postback":
        postback = {"data": str(_needed(said, "data"))}
        params = said.get("params")
        return {"kind": "postback", "postback": postback | ({"params": params} if params else {})}
    message = _message(said, message_id)
    if said["type"] in {"text", "image", "video", "sticker"}:
        message["quoteToken"] = secrets.token_urlsafe(24)
    message["markAsReadToken"] = world.read_token(message_id)
    return {"kind": "message", "message": message}


@router.get("/content/{message_id}")
async def show_content(message_id: str, world: WorldDep) -> Response:
    """The picture that a resident sent, as the phone shows it."""
    found = world.store.content(message_id)
    if found is None:
        raise HTTPException(404, "There is no such picture.")
    content_type = found[0] if found[0] in {"image/jpeg", "image/png"} else "application/octet-stream"
    headers = {"X-Content-Type-Options": "nosniff"}
    return Response(found[1], media_type=content_type, headers=headers)
