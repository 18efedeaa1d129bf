"""The quarantine: what could not be kept as a reading, as it came, with the reason; told, tried again, and bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.errors import InvalidInputError
from core.words import words
from sensors.feeds.health import StoreTrouble
from sensors.feeds.row import Reason
from sensors.models import Datastream, ReadingRefused, Station
from sensors.payloads import MAX_KEPT_CHARS, UNSTORABLE, DeviceRow, rows_of_message, text_of
from sensors.rules import IncomingReading, Refused

# By these ways rows come as devices wrote them, and are believed only with their station's key.
OF_DEVICES = frozenset({"mqtt", "http", "sensorthings"})
UNSTORABLE_REASON = "unstorable"
WITH_WORDS = frozenset({
    "unknown_datastream", "wrong_unit", "no_time_zone", "future_time", "too_old", "conflicting_value",
    "missing_after_value", "value_after_missing", "wrong_key", "too_large", "not_json", "not_an_object", "malformed",
    "not_allowed", "no_such_topic", "too_many_astray", "station_owns", "no_such_entity", "unknown_property",
    "no_location", "out_of_range", "too_many_at_one_time", "changed_meanwhile", "not_whole", UNSTORABLE_REASON,
})  # fmt: skip

_REASON = re.compile("[a-z_]{1,60}")
EXAMPLE_CHARS = 400
# The datastream that a row names, in its address, a field, or its text, of which no more is read than says it.
_CODE: sa.ColumnElement[str] = sa.func.left(
    sa.func.coalesce(
        ReadingRefused.topic_code,
        ReadingRefused.raw["datastream"].as_string(),
        sa.func.substring(
            sa.func.left(ReadingRefused.raw["text"].as_string(), 2000), r'"datastream"\s*:\s*"([^"\\]*)"'
        ),
        "",
    ),
    100,
)


@dataclass(frozen=True)
class Choice:
    """Which refused rows: of a reason, with these ids, received since a time, beyond an id, those that still wait.

    And of a source, that name a datastream. None and 0 are no limit; the datastream "" is of rows that name none.
    """

    reason: str | None = None
    ids: tuple[int, ...] | None = None
    since: datetime | None = None
    after_id: int = 0
    still_waits: bool = False
    source: str | None = None
    datastream_code: str | None = None


@dataclass(frozen=True)
class ReasonCount:
    """How many rows wait with this reason, and how many of it were taken at a later try; the newest one's arrival."""

    reason: str
    waiting: int
    replayed: int
    newest_at: datetime


@dataclass(frozen=True)
class Group:
    """Rows of one source that name one datastream and were refused for one reason; `example` begins the newest one.

    `datastream_code` is "" where they name none; the station is None where nobody here has such a datastream.
    """

    source: str
    datastream_code: str
    station_id: int | None
    station_name_th: str | None
    station_name_en: str | None
    reason: str
    waiting: int
    replayed: int
    first_at: datetime
    newest_at: datetime
    example: str


@dataclass(frozen=True)
class Groups:
    """Groups, those of which most rows wait first, as many as were asked for; the sums are over all of them."""

    groups: list[Group]
    groups_count: int
    waiting: int


# --- keeping --------------------------------------------------------------------------------------------------------


def keep_row(session: Session, row: DeviceRow, reason: str, *, key_hash: bytes | None, source: str) -> None:
    """The row stands in quarantine as its device wrote it; `key_hash` is of the key that it came with."""
    _keep(
        session, {"text": row.raw[:MAX_KEPT_CHARS]}, reason, source=source, topic_code=row.topic_code,
        key_hash=key_hash, received_wall_at=row.received_wall_at,
    )


def keep_reading(session: Session, reading: IncomingReading, reason: str, *, source: str) -> None:
    """The reading, of a caller inside the house, stands in quarantine as it was said."""
    raw = {
        "datastream": reading.datastream_code,
        "observed_at": reading.observed_at.isoformat(),
        "value": str(reading.value),
        "unit": reading.unit,
    }
    if reading.confidence is not None:
        raw["confidence"] = str(reading.confidence)
    _keep(session, raw, reason, source=source, received_wall_at=reading.received_wall_at)


def keep_unstorable(
    session: Session, payload: bytes, *, topic_code: str, received_wall_at: datetime, source: str
) -> None:
    """A message that the database could not take stands in quarantine as it came, without its key."""
    _keep(
        session, {"text": text_of(payload)}, UNSTORABLE_REASON, source=source, topic_code=topic_code,
        received_wall_at=received_wall_at,
    )


def keep_refused_message(
    session: Session, message: dict[str, str], *, reason: str, source: str, received_at: datetime,
    received_wall_at: datetime,
) -> None:
    """A message that is no reading, and was not taken for what it is, stands in quarantine as far as it can be read.

    Who has registered itself for rows of this source (`retrying.takes_again`) tries it again.
    """
    _keep(
        session, {name: text[:MAX_KEPT_CHARS] for name, text in message.items()}, reason, source=source,
        received_at=received_at, received_wall_at=received_wall_at,
    )


def _keep(
    session: Session, raw: dict[str, str], reason: str, *, source: str, topic_code: str | None = None,
    key_hash: bytes | None = None, received_at: datetime | None = None, received_wall_at: datetime | None = None,
) -> None:
    session.add(
        ReadingRefused(
            raw={name: _storable(text) for name, text in raw.items()}, reason=reason, source=source,
            topic_code=None if topic_code is None else _storable(topic_code), key_hash=key_hash,
            received_at=received_at or clock.now(), received_wall_at=received_wall_at or clock.wall_now(),
        )
    )


def _storable(text: str) -> str:
    """PostgreSQL knows no NUL character and no half of a surrogate pair."""
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


# --- telling --------------------------------------------------------------------------------------------------------


def words_of(reason: str, *, language: str = "th") -> str:
    """Why the row was refused, in words for an officer."""
    slug = reason.replace("_", "-")
    if reason in WITH_WORDS:
        return words("sensors", f"refused-{slug}", language=language)
    if reason in {*Reason, *StoreTrouble}:
        return words("sensors", f"feed-error-{slug}", language=language)
    return words("sensors", "refused-other", language=language)


def advice_of(reason: str, *, language: str = "th") -> str | None:
    """What an officer can do about rows that are refused so, in a sentence; None where nobody has written one."""
    if reason not in WITH_WORDS:
        return None
    return words("sensors", f"refused-todo-{reason.replace('_', '-')}", language=language)


def groups(session: Session, choice: Choice, *, limit: int) -> Groups:
    """The chosen rows by source, datastream and reason; with the station where there is one."""
    row = ReadingRefused
    rows = (
        sa.select(row.id, row.source, row.reason, row.received_at, row.replayed_at, _CODE.label("code"))
        .where(*_is_chosen(choice))
        .cte("chosen")
    )
    waiting = sa.func.count().filter(rows.c.replayed_at.is_(None))
    grouped = (
        sa.select(
            rows.c.source, rows.c.code, rows.c.reason, waiting.label("waiting"),
            (sa.func.count() - waiting).label("replayed"), sa.func.min(rows.c.received_at).label("first_at"),
            sa.func.max(rows.c.received_at).label("newest_at"), sa.func.max(rows.c.id).label("newest_id"),
            sa.func.count().over().label("groups_count"), sa.func.sum(waiting).over().label("all_waiting"),
        )
        .group_by(rows.c.source, rows.c.code, rows.c.reason)
        .order_by(sa.desc("waiting"), rows.c.source, rows.c.code, rows.c.reason)
        .limit(limit)
        .cte("grouped")
    )  # fmt: skip
    said = sa.func.coalesce(row.raw["text"].as_string(), row.raw["message"].as_string(), sa.cast(row.raw, sa.Text))
    example = sa.func.left(said, EXAMPLE_CHARS).label("example")
    told = (
        sa.select(grouped, Station.id, Station.name_th, Station.name_en, example)
        .join(row, row.id == grouped.c.newest_id)
        .outerjoin(Datastream, Datastream.code == grouped.c.code)
        .outerjoin(Station, Station.id == Datastream.station_id)
        .order_by(grouped.c.waiting.desc(), grouped.c.source, grouped.c.code, grouped.c.reason)
    )
    found = session.execute(told).all()
    listed = [
        Group(
            source=one.source, datastream_code=one.code, station_id=one.id, station_name_th=one.name_th,
            station_name_en=one.name_en, reason=one.reason, waiting=one.waiting, replayed=one.replayed,
            first_at=one.first_at, newest_at=one.newest_at, example=one.example,
        )
        for one in found
    ]
    return Groups(listed, found[0].groups_count if found else 0, int(found[0].all_waiting) if found else 0)


def counts(session: Session, choice: Choice) -> list[ReasonCount]:
    """The chosen rows by reason, those of which most wait first."""
    waiting = sa.func.count().filter(ReadingRefused.replayed_at.is_(None))
    wanted = sa.select(
        ReadingRefused.reason, waiting.label("waiting"), (sa.func.count() - waiting).label("replayed"),
        sa.func.max(ReadingRefused.received_at).label("newest_at"),
    )
    by_reason = wanted.where(*_is_chosen(choice)).group_by(ReadingRefused.reason)
    rows = session.execute(by_reason.order_by(waiting.desc(), ReadingRefused.reason))
    return [ReasonCount(row.reason, row.waiting, row.replayed, row.newest_at) for row in rows]


def page(session: Session, choice: Choice, *, before_id: int | None, limit: int) -> list[ReadingRefused]:
    """The chosen rows, newest first, those with an id below `before_id` where it is given."""
    wanted = sa.select(ReadingRefused).where(*_is_chosen(choice)).order_by(ReadingRefused.id.desc()).limit(limit)
    if before_id is not None:
        wanted = wanted.where(ReadingRefused.id < before_id)
    return list(session.scalars(wanted))


def checked_reason(reason: str) -> str:
    """The reason, as somebody asks for it. Raises InvalidInputError where no reason is written so."""
    if not _REASON.fullmatch(reason):
        raise InvalidInputError("A reason is written like wrong_unit: small letters and underscores.")
    return reason


def lock_waiting(session: Session, choice: Choice, *, limit: int) -> Sequence[ReadingRefused]:
    """The chosen rows that still wait, oldest first, nobody else's until the commit; those that are somebody's not."""
    wanted = sa.select(ReadingRefused).where(*_is_chosen(replace(choice, still_waits=True)))
    return session.scalars(wanted.order_by(ReadingRefused.id).limit(limit).with_for_update(skip_locked=True)).all()


def _is_chosen(choice: Choice) -> list[sa.ColumnElement[bool]]:
    conditions = [ReadingRefused.id > choice.after_id]
    if choice.reason is not None:
        conditions.append(ReadingRefused.reason == choice.reason)
    if choice.ids is not None:
        ids = sa.literal(list(choice.ids), sa.ARRAY(sa.BigInteger))
        conditions.append(ReadingRefused.id == sa.func.any(ids))
    if choice.since is not None:
        conditions.append(ReadingRefused.received_at >= choice.since)
    if choice.source is not None:
        conditions.append(ReadingRefused.source == choice.source)
    if choice.datastream_code is not None:
        conditions.append(_CODE.is_not_distinct_from(choice.datastream_code))
    if choice.still_waits:
        conditions.append(ReadingRefused.replayed_at.is_(None))
    return conditions


def readings_in(row: ReadingRefused) -> list[IncomingReading | Refused]:
    """What the refused row says, read again by today's rules; never empty.

    What a feed's source sent is read by that feed alone: here it stays refused, for the reason that it has.
    """
    text = row.raw.get("text")
    received_wall_at = row.received_wall_at or row.received_at
    if text is None:
        return [_reading_of(row.raw, received_wall_at)]
    if row.source not in OF_DEVICES:
        return [Refused(row.reason, "What a source sent is read by its own feed.")]
    rows = rows_of_message(row.topic_code, str(text).encode(), received_wall_at=received_wall_at)
    return [one.reading for one in rows] or [Refused(row.reason, "There is no reading in it.")]


def _reading_of(raw: dict[str, Any], received_wall_at: datetime) -> IncomingReading | Refused:
    try:
        return IncomingReading(
            datastream_code=raw["datastream"],
            observed_at=datetime.fromisoformat(raw["observed_at"]).astimezone(UTC),
            value=float(raw["value"]),
            unit=raw["unit"],
            confidence=float(raw["confidence"]) if "confidence" in raw else None,
            received_wall_at=received_wall_at,
        )
    except (KeyError, ValueError, OverflowError):
        return Refused("malformed", "What is kept of this row says no reading.")


# --- bounding -------------------------------------------------------------------------------------------------------


def drop_older(session: Session, *, before: datetime) -> dict[str, int]:
    """Rows received before `before` are gone, tried again or not; returns how many of each reason."""
    gone = (
        sa.delete(ReadingRefused)
        .where(ReadingRefused.received_at < before)
        .returning(ReadingRefused.reason)
        .cte("gone")
    )
    rows = session.execute(sa.select(gone.c.reason, sa.func.count().label("rows")).group_by(gone.c.reason))
    return {row.reason: row.rows for row in rows}
