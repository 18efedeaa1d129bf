"""Observations of generic clients kept beside those of devices: marked as not evaluated, moving no state, no map."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2.functions import ST_Collect, ST_Envelope
from sqlalchemy.orm import Session

from core import clock
from sensors.changes import note_new
from sensors.models import Datastream, FeatureOfInterest, Location, Reading, ThingLocation
from sensors.rules import Flag
from sensors.sensorthings.columns import table_of
from sensors.sensorthings.errors import CopiesExhaustedError, NoSuchEntityError, NowhereError, OwnedError

UNVERIFIED = "unverified"
SOURCE = "sensorthings"
MOST_COPIES = 32_767
_READING = table_of(Reading)
_OPTIONAL = (
    "value", "result", "ended_at", "result_time", "result_quality", "valid_from", "valid_to", "parameters",
)


@dataclass(frozen=True)
class Stream:
    """What an observation must know of its datastream."""

    id: int
    station_id: int | None
    code: str | None
    unit: str | None
    thing_id: int


def locked_stream(session: Session, datastream_id: int) -> Stream:
    """The datastream, kept for this transaction so that two observations of one time cannot take one place.

    Raises NoSuchEntityError where there is none.
    """
    row = session.execute(
        sa.select(Datastream.id, Datastream.station_id, Datastream.code, Datastream.unit, Datastream.thing_id)
        .where(Datastream.id == sa.literal(datastream_id, sa.BigInteger))
        .with_for_update(key_share=True)
    ).first()
    if row is None:
        raise NoSuchEntityError(f"There is no Datastream {datastream_id}.")
    return Stream(*row)


def observe(
    session: Session, *, datastream_id: int, columns: dict[str, Any], foi_id: int | None, now: datetime
) -> int:
    """The observation is kept in this generic datastream; returns its id. Raises as `observe_all`."""
    return observe_all(session, datastream_id=datastream_id, seen=[(columns, foi_id)], now=now)[0]


def observe_all(
    session: Session, *, datastream_id: int, seen: Sequence[tuple[dict[str, Any], int | None]], now: datetime
) -> list[int]:
    """The observations, each its columns and feature of interest, are kept in this generic datastream; their ids.

    Without a feature of interest they are about where their thing is. Raises OwnedError for a datastream of a station,
    NowhereError where nothing says what they are about, CopiesExhaustedError.
    """
    stream = locked_stream(session, datastream_id)
    if stream.station_id is not None:
        raise OwnedError("This datastream belongs to a station of the city: only its own device writes to it.")
    if not seen:
        return []
    at_thing = feature_of_thing(session, stream.thing_id) if any(foi_id is None for _, foi_id in seen) else None
    times = [columns.get("observed_at") or now for columns, _ in seen]
    copies = _next_copies(session, stream.id, times)
    wall = clock.wall_now()
    rows = [
        dict.fromkeys(_OPTIONAL)
        | columns
        | {
            "datastream_id": stream.id,
            "observed_at": at,
            "copy": copy,
            "foi_id": at_thing if foi_id is None else foi_id,
            "qc_flag": int(Flag.NOT_EVALUATED),
            "source": SOURCE,
            "received_at": now,
            "received_wall_at": wall,
        }
        for (columns, foi_id), at, copy in zip(seen, times, copies, strict=True)
    ]
    insert = sa.insert(_READING).returning(_READING.c.id, sort_by_parameter_order=True)
    ids = list(session.scalars(insert, rows))
    _note_newest(session, stream.id, rows)
    for about in sorted({row["foi_id"] for row in rows}):
        widen_area(session, stream.id, about)
    note_new(session, "Observation", ids, datastream_id=stream.id)
    return ids


def next_copy(session: Session, datastream_id: int, observed_at: datetime) -> int:
    """The place of one more observation of this time. Raises CopiesExhaustedError."""
    return _next_copies(session, datastream_id, [observed_at])[0]


def _next_copies(session: Session, datastream_id: int, times: Sequence[datetime]) -> list[int]:
    last = sa.func.max(_READING.c["copy"])
    same = (_READING.c.datastream_id == datastream_id) & _READING.c.observed_at.in_(sorted(set(times)))
    taken = session.execute(sa.select(_READING.c.observed_at, last).where(same).group_by(_READING.c.observed_at))
    free = {at.astimezone(UTC): copy + 1 for at, copy in taken}
    copies = []
    for at in times:
        copies.append(free.get(at, 0))
        free[at] = copies[-1] + 1
    if max(copies) > MOST_COPIES:
        raise CopiesExhaustedError("There are too many observations of this datastream at this one time.")
    return copies


_NEWEST = sa.text(
    """
    INSERT INTO latest_reading AS l (datastream_id, observed_at, value, qc_flag, first_observed_at, last_ended_at,
                                     first_result_time, last_result_time)
    VALUES (:d, :t, :v, 2, :first, :ended, :first_result, :last_result)
    ON CONFLICT (datastream_id) DO UPDATE
    SET value = CASE WHEN excluded.observed_at >= l.observed_at THEN excluded.value ELSE l.value END,
        observed_at = greatest(l.observed_at, excluded.observed_at),
        first_observed_at = least(l.first_observed_at, excluded.first_observed_at),
        last_ended_at = greatest(l.last_ended_at, excluded.last_ended_at),
        first_result_time = least(l.first_result_time, excluded.first_result_time),
        last_result_time = greatest(l.last_result_time, excluded.last_result_time)
    """
)
_RECOUNT = sa.text(
    """
    INSERT INTO latest_reading (datastream_id, observed_at, value, qc_flag, first_observed_at, last_ended_at,
                                first_result_time, last_result_time)
    SELECT datastream_id, max(observed_at), (array_agg(value ORDER BY observed_at DESC))[1], 2, min(observed_at),
           max(ended_at), min(result_time), max(result_time)
    FROM reading WHERE datastream_id = ANY(CAST(:ids AS int[])) GROUP BY datastream_id
    """
)


def _note_newest(session: Session, datastream_id: int, rows: Sequence[dict[str, Any]]) -> None:
    newest = max(rows, key=lambda row: row["observed_at"])
    results = [row["result_time"] for row in rows if row["result_time"] is not None]
    session.execute(
        _NEWEST,
        {
            "d": datastream_id,
            "t": newest["observed_at"],
            "v": newest["value"],
            "first": min(row["observed_at"] for row in rows),
            "ended": max((row["ended_at"] for row in rows if row["ended_at"] is not None), default=None),
            "first_result": min(results, default=None),
            "last_result": max(results, default=None),
        },
    )


_AREAS = sa.text(
    """
    UPDATE datastream d SET observed_area = seen.area
    FROM unnest(CAST(:ids AS bigint[])) AS wanted(id)
    LEFT JOIN LATERAL (
        SELECT ST_Envelope(ST_Collect(f.geom)) AS area FROM feature_of_interest f
        WHERE f.id IN (SELECT r.foi_id FROM reading r WHERE r.datastream_id = wanted.id)
    ) seen ON true
    WHERE d.id = wanted.id
    """
)


def recount(session: Session, datastream_ids: list[int]) -> None:
    """What is kept of the observations of these generic datastreams is what is there now: first, newest and area."""
    session.execute(
        sa.text("DELETE FROM latest_reading WHERE datastream_id = ANY(CAST(:ids AS int[]))"), {"ids": datastream_ids}
    )
    session.execute(_RECOUNT, {"ids": datastream_ids})
    session.execute(_AREAS, {"ids": datastream_ids})


def redraw_areas(session: Session, foi_id: int) -> None:
    """The areas of generic datastreams with observations about this feature of interest cover it where it is now."""
    about = sa.select(_READING.c.datastream_id).where(_READING.c.foi_id == foi_id).distinct()
    session.execute(_AREAS, {"ids": list(session.scalars(about))})


def feature_of_thing(session: Session, thing_id: int) -> int:
    """The feature of interest made of where the thing is, one a location. Raises NowhereError where it is nowhere."""
    location = session.scalars(
        sa.select(Location)
        .join(ThingLocation, ThingLocation.location_id == Location.id)
        .where(ThingLocation.thing_id == thing_id)
        .order_by(Location.geom.is_(None), Location.id)
        .limit(1)
        .with_for_update(of=Location)
        .execution_options(populate_existing=True)
    ).first()
    if location is None:
        raise NowhereError("The observation names no FeatureOfInterest, and its Thing has no Location to make one of.")
    if location.foi_id is not None:
        return location.foi_id
    feature = FeatureOfInterest(
        name=location.name,
        description=location.description,
        trust=UNVERIFIED,
        encoding_type=location.encoding_type,
        feature=location.location,
        geom=location.geom,
    )
    session.add(feature)
    session.flush()
    location.foi_id = feature.id
    session.flush()
    note_new(session, "FeatureOfInterest", [feature.id])
    return feature.id


def features_there(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the ids that are features of interest."""
    if not ids:
        return set()
    wanted = sa.literal(sorted(ids), sa.ARRAY(sa.BigInteger))
    return set(session.scalars(sa.select(FeatureOfInterest.id).where(FeatureOfInterest.id == sa.func.any(wanted))))


def widen_area(session: Session, datastream_id: int, foi_id: int) -> None:
    """The datastream's observed area covers the feature of interest too."""
    feature = sa.select(FeatureOfInterest.geom).where(FeatureOfInterest.id == foi_id).scalar_subquery()
    session.execute(
        sa.update(Datastream)
        .where(Datastream.id == datastream_id, feature.is_not(None))
        .where(
            Datastream.observed_area.is_(None)
            | sa.not_(sa.func.ST_Covers(Datastream.observed_area, sa.func.ST_Envelope(feature), type_=sa.Boolean))
        )
        .values(observed_area=sa.case(
            (Datastream.observed_area.is_(None), ST_Envelope(feature)),
            else_=ST_Envelope(ST_Collect(Datastream.observed_area, feature)),
        ))
        .execution_options(synchronize_session=False)
    )
