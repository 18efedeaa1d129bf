"""What tests of webhooks to partners do: register, gather, tell, and look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import sqlalchemy as sa

from core.db import transaction
from gis.points import LonLat
from incidents import actions
from incidents.exchange import hook_queries, hooks
from incidents.exchange.errors import HookAwayError
from incidents.exchange.hook_client import HookClient
from incidents.rules import NewReport
from tests.api.ways.receiver import Receiver

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

HERE = HookClient(is_live=False)


def register(name: str, receiver: Receiver) -> str:
    """The partner of this key is told at the receiver from now on; what signs the calls."""
    with transaction() as session:
        return hooks.register(session, name=name, url=receiver.url, client=HERE)


def forget(name: str) -> None:
    """The partner is told no more."""
    with transaction() as session:
        hooks.remove(session, name)


def gather() -> list[int]:
    """What happened waits for the partners; whose job is begun."""
    with transaction() as session:
        return hooks.gather(session)


def tell_all() -> None:
    """Every partner has heard everything, as the beat and the jobs do it."""
    for hook_id in gather():
        while tell_one(hook_id):
            pass


def tell_one(hook_id: int) -> bool:
    """The oldest line that waits is told; whether another may wait."""
    with transaction() as session:
        return hooks.tell_next(session, hook_id, HERE)


def hook_seen(name: str = "partner") -> hook_queries.HookRow:
    """The partner as officers see it."""
    with transaction() as session:
        return next(one for one in hook_queries.hooks(session) if one.name == name)


def ask(ways: Ways, path: str, *, who: str = "partner", method: str = "POST", **given: Any) -> dict[str, Any]:
    """What the exchange answers this partner."""
    body = {"token_secret_key": ways.keys[who], **given}
    answer: httpx.Response = ways.client.request(method, f"/exchange-api/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def walk_on(number: str, *states: str, reason: str = "", by: str = "officer") -> None:
    """The incident of that number goes through the states, each a moment later."""
    for state in states:
        with transaction() as session:
            asked = sa.text("SELECT id FROM incident WHERE number = :n")
            incident_id = session.execute(asked, {"n": number}).scalar_one()
            actions.change_state(session, incident_id, state, by=by, reason=reason)


def told_by_phone(spot: dict[str, str], *, category: str, text: str, source: str = "pin") -> str:
    """The number of an incident that came by no open door."""
    with transaction() as session:
        place = LonLat(lon=float(spot["long"]), lat=float(spot["lat"]))
        new = NewReport(text=text, category_code=category, place=place, place_source=source, source="phone")
        return actions.receive_report(session, new)[1].number


def count(table: str) -> int:
    """How many rows the table has."""
    with transaction() as session:
        return int(session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - ours.


def attempt(hook_id: int) -> str:
    """What came of one attempt, as the job sees it."""
    try:
        return "more" if tell_one(hook_id) else "done"
    except HookAwayError as fault:
        return fault.detail
