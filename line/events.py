"""What LINE told us, and what LINE took from us."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from core import sealing
from core.events import Event


def seal_line_user(line_user_id: str) -> str:
    """A LINE user id as it may travel in an event: sealed, in base64."""
    return base64.b64encode(sealing.seal(line_user_id)).decode()


def open_line_user(line_user_id_sealed: str) -> str:
    """The LINE user id of an event's `line_user_id_sealed`."""
    return sealing.unseal(base64.b64decode(line_user_id_sealed))


@dataclass(frozen=True)
class MessageReceived(Event):
    """A resident wrote, sent a picture or a place; `message` is LINE's own object (`type`, `id`, …)."""

    name: ClassVar[str] = "line.message_received"
    webhook_event_id: str
    line_user_id_sealed: str
    reply_token: str | None
    message: dict[str, Any]
    happened_at: datetime


@dataclass(frozen=True)
class MessageUnsent(Event):
    """A resident took a message back; our copy has to go."""

    name: ClassVar[str] = "line.message_unsent"
    webhook_event_id: str
    line_user_id_sealed: str
    message_id: str
    happened_at: datetime


@dataclass(frozen=True)
class PostbackReceived(Event):
    """A resident tapped a button that carries `data`."""

    name: ClassVar[str] = "line.postback_received"
    webhook_event_id: str
    line_user_id_sealed: str
    reply_token: str | None
    data: str
    params: dict[str, str]
    happened_at: datetime


@dataclass(frozen=True)
class Followed(Event):
    """Somebody became a friend of the city's account, or opened a block."""

    name: ClassVar[str] = "line.followed"
    webhook_event_id: str
    line_user_id_sealed: str
    reply_token: str | None
    is_unblocked: bool
    happened_at: datetime


@dataclass(frozen=True)
class Unfollowed(Event):
    """Somebody blocked the city's account; only a later follow undoes it."""

    name: ClassVar[str] = "line.unfollowed"
    webhook_event_id: str
    line_user_id_sealed: str
    happened_at: datetime


@dataclass(frozen=True)
class JoinedGroup(Event):
    """Somebody has asked the city's account into a group or room; nothing said there is a report."""

    name: ClassVar[str] = "line.joined_group"
    reply_token: str


@dataclass(frozen=True)
class CriedInGroup(Event):
    """Emergency words in a group or room; `line_user_id_sealed` is who wrote them, where LINE says so.

    `group_id_sealed` is where: what is pushed to it is read by all of them. None where LINE left it out.
    """

    name: ClassVar[str] = "line.cried_in_group"
    webhook_event_id: str
    line_user_id_sealed: str | None
    reply_token: str | None
    text: str
    happened_at: datetime
    group_id_sealed: str | None = None


@dataclass(frozen=True)
class SpokenInGroup(Event):
    """Somebody wrote in a group or room. Told and kept nowhere: what is said among people is theirs.

    `line_user_id_sealed` is who, where LINE says so; `group_id_sealed` is where.
    """

    name: ClassVar[str] = "line.spoken_in_group"
    group_id_sealed: str
    line_user_id_sealed: str | None
    reply_token: str | None
    text: str
    happened_at: datetime


@dataclass(frozen=True)
class PressedInGroup(Event):
    """Somebody tapped, in a group or room, a button of ours that carries `data`; who, where LINE says so."""

    name: ClassVar[str] = "line.pressed_in_group"
    group_id_sealed: str
    line_user_id_sealed: str | None
    reply_token: str | None
    data: str
    happened_at: datetime


@dataclass(frozen=True)
class LeftGroup(Event):
    """The city's account has been put out of a group or room: nothing reaches it any more."""

    name: ClassVar[str] = "line.left_group"
    group_id_sealed: str
    happened_at: datetime


@dataclass(frozen=True)
class MembersLeftGroup(Event):
    """These people are in the group or room no more."""

    name: ClassVar[str] = "line.members_left_group"
    group_id_sealed: str
    line_user_ids_sealed: tuple[str, ...]
    happened_at: datetime


@dataclass(frozen=True)
class SpeakerHeld(Event):
    """Somebody sends more than anybody tells: it is kept and not answered from now on. Told once in a while."""

    name: ClassVar[str] = "line.speaker_held"
    line_user_id_sealed: str
    reply_token: str | None


@dataclass(frozen=True)
class ChunksAccepted(Event):
    """LINE took chunks of one subject: accepted is not yet read, but they will not be sent again."""

    name: ClassVar[str] = "line.chunks_accepted"
    chunk_ids: tuple[int, ...]
    subject: str
    kind: str
    recipient_count: int
    accepted_at: datetime


@dataclass(frozen=True)
class ChunkGivenUp(Event):
    """A chunk will not be sent any more: `state` is failed (LINE refused it, or was never reached), unknown (no answer
    for 23 h, or none before it was called back), or cancelled (called back, and it surely went to nobody).
    """

    name: ClassVar[str] = "line.chunk_given_up"
    chunk_id: int
    subject: str
    kind: str
    recipient_count: int
    state: str
    error: str


@dataclass(frozen=True)
class QuotaUsedUp(Event):
    """LINE's allowance of the month is used up: nothing but replies goes out until it is raised."""

    name: ClassVar[str] = "line.quota_used_up"
    until_wall_at: datetime
