"""The newest value of each datastream, which every screen asks for: from beside the readings, in one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sensors.sensorthings import paging, rendering, times
from sensors.sensorthings.model import LARGEST_ID, Entity
from sensors.sensorthings.options import Expand, Options

# A station's newest value, from beside the readings, where no reading of it is newer (one ahead of the clock is, and
# does not stand there) and the archive cannot have taken it. Nothing of its datastream comes behind it at its time.
_KEPT = sa.text(
    """
    SELECT l.datastream_id, l.observed_at, l.value, l.first_observed_at < l.observed_at
    FROM unnest(CAST(:ids AS bigint[])) AS asked(id)
    JOIN latest_reading l ON l.datastream_id = asked.id
    JOIN stream_memory m ON m.datastream_id = l.datastream_id AND m.newest_at = l.observed_at
    WHERE l.observed_at > :since AND l.value IS NOT NULL
    """
)
_KEPT_FOR = timedelta(days=30)  # `settings().readings_kept_days` is more.
_TIME, _RESULT = "phenomenonTime", "result"
Kept = tuple[datetime, float, bool]


def is_alone(options: Options) -> bool:
    """The newest of each list is asked for, and nothing is said that another could be in its place for."""
    is_plain = options.filter is None and options.token is None and not options.skip and not options.is_counted
    return is_plain and options.top == 1 and options.order == (paging.NEWEST_FIRST,)


def is_value_alone(entity: Entity, expand: Expand) -> bool:
    """Nothing but the time and the number of each datastream's newest observation is asked for."""
    options = expand.options
    if (entity.name, expand.relation) != ("Datastream", "Observations") or not is_alone(options) or options.expand:
        return False
    return options.select is not None and {_TIME, _RESULT}.issuperset(options.select)


def kept(session: Session, ids: Collection[int], *, now: datetime) -> dict[int, Kept]:
    """By datastream the time and the number of its newest observation, and whether there are older ones.

    One whose newest observation is no number, or does not stand beside the readings, is left out: look it up.
    """
    values = {"ids": f"{{{','.join(map(str, ids))}}}", "since": now - _KEPT_FOR}
    return {id_: (at, value, has_older) for id_, at, value, has_older in session.execute(_KEPT, values).all()}


def write(contents: Mapping[int, dict[str, Any]], found: Mapping[int, Kept], options: Options, *, base: str) -> None:
    """Each datastream's content has the value found for it, and the way to the older ones where there are any."""
    asked = options.select or (_TIME, _RESULT)
    has_time, has_result = _TIME in asked, _RESULT in asked
    ending = rendering.ending_of(options, shown=1)
    endings: dict[datetime, str] = {}  # Many gauges speak at the same moment: the same keys, the same word.
    begun = f"{base}/Datastreams("
    for id_, (at, value, has_older) in found.items():
        content = contents[id_]
        said: dict[str, Any] = {}
        if has_time:
            said[_TIME] = times.written(at)
        if has_result:
            said[_RESULT] = rendering.plain_number(value)
        content["Observations"] = [said]
        if has_older:
            if (behind := endings.get(at)) is None:
                behind = endings[at] = f")/Observations{ending}{paging.token_of([at, LARGEST_ID])}"
            content["Observations@iot.nextLink"] = f"{begun}{id_}{behind}"
