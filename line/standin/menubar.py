"""The menu under the chat, as the phone shows it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Response

from line.standin import richmenus
from line.standin.world import World, world_of

router = APIRouter(prefix="/_standin")
WorldDep = Annotated[World, Depends(world_of)]

@router.get("/users/{user_id}/rich-menu")
async def show_menu_of_user(user_id: str, world: WorldDep) -> dict[str, Any]:
    """The menu that the user sees: linked, or everybody's; 404 where the city has made none."""
    user = world.store.user(user_id)
    if user is None:
        raise HTTPException(404, "There is no such user.")
    menu = richmenus.menu_of(world, user_id)
    if menu is None:
        raise HTTPException(404, "The city has made no menu.")
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
