"""An officer's named filters of the inbox: kept, changed, shared with the desk where the officer sits."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.errors import InvalidInputError
from incidents import inbox_queries, promise_queries
from incidents.inbox_models import InboxDesk, InboxFilter

MOST_FILTERS = 50


def sit_at(session: Session, account_id: int, agency_code: str | None) -> None:
    """The officer sits at this agency's desk, or at none. Raises NotFoundError for an unknown agency."""
    if agency_code is None:
        session.execute(sa.delete(InboxDesk).where(InboxDesk.account_id == account_id))
        return
    row = {"account_id": account_id, "agency_code": promise_queries.agency(session, agency_code).code}
    session.execute(insert(InboxDesk).values(row).on_conflict_do_update(index_elements=["account_id"], set_=row))


def save_filter(
    session: Session, account_id: int, *, name: str, wanted: dict[str, Any], is_default: bool, is_shared: bool
) -> InboxFilter:
    """The officer's filter of this name asks for this; a default takes the place of the one before.

    Raises InvalidInputError where it is to be shared and the officer sits at no desk, or where there are too many.
    """
    desk = inbox_queries.desk_of(session, account_id)
    if is_shared and desk is None:
        raise InvalidInputError("Say at which agency's desk you sit, then share the filter with it.")
    count = sa.select(sa.func.count()).where(InboxFilter.account_id == account_id, InboxFilter.name != name)
    if session.execute(count).scalar_one() >= MOST_FILTERS:
        raise InvalidInputError(f"You have {MOST_FILTERS} filters; delete one that you no longer need.")
    if is_default:
        before = sa.update(InboxFilter).where(InboxFilter.account_id == account_id, InboxFilter.name != name)
        session.execute(before.values(is_default=False))
    row = {
        "account_id": account_id, "name": name, "wanted": wanted, "is_default": is_default,
        "agency_code": desk if is_shared else None, "saved_at": clock.now(),
    }
    saved = insert(InboxFilter).values(row)
    filter_id = session.execute(
        saved.on_conflict_do_update(index_elements=["account_id", "name"], set_=row).returning(InboxFilter.id)
    ).scalar_one()
    return session.get_one(InboxFilter, filter_id, populate_existing=True)


def forget_filter(session: Session, account_id: int, filter_id: int) -> None:
    """The officer's filter is gone. Raises NotFoundError, also for another's."""
    session.delete(inbox_queries.filter_of(session, account_id, filter_id))
    session.flush()
