"""Tables of alerts: the city's policy and words, what was proposed and decided, where, and who was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

import residents.models  # noqa: F401 - an alert's recipients are residents.
import staff.models  # noqa: F401 - an alert names the accounts that decided.
from core.db import Base

_AT = sa.DateTime(timezone=True)
_IS_OPEN_WARNING = sa.text("state = 'proposed' AND kind IN ('alert', 'update') AND source = 'rule'")
_IS_OPEN_ALL_CLEAR = sa.text("state IN ('proposed', 'approved', 'sending') AND kind = 'all_clear'")


class AlertRule(Base):
    """One level of one version of the policy, 0 is news; the highest version holds."""

    __tablename__ = "alert_rule"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    min_severity: Mapped[int] = mapped_column(sa.SmallInteger)
    is_proposed: Mapped[bool]
    lasts_s: Mapped[int]
    declined_holds_s: Mapped[int]
    priority: Mapped[int] = mapped_column(sa.SmallInteger)
    persons: Mapped[int] = mapped_column(sa.SmallInteger)
    needs_typed_name: Mapped[bool]
    is_quiet_at_night: Mapped[bool]
    quiet_from_h: Mapped[int] = mapped_column(sa.SmallInteger)
    quiet_to_h: Mapped[int] = mapped_column(sa.SmallInteger)
    check_holds_s: Mapped[int]
    may_be_armed: Mapped[bool]
    armed_delay_s: Mapped[int]
    armed_at_most_s: Mapped[int]


class AlertTemplate(Base):
    """The words of one hazard and level (0 is the all-clear) in one language of one version."""

    __tablename__ = "alert_template"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hazard: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    situation: Mapped[str]
    expected: Mapped[str]
    action: Mapped[str]
    alt: Mapped[str]


class AlertVocabulary(Base):
    """The words that fill slots and label buttons in one language of one version."""

    __tablename__ = "alert_vocabulary"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(primary_key=True)
    words: Mapped[dict[str, Any]]


class Alert(Base):
    """A draft or proposal, and what became of it. `event_id` is the first alert of the flood that it belongs to.

    `level` 0 is news. `source` says who proposed it: the rules, an officer, a warning from outside (`outside_id`).
    `own_words` are an officer's own, by language; without them the templates speak. Of the two people that a level may
    need, `checked_by` was the first. An alert held for the night is approved and goes out at `hold_until_at`; one that
    the armed policy sends goes out at `sends_itself_at` unless somebody stops it.
    """

    __tablename__ = "alert"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('alert', 'update', 'all_clear', 'news')", name="kind"),
        sa.CheckConstraint("level BETWEEN 0 AND 3 AND (level = 0) = (kind = 'news')", name="level"),
        sa.CheckConstraint(
            "state IN ('draft', 'proposed', 'approved', 'sending', 'active', 'updated', 'cancelled', 'ended',"
            " 'declined', 'withdrawn')",
            name="state",
        ),
        sa.CheckConstraint("source IN ('rule', 'officer', 'outside')", name="source"),
        sa.Index("uq_alert_open_level", "level", unique=True, postgresql_where=_IS_OPEN_WARNING),
        sa.Index("uq_alert_open_all_clear", "event_id", unique=True, postgresql_where=_IS_OPEN_ALL_CLEAR),
        sa.Index(
            "ix_alert_hold_until_at", "hold_until_at",
            postgresql_where=sa.text("hold_until_at IS NOT NULL AND state = 'approved'"),
        ),
        sa.Index(
            "ix_alert_sends_itself_at", "sends_itself_at",
            postgresql_where=sa.text("sends_itself_at IS NOT NULL AND state = 'proposed'"),
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    event_id: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    kind: Mapped[str]
    level: Mapped[int] = mapped_column(sa.SmallInteger)
    state: Mapped[str]
    revision: Mapped[int]
    run_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    depth_class: Mapped[int] = mapped_column(sa.SmallInteger)
    words_version: Mapped[int]
    policy_version: Mapped[int]
    proposed_at: Mapped[datetime] = mapped_column(_AT)
    revised_at: Mapped[datetime] = mapped_column(_AT)
    proposed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    evidence: Mapped[list[Any]] = mapped_column(JSONB)
    texts: Mapped[dict[str, Any]]
    audience_count: Mapped[int]
    audience_hash: Mapped[str]
    audience_by_language: Mapped[dict[str, Any]]
    vulnerable_count: Mapped[int]
    suppressed_by_reason: Mapped[dict[str, Any]]
    trigger_received_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    approved_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    approved_at: Mapped[datetime | None] = mapped_column(_AT)
    approved_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    expires_at: Mapped[datetime | None] = mapped_column(_AT)
    delivered_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    accepted_last_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    closed_at: Mapped[datetime | None] = mapped_column(_AT)
    closed_reason: Mapped[str | None]
    references: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    previous_alert_id: Mapped[int | None] = mapped_column(sa.ForeignKey("alert.id"))
    cap_identifier: Mapped[str | None]
    hazard: Mapped[str] = mapped_column(server_default="flood")
    source: Mapped[str] = mapped_column(server_default="rule")
    outside_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    is_exercise: Mapped[bool] = mapped_column(server_default=sa.false())
    own_words: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    checked_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    checked_at: Mapped[datetime | None] = mapped_column(_AT)
    hold_until_at: Mapped[datetime | None] = mapped_column(_AT)
    sends_itself_at: Mapped[datetime | None] = mapped_column(_AT)
    armed_policy_id: Mapped[int | None] = mapped_column(sa.BigInteger)


class ArmedPolicy(Base):
    """Alerts of this level go out by themselves after `delay_s`, on the owner's word, until it expires.

    Another person armed it, and anybody on duty can stop each alert meanwhile.
    """

    __tablename__ = "armed_policy"
    __table_args__ = (
        sa.CheckConstraint("owner_id <> armed_by", name="two_people"),
        sa.CheckConstraint("expires_at > armed_at", name="ends"),
        sa.CheckConstraint("delay_s >= 30", name="can_be_stopped"),
        sa.Index("uq_armed_policy_level", "level", unique=True, postgresql_where=sa.text("disarmed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    level: Mapped[int] = mapped_column(sa.SmallInteger)
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    armed_by: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    armed_at: Mapped[datetime] = mapped_column(_AT)
    expires_at: Mapped[datetime] = mapped_column(_AT)
    delay_s: Mapped[int]
    reason: Mapped[str]
    disarmed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    disarmed_at: Mapped[datetime | None] = mapped_column(_AT)


class AlertTarget(Base):
    """Whom an officer's alert or news is for beside the homes of its zones: an area, a group, a person, everyone."""

    __tablename__ = "alert_target"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('area', 'group', 'person', 'everyone')", name="kind"),
        sa.CheckConstraint("(kind = 'everyone') = (ref_id IS NULL)", name="ref"),
        sa.UniqueConstraint("alert_id", "kind", "ref_id", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"))
    kind: Mapped[str]
    ref_id: Mapped[int | None] = mapped_column(sa.BigInteger)


class AlertThread(Base):
    """One thing that happened in an event, from the first watch to the all-clear. It only grows."""

    __tablename__ = "alert_thread"
    __table_args__ = (
        sa.Index("ix_alert_thread_event_id", "event_id", "id"),
        sa.Index("ix_alert_thread_alert_id", "alert_id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.BigInteger)
    alert_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    happened_at: Mapped[datetime] = mapped_column(_AT)
    happened_wall_at: Mapped[datetime] = mapped_column(_AT)
    kind: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class AlertZone(Base):
    """A zone of an alert, with the outline that it had then."""

    __tablename__ = "alert_zone"
    __table_args__ = (sa.Index("ix_alert_zone_geom", "geom", postgresql_using="gist"),)

    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True)
    zone_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    zone_version: Mapped[int]
    code: Mapped[str]
    name_th: Mapped[str]
    name_en: Mapped[str]
    geom: Mapped[Any] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=False))


class AlertChunk(Base):
    """Up to 500 residents of an alert's frozen audience who get the same text, or who are not told (`suppressed`).

    The arrays are of one length: a resident, the home inside (none for who was told before and moved), the reasons as
    bits. A `frozen` chunk becomes `packed` when its message stands in the outbox, under the alert's and its own number.
    """

    __tablename__ = "alert_chunk"
    __table_args__ = (
        sa.CheckConstraint("state IN ('frozen', 'packed', 'cancelled', 'suppressed')", name="state"),
        sa.CheckConstraint(
            "cardinality(home_ids) = cardinality(resident_ids) AND cardinality(reasons) = cardinality(resident_ids)",
            name="one_of_each",
        ),
        sa.Index("ix_alert_chunk_frozen", "alert_id", "number", postgresql_where=sa.text("state = 'frozen'")),
        sa.Index("ix_alert_chunk_unwritten", "alert_id", "number", postgresql_where=sa.text("NOT is_in_ledger")),
    )

    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    language: Mapped[str]
    suppressed: Mapped[str | None]
    resident_ids: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    home_ids: Mapped[list[int | None]] = mapped_column(ARRAY(sa.BigInteger))
    reasons: Mapped[list[int]] = mapped_column(ARRAY(sa.SmallInteger))
    priority: Mapped[int] = mapped_column(sa.SmallInteger)
    state: Mapped[str]
    outbox_chunk_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    is_in_ledger: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)


class AlertRecipient(Base):
    """One resident of an alert's frozen audience: why (`reason`), in which language and chunk; or why not told.

    Of a large audience the rows are written behind the sending: `queries.ledger` knows those still to come.
    """

    __tablename__ = "alert_recipient"
    __table_args__ = (
        sa.CheckConstraint("state IN ('frozen', 'queued', 'suppressed', 'cancelled')", name="state"),
        sa.Index("ix_alert_recipient_resident_id", "resident_id"),
        sa.Index("ix_alert_recipient_answered", "alert_id", "answer", postgresql_where=sa.text("answer IS NOT NULL")),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    home_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    language: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(sa.String), server_default=sa.text("'{}'"), default=list)
    chunk_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None] = mapped_column(_AT)


class AlertErased(Base):
    """A recipient of an alert who was erased since: what became of the message, and nothing of whom."""

    __tablename__ = "alert_erased"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"), index=True)
    language: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    answer: Mapped[str | None]
