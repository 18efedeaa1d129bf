"""What is forgotten on the beat of the clock."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core import clock, jobs
from incidents.exchange import arrivals, keys


@jobs.periodic(name="incidents.forget_contacts", cron="25 19 * * *")
def forget_contacts(session: Session) -> None:
    """Who told of an incident through an open door is forgotten 90 days after it ended; uses of doors, in an hour."""
    arrivals.forget_contacts(session, before=clock.now() - arrivals.CONTACTS_KEPT)
    keys.forget_uses(session)
