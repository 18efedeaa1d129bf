"""Tables of who passes warnings on: leaders' groups on LINE, what they acknowledged, whom to call if nobody did."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

import alerts.models  # noqa: F401 - what is acknowledged are alerts.
import residents.models_rights  # noqa: F401 - a group is opened by a code that was handed over.
from core.db import Base

_AT = sa.DateTime(timezone=True)
_ALERT, _GROUP, _ACCOUNT = "alert.id", "leader_group.id", "account.id"


class LeaderGroup(Base):
    """A group of community leaders on LINE, for an area's zones and for those of `LeaderGroupZone`.

    Without `group_hash` its code was not typed yet. One that has ended keeps nothing of LINE's.
    """

    __tablename__ = "leader_group"
    __table_args__ = (
        sa.Index("uq_leader_group_group_hash", "group_hash", unique=True),
        sa.CheckConstraint("ended_why IN ('left', 'officer', 'moved')", name="ended_why"),
        sa.CheckConstraint("language IN ('th', 'en', 'ms', 'my')", name="language"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    language: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("area.id", ondelete="SET NULL"))
    group_hash: Mapped[bytes | None]
    group_sealed: Mapped[bytes | None]
    member_count: Mapped[int | None]
    counted_at: Mapped[datetime | None] = mapped_column(_AT)
    made_by: Mapped[int] = mapped_column(sa.ForeignKey(_ACCOUNT))
    made_at: Mapped[datetime] = mapped_column(_AT)
    opened_at: Mapped[datetime | None] = mapped_column(_AT)
    ended_at: Mapped[datetime | None] = mapped_column(_AT)
    ended_why: Mapped[str | None]


class LeaderGroupZone(Base):
    """A zone that a leaders' group answers for, beside those of its area."""

    __tablename__ = "leader_group_zone"

    leader_group_id: Mapped[int] = mapped_column(sa.ForeignKey(_GROUP, ondelete="CASCADE"), primary_key=True)
    zone_id: Mapped[int] = mapped_column(sa.ForeignKey("zone.id", ondelete="CASCADE"), primary_key=True)


class LeaderCode(Base):
    """Which group a handed code of the purpose `leaders` is for."""

    __tablename__ = "leader_code"

    code_id: Mapped[int] = mapped_column(
        sa.ForeignKey("handed_code.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    leader_group_id: Mapped[int] = mapped_column(sa.ForeignKey(_GROUP, ondelete="CASCADE"))


class Leader(Base):
    """Somebody who typed a code of the group: what they acknowledge counts. Found by the hash, shown by no name."""

    __tablename__ = "leader"
    __table_args__ = (sa.Index("ix_leader_user_hash", "user_hash"),)

    leader_group_id: Mapped[int] = mapped_column(sa.ForeignKey(_GROUP, ondelete="CASCADE"), primary_key=True)
    user_hash: Mapped[bytes] = mapped_column(primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(_AT)


class LeaderCall(Base):
    """That a group was told of an alert, once, and what of its zones it was told."""

    __tablename__ = "leader_call"

    alert_id: Mapped[int] = mapped_column(sa.ForeignKey(_ALERT, ondelete="CASCADE"), primary_key=True)
    leader_group_id: Mapped[int] = mapped_column(sa.ForeignKey(_GROUP, ondelete="CASCADE"), primary_key=True)
    told_at: Mapped[datetime] = mapped_column(_AT)
    homes: Mapped[int]
    vulnerable_homes: Mapped[int]
    member_count: Mapped[int]


class LeaderAcknowledgement(Base):
    """The first who acknowledged an alert for a zone: in which group and by which way, or by phone to an officer.

    Who it was is sealed, and found by the hash; both are gone once the person is erased, and the rest stays.
    """

    __tablename__ = "leader_acknowledgement"
    __table_args__ = (
        sa.CheckConstraint("way IN ('button', 'words', 'phone')", name="way"),
        sa.Index("ix_leader_acknowledgement_by_hash", "by_hash"),
    )

    alert_id: Mapped[int] = mapped_column(sa.ForeignKey(_ALERT, ondelete="CASCADE"), primary_key=True)
    zone_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    leader_group_id: Mapped[int | None] = mapped_column(sa.ForeignKey(_GROUP, ondelete="SET NULL"))
    way: Mapped[str]
    by_hash: Mapped[bytes | None]
    by_sealed: Mapped[bytes | None]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(_ACCOUNT))
    acknowledged_at: Mapped[datetime] = mapped_column(_AT)


class Contact(Base):
    """Somebody who is called when nobody of an area's zones acknowledges; without an area, for the whole city."""

    __tablename__ = "contact_list"
    __table_args__ = (
        sa.Index("ix_contact_list_area_id", "area_id", "position"),
        sa.Index("ix_contact_list_phone_hash", "phone_hash"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("area.id", ondelete="CASCADE"))
    position: Mapped[int]
    name_sealed: Mapped[bytes]
    phone_sealed: Mapped[bytes]
    phone_hash: Mapped[bytes]
    is_wrong: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    made_by: Mapped[int] = mapped_column(sa.ForeignKey(_ACCOUNT))
    made_at: Mapped[datetime] = mapped_column(_AT)


class EscalationRule(Base):
    """After how long without an acknowledgement an alert of this level is called about; none where never."""

    __tablename__ = "escalation_policy"
    __table_args__ = (sa.CheckConstraint("after_s > 0", name="after_s"),)

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    after_s: Mapped[int | None]
    made_by: Mapped[int | None] = mapped_column(sa.ForeignKey(_ACCOUNT))
    made_at: Mapped[datetime] = mapped_column(_AT)


class Escalation(Base):
    """Nobody acknowledged an alert for zones of an area in time: the area's list is called through, in its order."""

    __tablename__ = "escalation"
    __table_args__ = (
        sa.CheckConstraint("state IN ('calling', 'reached', 'acknowledged', 'exhausted', 'stopped')", name="state"),
        sa.Index("uq_escalation_alert_area", "alert_id", sa.text("coalesce(area_id, 0)"), unique=True),
        sa.Index("ix_escalation_open", "id", postgresql_where=sa.text("state IN ('calling', 'exhausted')")),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey(_ALERT, ondelete="CASCADE"))
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("area.id", ondelete="CASCADE"))
    policy_version: Mapped[int]
    state: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(_AT)
    ended_at: Mapped[datetime | None] = mapped_column(_AT)


class EscalationCall(Base):
    """One person of the list to be called, and what came of it; without an outcome it is the one to call now."""

    __tablename__ = "escalation_call"
    __table_args__ = (
        sa.CheckConstraint("outcome IN ('reached', 'no_answer', 'wrong_number')", name="outcome"),
        sa.Index(
            "uq_escalation_call_open", "escalation_id", unique=True, postgresql_where=sa.text("outcome IS NULL")
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    escalation_id: Mapped[int] = mapped_column(sa.ForeignKey("escalation.id", ondelete="CASCADE"), index=True)
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contact_list.id", ondelete="SET NULL"))
    position: Mapped[int]
    opened_at: Mapped[datetime] = mapped_column(_AT)
    outcome: Mapped[str | None]
    note_sealed: Mapped[bytes | None]
    outcome_at: Mapped[datetime | None] = mapped_column(_AT)
    outcome_by: Mapped[int | None] = mapped_column(sa.ForeignKey(_ACCOUNT))
