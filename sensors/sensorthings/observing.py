"""Observations of generic clients kept beside those of devices: marked as not evaluated, moving no state, no map."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2.functions import ST_Collect, ST_Envelope
from sqlalchemy.orm import Session

from core import clock
from sensors.models import Datastream, FeatureOfInterest, Location, Reading, ThingLocation
from sensors.rules import Flag
from sensors.sensorthings.columns import table_of
from sensors.sensorthings.errors import BodyError, CopiesExhaustedError, OwnedError

UNVERIFIED = "unverified"
SOURCE = "sensorthings"
MOST_COPIES = 32_767
_READING = table_of(Reading)


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

    Raises BodyError where there is none.
    """
    row = session.execute(
        sa.select(Datastream.id, Datastream.station_id, Datastream.code, Datastream.unit, Datastream.thing_id)
        .where(Datastream.id == sa.literal(datastream_id, sa.BigInteger))
        .with_for_update(key_share=True)
    ).first()
    if row is None:
        raise BodyError(f"There is no Datastream {datastream_id}.")
    return Stream(*row)


def observe(
    session: Session, *, datastream_id: int, columns: dict[str, Any], foi_id: int | None, now: datetime
) -> int:
    """The observation is kept in this generic datastream; returns its id.

    Without a feature of interest it is about where its thing is. Raises OwnedError for a datastream of a station,
    BodyError where nothing says what it is about.
    """
    stream = locked_stream(session, datastream_id)
    if stream.station_id is not None:
        raise OwnedError("This datastream belongs to a station of the city: only its own device writes to it.")
    about = foi_id if foi_id is not None else feature_of_thing(session, stream.thing_id)
    observed_at = columns.get("observed_at") or now
    row = columns | {
        "datastream_id": stream.id,
        "observed_at": observed_at,
        "copy": next_copy(session, stream.id, observed_at),
        "foi_id": about,
        "qc_flag": int(Flag.NOT_EVALUATED),
        "source": SOURCE,
        "received_at": now,
        "received_wall_at": clock.wall_now(),
    }
    observation_id: int = session.execute(sa.insert(_READING).values(row).returning(_READING.c.id)).scalar_one()
    _note_newest(session, stream.id, row)
    widen_area(session, stream.id, about)
    return observation_id


def next_copy(session: Session, datastream_id: int, observed_at: datetime) -> int:
    """The place of one more observation of this time. Raises CopiesExhaustedError."""
    same = (Reading.datastream_id == datastream_id) & (Reading.observed_at == observed_at)
    last = session.scalar(sa.select(sa.func.max(_READING.c["copy"])).where(same))
    if last is None:
        return 0
    if last >= MOST_COPIES:
        raise CopiesExhaustedError("There are too many observations of this datastream at this one time.")
    return int(last) + 1


_NEWEST = sa.text(
    """
    INSERT INTO latest_reading AS l (datastream_id, observed_at, value, qc_flag, first_observed_at, last_ended_at,
                                     first_result_time, last_result_time)
    VALUES (:d, :t, :v, 2, :t, :ended, :r, :r)
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


def _note_newest(session: Session, datastream_id: int, row: dict[str, Any]) -> None:
    session.execute(
        _NEWEST,
        {
            "d": datastream_id,
            "t": row["observed_at"],
            "v": row.get("value"),
            "ended": row.get("ended_at"),
            "r": row.get("result_time"),
        },
    )


def recount(session: Session, datastream_ids: list[int]) -> None:
    """What is kept of the first and newest observations of these generic datastreams is what is there now."""
    session.execute(
        sa.text("DELETE FROM latest_reading WHERE datastream_id = ANY(CAST(:ids AS int[]))"), {"ids": datastream_ids}
    )
    session.execute(_RECOUNT, {"ids": datastream_ids})


def feature_of_thing(session: Session, thing_id: int) -> int:
    """The feature of interest made of where the thing is, one a location. Raises BodyError where it is nowhere."""
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
        raise BodyError("The observation names no FeatureOfInterest, and its Thing has no Location to make one of.")
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
    return feature.id


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
