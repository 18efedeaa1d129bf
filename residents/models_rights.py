"""What residents agreed to, need, belong to and may ask for: their rights as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import residents.models  # noqa: F401 - whose these are.
from core.db import Base

_AT = sa.DateTime(timezone=True)
_OF_RESIDENT = "resident.id"


class ConsentEntry(Base):
    """What a resident said yes or no to: purpose, version, the very text, when and by which way. It only grows."""

    __tablename__ = "consent_entry"
    __table_args__ = (sa.Index("ix_consent_entry_resident_id", "resident_id", "purpose", "id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"))
    purpose: Mapped[str]
    version: Mapped[str]
    language: Mapped[str]
    text: Mapped[str]
    is_given: Mapped[bool]
    way: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(_AT)


class NeedKind(Base):
    """A need that a household may tell the city of, with its name by language; loaded from `data/needs.toml`."""

    __tablename__ = "need_kind"

    code: Mapped[str] = mapped_column(primary_key=True)
    names: Mapped[dict[str, Any]]
    position: Mapped[int] = mapped_column(sa.SmallInteger)


class HouseholdNeed(Base):
    """The sealed needs of the people in one home."""

    __tablename__ = "household_need"
    __table_args__ = (sa.Index("ix_household_need_resident_id", "resident_id"),)

    home_id: Mapped[int] = mapped_column(
        sa.ForeignKey("home.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"))
    needs_sealed: Mapped[bytes]
    said_at: Mapped[datetime] = mapped_column(_AT)


class NeedLook(Base):
    """Who looked at whose needs, when and why. It only grows; erasing the person leaves who and when."""

    __tablename__ = "need_look"
    __table_args__ = (sa.Index("ix_need_look_resident_id", "resident_id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    resident_id: Mapped[int | None] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="SET NULL"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    reason_sealed: Mapped[bytes | None]
    looked_at: Mapped[datetime] = mapped_column(_AT)


class ResidentGroup(Base):
    """A group of residents that the city keeps, such as the leaders of its communities."""

    __tablename__ = "resident_group"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    is_leaders: Mapped[bool]
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("area.id", ondelete="SET NULL"))
    made_by: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    made_at: Mapped[datetime] = mapped_column(_AT)


class GroupMember(Base):
    """Who belongs to a group since when."""

    __tablename__ = "group_member"
    __table_args__ = (sa.Index("ix_group_member_resident_id", "resident_id"),)

    group_id: Mapped[int] = mapped_column(
        sa.ForeignKey("resident_group.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    resident_id: Mapped[int] = mapped_column(
        sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    joined_at: Mapped[datetime] = mapped_column(_AT)


class AreaWatch(Base):
    """An area that a resident asked to hear about since when, wherever they live."""

    __tablename__ = "area_watch"
    __table_args__ = (sa.Index("ix_area_watch_area_id", "area_id"),)

    resident_id: Mapped[int] = mapped_column(
        sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    area_id: Mapped[int] = mapped_column(
        sa.ForeignKey("area.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    since: Mapped[datetime] = mapped_column(_AT)


class HandedCode(Base):
    """A code that an officer handed over, by its keyed hash: it checks an identity, opens a group, or is for leaders.

    Those type it in their group on LINE, each of them, until it expires. Real time.
    """

    __tablename__ = "handed_code"
    __table_args__ = (
        sa.CheckConstraint("purpose IN ('identity', 'group', 'leaders')", name="purpose"),
        sa.CheckConstraint("(purpose = 'group') = (group_id IS NOT NULL)", name="group_has_group"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    purpose: Mapped[str]
    group_id: Mapped[int | None] = mapped_column(sa.ForeignKey("resident_group.id", ondelete="CASCADE"))
    name_sealed: Mapped[bytes | None]
    phone_sealed: Mapped[bytes | None]
    issued_by: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    issued_wall_at: Mapped[datetime] = mapped_column(_AT)
    expires_wall_at: Mapped[datetime] = mapped_column(_AT)
    used_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    resident_id: Mapped[int | None] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"))


class CodeTry(Base):
    """A wrong code, so that guessing is slowed. Real time."""

    __tablename__ = "code_try"
    __table_args__ = (sa.Index("ix_code_try_resident_id", "resident_id", "tried_wall_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"))
    tried_wall_at: Mapped[datetime] = mapped_column(_AT)


class ExportLink(Base):
    """A link to everything about its resident, by the hash of its token. Real time."""

    __tablename__ = "export_link"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"), index=True)
    made_wall_at: Mapped[datetime] = mapped_column(_AT)
    expires_wall_at: Mapped[datetime] = mapped_column(_AT)


class ResidentSignIn(Base):
    """A resident's page that is open, by the hash of its token. Real time."""

    __tablename__ = "resident_sign_in"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"), index=True)
    made_wall_at: Mapped[datetime] = mapped_column(_AT)
    expires_wall_at: Mapped[datetime] = mapped_column(_AT)


class UsedIdToken(Base):
    """An ID token of LINE that has opened a page: it opens no second one. Forgotten when it has expired by itself."""

    __tablename__ = "used_id_token"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    expires_wall_at: Mapped[datetime] = mapped_column(_AT)


class Erasure(Base):
    """That a person was erased: when, by which way, by whom, and the hash of a random receipt. Nothing says who."""

    __tablename__ = "erasure"
    __table_args__ = (
        sa.CheckConstraint("way IN ('chat', 'officer')", name="way"),
        sa.CheckConstraint("(way = 'officer') = (account_id IS NOT NULL)", name="officer_named"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    resident_id: Mapped[int | None] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="SET NULL"))
    way: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    asked_at: Mapped[datetime] = mapped_column(_AT)
    done_at: Mapped[datetime | None] = mapped_column(_AT)
    receipt_hash: Mapped[bytes]
    was_imported: Mapped[bool]
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ResidentBlock(Base):
    """That an officer keeps a resident from ordinary reports for a time, why, and who undid it."""

    __tablename__ = "resident_block"
    __table_args__ = (sa.Index("ix_resident_block_resident_id", "resident_id", "id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"))
    reason_sealed: Mapped[bytes]
    blocked_at: Mapped[datetime] = mapped_column(_AT)
    blocked_by: Mapped[str]
    until_at: Mapped[datetime] = mapped_column(_AT)
    told_at: Mapped[datetime | None] = mapped_column(_AT)
    lifted_at: Mapped[datetime | None] = mapped_column(_AT)
    lifted_by: Mapped[str | None]
    lift_reason_sealed: Mapped[bytes | None]
