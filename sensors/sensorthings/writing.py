"""Entities created and changed as bodies describe them, with all that hangs on them, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sensors.changes import note_changed, note_new
from sensors.models import (
    Datastream,
    HistoricalLocation,
    HistoricalLocationLocation,
    Reading,
    Thing,
    ThingLocation,
)
from sensors.sensorthings.columns import TABLES, properties_of, table_of
from sensors.sensorthings.errors import NoSuchEntityError, NoSuchResourceError, OwnedError
from sensors.sensorthings.model import ENTITIES, OBSERVATION, Entity
from sensors.sensorthings.observing import UNVERIFIED, next_copy, observe, recount, redraw_areas
from sensors.sensorthings.payloads import Draft

_FOREIGN = {
    "Thing": "thing_id", "Sensor": "sensor_id", "ObservedProperty": "observed_property_id",
    "Datastream": "datastream_id", "FeatureOfInterest": "foi_id",
}
Links = dict[str, tuple[int | Draft, ...]]


def create(session: Session, draft: Draft, *, now: datetime) -> int:
    """The entity of the draft exists, with every entity inside it; returns its id.

    Raises NoSuchEntityError where it links to what is not there, OwnedError where it would change what a station owns.
    """
    entity = draft.entity
    ones = {
        name: _resolved(session, entity.relations[name].target, linked[0], now=now)
        for name, linked in draft.links.items()
        if not entity.relations[name].is_many
    }
    if ones and entity.name != "Observation":
        _refuse_owned_parent(session, entity, ones)
    if entity is OBSERVATION:
        return observe(
            session,
            datastream_id=ones["Datastream"],
            columns=draft.columns,
            foi_id=ones.get("FeatureOfInterest"),
            now=now,
        )
    values = dict(draft.columns) | {_FOREIGN[name]: id_ for name, id_ in ones.items()}
    if "trust" in TABLES[entity.name].c:
        values["trust"] = UNVERIFIED
    id_ = _insert(session, entity, values)
    many = {name: linked for name, linked in draft.links.items() if entity.relations[name].is_many}
    _link_many(session, entity, id_, many, now=now)
    return id_


def _insert(session: Session, entity: Entity, values: dict[str, Any]) -> int:
    table = TABLES[entity.name]
    id_: int = session.execute(sa.insert(table).values(values).returning(table.c.id)).scalar_one()
    note_new(session, entity.name, [id_])
    return id_


def _resolved(session: Session, name: str, link: int | Draft, *, now: datetime) -> int:
    if isinstance(link, Draft):
        return create(session, link, now=now)
    table = TABLES[name]
    if session.scalar(sa.select(table.c.id).where(table.c.id == sa.literal(link, sa.BigInteger)).limit(1)) is None:
        raise NoSuchEntityError(f"There is no {name} {link}.")
    return link


def _refuse_owned_parent(session: Session, entity: Entity, ones: dict[str, int]) -> None:
    """Datastreams and historical locations of a station's thing are the pack's."""
    if "Thing" in ones and entity.name in {"Datastream", "HistoricalLocation"}:
        refuse_owned(session, ENTITIES["Thing"], ones["Thing"])


def refuse_owned(session: Session, entity: Entity, id_: int) -> None:
    """The entity belongs to no station and is none of the house's own; raises OwnedError where it does."""
    table = TABLES[entity.name]
    if entity.name in {"Sensor", "ObservedProperty"}:
        owner = sa.select(table.c.code).where(table.c.id == id_)
    elif entity.name == "HistoricalLocation":
        owner = sa.select(Thing.station_id).join(HistoricalLocation, HistoricalLocation.thing_id == Thing.id)
        owner = owner.where(HistoricalLocation.id == id_)
    elif entity is OBSERVATION:
        owner = sa.select(Datastream.station_id).join(Reading, Reading.datastream_id == Datastream.id)
        owner = owner.where(Reading.id == id_)
    else:
        owner = sa.select(table.c.station_id).where(table.c.id == id_)
    if session.scalar(owner) is not None:
        raise OwnedError(f"This {entity.name} belongs to the city's stations; it is changed in the city's pack.")


def _link_many(session: Session, entity: Entity, id_: int, links: Links, *, now: datetime) -> None:
    # Places first: what is observed without a feature of interest is about where its thing is.
    for name, linked in sorted(links.items(), key=lambda link: link[0] != "Locations"):
        target = entity.relations[name].target
        if (entity.name, name) == ("Thing", "Locations"):
            move_thing(session, id_, [_resolved(session, target, one, now=now) for one in linked], at=now)
        elif (entity.name, name) == ("Location", "Things"):
            for one in linked:
                _bring_thing(session, one, location_id=id_, now=now)
        elif (entity.name, name) == ("HistoricalLocation", "Locations"):
            _fill_history(session, id_, [_resolved(session, target, one, now=now) for one in linked])
        elif (entity.name, name) == ("Location", "HistoricalLocations"):
            for one in linked:
                _add_to_history(session, one, location_id=id_, now=now)
        else:
            _create_children(session, entity, id_, linked, target=target, now=now)


def _create_children(
    session: Session, entity: Entity, id_: int, linked: Iterable[int | Draft], *, target: str, now: datetime
) -> None:
    for one in linked:
        if isinstance(one, Draft):
            create(session, Draft(one.entity, one.columns, one.links | {entity.name: (id_,)}), now=now)
        else:
            _resolved(session, target, one, now=now)
            change(session, Draft(ENTITIES[target], {}, {entity.name: (id_,)}), one, now=now)


def move_thing(session: Session, thing_id: int, location_ids: list[int], *, at: datetime) -> None:
    """The thing is at these locations and no others, and its history says since when.

    Raises OwnedError for a station's thing.
    """
    refuse_owned(session, ENTITIES["Thing"], thing_id)
    _set_locations(session, thing_id, location_ids)
    if location_ids:
        values = {"thing_id": thing_id, "time": at}
        history_id = _insert(session, ENTITIES["HistoricalLocation"], values)
        _link_history(session, history_id, location_ids)


def _bring_thing(session: Session, link: int | Draft, *, location_id: int, now: datetime) -> None:
    if isinstance(link, Draft):
        create(session, Draft(link.entity, link.columns, link.links | {"Locations": (location_id,)}), now=now)
    else:
        thing_id = _resolved(session, "Thing", link, now=now)
        move_thing(session, thing_id, [location_id], at=now)
        note_changed(session, "Thing", thing_id, ())


def _set_locations(session: Session, thing_id: int, location_ids: Iterable[int]) -> None:
    session.execute(sa.delete(ThingLocation).where(ThingLocation.thing_id == thing_id))
    rows = [{"thing_id": thing_id, "location_id": id_} for id_ in dict.fromkeys(location_ids)]
    if rows:
        session.execute(sa.insert(table_of(ThingLocation)), rows)


def _link_history(session: Session, history_id: int, location_ids: Iterable[int]) -> None:
    rows = [{"historical_location_id": history_id, "location_id": id_} for id_ in dict.fromkeys(location_ids)]
    if rows:
        session.execute(sa.insert(table_of(HistoricalLocationLocation)), rows)


def _fill_history(session: Session, history_id: int, location_ids: list[int]) -> None:
    """Where the thing was then; where it is now, if nothing newer is known of it (18-088, clause 8.2.3)."""
    links = HistoricalLocationLocation
    session.execute(sa.delete(links).where(links.historical_location_id == history_id))
    _link_history(session, history_id, location_ids)
    row = session.execute(
        sa.select(HistoricalLocation.thing_id, HistoricalLocation.time).where(HistoricalLocation.id == history_id)
    ).one()
    newest = session.scalar(
        sa.select(sa.func.max(HistoricalLocation.time)).where(HistoricalLocation.thing_id == row.thing_id)
    )
    if newest == row.time and location_ids:
        _set_locations(session, row.thing_id, location_ids)
        note_changed(session, "Thing", row.thing_id, ())


def _add_to_history(session: Session, link: int | Draft, *, location_id: int, now: datetime) -> None:
    if isinstance(link, Draft):
        others = link.links.get("Locations", ())
        create(session, Draft(link.entity, link.columns, link.links | {"Locations": (*others, location_id)}), now=now)
        return
    refuse_owned(session, ENTITIES["HistoricalLocation"], _resolved(session, "HistoricalLocation", link, now=now))
    before = session.scalars(
        sa.select(HistoricalLocationLocation.location_id).where(
            HistoricalLocationLocation.historical_location_id == link
        )
    ).all()
    _fill_history(session, link, [*before, location_id])
    note_changed(session, "HistoricalLocation", link, ())


def change(session: Session, draft: Draft, id_: int, *, now: datetime) -> None:
    """The entity of this id is as the draft says, and as before where it says nothing.

    Raises OwnedError where it, or what it is moved to, is a station's; NoSuchEntityError where a link leads nowhere.
    """
    entity = draft.entity
    refuse_owned(session, entity, id_)
    ones = {
        name: _resolved(session, entity.relations[name].target, linked[0], now=now)
        for name, linked in draft.links.items()
        if not entity.relations[name].is_many
    }
    for name, other in ones.items():
        if name in {"Thing", "Datastream"}:
            refuse_owned(session, ENTITIES[name], other)
    values = dict(draft.columns) | {_FOREIGN[name]: other for name, other in ones.items()}
    if entity is OBSERVATION:
        _change_observation(session, id_, values)
    else:
        _update(session, entity, id_, values)
    many = {name: linked for name, linked in draft.links.items() if entity.relations[name].is_many}
    _link_many(session, entity, id_, many, now=now)
    note_changed(session, entity.name, id_, properties_of(entity, draft.columns))


def _update(session: Session, entity: Entity, id_: int, values: dict[str, Any]) -> None:
    kept = {name: value for name, value in values.items() if not (name == "observed_area" and value is None)}
    if entity.name == "Location" and "location" in kept:
        kept["foi_id"] = None  # What observations were about stays where it was; the next ones are about here.
    if kept:
        table = TABLES[entity.name]
        session.execute(sa.update(table).where(table.c.id == id_).values(kept))
    if entity.name == "FeatureOfInterest" and "geom" in kept:
        redraw_areas(session, id_)


def _change_observation(session: Session, id_: int, values: dict[str, Any]) -> None:
    table = TABLES["Observation"]
    before = session.execute(
        sa.select(table.c.datastream_id, table.c.observed_at).where(table.c.id == id_)
    ).first()
    if before is None:
        raise NoSuchResourceError(f"There is no Observation {id_}.")
    kept = dict(values)
    if kept.get("observed_at") is None:
        kept.pop("observed_at", None)
        kept.pop("ended_at", None)
    after = (kept.get("datastream_id", before.datastream_id), kept.get("observed_at", before.observed_at))
    if after != tuple(before):
        session.execute(sa.select(Datastream.id).where(Datastream.id == after[0]).with_for_update(key_share=True))
        kept["copy"] = next_copy(session, *after)
    if kept:
        session.execute(sa.update(table).where(table.c.id == id_).values(kept))
        recount(session, sorted({before.datastream_id, after[0]}))


def remove(session: Session, entity: Entity, id_: int) -> None:
    """The entity is gone with all that cannot be without it (18-088, clause 10.4). A station's raises OwnedError."""
    refuse_owned(session, entity, id_)
    if entity is OBSERVATION:
        gone = sa.delete(Reading).where(Reading.id == id_).returning(Reading.datastream_id)
        recount(session, list(session.scalars(gone)))
        return
    if entity.name == "FeatureOfInterest":
        gone = sa.delete(Reading).where(Reading.foi_id == id_).returning(Reading.datastream_id)
        recount(session, sorted(set(session.scalars(gone))))
    streams = _streams_of(entity, id_)
    if streams is not None:
        # Readings have no foreign key (a batch then writes to one table only), so they are taken away by hand.
        session.execute(sa.delete(Reading).where(Reading.datastream_id.in_(streams)))
    if entity.name == "Location":
        there = sa.select(HistoricalLocationLocation.historical_location_id).where(
            HistoricalLocationLocation.location_id == id_
        )
        session.execute(sa.delete(HistoricalLocation).where(HistoricalLocation.id.in_(there)))
    table = TABLES[entity.name]
    session.execute(sa.delete(table).where(table.c.id == id_))


def _streams_of(entity: Entity, id_: int) -> sa.Select[Any] | None:
    column = {
        "Thing": Datastream.thing_id, "Sensor": Datastream.sensor_id,
        "ObservedProperty": Datastream.observed_property_id, "Datastream": Datastream.id,
    }.get(entity.name)
    return None if column is None else sa.select(Datastream.id).where(column == id_)


