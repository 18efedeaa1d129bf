"""Partners are told of incidents without asking: registered by hand, told in order, each thing once, nothing back.

A beat gathers from the histories what each partner is to be told, so that nothing that residents wait for costs more
where there are partners. One job a partner then tells one line after the other: what fails is tried again with growing
waits, and meanwhile what follows waits. Who takes nothing for hours is paused until an operator has spoken with them.
"""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta

from sqlalchemy.orm import Session

from core import clock, sealing
from core.db import transaction
from core.errors import ConflictError, InvalidInputError, NotFoundError, SetupError
from core.events import publish
from core.logs import get_logger
from core.settings import settings
from incidents.events import PartnerPaused
from incidents.exchange import hook_queries, queries
from incidents.exchange.errors import HookAwayError, HookRefusedError, KeyRefusedError
from incidents.exchange.hook_bodies import (
    SECRET_PREFIX,
    Call,
    Step,
    issue_call,
    signed_headers,
    status_call,
)
from incidents.exchange.hook_client import HookClient, read_address
from incidents.exchange.hook_queries import ChangeRow
from incidents.exchange.models import ApiKey, HookDelivery, PartnerHook
from incidents.exchange.open311 import Filters

log = get_logger("incidents.hooks")

# The waits double from 2 s: after so many attempts in a row the partner has taken nothing for more than two hours.
MOST_FAILURES = 13
# No wait between two attempts is as long: a job that was begun before then has been lost.
LOST_AFTER = timedelta(hours=6)


# ── By hand ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def register(session: Session, *, name: str, url: str, client: HookClient) -> str:
    """The partner of this key is told at the address from now on; the secret that signs is returned this once.

    Raises NotFoundError, KeyRefusedError for a key that may not read, ConflictError where it has an address already,
    InvalidInputError and SetupError for an address that cannot be called.
    """
    key = _key(session, name)
    if key.revoked_at is not None or "traffy-read" not in key.scopes:
        raise KeyRefusedError(f"The key '{name}' may not read: only a key with traffy-read is told of incidents.")
    if hook_queries.hook_of_key(session, key.id) is not None:
        raise ConflictError(f"The key '{name}' has an address already: remove it first.")
    address = read_address(url, is_live=client.is_live)
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    newest = hook_queries.newest_change_id(session)
    session.add(
        PartnerHook(
            key_id=key.id, url_sealed=sealing.seal(url), secret_sealed=sealing.seal(secret), host=address.host,
            made_at=clock.now(), since_change_id=newest, seen_change_id=newest,
        )
    )
    session.flush()
    return secret


def remove(session: Session, name: str) -> None:
    """The partner is told nothing any more, and its address and secret are gone. Raises NotFoundError."""
    session.delete(_hook(session, name))
    session.flush()


def resume(session: Session, name: str) -> None:
    """The partner is told again, first of all that happened meanwhile. Raises NotFoundError."""
    hook = _hook(session, name)
    hook.paused_wall_at = hook.failing_since_wall_at = hook.woken_wall_at = None
    hook.failures, hook.fault = 0, ""
    session.flush()


def _key(session: Session, name: str) -> ApiKey:
    key = queries.key_of_name(session, name)
    if key is None:
        raise NotFoundError(f"There is no key of the name '{name}'.")
    return key


def _hook(session: Session, name: str) -> PartnerHook:
    hook = hook_queries.hook_of_key(session, _key(session, name).id)
    if hook is None:
        raise NotFoundError(f"The key '{name}' has no address.")
    return hook


# ── By themselves ────────────────────────────────────────────────────────────────────────────────────────────────────


def gather(session: Session) -> list[int]:
    """What happened waits for every partner it concerns; the hooks whose job must be begun."""
    to_wake = []
    for hook, key in hook_queries.live_hooks(session):
        upto = min(hook_queries.newest_change_id(session), hook.seen_change_id + hook_queries.MOST_AT_ONCE)
        hook_queries.gather(session, hook, key, upto=upto)
        hook.seen_change_id = max(upto, hook.seen_change_id)
        is_lost = hook.woken_wall_at is not None and hook.woken_wall_at < clock.wall_now() - LOST_AFTER
        if (hook.woken_wall_at is None or is_lost) and hook_queries.next_waiting(session, hook.id) is not None:
            hook.woken_wall_at = clock.wall_now()
            to_wake.append(hook.id)
    session.flush()
    return to_wake


def tell_next(session: Session, hook_id: int, client: HookClient) -> bool:
    """The oldest line that waits is told, and whether another may wait. Raises HookAwayError for another attempt.

    Only the partner's own job calls this. What a call is known again by is kept before it is made: the partner may
    send it back before it has answered.
    """
    hook = session.get(PartnerHook, hook_id)
    if hook is None or hook.paused_wall_at is not None:
        return False
    delivery = hook_queries.next_waiting(session, hook_id)
    if delivery is None:
        return _rest(session, hook_id)
    key = session.get_one(ApiKey, hook.key_id)
    row = hook_queries.change(session, delivery.change_id)
    calls = [] if key.revoked_at is not None else _calls(session, row, key=key, hook_id=hook_id)
    try:
        for call in calls:
            _make(session, hook, call, key=key, incident_id=row.incident_id, client=client)
    except HookRefusedError as fault:
        return _note_refusal(session, hook, delivery, fault)
    except HookAwayError as fault:
        away = fault.detail
    else:
        _end(delivery, state="told" if calls else "nothing")
        if calls:
            told = hook_queries.locked_hook(session, hook_id) or hook
            told.failures, told.failing_since_wall_at, told.fault = 0, None, ""
            told.told_wall_at = told.woken_wall_at = clock.wall_now()
            hook_queries.note_marks(
                session, [row.number], system=hook_queries.issue_system(key), incident_id=row.incident_id,
                now=clock.now(),
            )
        session.flush()
        return True
    with transaction() as own:
        is_paused = _note_failure(own, hook_id, away)
    if is_paused:
        return False
    raise HookAwayError(f"{key.name} does not take webhooks: {away}")


def _rest(session: Session, hook_id: int) -> bool:
    """Nothing waits, and the next beat begins a new job; True where something was gathered at this moment."""
    hook = hook_queries.locked_hook(session, hook_id)
    if hook is None or hook_queries.next_waiting(session, hook_id) is not None:
        return hook is not None
    hook.woken_wall_at = None
    session.flush()
    return False


def _calls(session: Session, row: ChangeRow, *, key: ApiKey, hook_id: int) -> list[Call]:
    """What the partner is told of the line: the incident where it does not know it, and the state, for each number of
    it that the partner knows. Only what the public may see.
    """
    own, joined = hook_queries.own_numbers(session, incident_id=row.incident_id, key_id=key.id)
    media_url = f"{settings().residents_url}/open311/media/{{id}}.jpg"
    numbers = [row.number, *joined]
    found = {
        one.request_id: one
        for one in queries.public_requests(session, Filters(ids=tuple(numbers)), media_url=media_url)
    }
    calls = []
    first = found.get(row.number)
    is_known = row.number in own or hook_queries.is_noted(
        session, [row.number], system=hook_queries.issue_system(key)
    )
    if first is not None and not is_known:
        calls.append(issue_call(first, hook_queries.orgs(session, row.incident_id), hook_id=hook_id))
    if row.from_state is None or (row.kind != "state" and row.from_state == row.to_state):
        return calls
    for request in (found[number] for number in numbers if number in found):
        note = request.reason if row.is_last_end else ""
        step = Step(row.change_id, row.to_state, row.at, earlier=row.earlier, note=note)
        calls.append(status_call(request, step, hook_id=hook_id))
    return calls


def _make(
    session: Session, hook: PartnerHook, call: Call, *, key: ApiKey, incident_id: int, client: HookClient
) -> None:
    with transaction() as own:
        hook_queries.note_marks(
            own, call.marks, system=hook_queries.told_system(key), incident_id=incident_id, now=clock.now()
        )
    try:
        address = read_address(sealing.unseal(bytes(hook.url_sealed)), is_live=client.is_live)
    except (InvalidInputError, SetupError) as fault:  # HOOKS_LIVE was taken away since.
        raise HookAwayError(fault.detail) from None
    headers = signed_headers(call, secret=sealing.unseal(bytes(hook.secret_sealed)), at=clock.wall_now())
    client.send(address, method=call.method, raw=call.raw, headers=headers)


def _end(delivery: HookDelivery, *, state: str, fault: str = "") -> None:
    delivery.state, delivery.fault, delivery.ended_wall_at = state, fault, clock.wall_now()


def _note_refusal(session: Session, hook: PartnerHook, delivery: HookDelivery, fault: HookRefusedError) -> bool:
    """The partner does not want this line; where it wants none any more, it is paused."""
    if not fault.is_for_good:
        _end(delivery, state="refused", fault=fault.detail)
        log.warning("hook.refused", hook=hook.id, change=delivery.change_id, fault=fault.detail)
        session.flush()
        return True
    _pause(session, hook, fault.detail)
    return False


def _note_failure(session: Session, hook_id: int, fault: str) -> bool:
    """The attempt stands with the hook, and whether that was one too many."""
    hook = hook_queries.locked_hook(session, hook_id)
    if hook is None:
        return True
    now = clock.wall_now()
    hook.failures += 1
    hook.failing_since_wall_at = hook.failing_since_wall_at or now
    hook.fault, hook.woken_wall_at = fault, now
    if hook.failures >= MOST_FAILURES:
        _pause(session, hook, fault)
    return hook.paused_wall_at is not None


def _pause(session: Session, hook: PartnerHook, fault: str) -> None:
    hook.paused_wall_at, hook.woken_wall_at, hook.fault = clock.wall_now(), None, fault
    name = session.get_one(ApiKey, hook.key_id).name
    log.warning("hook.paused", partner=name, fault=fault, failures=hook.failures)
    publish(session, PartnerPaused(partner=name))
    session.flush()
