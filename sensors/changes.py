"""What subscribers of SensorThings are to be told: an outbox that stays empty while nobody subscribes.

Whoever changes an entity notes it here, in the same transaction, so that nothing is told that was rolled back and all
is told that was committed. Notes are made only for what somebody waits for: the gateway says so by `hold_interest`, and
has to say it again and again, so that a gateway that was killed leaves no outbox that grows for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, driver_connection
from sensors.judging import Row

CHANNEL = "sta_change"
EVERYTHING = "*"  # The entity of a subscription that may be about any.
# By the database's own clock, as leases are about processes: the city's clock may stand still or run.
INTEREST_LASTS = timedelta(seconds=60)
MOST_WAITING = 100_000
_AT = sa.DateTime(timezone=True)


class StaSubscription(Base):
    """A topic that somebody waits for, until when, and which changes can be about it."""

    __tablename__ = "sta_subscription"

    topic: Mapped[str] = mapped_column(primary_key=True)
    entity: Mapped[str]
    datastream_id: Mapped[int | None]
    held_until: Mapped[datetime] = mapped_column(_AT)


class StaChange(Base):
    """A change that is to be told: the entity by its id, or a device's reading by its key; deleted when it was told."""

    __tablename__ = "sta_change"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    entity: Mapped[str]
    entity_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    datastream_id: Mapped[int | None]
    observed_at: Mapped[datetime | None] = mapped_column(_AT)
    properties: Mapped[list[str] | None] = mapped_column(ARRAY(sa.Text))


class StaTaken(Base):
    """The newest message of an inbox that has become an observation: those before it are not stored again."""

    __tablename__ = "sta_taken"

    inbox: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(sa.BigInteger)


@dataclass(frozen=True)
class Wanted:
    """A topic with the entity that it is about (EVERYTHING where that is open), and the datastream if it names one."""

    topic: str
    entity: str
    datastream_id: int | None = None


@dataclass(frozen=True)
class Change:
    """An entity that is new (`properties` is None) or of which these properties were changed."""

    entity: str
    entity_id: int
    properties: tuple[str, ...] | None


_NOTE = sa.text(
    """
    WITH noted AS (
        INSERT INTO sta_change (entity, entity_id, properties)
        SELECT :entity, changed.id, CAST(:properties AS text[])
        FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS changed(id, n)
        WHERE EXISTS (
            SELECT FROM sta_subscription s
            WHERE s.entity IN (:entity, '*') AND s.held_until > clock_timestamp()
              AND (s.datastream_id IS NULL OR s.datastream_id = coalesce(CAST(:datastream AS int), s.datastream_id)))
        ORDER BY changed.n RETURNING 1)
    SELECT pg_notify('sta_change', '') FROM (SELECT FROM noted LIMIT 1) AS first
    """
)


def note_new(session: Session, entity: str, ids: Collection[int], *, datastream_id: int | None = None) -> None:
    """That these entities are new is told after the commit, if anybody waits for it."""
    _note(session, entity, ids, properties=None, datastream_id=datastream_id)


def note_changed(session: Session, entity: str, id_: int, properties: Iterable[str]) -> None:
    """That these properties of the entity were changed is told after the commit, if anybody waits for it.

    Without properties a relation was changed. Noted after the change itself, which holds the row: so changes of one
    entity stand in the order of their commits.
    """
    _note(session, entity, [id_], properties=sorted(properties), datastream_id=None)


def _note(
    session: Session, entity: str, ids: Collection[int], *, properties: list[str] | None, datastream_id: int | None
) -> None:
    values = {"entity": entity, "ids": list(ids), "properties": properties, "datastream": datastream_id}
    session.execute(_NOTE, values)


_WANTED = (
    "SELECT DISTINCT datastream_id FROM sta_subscription WHERE entity IN ('Observation', '*') "
    "AND held_until > clock_timestamp()"
)
_NOTE_READINGS = """
    INSERT INTO sta_change (entity, datastream_id, observed_at, properties)
    SELECT 'Observation', d, t, CASE WHEN is_new THEN NULL ELSE ARRAY['resultQuality'] END
    FROM unnest(CAST(%b AS int[]), CAST(%b AS timestamptz[]), CAST(%b AS bool[])) WITH ORDINALITY AS r(d, t, is_new, n)
    ORDER BY n
    """


def note_readings(session: Session, new: Sequence[Row], flagged: Sequence[Row]) -> None:
    """The new readings and those with another flag are told after the commit, as far as anybody waits for them.

    Where nobody does, this is one question to an empty table.
    """
    with driver_connection(session).cursor(binary=True) as cursor:
        wanted = {found for (found,) in cursor.execute(_WANTED).fetchall()}
        if not wanted:
            return
        rows = [(row, True) for row in new] + [(row, False) for row in flagged]
        if None not in wanted:
            rows = [one for one in rows if one[0].datastream_id in wanted]
        if rows:
            columns = [
                [row.datastream_id for row, _ in rows], [row.observed_at for row, _ in rows],
                [is_new for _, is_new in rows],
            ]
            cursor.execute(_NOTE_READINGS, columns)
            cursor.execute("SELECT pg_notify('sta_change', '')")


def hold_interest(session: Session, wanted: Collection[Wanted]) -> None:
    """Changes on these topics and no others are noted, until INTEREST_LASTS from now."""
    kept = StaSubscription.topic.in_([one.topic for one in wanted])
    session.execute(sa.delete(StaSubscription).where(sa.not_(kept)))
    if not wanted:
        session.execute(sa.delete(StaChange))
        return
    session.execute(
        sa.text(
            "INSERT INTO sta_subscription (topic, entity, datastream_id, held_until) "
            "SELECT *, clock_timestamp() + :lasts FROM unnest(CAST(:topics AS text[]), CAST(:entities AS text[]), "
            "CAST(:streams AS int[])) ON CONFLICT (topic) DO UPDATE SET held_until = excluded.held_until"
        ),
        {
            "lasts": INTEREST_LASTS,
            "topics": [one.topic for one in wanted],
            "entities": [one.entity for one in wanted],
            "streams": [one.datastream_id for one in wanted],
        },
    )


_OLDEST = sa.text(
    """
    SELECT c.id, c.entity, coalesce(c.entity_id, r.id), c.properties
    FROM (SELECT * FROM sta_change ORDER BY id LIMIT :most) AS c
    LEFT JOIN reading r ON c.entity_id IS NULL
                       AND r.datastream_id = c.datastream_id AND r.observed_at = c.observed_at AND r.copy = 0
    ORDER BY c.id
    """
)


def oldest(session: Session, most: int) -> list[tuple[int, Change | None]]:
    """The first notes, by their numbers; None where the entity is gone again."""
    return [
        (number, None if id_ is None else Change(entity, id_, None if names is None else tuple(names)))
        for number, entity, id_, names in session.execute(_OLDEST, {"most": most})
    ]


def forget(session: Session, numbers: Collection[int]) -> None:
    """These notes are gone: they were told."""
    told = sa.literal(list(numbers), ARRAY(sa.BigInteger))
    session.execute(sa.delete(StaChange).where(StaChange.id == sa.func.any(told)))


def drop_excess(session: Session, most: int = MOST_WAITING) -> int:
    """No more than this many notes wait: the oldest are gone. Returns how many went."""
    first_kept = sa.select(StaChange.id).order_by(StaChange.id.desc()).offset(most - 1).limit(1).scalar_subquery()
    gone = session.execute(sa.delete(StaChange).where(StaChange.id < first_kept).returning(StaChange.id))
    return len(gone.all())


def newest_taken(session: Session, inbox: str) -> int:
    """The newest message of the inbox that has been stored; nobody else stores from it until the commit."""
    session.execute(
        sa.text("INSERT INTO sta_taken (inbox, message_id) VALUES (:inbox, 0) ON CONFLICT DO NOTHING"),
        {"inbox": inbox},
    )
    found: int = session.execute(
        sa.select(StaTaken.message_id).where(StaTaken.inbox == inbox).with_for_update()
    ).scalar_one()
    return found


def note_taken(session: Session, inbox: str, message_id: int) -> None:
    """Messages of the inbox up to this one have been stored."""
    session.execute(sa.update(StaTaken).where(StaTaken.inbox == inbox).values(message_id=message_id))
