"""What time alone brings about: armed sending, mornings after quiet nights, ends that somebody is asked about."""

from __future__ import annotations

from sqlalchemy.orm import Session

import staff.queries
from alerts import actions, armed_queries, proposals, queries, thread
from core import clock
from staff.models import Account


def remind_of_ends(session: Session) -> int:
    """Of each warning that runs out soon the thread and the screens ask once: renew it, or all clear? How many.

    Without an answer it ends by the clock; its all-clear is still proposed when the water is known to have gone.
    """
    found = queries.expiring_unsaid(session, now=clock.now())
    for alert in found:
        thread.note(session, event_id=alert.event_id, alert_id=alert.id, kind="expiring", level=alert.level)
        proposals.announce(session, alert)
    return len(found)


def send_what_is_due(session: Session) -> int:
    """What nobody stopped within the armed policy's delay is approved in its owner's name; how many were.

    The policy must still be armed. What has changed since it was drawn is shown anew first, and goes out as it is then.
    """
    queries.hold_decisions(session)
    now = clock.now()
    sent = 0
    for alert in armed_queries.due_to_send_itself(session, now=now):
        armed = armed_queries.armed_policy(session, alert.level, now=now)
        if armed is None or armed.id != alert.armed_policy_id:
            alert.sends_itself_at = None
            thread.note(
                session, event_id=alert.event_id, alert_id=alert.id, kind="countdown_stopped", why="no policy is armed"
            )
            proposals.announce(session, alert)
            continue
        owner = staff.queries.account_ref(session.get_one(Account, armed.owner_id))
        fresh = actions.revise(session, alert.id)
        actions.approve(session, fresh.id, fresh.revision, owner, armed_policy_id=armed.id)
        sent += 1
    return sent


def let_go_of_held(session: Session) -> int:
    """What waited for the morning goes out to the audience that was frozen; how many did."""
    queries.hold_decisions(session)
    now = clock.now()
    held = queries.held(session, now=now)
    for alert in held:
        alert.hold_until_at = None
        actions.let_go(session, alert, now=now)
    return len(held)
