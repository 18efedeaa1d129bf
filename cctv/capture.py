"""Where pictures come from: a folder with the newest one, or an HTTP snapshot; bytes in, nothing decoded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from core import clock
from core.errors import UnavailableError
from core.settings import data_dir

DEADLINE_S = 8.0
PICTURE_LIMIT_BYTES = 10_000_000
_TRIES, _BETWEEN_TRIES_S = 5, 0.05


@dataclass(frozen=True)
class Snapshot:
    """A picture as it came: its bytes, when it was taken (shared clock), when it really arrived."""

    data: bytes
    taken_at: datetime
    received_wall_at: datetime


async def snapshot(source: str) -> Snapshot:
    """The newest picture of a source within 8 s, however slowly it drips. Raises UnavailableError with the reason."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            if "://" in source:
                return await _from_web(source)
            return await _from_folder(folder_of(source))
    except TimeoutError:
        raise UnavailableError(f"The camera gave no picture within {DEADLINE_S:.0f} s.") from None


def folder_of(source: str) -> Path:
    """The folder that a source names; one that is not absolute lies in the data folder."""
    return data_dir() / source  # An absolute path stays what it is.


async def _from_folder(folder: Path) -> Snapshot:
    for _ in range(_TRIES):
        found = await asyncio.to_thread(_read_folder, folder)
        if found is not None:
            return found
        await asyncio.sleep(_BETWEEN_TRIES_S)
    raise UnavailableError("The camera's picture and its time do not belong together.")


def _read_folder(folder: Path) -> Snapshot | None:
    """`latest.jpg` with the time in `latest.json`; None while the picture is newer than its time."""
    picture, note = folder / "latest.jpg", folder / "latest.json"
    try:
        before = note.read_bytes() if note.exists() else None
        written_ns = picture.stat().st_mtime_ns
        if picture.stat().st_size > PICTURE_LIMIT_BYTES:
            raise UnavailableError("The camera's picture is larger than 10 MB.")
        data = picture.read_bytes()
        if before is None:
            taken_at = datetime.fromtimestamp(written_ns / 1e9, UTC)
        elif note.stat().st_mtime_ns < written_ns or note.read_bytes() != before:
            return None
        else:
            taken_at = _taken_at(before)
    except FileNotFoundError:
        raise UnavailableError("The camera's folder holds no picture.") from None
    return Snapshot(data=data, taken_at=taken_at, received_wall_at=clock.wall_now())


def _taken_at(note: bytes) -> datetime:
    try:
        taken_at = datetime.fromisoformat(json.loads(note)["taken_at"])
    except (ValueError, KeyError, TypeError):
        raise UnavailableError("The camera's latest.json has no usable 'taken_at'.") from None
    if taken_at.tzinfo is None:
        raise UnavailableError("The camera's 'taken_at' has no time zone.")
    return taken_at.astimezone(UTC)


async def _from_web(source: str) -> Snapshot:
    url = urlsplit(source)
    if url.scheme not in {"http", "https"} or url.hostname is None:
        raise UnavailableError("The camera's address must begin with http:// or https://.")
    auth = httpx.DigestAuth(unquote(url.username), unquote(url.password or "")) if url.username else None
    address = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
    # A redirect could lead anywhere inside the city's network: it is no picture.
    async with httpx.AsyncClient(auth=auth, timeout=DEADLINE_S, follow_redirects=False, trust_env=False) as client:
        try:
            data = await _body(client, address)
        except httpx.HTTPError as fault:
            raise UnavailableError(f"The camera does not answer ({type(fault).__name__}).") from None
    return Snapshot(data=data, taken_at=await asyncio.to_thread(clock.now), received_wall_at=clock.wall_now())


async def _body(client: httpx.AsyncClient, address: str) -> bytes:
    data = bytearray()
    async with client.stream("GET", address) as answer:
        if answer.status_code != 200:
            raise UnavailableError(f"The camera answered with status {answer.status_code}.")
        async for piece in answer.aiter_bytes():
            data += piece
            if len(data) > PICTURE_LIMIT_BYTES:
                raise UnavailableError("The camera's picture is larger than 10 MB.")
    return bytes(data)
