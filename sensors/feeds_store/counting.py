"""Which uplinks of a message are new, and which are old frames played again; how far devices have counted is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sensors.feeds.counters import DEFAULT_RULE, CounterRule, Verdict, verdict_on
from sensors.feeds.health import StoreTrouble
from sensors.feeds.row import FeedFault, FeedRow
from sensors.feeds_store.models import FeedDevice
from sensors.feeds_store.rules import RowFate
from sensors.feeds_store.spec import FeedKind, FeedSpec, LorawanOptions


def count_uplinks(session: Session, spec: FeedSpec, parsed: Sequence[FeedRow | FeedFault]) -> dict[int, RowFate]:
    """The rows (by their place) that must not be stored: said before, or played again. The others are now counted.

    Needs the lock of the feed's health.
    """
    if not isinstance(spec.options, LorawanOptions):
        return {}
    uplinks = _uplinks_in(spec, parsed)
    known = _devices(session, spec, {uplink.device for uplink in uplinks.values()})
    counters = spec.options.counters
    verdicts = {
        dedup: _count(session, spec, known, uplink, rule=counters.get(uplink.device, DEFAULT_RULE))
        for dedup, uplink in uplinks.items()
    }
    return {
        index: _fate(verdicts[row.dedup], row, uplinks[row.dedup].device)
        for index, row in enumerate(parsed)
        if isinstance(row, FeedRow) and row.dedup in verdicts and not verdicts[row.dedup].is_new
    }


def forget_counter(session: Session, spec: FeedSpec, device: str) -> None:
    """The device has joined: whatever it counts next is new."""
    session.execute(
        sa.update(FeedDevice)
        .where(FeedDevice.feed_id == spec.id, FeedDevice.device == device)
        .values(frame_counter=None, session=None)
    )


def _count(
    session: Session, spec: FeedSpec, known: dict[str, FeedDevice], uplink: _Uplink, *, rule: CounterRule
) -> Verdict:
    counted = known.get(uplink.device)
    if counted is None:
        verdict = verdict_on(None, uplink.counter, rule=rule)
        counted = FeedDevice(feed_id=spec.id, device=uplink.device, newest_at=uplink.at)
    elif _begins_again(counted, uplink):
        # Only what is newer than all before can begin again: an old frame that is played again has an old time.
        is_newer = uplink.at > counted.newest_at
        verdict = verdict_on(None, uplink.counter, rule=rule) if is_newer else Verdict.REPLAYED
    else:
        verdict = verdict_on(counted.frame_counter, uplink.counter, rule=rule)
    if verdict.is_new:
        session.add(counted)
        known[uplink.device] = counted
        counted.frame_counter, counted.session = uplink.counter, uplink.session
        counted.newest_at = max(counted.newest_at, uplink.at)
    return verdict


def _begins_again(counted: FeedDevice, uplink: _Uplink) -> bool:
    """The device has joined since, as its network server says, or as a new session shows."""
    return counted.frame_counter is None or (uplink.session is not None and uplink.session != counted.session)


def _fate(verdict: Verdict, row: FeedRow, device: str) -> RowFate:
    if verdict is Verdict.REPEATED:
        return RowFate("repeated", stream=row.stream, observed_at=row.at)
    reason = StoreTrouble.IMPOSSIBLE_COUNTER if verdict is Verdict.IMPOSSIBLE else StoreTrouble.REPLAYED
    detail = f"The frame {row.frame_counter} of {device} is older than one that was taken already."
    if verdict is Verdict.IMPOSSIBLE:
        detail = f"The frame {row.frame_counter} of {device} is more than its counter can hold."
    return RowFate("refused", reason, detail, stream=row.stream, observed_at=row.at)


def _devices(session: Session, spec: FeedSpec, names: set[str]) -> dict[str, FeedDevice]:
    if not names:
        return {}
    wanted = sa.select(FeedDevice).where(FeedDevice.feed_id == spec.id, FeedDevice.device.in_(names))
    return {one.device: one for one in session.scalars(wanted)}


@dataclass(frozen=True)
class _Uplink:
    """One uplink of a message; `at` is the newest time in it, `session` None where the server tells none."""

    device: str
    counter: int
    at: datetime
    session: str | None


def _uplinks_in(spec: FeedSpec, parsed: Sequence[FeedRow | FeedFault]) -> dict[str, _Uplink]:
    """The uplinks that the rows came with, in order, by what is equal for the same uplink delivered twice."""
    uplinks: dict[str, _Uplink] = {}
    for row in parsed:
        if not isinstance(row, FeedRow) or row.dedup is None or row.frame_counter is None:
            continue
        # Neither a DevEUI nor a device id of The Things Stack holds a slash.
        device = row.stream.partition("/")[0]
        before = uplinks.get(row.dedup)
        at = row.at if before is None else max(before.at, row.at)
        uplinks[row.dedup] = _Uplink(device, row.frame_counter, at, _session_of(spec, row.dedup, device))
    return uplinks


def _session_of(spec: FeedSpec, dedup: str, device: str) -> str | None:
    """The session in "device:session:counter"; what ChirpStack has in its place is another one for each uplink."""
    if spec.kind is not FeedKind.TTS:
        return None
    return dedup.removeprefix(f"{device}:").rpartition(":")[0] or None
