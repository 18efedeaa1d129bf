"""LIFF apps of the channel."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any

from line.standin import byhand
from line.standin.operations import Call, Operation, Reply, refusal
from line.standin.schemas import Fault

if TYPE_CHECKING:
    from line.standin.world import World

APPS_LIMIT = 30
_LETTERS = string.ascii_letters + string.digits
NOT_FOUND = "not found"


def app_faults(body: dict[str, Any]) -> list[Fault]:
    """A LIFF page is served by https only."""
    view = body.get("view", {})
    if not isinstance(view, dict):
        return [Fault("Must be an object", "view")]
    url = view.get("url")
    if isinstance(url, str) and not url.startswith("https://"):
        return [Fault("Must be an https URL", "view.url")]
    return []


def add(world: World, call: Call) -> Reply:
    """The app is on record under a fresh id."""
    if world.store.things.count("liff") >= APPS_LIMIT:
        return refusal(400, "The maximum number of LIFF apps has been reached")
    liff_id = f"{world.channel.channel_id}-{''.join(secrets.choice(_LETTERS) for _ in range(8))}"
    world.store.things.put("liff", liff_id, {"liffId": liff_id, **call.body})
    return Reply(200, {"liffId": liff_id})


def list_apps(world: World, _: Call) -> Reply:
    """All apps; 404 where there is none."""
    apps = world.store.things.every("liff")
    return Reply(200, {"apps": apps}) if apps else refusal(404, NOT_FOUND)


def update(world: World, call: Call) -> Reply:
    """What was given has changed, the rest is as before."""
    found = world.store.things.get("liff", call.path["liffId"])
    if found is None:
        return refusal(404, NOT_FOUND)
    view = found["view"] | call.body.get("view", {})
    world.store.things.put("liff", call.path["liffId"], found | call.body | {"view": view})
    return Reply(200, {})


def delete(world: World, call: Call) -> Reply:
    """The app is gone."""
    is_gone = world.store.things.remove("liff", call.path["liffId"])
    return Reply(200, {}) if is_gone else refusal(404, NOT_FOUND)


_WHOLE = byhand.every(byhand.needs(view=dict), byhand.within("view", byhand.needs(type=str, url=str)), app_faults)
OPERATIONS = [
    Operation("POST", "/liff/v1/apps", "addLIFFApp", add, takes="json", by_hand=_WHOLE),
    Operation("GET", "/liff/v1/apps", "getAllLIFFApps", list_apps),
    Operation("PUT", "/liff/v1/apps/{liffId}", "updateLIFFApp", update, takes="json", by_hand=app_faults),
    Operation("DELETE", "/liff/v1/apps/{liffId}", "deleteLIFFApp", delete),
]
