"""Officers see which partners do not take our news; nobody sees where exactly they listen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from core.db import transaction
from incidents.exchange import hooks
from incidents.exchange.errors import HookAwayError
from incidents.exchange.hook_client import HookClient
from tests.accounts import PASSWORD
from tests.api.ways.receiver import listening

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways


def test_officers_see_a_partner_that_does_not_listen(ways: Ways) -> None:
    """Its host, why and since when, and what waits; not the address, and not for who only looks on."""
    here = HookClient(is_live=False)
    with listening() as receiver:
        with transaction() as session:
            hooks.register(session, name="partner", url=receiver.url, client=here)
        ways.reported()
        receiver.answers = [500]
        with transaction() as session:
            (hook_id,) = hooks.gather(session)
        with pytest.raises(HookAwayError), transaction() as session:
            hooks.tell_next(session, hook_id, here)
    assert ways.client.get("/api/v1/partners").status_code == 401
    answer = _as(ways, "officer")
    (one,) = answer.json()["partners"]
    shown = (one["name"], one["host"], one["failures"], one["fault"], one["waiting"], one["paused_wall_at"])
    assert shown == ("partner", "127.0.0.1", 1, "HTTP 500", 1, None)
    assert one["failing_since_wall_at"] is not None
    assert "their-secret-word" not in answer.text
    assert _as(ways, "viewer").status_code == 403


def _as(ways: Ways, username: str) -> httpx.Response:
    """The list, as this account sees it."""
    ways.client.post("/api/v1/session", json={"username": username, "password": PASSWORD})
    answer: httpx.Response = ways.client.get("/api/v1/partners")
    ways.client.delete("/api/v1/session")
    return answer
