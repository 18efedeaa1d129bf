"""Where a feed is to write: every datastream that it names is there, or the fault says which are like it."""

from __future__ import annotations

import difflib

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from sensors.feeds.mapping import mappings_of
from sensors.feeds_store.actions import NewFeed
from sensors.models import Datastream

_MOST_NAMED = 3


def check_targets(session: Session, new: NewFeed) -> None:
    """Raises InvalidInputError that names the first datastream which no station has, and the codes nearest to it."""
    there = sa.select(Datastream.code).where(Datastream.code.is_not(None), Datastream.station_id.is_not(None))
    known = sorted(str(code) for code in session.scalars(there))
    for code in sorted({one.datastream_code for one in mappings_of(new.streams).values()} - set(known)):
        near = difflib.get_close_matches(code, known, n=_MOST_NAMED, cutoff=0.0)
        told = f"the nearest are {', '.join(near)}" if near else "there is none yet"
        raise InvalidInputError(f"'streams' names the datastream '{code}', which is not there; {told}.")
