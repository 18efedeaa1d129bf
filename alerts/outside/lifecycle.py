"""What becomes of a source's warnings when another one comes: re-issues, references, titles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.outside.said import Finding, OutsideWarning

CURRENT, REPLACED, CANCELLED, OVER = "current", "replaced", "cancelled", "over"
# What ends others, and in which state it leaves them.
ENDS: Mapping[str, str] = {"Update": REPLACED, "Cancel": CANCELLED, "AllClear": OVER}
# What warns of nothing by itself.
SILENT = frozenset({"Cancel", "AllClear", "Ack", "Error"})
# Without an expiry each receiver decides for itself; a day is the longest that the Thai weather service uses.
LASTS_WITHOUT_EXPIRY = timedelta(hours=24)
AHEAD_AT_MOST = timedelta(minutes=15)


@dataclass(frozen=True)
class Kept:
    """A warning of the source that is stored already."""

    identifier: str
    sent_at: datetime
    state: str
    message_type: str
    group: str | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settled:
    """What becomes of a warning that came: `is_new` or a later issue of a stored one, else it says nothing new.

    `ends` are stored ones whose time it ends, with the state that each is left in.
    """

    is_new: bool
    is_reissue: bool
    state: str
    ends: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def is_repeated(self) -> bool:
        """It says nothing that is not stored."""
        return not (self.is_new or self.is_reissue)


def settled(warning: OutsideWarning, kept: Mapping[str, Kept], *, now: datetime) -> Settled:
    """What becomes of the warning, and of those that it speaks of or takes the place of.

    The order in which messages come does not matter: one that was cancelled before it came is cancelled.
    """
    known = kept.get(warning.identifier)
    if known is not None and warning.sent_at <= known.sent_at:
        return Settled(is_new=False, is_reissue=False, state=known.state)
    others = [one for one in kept.values() if one.identifier != warning.identifier]
    return Settled(
        is_new=known is None,
        is_reissue=known is not None,
        state=_state(warning, others),
        ends=(*_ended_by_reference(warning, kept), *_ended_by_title(warning, others)),
        findings=tuple(_findings(warning, kept, now=now)),
    )


def expires_at(warning: OutsideWarning) -> datetime:
    """When it is over by the clock alone."""
    return warning.expires_at or warning.sent_at + LASTS_WITHOUT_EXPIRY


def in_order(warnings: Sequence[OutsideWarning]) -> list[OutsideWarning]:
    """The oldest first, so that what one message says of another finds it there."""
    return sorted(warnings, key=lambda one: (one.sent_at, one.message_type != "Alert"))


def _state(warning: OutsideWarning, others: Iterable[Kept]) -> str:
    if warning.message_type in SILENT:
        return OVER
    for one in others:
        if warning.identifier in one.references and one.message_type in ENDS and one.sent_at >= warning.sent_at:
            return ENDS[one.message_type]
        is_of_group = warning.group is not None and one.group == warning.group
        if is_of_group and one.state == CURRENT and one.sent_at > warning.sent_at:
            return REPLACED
    return CURRENT


def _ended_by_reference(warning: OutsideWarning, kept: Mapping[str, Kept]) -> Iterable[tuple[str, str]]:
    state = ENDS.get(warning.message_type)
    for reference in warning.references if state else ():
        one = kept.get(reference.identifier)
        if one is not None and one.state == CURRENT and one.sent_at <= warning.sent_at and state is not None:
            yield one.identifier, state


def _ended_by_title(warning: OutsideWarning, others: Iterable[Kept]) -> Iterable[tuple[str, str]]:
    if warning.group is None or warning.message_type in SILENT:
        return
    for one in others:
        if one.group == warning.group and one.state == CURRENT and one.sent_at <= warning.sent_at:
            yield one.identifier, REPLACED


def _findings(warning: OutsideWarning, kept: Mapping[str, Kept], *, now: datetime) -> Iterable[Finding]:
    yield from warning.findings
    if warning.message_type in ENDS:
        unknown = [one.identifier for one in warning.references if one.identifier not in kept]
        if unknown:
            yield Finding("unknown_reference", ", ".join(unknown)[:200])
    if warning.expires_at is None:
        yield Finding("no_expiry")
    if warning.sent_at > now + AHEAD_AT_MOST:
        yield Finding("future")
