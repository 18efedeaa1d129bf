"""What the open doors do by themselves: tell Traffy of steps, look there for what was missed, forget."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core import clock, jobs
from core.events import subscribes
from core.logs import get_logger
from incidents.events import IncidentChanged
from incidents.exchange import arrivals, hook_client, hook_queries, hooks, keys, queries, traffy_actions
from incidents.exchange.errors import TraffyQuotaError
from incidents.exchange.traffy_client import configured

log = get_logger("incidents.traffy")


@jobs.periodic(name="incidents.forget_contacts", cron="25 19 * * *")
def forget_contacts(session: Session) -> None:
    """Who told of an incident through an open door is forgotten 90 days after it ended; uses of doors, in an hour."""
    arrivals.forget_contacts(session, before=clock.now() - arrivals.CONTACTS_KEPT)
    keys.forget_uses(session)
    hook_queries.forget_told(session)


@jobs.periodic(name="incidents.gather_for_partners", cron="* * * * * */2")
def gather_for_partners(session: Session) -> None:
    """What happened waits for the partners who are told without asking, and a job of each tells it."""
    for hook_id in hooks.gather(session):
        _wake(session, hook_id)


def _wake(session: Session, hook_id: int) -> None:
    jobs.enqueue(session, tell_partner, lock=f"partner-hook:{hook_id}", hook_id=hook_id)


# One attempt more than after which the partner is paused.
@jobs.job(name="incidents.tell_partner", attempts=hooks.MOST_FAILURES + 1)
def tell_partner(session: Session, *, hook_id: int) -> None:
    """The partner has heard the oldest line that waits for it, and the next one has a job of its own."""
    if hooks.tell_next(session, hook_id, hook_client.configured()):
        _wake(session, hook_id)


@subscribes(IncidentChanged, by="incidents.tell_traffy")
def tell_traffy_of_change(session: Session, event: IncidentChanged) -> None:
    """A step of an incident that has a ticket at Traffy will be told there, by a job of its own."""
    if configured() is not None and queries.foreign_of_incident(session, event.incident_id, traffy_actions.SYSTEM):
        jobs.enqueue(session, tell_traffy, change_id=event.change_id)


@jobs.job(name="incidents.tell_traffy_step")
def tell_traffy(session: Session, *, change_id: int) -> None:
    """Traffy has heard of the step; where this month's calls are used up, the next look there makes up for it."""
    client = configured()
    if client is None:
        return
    try:
        traffy_actions.tell_step(session, client, change_id=change_id, tells_reporters=True)
    except TraffyQuotaError as fault:
        log.warning("traffy.paused", why=fault.detail)


@jobs.periodic(name="incidents.meet_traffy", cron="17 */2 * * *")
def meet_traffy(session: Session) -> None:
    """What webhooks missed is here, and what Traffy missed is there; nothing happens for a city without an account."""
    client = configured()
    if client is None:
        return
    try:
        pulled = traffy_actions.pull(session, client)
        told = traffy_actions.catch_up(session, client)
    except TraffyQuotaError as fault:
        log.warning("traffy.paused", why=fault.detail)
        return
    log.info("traffy.met", taken=pulled.taken, moved=pulled.moved, told=told, findings=len(pulled.findings))
