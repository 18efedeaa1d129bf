"""Which uplinks of a message are new, and which are old frames played again; how far devices have counted is kept."""

from __future__ import annotations

from collections.abc import Sequence
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
    known = _devices(session, spec, {_device(row) for row in parsed if _is_counted(row)})
    verdicts: dict[str, Verdict] = {}
    fates = {}
    for index, row in enumerate(parsed):
        if not isinstance(row, FeedRow) or row.frame_counter is None or row.dedup is None:
            continue
        device = _device(row)
        verdict = verdicts.get(row.dedup)
        if verdict is None:
            rule = spec.options.counters.get(device, DEFAULT_RULE)
            session_id = _session_of(row, device) if spec.kind is FeedKind.TTS else None
            verdict = verdicts[row.dedup] = _count(
                session, spec, known, row, device=device, rule=rule, session_id=session_id
            )
        if not verdict.is_new:
            fates[index] = _fate(verdict, row, device)
    return fates


def forget_counter(session: Session, spec: FeedSpec, device: str) -> None:
    """The device has joined: whatever it counts next is new."""
    session.execute(
        sa.update(FeedDevice)
        .where(FeedDevice.feed_id == spec.id, FeedDevice.device == device)
        .values(frame_counter=None, session=None)
    )


def _count(
    session: Session, spec: FeedSpec, known: dict[str, FeedDevice], row: FeedRow, *, device: str, rule: CounterRule,
    session_id: str | None,
) -> Verdict:
    counted = known.get(device)
    counter = row.frame_counter or 0
    if counted is None:
        counted = known[device] = FeedDevice(
            feed_id=spec.id, device=device, frame_counter=None, session=session_id, newest_at=row.at
        )
        session.add(counted)
    last = None if _is_new_session(counted, session_id, at=row.at) else counted.frame_counter
    verdict = verdict_on(last, counter, rule=rule)
    if verdict.is_new:
        counted.frame_counter, counted.session = counter, session_id
        counted.newest_at = max(counted.newest_at, row.at)
    return verdict


def _is_new_session(counted: FeedDevice, session_id: str | None, *, at: datetime) -> bool:
    """A counter begins again with a session. Only what is newer than all before can begin one: a frame of an old
    session that is played again has an old time.
    """
    return session_id is not None and session_id != counted.session and at > counted.newest_at


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


def _is_counted(row: FeedRow | FeedFault) -> bool:
    return isinstance(row, FeedRow) and row.frame_counter is not None


def _device(row: FeedRow | FeedFault) -> str:
    """Neither a DevEUI nor a device id of The Things Stack holds a slash."""
    return row.stream.partition("/")[0] if isinstance(row, FeedRow) else ""


def _session_of(row: FeedRow, device: str) -> str | None:
    """The session in "device:session:counter", as `sensors.feeds.uplinks` writes it."""
    between = (row.dedup or "").removeprefix(f"{device}:").rpartition(":")[0]
    return between or None
