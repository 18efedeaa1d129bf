"""What clients of SensorThings do: post entities and arrays of observations, change them, take them away."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError, FaonamError, ForbiddenError
from sensors.actions import IncomingReading, key_hash, store_device_rows
from sensors.models import Reading
from sensors.payloads import DeviceRow
from sensors.queries import is_key_of_a_station
from sensors.rules import Refused
from sensors.sensorthings import rendering, times, writing
from sensors.sensorthings.errors import BodyError, MethodError, OutOfRangeError, ReadingRefusedError
from sensors.sensorthings.jsonpatch import patched
from sensors.sensorthings.model import OBSERVATION
from sensors.sensorthings.observing import Stream, features_there, locked_stream, observe_all
from sensors.sensorthings.options import Options
from sensors.sensorthings.payloads import Draft, changes_of, draft_of, id_of, replacement_of
from sensors.sensorthings.reading import Place, Reader

MOST_ROWS = 10_000
_NOT_ITS_KEY = "This device key is not that of the datastream's station."


@contextlib.contextmanager
def _changing() -> Iterator[None]:
    try:
        yield
    except sa.exc.IntegrityError:
        raise ConflictError("What this links to was taken away meanwhile; nothing was changed.") from None
    except sa.exc.DataError:
        raise OutOfRangeError("A value of the body is out of the range of what can be kept.") from None


@contextlib.contextmanager
def all_or_nothing(session: Session) -> Iterator[None]:
    """What is done inside is done whole, or not at all where it raises; what was before stays."""
    with session.begin_nested():
        yield


def post(session: Session, place: Place, content: Any, *, device_key: str | None, now: datetime) -> int:
    """The entity that the body describes exists in the collection of the place; returns its id.

    With a device's key an Observation of its station goes the way of its readings, judged and moving states. Raises
    MethodError where the place is no collection, BodyError, OwnedError, ForbiddenError.
    """
    if place.id is not None:
        raise MethodError(f"One {place.entity.name} cannot be posted to; post to a collection.")
    back = _way_back(place)
    draft = draft_of(place.entity, content, given=frozenset(back))
    links = dict(draft.links)
    for name in back:
        others = links.get(name, ()) if place.entity.relations[name].is_many else ()
        links[name] = (*others, place.parent_id or 0)
    draft = replace(draft, links=links)
    with _changing():
        if device_key is not None:
            return _observe_by_device(session, draft, key=device_key, now=now)
        return writing.create(session, draft, now=now)


def observe_posted(session: Session, draft: Draft, *, now: datetime) -> int:
    """The observation that a message described exists; returns its id. Where it cannot be kept, nothing was done.

    Raises BodyError, OwnedError, ConflictError, CopiesExhaustedError.
    """
    with _changing(), session.begin_nested():
        return writing.create(session, draft, now=now)


def _way_back(place: Place) -> list[str]:
    if place.parent is None:
        return []
    relations = place.entity.relations.values()
    return [relation.name for relation in relations if relation.target == place.parent.name]


def patch(session: Session, place: Place, content: Any, *, now: datetime) -> None:
    """The entity is as the body says, and as before where it says nothing."""
    _change(session, place, changes_of(place.entity, content), now=now)


def patch_by_operations(reader: Reader, place: Place, operations: Any) -> None:
    """The entity's properties are as after the operations of a JSON Patch (RFC 6902); one that fails undoes all."""
    if place.id is None:
        raise MethodError("A collection cannot be changed; change its entities.")
    names = tuple(place.entity.properties)
    before = reader.one(Place(place.entity, place.id), Options(select=names, raw={"$select": ",".join(names)}))
    after = patched({name: value for name, value in before.items() if value is not None}, operations)
    if not isinstance(after, dict):
        raise BodyError(f"A {place.entity.name} is a JSON object.")
    changed = {name: value for name, value in after.items() if name not in before or value != before[name]}
    gone = {name: None for name, value in before.items() if value is not None and name not in after}
    patch(reader.session, place, changed | gone, now=reader.now)


def put(session: Session, place: Place, content: Any, *, now: datetime) -> None:
    """The entity is as the body says, and without what it does not say."""
    _change(session, place, replacement_of(place.entity, content), now=now)


def _change(session: Session, place: Place, draft: Draft, *, now: datetime) -> None:
    if place.id is None:
        raise MethodError("A collection cannot be changed; change its entities.")
    with _changing():
        writing.change(session, draft, place.id, now=now)


def delete(session: Session, place: Place) -> None:
    """The entity of the place is gone with what depends on it."""
    if place.id is None:
        raise MethodError("A collection cannot be deleted; delete its entities.")
    with _changing():
        writing.remove(session, place.entity, place.id)


def _observe_by_device(session: Session, draft: Draft, *, key: str, now: datetime) -> int:
    if draft.entity is not OBSERVATION:
        raise ForbiddenError("A device's key is for its observations, not for other entities.")
    link = draft.links["Datastream"][0]
    if isinstance(link, Draft):
        raise ForbiddenError("A device's key is for the datastreams of its own station, not for new ones.")
    return keep_of_device(session, locked_stream(session, link), draft, key=key, now=now)


def keep_of_device(session: Session, stream: Stream, draft: Draft, *, key: str, now: datetime) -> int:
    """The observation went the way of the station's readings; returns its id, that of the first one if repeated.

    Raises ForbiddenError where the key is not this station's, and ReadingRefusedError where the reading is refused: it
    then stands in quarantine, unless that is undone.
    """
    at, value = draft.columns.get("observed_at") or now, draft.columns.get("value")
    if stream.code is None or stream.unit is None:
        raise ForbiddenError("The key of a device is for its own station's datastreams only.")
    if value is None:
        raise BodyError("A device's result is a number.")
    wall = clock.wall_now()
    reading: IncomingReading | Refused = IncomingReading(
        datastream_code=stream.code, observed_at=at, value=value, unit=stream.unit, received_wall_at=wall
    )
    said_at = at.isoformat()
    if at.tzinfo is times.UNSAID:
        if not is_key_of_a_station(session, {key_hash(key)}):
            raise ForbiddenError(_NOT_ITS_KEY)
        reading, said_at = Refused("no_time_zone", "The phenomenonTime has no time zone."), said_at[:-6]
    raw = json.dumps(
        {"datastream": stream.code, "observed_at": said_at, "value": value, "unit": stream.unit}
    )
    row = DeviceRow(reading, key, raw, received_wall_at=wall)
    answer = store_device_rows(session, [row], source="sensorthings")[0]
    if answer.reason == "wrong_key":
        raise ForbiddenError(_NOT_ITS_KEY)
    if answer.status == "refused":
        raise ReadingRefusedError(answer.detail or "The reading was refused.")
    same = (Reading.datastream_id == stream.id) & (Reading.observed_at == at)
    found: int = session.execute(sa.select(Reading.id).where(same).order_by(Reading.copy).limit(1)).scalar_one()
    return found


def create_observations(
    session: Session, content: Any, *, base: str, device_key: str | None, now: datetime
) -> list[str]:
    """Each row of the arrays is an observation; the answer has its address, or "error", in the place of each row.

    A row that cannot be kept leaves the others (18-088, clause 12.2). Raises BodyError where no rows can be told apart.
    """
    answers: list[str] = []
    for stream_id, components, rows, count in _blocks(content):
        if len(answers) + count > MOST_ROWS:
            raise BodyError(f"At most {MOST_ROWS} observations are taken at once.")
        drafts = [_draft(stream_id, components, row) for row in rows]
        together = _kept_together(session, stream_id, drafts, now=now) if device_key is None else None
        ids = together or [_kept(session, draft, device_key=device_key, now=now) for draft in drafts]
        answers += ["error" if id_ is None else rendering.link(base, OBSERVATION, id_) for id_ in ids]
    return answers


def _blocks(content: Any) -> Iterator[tuple[int, list[str], list[Any], int]]:
    blocks = content if isinstance(content, list) else [content]
    for block in blocks:
        if not isinstance(block, dict) or not isinstance(block.get("Datastream"), dict):
            raise BodyError("Each block of a data array names its Datastream by @iot.id.")
        components, rows = block.get("components"), block.get("dataArray")
        if not isinstance(components, list) or not all(isinstance(name, str) for name in components):
            raise BodyError("Each block of a data array has its components, a list of names.")
        if not isinstance(rows, list):
            raise BodyError("Each block of a data array has its dataArray, a list of rows.")
        yield id_of(block["Datastream"].get("@iot.id"), "Datastream"), components, rows, len(rows)


def _draft(stream_id: int, components: list[str], row: Any) -> Draft | None:
    try:
        if not isinstance(row, list) or len(row) != len(components):
            raise BodyError("A row has one value for each component.")
        return draft_of(OBSERVATION, _named(components, row) | {"Datastream": {"@iot.id": stream_id}})
    except FaonamError:
        return None


def _kept_together(
    session: Session, stream_id: int, drafts: list[Draft | None], *, now: datetime
) -> list[int | None] | None:
    """The ids of all usable rows, kept by one statement; None where that fails, so that each is tried by itself."""
    usable = [draft for draft in drafts if draft is not None]
    features = [draft.links.get("FeatureOfInterest", (None,))[0] for draft in usable]
    ids = {one for one in features if isinstance(one, int)}
    if any(isinstance(one, Draft) for one in features) or ids - features_there(session, ids):
        return None
    seen = [(draft.columns, one) for draft, one in zip(usable, features, strict=True) if not isinstance(one, Draft)]
    try:
        with _changing(), session.begin_nested():
            made = iter(observe_all(session, datastream_id=stream_id, seen=seen, now=now))
    except FaonamError:
        return None
    return [None if draft is None else next(made) for draft in drafts]


def _kept(session: Session, draft: Draft | None, *, device_key: str | None, now: datetime) -> int | None:
    if draft is None:
        return None
    try:
        with _changing(), session.begin_nested():
            if device_key is None:
                return writing.create(session, draft, now=now)
            with contextlib.suppress(ReadingRefusedError):  # Raised on, it would take the row out of quarantine again.
                return _observe_by_device(session, draft, key=device_key, now=now)
    except FaonamError:
        return None
    return None


def _named(components: list[str], row: list[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in zip(components, row, strict=True):
        if name == "FeatureOfInterest/id":
            named["FeatureOfInterest"] = {"@iot.id": value}
        else:
            named[name] = value
    return named
