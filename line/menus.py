"""LINE's rich menus by our own client: made, drawn, named, linked, taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from line import client
from line.errors import LineRefusedError

_MENU, _ALIAS, _ALL = "/v2/bot/richmenu", "/v2/bot/richmenu/alias", "/v2/bot/user/all/richmenu"


def menus() -> dict[str, str]:
    """Every menu of the channel: its id and name."""
    return {str(one["richMenuId"]): str(one.get("name", "")) for one in _get(f"{_MENU}/list").get("richmenus", [])}


def aliases() -> dict[str, str]:
    """Every alias, and the id of the menu that it means."""
    found = _get(f"{_ALIAS}/list").get("aliases", [])
    return {str(one["richMenuAliasId"]): str(one["richMenuId"]) for one in found}


def default() -> str | None:
    """The id of the menu that everybody has who has none of their own."""
    found = _get(_ALL).get("richMenuId")
    return str(found) if found else None


def create(body: dict[str, Any]) -> str:
    """The id of a new menu, which has no picture yet. LINE makes 100 an hour."""
    return str(_done(client.call("POST", _MENU, json=body)).json()["richMenuId"])


def has_picture(menu_id: str) -> bool:
    """A picture was uploaded for the menu."""
    return client.call("GET", f"{_MENU}/{menu_id}/content", is_data=True).status_code == httpx.codes.OK


def upload_picture(menu_id: str, png: bytes) -> None:
    """The menu has this picture; it can be set once."""
    _done(client.call("POST", f"{_MENU}/{menu_id}/content", content=png, content_type="image/png", is_data=True))


def set_alias(alias: str, menu_id: str, *, is_new: bool) -> None:
    """The alias means this menu."""
    if is_new:
        _done(client.call("POST", _ALIAS, json={"richMenuAliasId": alias, "richMenuId": menu_id}))
    else:
        _done(client.call("POST", f"{_ALIAS}/{alias}", json={"richMenuId": menu_id}))


def set_default(menu_id: str) -> None:
    """Everybody without a menu of their own has this one."""
    _done(client.call("POST", f"{_ALL}/{menu_id}"))


def delete(menu_id: str) -> None:
    """The menu is gone; whoever had it has everybody's."""
    _done_or_gone(client.call("DELETE", f"{_MENU}/{menu_id}"))


def link(line_user_id: str, menu_id: str) -> None:
    """This person has a menu of their own; nothing where LINE no longer knows them, or the menu."""
    _done_or_gone(client.call("POST", f"/v2/bot/user/{line_user_id}/richmenu/{menu_id}"))


def link_many(menu_id: str, line_user_ids: Sequence[str]) -> None:
    """These people, 500 at most, have the menu soon."""
    _done(client.call("POST", f"{_MENU}/bulk/link", json={"richMenuId": menu_id, "userIds": list(line_user_ids)}))


def unlink(line_user_id: str) -> None:
    """This person has everybody's menu."""
    _done_or_gone(client.call("DELETE", f"/v2/bot/user/{line_user_id}/richmenu"))


def _get(path: str) -> dict[str, Any]:
    answer = client.call("GET", path)
    if answer.status_code == httpx.codes.NOT_FOUND:
        return {}
    body = _done(answer).json()
    return body if isinstance(body, dict) else {}


def _done(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise LineRefusedError(f"LINE answered {answer.status_code}: {client.message_of(answer)}")
    return answer


def _done_or_gone(answer: httpx.Response) -> None:
    if answer.status_code != httpx.codes.NOT_FOUND:
        _done(answer)
