"""The webhook's address: where it is, where it shall be, whether it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.settings import settings
from line.client import is_loopback
from line.standin import byhand
from line.standin.clockwork import iso_of
from line.standin.operations import Call, Operation, Reply
from line.standin.rates import PER_HOUR_60, PER_MINUTE_1000
from line.standin.schemas import Fault

if TYPE_CHECKING:
    from line.standin.world import World

_DETAILS = {
    "could_not_connect": "Could not connect to the webhook endpoint",
    "request_timeout": "The webhook endpoint did not answer in time",
}


def own_address() -> str:
    """Where the city of this machine takes events, as long as nobody moved it."""
    return f"{settings().api_url}/line/webhook"


def endpoint_faults(body: dict[str, Any]) -> list[Fault]:
    """A webhook's address is https; on this machine http will do."""
    url = body.get("endpoint", "https://")
    if not isinstance(url, str) or len(url) > 500:
        return [Fault("Length must be between 0 and 500", "endpoint")]
    if url.startswith("https://") or (url.startswith("http://") and is_loopback(url)):
        return []
    return [Fault("Invalid webhook endpoint URL", "endpoint")]


def show(world: World, _: Call) -> Reply:
    """Where the webhook is."""
    return Reply(200, {"endpoint": world.webhooks.url, "active": True})


def move(world: World, call: Call) -> Reply:
    """Events go to this address from now on."""
    world.webhooks.send_to(call.body["endpoint"])
    world.store.things.put("setting", "webhook", {"url": call.body["endpoint"]})
    return Reply(200, {})


async def test(world: World, call: Call) -> Reply:
    """How the address answered a call without events."""
    at_s = world.platform.aged_s()
    outcome = await world.webhooks.ask(call.body.get("endpoint"))
    if outcome.error is not None:
        reason, detail = outcome.error.upper(), _DETAILS[outcome.error]
    else:
        reason = "OK" if outcome.is_taken else "ERROR_STATUS_CODE"
        detail = str(outcome.status)
    return Reply(
        200,
        {
            "success": outcome.is_taken,
            "timestamp": iso_of(at_s),
            "statusCode": outcome.status or 0,
            "reason": reason,
            "detail": detail,
        },
    )


_PATH = "/v2/bot/channel/webhook"
OPERATIONS = [
    Operation("GET", f"{_PATH}/endpoint", "getWebhookEndpoint", show, PER_MINUTE_1000),
    Operation(
        "PUT", f"{_PATH}/endpoint", "setWebhookEndpoint", move, PER_MINUTE_1000, takes="json",
        by_hand=byhand.every(byhand.needs(endpoint=str), endpoint_faults),
    ),
    Operation(
        "POST", f"{_PATH}/test", "testWebhookEndpoint", test, PER_HOUR_60, takes="json", is_body_needed=False,
        by_hand=endpoint_faults,
    ),
]
