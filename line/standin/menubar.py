"""The menu under the chat, as the phone shows it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Response

from line.standin import richmenus
from line.standin.world import World, world_of

router = APIRouter(prefix="/_standin")
WorldDep = Annotated[World, Depends(world_of)]

RICH_MENU = {
    "name": "faonam",
    "chatBarText": "เมนูเมือง",
    "size": {"width": 2500, "height": 843},
    "areas": [
        {
            "bounds": {"x": 0, "y": 0, "width": 833, "height": 843},
            "label": "แจ้งเหตุ",
            "action": {"type": "message", "label": "แจ้งเหตุ", "text": "แจ้งเหตุ"},
        },
        {
            "bounds": {"x": 833, "y": 0, "width": 834, "height": 843},
            "label": "บ้านของฉัน",
            "action": {"type": "postback", "label": "บ้านของฉัน", "data": "home:ask", "displayText": "บ้านของฉัน"},
        },
        {
            "bounds": {"x": 1667, "y": 0, "width": 833, "height": 843},
            "label": "ภาษา / Language",
            "action": {"type": "postback", "label": "ภาษา / Language", "data": "language:ask", "displayText": "ภาษา"},
        },
    ],
}


@router.get("/rich-menu")
async def show_rich_menu() -> dict[str, Any]:
    """The menu under the chat as long as the city has made none."""
    return RICH_MENU


@router.get("/users/{user_id}/rich-menu")
async def show_menu_of_user(user_id: str, world: WorldDep) -> dict[str, Any]:
    """The menu that the user sees: linked, default, or that of a city which has made none."""
    user = world.store.user(user_id)
    if user is None:
        raise HTTPException(404, "There is no such user.")
    menu = richmenus.menu_of(world, user_id)
    if menu is None:
        return RICH_MENU
    world.store.things.tap(menu["richMenuId"], "seen", user["no"], at_s=world.platform.aged_s())
    areas = [area | {"label": _label(area["action"])} for area in menu["areas"]]
    return menu | {"areas": areas}


@router.get("/rich-menus/{menu_id}/picture")
async def show_picture(menu_id: str, world: WorldDep) -> Response:
    """The menu's picture, as the phone shows it."""
    found = world.store.things.file("menu", menu_id)
    if found is None:
        raise HTTPException(404, "The menu has no picture.")
    return Response(found[1], media_type=found[0], headers={"X-Content-Type-Options": "nosniff"})


def _label(action: dict[str, Any]) -> str:
    return str(action.get("label") or action.get("displayText") or action.get("text") or action["type"])
