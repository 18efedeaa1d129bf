"""What can be done with feeds: declare them, take what they bring, note how they do."""

from __future__ import annotations

import dataclasses
import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError, InvalidInputError
from sensors.actions import IncomingReading, key_hash, store_readings
from sensors.errors import DeviceKeyMissingError, DeviceKeyUnknownError
from sensors.feeds.backoff import PollRule, next_attempt_at
from sensors.feeds.bodies import raw_of_bytes
from sensors.feeds.health import StoreTrouble
from sensors.feeds.mapping import reading_of
from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason, rows_in
from sensors.feeds_store import queries
from sensors.feeds_store.counting import count_uplinks, forget_counter
from sensors.feeds_store.models import Feed, FeedHealth
from sensors.feeds_store.reading import Body, joined_device_of, parsed_of, rows_of_topic
from sensors.feeds_store.rules import NO_FAULT, Result, RowFate, result_of
from sensors.feeds_store.spec import FILES, FeedKind, FeedSpec, spec_of
from sensors.feeds_store.topics import OWN, is_on
from sensors.models import ReadingRefused
from sensors.partitions import ensure_partitions
from sensors.payloads import MAX_RAW_CHARS, UNSTORABLE, DeviceRow, rows_of_message
from sensors.rules import REFUSED_WHEN_AHEAD_BY, REFUSED_WHEN_OLDER_THAN

# A source that is asked sends the same faulty row again and again: it is kept once a day.
KEPT_AGAIN_AFTER = timedelta(days=1)
# Reasons that do not pass by themselves while the row stays the same.
_LASTING = frozenset({
    StoreTrouble.CONFLICTING_VALUE, StoreTrouble.MISSING_AFTER_VALUE, StoreTrouble.VALUE_AFTER_MISSING,
    StoreTrouble.TOO_OLD,
})  # fmt: skip
MOST_DETAIL_CHARS = 500


@dataclasses.dataclass(frozen=True)
class NewFeed:
    """A feed as a city pack or an operator declares it; `streams` and `options` are JSON, `key` is told once."""

    code: str
    name_th: str
    name_en: str
    kind: str
    url: str | None
    period_s: int
    streams: object
    options: object
    is_enabled: bool
    secret_env: str | None
    secret_header: str | None
    key: str | None
    trust: str
    layer: str | None


def check_declared(new: NewFeed) -> None:
    """Raises InvalidInputError where the declaration is faulty by itself."""
    for name in ("name_th", "name_en", "url", "streams", "options"):
        if any(UNSTORABLE.search(text) for text in _texts_in(getattr(new, name))):
            raise InvalidInputError(f"'{name}' holds a character that cannot be stored (NUL, or half of one).")
    spec_of(
        id=0, code=new.code, kind=new.kind, url=new.url, period_s=new.period_s, streams=new.streams,
        options=new.options, is_enabled=new.is_enabled, secret_env=new.secret_env, secret_header=new.secret_header,
    )


def _texts_in(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _texts_in(key)
            yield from _texts_in(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts_in(value)


def declare_feed(session: Session, new: NewFeed) -> int:
    """The feed of this code is as declared; returns its id. What it has done so far stays known.

    Without a key the one that it had stays. Raises InvalidInputError where the declaration is faulty, or the code
    belongs to another layer.
    """
    check_declared(new)
    feed = session.scalar(sa.select(Feed).where(Feed.code == new.code))
    if feed is None:
        feed = Feed(code=new.code, layer=new.layer)
    elif feed.layer != new.layer:
        raise InvalidInputError(f"Feed {new.code} is already there, from {feed.layer or 'the command line'}.")
    before = _asked(feed)
    feed.name_th, feed.name_en, feed.kind, feed.trust = new.name_th, new.name_en, new.kind, new.trust
    feed.url, feed.period_s, feed.is_enabled = new.url, new.period_s, new.is_enabled
    feed.streams, feed.options = json.loads(json.dumps(new.streams)), json.loads(json.dumps(new.options))
    feed.secret_env, feed.secret_header = new.secret_env, new.secret_header
    if new.key:
        feed.key_hash = key_hash(new.key)
    session.add(feed)
    session.flush()
    health = lock_health(session, feed.id)
    if before != _asked(feed):
        # The source is asked afresh: what it has said may now be read otherwise, and is due at another time.
        health.etag = health.last_modified = health.next_attempt_wall_at = None
    return feed.id


def _asked(feed: Feed) -> list[object]:
    """What decides how and when the source is asked, and what its answer means."""
    of = ("kind", "url", "period_s", "streams", "options", "secret_env", "secret_header")
    return [getattr(feed, name) for name in of]


def remove_other_feeds(session: Session, *, layer: str, keep: Sequence[int]) -> None:
    """Feeds of this layer that are not among `keep` are gone; their readings stay."""
    session.execute(sa.delete(Feed).where(Feed.layer == layer, Feed.id.not_in(list(keep))))


def lock_health(session: Session, feed_id: int) -> FeedHealth:
    """The feed's health, held until the transaction ends, so that nobody else stores for the feed meanwhile."""
    session.execute(insert(FeedHealth).values(feed_id=feed_id).on_conflict_do_nothing())
    held = sa.select(FeedHealth).where(FeedHealth.feed_id == feed_id).with_for_update()
    return session.scalars(held.execution_options(populate_existing=True)).one()


def signed_in_feed(session: Session, code: str, key: str | None) -> FeedSpec:
    """The feed of this code, whose key came with what it sends.

    Raises DeviceKeyMissingError without a key, DeviceKeyUnknownError where there is no such feed or it has another key
    (which of the two is not told), ConflictError where it is switched off.
    """
    if not key:
        raise DeviceKeyMissingError("No key came with this; send the feed's key in the header X-Device-Key.")
    spec = queries.spec_by_code(session, code)
    if spec is None or spec.key_hash is None or not hmac.compare_digest(spec.key_hash, key_hash(key)):
        raise DeviceKeyUnknownError("There is no feed with this code and this key.")
    if not spec.is_enabled:
        raise ConflictError(f"The feed {code} is switched off; nothing is taken from it.")
    return spec


def take_push(session: Session, spec: FeedSpec, body: Body) -> list[RowFate]:
    """What a feed sent is stored as far as it can be, and answered row by row; twice is the same as once.

    A feed writes only into the datastreams that are declared for it; all else is refused and kept as it came.
    """
    if spec.kind is FeedKind.MQTT_JSON:
        raise InvalidInputError("This feed speaks MQTT: it publishes on faonam/v1/feeds/{code}/{series}.")
    return _take(session, spec, body, parsed_of(spec, body))


def take_file(session: Session, spec: FeedSpec, body: Body) -> list[RowFate]:
    """A CSV file that an officer brings is stored as a push is.

    Raises InvalidInputError for a feed of another kind, ConflictError where it is switched off.
    """
    if spec.kind not in FILES:
        raise InvalidInputError(f"The feed {spec.code} is of the kind '{spec.kind}' and takes no files.")
    if not spec.is_enabled:
        raise ConflictError(f"The feed {spec.code} is switched off; nothing is taken for it.")
    return _take(session, spec, body, parsed_of(spec, body))


def take_messages(session: Session, messages: Sequence[tuple[str, bytes, datetime]]) -> list[list[RowFate]]:
    """MQTT messages (topic, payload, real time of arrival) on `topics.FEED_TOPICS` are stored; the fates of each.

    A message that no feed claims, or whose key is not the feed's, is refused and kept as it came.
    """
    specs = [one for one in queries.specs(session) if one.is_enabled]
    time, fates = clock.current(), []
    found = [
        rows_of_topic(specs, topic, payload, received_at=time.at(wall_at), received_wall_at=wall_at)
        for topic, payload, wall_at in messages
    ]
    parsed = {number: parsed_of(one.spec, one.body) for number, one in enumerate(found) if one is not None}
    # Before anything is stored: who makes a day's partition must hold none of the others.
    ensure_partitions(session, _days_in(parsed.values()))
    # Everybody locks feeds in the order of their ids: two gateways never wait for each other.
    for feed_id in sorted({one.spec.id for one in found if one is not None}):
        lock_health(session, feed_id)
    for number, (delivery, (topic, payload, _)) in enumerate(zip(found, messages, strict=True)):
        if delivery is None:
            fates.append(_refuse_unclaimed(session, topic, payload))
        elif delivery.keyed_rows is not None and not _is_own(delivery.spec, delivery.keyed_rows):
            detail = f"The rows do not carry the key of the feed {delivery.spec.code}."
            wrong = RowFate("refused", StoreTrouble.WRONG_KEY, detail)
            fates.append(_refuse_rows(session, delivery.keyed_rows, wrong, source=delivery.spec.source))
        else:
            fates.append(_take(session, delivery.spec, delivery.body, parsed[number]))
    return fates


def _days_in(several: Iterable[Parsed]) -> set[date]:
    """The days of all rows that the intake may store: not those of strangers' years."""
    now = clock.now()
    since, until = now - REFUSED_WHEN_OLDER_THAN, now + REFUSED_WHEN_AHEAD_BY
    return {row.at.date() for parsed in several for row in rows_in(parsed) if since <= row.at <= until}


def _is_own(spec: FeedSpec, rows: Sequence[DeviceRow]) -> bool:
    keys = {row.device_key or "" for row in rows}
    return len(keys) == 1 and spec.key_hash is not None and hmac.compare_digest(spec.key_hash, key_hash(keys.pop()))


def _refuse_unclaimed(session: Session, topic: str, payload: bytes) -> list[RowFate]:
    fate = RowFate("refused", StoreTrouble.UNKNOWN_FEED, f"No feed claims the topic {topic[:200]!a}.")
    if is_on(topic, OWN):  # Rows on our own topic carry a key, which is not kept.
        rows = rows_of_message(topic.split("/")[4], payload, received_wall_at=clock.wall_now())
        return _refuse_rows(session, rows, fate, source="mqtt")
    _keep(session, raw_of_bytes(payload), fate, frozenset(), source="mqtt")
    return [fate]


def _refuse_rows(session: Session, rows: Sequence[DeviceRow], fate: RowFate, *, source: str) -> list[RowFate]:
    """All rows of a message are refused for one reason and kept as they came, without the key in them."""
    for row in rows:
        _keep(session, row.raw, fate, frozenset(), source=source)
    return [fate for _ in rows]


def _take(session: Session, spec: FeedSpec, body: Body, parsed: Parsed) -> list[RowFate]:
    health = lock_health(session, spec.id)
    joined = joined_device_of(spec, body)
    if joined is not None:
        forget_counter(session, spec, joined)
    fates = store_parsed(session, spec, parsed, received_wall_at=body.received_wall_at)
    note_result(health, spec, result_of(fates))
    return fates


def store_parsed(
    session: Session, spec: FeedSpec, parsed: Parsed, *, received_wall_at: datetime, is_asked: bool = False
) -> list[RowFate]:
    """Each row is in the datastream declared for its series, once, or refused and kept; answered in order.

    Where the source was asked (`is_asked`) its list may hold series of others, which are ignored, and what it keeps
    saying wrongly is kept once a day. What a declared device says besides is ignored too: a radar also tells its
    temperature. Needs the lock of the feed's health.
    """
    devices = {stream.partition("/")[0] for stream in spec.mappings if "/" in stream}
    known = _refused_lately(session, spec) if is_asked else frozenset()
    fates = count_uplinks(session, spec, parsed)
    readings: dict[int, IncomingReading] = {}
    for index, one in enumerate(parsed):
        if index in fates:
            continue
        reading = one if isinstance(one, FeedFault) else reading_of(one, spec.mappings)
        if isinstance(reading, IncomingReading):
            readings[index] = dataclasses.replace(reading, received_wall_at=received_wall_at)
        elif reading.reason == Reason.UNKNOWN_STREAM and (is_asked or _is_of_known_device(one, devices)):
            fates[index] = RowFate("ignored", reading.reason, reading.detail)
        else:
            fates[index] = RowFate("refused", str(reading.reason), reading.detail)
    fates |= _stored(session, spec, readings, known)
    for index, one in enumerate(parsed):
        # What the intake refused it has kept itself.
        if fates[index].status == "refused" and index not in readings and fates[index].reason not in NO_FAULT:
            _keep(session, one.raw, fates[index], known, source=spec.source)
    return [_named(fates[index], one) for index, one in enumerate(parsed)]


def _is_of_known_device(one: FeedRow | FeedFault, devices: set[str]) -> bool:
    return isinstance(one, FeedRow) and "/" in one.stream and one.stream.partition("/")[0] in devices


def _stored(
    session: Session, spec: FeedSpec, readings: dict[int, IncomingReading], known: frozenset[tuple[str, str]]
) -> dict[int, RowFate]:
    fates, fresh = {}, {}
    for index, reading in readings.items():
        lasting = next((reason for reason in _LASTING if (reason, _as_kept(reading)) in known), None)
        if lasting is None:
            fresh[index] = reading
        else:
            fates[index] = RowFate("refused", lasting, "This was refused before, and has not changed.")
    answers = store_readings(session, list(fresh.values()), source=spec.source) if fresh else []
    for index, answer in zip(fresh, answers, strict=True):
        fates[index] = RowFate(answer.status, answer.reason, answer.detail)
    return fates


def _named(fate: RowFate, one: FeedRow | FeedFault) -> RowFate:
    if isinstance(one, FeedFault):
        return fate
    return dataclasses.replace(fate, stream=one.stream, observed_at=one.at)


def note_result(health: FeedHealth, spec: FeedSpec, result: Result, *, retry_after: str | None = None) -> None:
    """The feed's health says how this attempt went and when the next one is due."""
    now = clock.wall_now()
    health.last_attempt_wall_at = now
    health.rows_stored += result.stored
    health.rows_repeated += result.repeated
    health.rows_refused += result.refused
    health.trouble = result.trouble
    health.trouble_detail = result.detail[:MOST_DETAIL_CHARS] if result.detail else None
    if result.newest_at is not None:
        health.newest_observed_at = max(result.newest_at, health.newest_observed_at or result.newest_at)
    if result.is_success:
        health.failures, health.last_success_wall_at = 0, now
    else:
        health.failures += 1
    if spec.url is not None:
        health.next_attempt_wall_at = next_attempt_at(
            failures=health.failures, now=now, rule=PollRule(interval_s=spec.period_s), seed=spec.code,
            retry_after=retry_after,
        )


def _refused_lately(session: Session, spec: FeedSpec) -> frozenset[tuple[str, str]]:
    """What is in quarantine of this feed since yesterday: the reason, and the row as it is kept there."""
    since = clock.now() - KEPT_AGAIN_AFTER
    rows = session.execute(
        sa.select(ReadingRefused.reason, ReadingRefused.raw)
        .where(ReadingRefused.received_at > since, ReadingRefused.source == spec.source)
        .limit(20_000)
    )
    return frozenset((reason, json.dumps(raw, sort_keys=True)) for reason, raw in rows)


def _as_kept(reading: IncomingReading) -> str:
    """The row as the intake keeps what it refuses."""
    content = {
        "datastream": reading.datastream_code, "observed_at": reading.observed_at.isoformat(),
        "value": str(reading.value), "unit": reading.unit,
    }
    return json.dumps(content, sort_keys=True)


def _keep(
    session: Session, raw: str, fate: RowFate, known: frozenset[tuple[str, str]], *, source: str
) -> None:
    content = {
        "text": UNSTORABLE.sub("\ufffd", raw[:MAX_RAW_CHARS]), "detail": UNSTORABLE.sub("\ufffd", fate.detail or "")
    }
    if (fate.reason, json.dumps(content, sort_keys=True)) in known:
        return
    session.add(
        ReadingRefused(raw=content, reason=fate.reason or "other", source=source, received_at=clock.now())
    )

