"""The chain of messages of an event: what takes the place of what, and what holds after all of them.

An Update or Cancel names not only the message that it replaces but all those before it: whoever missed one in between,
and still shows an older one, ends in the same state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from alerts.cap.messages import CapMessage

REPLACING = frozenset({"Update", "Cancel"})


def lineage(direct: Iterable[str], references: Mapping[str, Collection[str]]) -> frozenset[str]:
    """These messages, and every one that they, and those, took the place of. `references` is what each names."""
    found: set[str] = set()
    waiting = list(direct)
    while waiting:
        identifier = waiting.pop()
        if identifier not in found:
            found.add(identifier)
            waiting += references.get(identifier, ())
    return frozenset(found)


def replaced_by(messages: Iterable[CapMessage]) -> frozenset[tuple[str, str]]:
    """(sender, identifier) of what the messages take the place of or withdraw."""
    return frozenset(
        (reference.sender, reference.identifier)
        for message in messages
        if message.message_type in REPLACING
        for reference in message.references
    )


def expires_at(message: CapMessage) -> datetime | None:
    """When the last of its infos expires; None where one never does, or there is none."""
    times = [info.expires_at for info in message.infos]
    if not times or None in times:
        return None
    return max(at for at in times if at is not None)


def state_after(messages: Iterable[CapMessage], *, now: datetime) -> frozenset[CapMessage]:
    """The messages that hold now, in whatever order and however often these came: neither replaced nor expired.

    A Cancel holds nothing itself. An all-clear is an Update, and holds until it expires.
    """
    known = list(messages)
    gone = replaced_by(known)
    return frozenset(
        message
        for message in known
        if message.message_type in {"Alert", "Update"}
        and (message.sender, message.identifier) not in gone
        and ((end := expires_at(message)) is None or now < end)
    )
