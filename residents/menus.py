"""The menu under the chat, one for each language: made from `data/menu.toml`, kept at LINE as the file says."""

from __future__ import annotations

import functools
import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import sealing
from core.errors import SetupError
from core.logs import get_logger
from line import menus as line_menus
from line import messages
from residents.models import Resident

log = get_logger("residents.menus")
DATA = Path(__file__).parent / "data"
# LINE's limits of a rich menu (messaging-api.yml and its reference).
PICTURE_LIMIT_BYTES = 1_000_000
LINKED_AT_ONCE = 500
NAME = "faonam"


@dataclass(frozen=True)
class Menu:
    """A menu as LINE takes it, with its picture; `name` changes with whatever of it changes."""

    language: str
    alias: str
    name: str
    body: dict[str, Any]
    picture: bytes


@dataclass(frozen=True)
class Change:
    """What was done for one language: nothing, or the menu made, and how many residents have it linked."""

    language: str
    is_new: bool
    linked: int


@functools.cache
def described() -> dict[str, Any]:
    """What `data/menu.toml` says."""
    return tomllib.loads((DATA / "menu.toml").read_text(encoding="utf-8"))


def languages() -> tuple[str, ...]:
    """The languages that have a menu; the first is everybody's."""
    return tuple(described()["languages"])


def alias_of(language: str) -> str:
    """The name under which LINE keeps the menu of a language, whichever it is today."""
    return f"{NAME}-{language}"


def menu(language: str) -> Menu:
    """The menu of a language; raises SetupError where its picture is missing or larger than LINE takes."""
    path = DATA / "menus" / f"{language}.png"
    picture = path.read_bytes() if path.is_file() else b""
    if not 0 < len(picture) <= PICTURE_LIMIT_BYTES:
        raise SetupError(f"The menu's picture {path.name} is missing or larger than 1 MB. Run tools/draw_menus.py.")
    body = _body(language)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode() + picture).hexdigest()[:16]
    name = f"{NAME} {language} {digest}"
    return Menu(language, alias_of(language), name, {**body, "name": name}, picture)


def _body(language: str) -> dict[str, Any]:
    found = described()
    return {
        "size": {"width": found["width"], "height": found["height"]},
        "selected": False,
        "chatBarText": found["bar"][language],
        "areas": [
            {"bounds": bounds, "action": _action(area, language)}
            for bounds, area in zip(bounds_of(len(found["area"])), found["area"], strict=True)
        ],
    }


def bounds_of(count: int) -> list[dict[str, int]]:
    """Where the areas lie: in rows of equal height, side by side, without a gap."""
    found = described()
    columns, width, height = found["columns"], found["width"], found["height"]
    rows = -(-count // columns)
    lefts = [round(width * column / columns) for column in range(columns + 1)]
    tops = [round(height * row / rows) for row in range(rows + 1)]
    return [
        {"x": lefts[n % columns], "y": tops[n // columns], "width": lefts[n % columns + 1] - lefts[n % columns],
         "height": tops[n // columns + 1] - tops[n // columns]}
        for n in range(count)
    ]  # fmt: skip


def _action(area: dict[str, Any], language: str) -> dict[str, Any]:
    label = area["label"][language]
    if "says" in area:
        return messages.say(label, area["says"][language])
    if "opens" in area:
        return messages.open_uri(label, area["opens"])
    return messages.postback(label, area["data"], display_text=label)


# ── At LINE ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def put_at_line(session: Session) -> list[Change]:
    """LINE has the menus that the file describes, under their aliases; the first is everybody's, older ones are gone.

    A second run changes nothing; one that was broken off is finished. Raises what the client raises.
    """
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('residents.menus', 0))"))
    existing = line_menus.menus()
    aliases = line_menus.aliases()
    return [_put(session, menu(language), existing, aliases) for language in languages()]


def _put(session: Session, wanted: Menu, existing: dict[str, str], aliases: dict[str, str]) -> Change:
    ours = [menu_id for menu_id, name in existing.items() if name.startswith(f"{NAME} {wanted.language} ")]
    standing = next((menu_id for menu_id in ours if existing[menu_id] == wanted.name), None)
    is_everybodys = wanted.language == languages()[0]
    if standing is not None and ours == [standing] and aliases.get(wanted.alias) == standing:
        # Otherwise whole; everybody's may have been taken away by hand.
        if is_everybodys and line_menus.default() != standing:
            line_menus.set_default(standing)
        return Change(wanted.language, is_new=False, linked=0)
    menu_id = standing or line_menus.create(wanted.body)
    if not line_menus.has_picture(menu_id):
        line_menus.upload_picture(menu_id, wanted.picture)
    line_menus.set_alias(wanted.alias, menu_id, is_new=wanted.alias not in aliases)
    linked = 0
    if is_everybodys:
        line_menus.set_default(menu_id)
    else:
        linked = _link_all(session, wanted.language, menu_id)
    for old in ours:
        if old != menu_id:
            line_menus.delete(old)
    log.info("menu.put", language=wanted.language, linked=linked)
    return Change(wanted.language, is_new=True, linked=linked)


def _link_all(session: Session, language: str, menu_id: str) -> int:
    """Everybody who chose the language has its menu."""
    sealed: Sequence[bytes] = session.scalars(
        sa.select(Resident.line_user_sealed)
        .where(Resident.language == language, Resident.is_reachable)
        .order_by(Resident.id)
    ).all()
    users = [sealing.unseal(bytes(one)) for one in sealed]
    for start in range(0, len(users), LINKED_AT_ONCE):
        line_menus.link_many(menu_id, users[start : start + LINKED_AT_ONCE])
    return len(users)


def link(line_user_id: str, language: str) -> None:
    """The resident sees the menu of their language: everybody's, or one linked to them. Nothing where there is none."""
    if language == languages()[0] or language not in languages():
        line_menus.unlink(line_user_id)
        return
    menu_id = line_menus.aliases().get(alias_of(language))
    if menu_id is not None:
        line_menus.link(line_user_id, menu_id)
