"""Rich menus: made, drawn, linked to a user, to many or to all, named by aliases."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from line.rules import graphemes
from line.standin import byhand, checks
from line.standin.clockwork import iso_of
from line.standin.operations import Call, Operation, Reply, refusal
from line.standin.rates import PER_HOUR_3, PER_HOUR_100, PER_SECOND_10
from line.standin.schemas import Fault

if TYPE_CHECKING:
    from line.standin.world import World

MENUS_LIMIT = 1000
IMAGE_LIMIT_BYTES = 1_000_000
AREAS_LIMIT = 20
BATCH_LIMIT, BULK_LIMIT = 1000, 500
BATCH_S = 2.0
ALIAS = re.compile(r"[a-z0-9_-]{1,32}")
NOT_FOUND = "Not found"
_NEEDED = {"size": dict, "selected": bool, "name": str, "chatBarText": str, "areas": list}


def menu_faults(menu: Mapping[str, Any]) -> list[Fault]:
    """What LINE's rules hold against a rich menu; the contract itself asks for none of its parts."""
    found = [
        Fault("May not be empty", name) for name, kind in _NEEDED.items() if not isinstance(menu.get(name), kind)
    ]
    if found:
        return found
    for name, limit in (("name", 300), ("chatBarText", 14)):
        if not 1 <= graphemes(menu[name]) <= limit:
            found.append(Fault(f"Length must be between 1 and {limit}", name))
    size = menu["size"]
    width, height = size.get("width"), size.get("height")
    if not isinstance(width, int) or not isinstance(height, int) or height < 1:
        return [*found, Fault("May not be empty", "size")]
    if not (800 <= width <= 2500 and height >= 250 and width / height >= 1.45):
        found.append(Fault("Width must be 800 to 2500, height 250 or more, and width / height 1.45 or more", "size"))
    if len(menu["areas"]) > AREAS_LIMIT:
        found.append(Fault(f"Size must be between 0 and {AREAS_LIMIT}", "areas"))
    for i, area in enumerate(menu["areas"]):
        found += _area_faults(area, f"areas[{i}]", width, height)
    return found


def _area_faults(area: Any, path: str, width: int, height: int) -> list[Fault]:
    bounds = area.get("bounds") if isinstance(area, dict) else None
    action = area.get("action") if isinstance(area, dict) else None
    if not isinstance(bounds, dict) or not isinstance(action, dict):
        return [Fault("May not be empty", f"{path}.{'action' if isinstance(bounds, dict) else 'bounds'}")]
    found = checks.action_faults(action, f"{path}.action")
    edges = [edge for edge in map(bounds.get, ("x", "y", "width", "height")) if isinstance(edge, int)]
    if len(edges) != 4:
        return [*found, Fault("May not be empty", f"{path}.bounds")]
    x, y, across, down = edges
    if x + across > width or y + down > height:
        found.append(Fault("The area is outside the menu", f"{path}.bounds"))
    return found


def create(world: World, call: Call) -> Reply:
    """The menu is on record under a fresh id; it has no picture yet."""
    if world.store.things.count("menu") >= MENUS_LIMIT:
        return refusal(400, "The maximum number of rich menus has been reached")
    menu_id = f"richmenu-{secrets.token_hex(16)}"
    world.store.things.put("menu", menu_id, {"richMenuId": menu_id, **call.body})
    return Reply(200, {"richMenuId": menu_id})


def _valid(_: World, __: Call) -> Reply:
    return Reply(200, {})


def show(world: World, call: Call) -> Reply:
    """One menu."""
    found = world.store.things.get("menu", call.path["richMenuId"])
    return refusal(404, NOT_FOUND) if found is None else Reply(200, found)


def list_menus(world: World, _: Call) -> Reply:
    """All menus."""
    return Reply(200, {"richmenus": world.store.things.every("menu")})


def delete(world: World, call: Call) -> Reply:
    """The menu is gone, and nobody has it any more."""
    menu_id = call.path["richMenuId"]
    if not world.store.things.remove("menu", menu_id):
        return refusal(404, NOT_FOUND)
    if _default(world) == menu_id:
        world.store.things.remove("setting", "default_menu")
    return Reply(200, {})


def set_image(world: World, call: Call) -> Reply:
    """The menu's picture; it can be set once."""
    menu_id = call.path["richMenuId"]
    kind = call.headers.get("content-type", "").partition(";")[0].strip()
    if world.store.things.get("menu", menu_id) is None:
        return refusal(404, NOT_FOUND)
    if kind not in {"image/jpeg", "image/png"}:
        return refusal(415, "The content type must be image/jpeg or image/png")
    is_picture = call.raw.startswith(b"\xff\xd8\xff" if kind == "image/jpeg" else b"\x89PNG\r\n\x1a\n")
    if not is_picture:
        return refusal(400, "The image could not be read")
    if world.store.things.file("menu", menu_id) is not None:
        return refusal(400, "An image has already been uploaded to the richmenu")
    world.store.things.attach("menu", menu_id, file_type=kind, file=call.raw)
    return Reply(200, {})


def show_image(world: World, call: Call) -> Reply:
    """The menu's picture."""
    found = world.store.things.file("menu", call.path["richMenuId"])
    return refusal(404, NOT_FOUND) if found is None else Reply(200, {}, content=found)


def _default(world: World) -> str | None:
    found = world.store.things.get("setting", "default_menu")
    return None if found is None else str(found["id"])


def _refuse_link(world: World, menu_id: str) -> Reply | None:
    if world.store.things.get("menu", menu_id) is None:
        return refusal(404, NOT_FOUND)
    if world.store.things.file("menu", menu_id) is None:
        return refusal(400, "must upload richmenu image before applying it to user")
    return None


def set_default(world: World, call: Call) -> Reply:
    """Everybody without a menu of their own has this one."""
    refused = _refuse_link(world, call.path["richMenuId"])
    if refused is None:
        world.store.things.put("setting", "default_menu", {"id": call.path["richMenuId"]})
    return refused or Reply(200, {})


def show_default(world: World, _: Call) -> Reply:
    """The menu of everybody without one of their own."""
    found = _default(world)
    return refusal(404, "no default richmenu") if found is None else Reply(200, {"richMenuId": found})


def cancel_default(world: World, _: Call) -> Reply:
    """There is no menu for everybody."""
    world.store.things.remove("setting", "default_menu")
    return Reply(200, {})


def show_of_user(world: World, call: Call) -> Reply:
    """The menu linked to the user; 404 where only the default applies."""
    found = world.store.things.of_user("menu", call.path["userId"])
    return refusal(404, "the user has no richmenu") if found is None else Reply(200, {"richMenuId": found})


def link(world: World, call: Call) -> Reply:
    """The user has this menu."""
    user_id, menu_id = call.path["userId"], call.path["richMenuId"]
    if not checks.USER_ID.fullmatch(user_id):
        return refusal(400, "The value for the 'userId' parameter is invalid")
    refused = _refuse_link(world, menu_id)
    if refused is None:
        world.store.things.join_only("menu", menu_id, [user_id])
    return refused or Reply(200, {})


def unlink(world: World, call: Call) -> Reply:
    """The user has the default menu."""
    world.store.things.leave_all("menu", [call.path["userId"]])
    return Reply(200, {})


def users_faults(body: Mapping[str, Any]) -> list[Fault]:
    """What LINE's rules hold against a list of users."""
    users = body.get("userIds")
    if not isinstance(users, list) or not 1 <= len(users) <= BULK_LIMIT:
        return [Fault(f"Size must be between 1 and {BULK_LIMIT}", "userIds")]
    return [
        Fault("Invalid user ID", f"userIds[{i}]")
        for i, user_id in enumerate(users)
        if not isinstance(user_id, str) or not checks.USER_ID.fullmatch(user_id)
    ]


def link_many(world: World, call: Call) -> Reply:
    """All of them have this menu."""
    refused = _refuse_link(world, call.body["richMenuId"])
    if refused is None:
        world.store.things.join_only("menu", call.body["richMenuId"], call.body["userIds"])
    return refused or Reply(202, {})


def unlink_many(world: World, call: Call) -> Reply:
    """All of them have the default menu."""
    world.store.things.leave_all("menu", call.body["userIds"])
    return Reply(202, {})


def batch_faults(body: Mapping[str, Any]) -> list[Fault]:
    """What LINE's rules hold against a batch."""
    operations = body.get("operations")
    if not isinstance(operations, list) or not 1 <= len(operations) <= BATCH_LIMIT:
        return [Fault(f"Size must be between 1 and {BATCH_LIMIT}", "operations")]
    return [fault for i, operation in enumerate(operations) for fault in _operation_faults(operation, i)]


def _operation_faults(operation: Any, i: int) -> list[Fault]:
    kind = operation.get("type") if isinstance(operation, dict) else None
    needed = {"link": ("from", "to"), "unlink": ("from",), "unlinkAll": ()}.get(str(kind))
    if needed is None:
        return [Fault("Must be one of the following values: link, unlink, unlinkAll", f"operations[{i}].type")]
    return [
        Fault("May not be empty", f"operations[{i}].{name}")
        for name in needed
        if not isinstance(operation.get(name), str)
    ]


def run_batch(world: World, call: Call) -> Reply:
    """Whoever had one menu has another, or none; refused where a menu to link is not there."""
    things = world.store.things
    for operation in call.body["operations"]:
        if operation["type"] == "link":
            refused = _refuse_link(world, operation["to"])
            if refused is not None:
                return refusal(400, refused.body["message"])
    # All read before the first is written: a chain a→b, b→c must not carry anybody twice.
    moves = [(operation, things.members("menu", operation.get("from", ""))) for operation in call.body["operations"]]
    for operation, users in moves:
        if operation["type"] == "link":
            things.join_only("menu", operation["to"], users)
        elif operation["type"] == "unlink":
            things.leave("menu", operation["from"], users)
        else:
            for menu in things.every("menu"):
                things.leave("menu", menu["richMenuId"])
    request_id = secrets.token_hex(16)
    things.put("batch", request_id, {"accepted_s": world.platform.aged_s()})
    return Reply(202, {}, {"x-line-request-id": request_id})


def show_batch(world: World, call: Call) -> Reply:
    """Where a batch stands."""
    found = world.store.things.get("batch", call.asked("requestId"))
    if found is None:
        return refusal(404, NOT_FOUND)
    accepted_s = found["accepted_s"]
    body = {"acceptedTime": iso_of(accepted_s)}
    if world.platform.aged_s() - accepted_s < BATCH_S:
        return Reply(200, body | {"phase": "ongoing"})
    return Reply(200, body | {"phase": "succeeded", "completedTime": iso_of(accepted_s + BATCH_S)})


def alias_faults(body: dict[str, Any]) -> list[Fault]:
    """An alias has 1 to 32 small letters, digits, _ or -, and names a menu."""
    found = list(byhand.needs(richMenuAliasId=str, richMenuId=str)(body))
    if not found and not ALIAS.fullmatch(body["richMenuAliasId"]):
        found.append(Fault("Must match ^[a-z0-9_-]{1,32}$", "richMenuAliasId"))
    return found


def create_alias(world: World, call: Call) -> Reply:
    """The menu can be switched to by this name."""
    alias = call.body["richMenuAliasId"]
    if world.store.things.get("alias", alias) is not None:
        return refusal(400, "conflict richmenu alias id")
    return _put_alias(world, alias, call.body["richMenuId"])


def _put_alias(world: World, alias: str, menu_id: str) -> Reply:
    refused = _refuse_link(world, menu_id)
    if refused is not None:
        return refusal(400, "richmenu not found" if refused.status == 404 else refused.body["message"])
    world.store.things.put("alias", alias, {"richMenuAliasId": alias, "richMenuId": menu_id})
    return Reply(200, {})


def update_alias(world: World, call: Call) -> Reply:
    """The name stands for another menu."""
    if world.store.things.get("alias", call.path["richMenuAliasId"]) is None:
        return refusal(404, "richmenu alias not found")
    return _put_alias(world, call.path["richMenuAliasId"], call.body["richMenuId"])


def show_alias(world: World, call: Call) -> Reply:
    """What the name stands for."""
    found = world.store.things.get("alias", call.path["richMenuAliasId"])
    return refusal(404, "richmenu alias not found") if found is None else Reply(200, found)


def delete_alias(world: World, call: Call) -> Reply:
    """The name stands for nothing."""
    is_gone = world.store.things.remove("alias", call.path["richMenuAliasId"])
    return Reply(200, {}) if is_gone else refusal(404, "richmenu alias not found")


def list_aliases(world: World, _: Call) -> Reply:
    """All names."""
    return Reply(200, {"aliases": world.store.things.every("alias")})


def menu_of(world: World, user_id: str) -> dict[str, Any] | None:
    """The menu that the user sees: their own, or the default, or none."""
    menu_id = world.store.things.of_user("menu", user_id) or _default(world)
    return None if menu_id is None else world.store.things.get("menu", menu_id)


_ONE = "/v2/bot/richmenu/{richMenuId}"
_ALL = "/v2/bot/user/all/richmenu"
_USER = "/v2/bot/user/{userId}/richmenu"
_ALIAS = "/v2/bot/richmenu/alias"
# Fixed words stand before `{richMenuId}`, which would take them for an id.
OPERATIONS = [
    Operation("POST", "/v2/bot/richmenu", "createRichMenu", create, PER_HOUR_100, takes="json", by_hand=menu_faults),
    Operation("POST", "/v2/bot/richmenu/validate", "validateRichMenuObject", _valid, takes="json", by_hand=menu_faults),
    Operation("GET", "/v2/bot/richmenu/list", "getRichMenuList", list_menus, PER_SECOND_10),
    Operation("POST", "/v2/bot/richmenu/bulk/link", "linkRichMenuIdToUsers", link_many, takes="json",
              by_hand=byhand.every(byhand.needs(richMenuId=str), users_faults)),
    Operation("POST", "/v2/bot/richmenu/bulk/unlink", "unlinkRichMenuIdFromUsers", unlink_many, takes="json",
              by_hand=users_faults),
    Operation("POST", "/v2/bot/richmenu/batch", "richMenuBatch", run_batch, PER_HOUR_3, takes="json",
              by_hand=batch_faults),
    Operation("POST", "/v2/bot/richmenu/validate/batch", "validateRichMenuBatchRequest", _valid, takes="json",
              by_hand=batch_faults),
    Operation("GET", "/v2/bot/richmenu/progress/batch", "getRichMenuBatchProgress", show_batch),
    Operation("POST", _ALIAS, "createRichMenuAlias", create_alias, takes="json", by_hand=alias_faults),
    Operation("GET", f"{_ALIAS}/list", "getRichMenuAliasList", list_aliases),
    Operation("GET", f"{_ALIAS}/{{richMenuAliasId}}", "getRichMenuAlias", show_alias),
    Operation("POST", f"{_ALIAS}/{{richMenuAliasId}}", "updateRichMenuAlias", update_alias, takes="json",
              by_hand=byhand.needs(richMenuId=str)),
    Operation("DELETE", f"{_ALIAS}/{{richMenuAliasId}}", "deleteRichMenuAlias", delete_alias),
    Operation("GET", _ONE, "getRichMenu", show),
    Operation("DELETE", _ONE, "deleteRichMenu", delete, PER_HOUR_100),
    Operation("GET", f"{_ONE}/content", "getRichMenuImage", show_image, is_on_data_host=True),
    Operation("POST", f"{_ONE}/content", "setRichMenuImage", set_image, takes="bytes",
              limit_bytes=IMAGE_LIMIT_BYTES, is_on_data_host=True),
    Operation("GET", _ALL, "getDefaultRichMenuId", show_default),
    Operation("DELETE", _ALL, "cancelDefaultRichMenu", cancel_default),
    Operation("POST", f"{_ALL}/{{richMenuId}}", "setDefaultRichMenu", set_default),
    Operation("GET", _USER, "getRichMenuIdOfUser", show_of_user),
    Operation("DELETE", _USER, "unlinkRichMenuIdFromUser", unlink),
    Operation("POST", f"{_USER}/{{richMenuId}}", "linkRichMenuIdToUser", link),
]
