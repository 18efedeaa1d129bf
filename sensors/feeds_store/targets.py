"""Where a feed is to write: every datastream that it names is there, or the fault says which are like it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from sensors.feeds.mapping import mappings_of
from sensors.feeds_store.actions import NewFeed
from sensors.models import Datastream, Station

_MOST_NAMED = 3


def known_datastreams(session: Session, without_layers: Collection[str] = ()) -> set[str]:
    """The codes of all datastreams of stations, but for stations that one of these layers brought."""
    there = (
        sa.select(Datastream.code)
        .join(Station, Station.id == Datastream.station_id)
        .where(Datastream.code.is_not(None), Station.layer.not_in(list(without_layers)))
    )
    return {str(code) for code in session.scalars(there)}


def unknown_targets(new: NewFeed, known: Collection[str]) -> Iterator[str]:
    """For each datastream that the feed names and that is not known, the end of a sentence, with the nearest codes."""
    for code in sorted({one.datastream_code for one in mappings_of(new.streams).values()} - set(known)):
        near = difflib.get_close_matches(code, sorted(known), n=_MOST_NAMED, cutoff=0.0)
        told = f"the nearest are {', '.join(near)}" if near else "there is none yet"
        yield f"names the datastream '{code}', which is not there; {told}."


def check_targets(session: Session, new: NewFeed) -> None:
    """Raises InvalidInputError that names the first datastream which no station has, and the codes nearest to it."""
    for cause in unknown_targets(new, known_datastreams(session)):
        raise InvalidInputError(f"'streams' {cause}")
