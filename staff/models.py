"""The tables of staff: accounts, sign-ins, failed attempts, the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Account(Base):
    """One of the city's people, or a crew's phone. Never deleted, only made inactive: the audit log points here."""

    __tablename__ = "account"
    __table_args__ = (
        sa.CheckConstraint(
            "roles <@ ARRAY['viewer','officer','approver','dispatcher','crew','admin']::text[] "
            "AND cardinality(roles) > 0",
            name="known_roles",
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    password_hash: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    crew_code: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class SignIn(Base):
    """A browser that is signed in; it keeps the token, we keep its hash. Real time: a storm must throw nobody out."""

    __tablename__ = "sign_in"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    created_wall_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_wall_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class SignInFailure(Base):
    """A wrong password, kept for a day so that guessing is slowed in every process alike."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (sa.Index("ix_sign_in_failure_address_failed_wall_at", "address", "failed_wall_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    username: Mapped[str]
    address: Mapped[str]
    failed_wall_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class AuditEntry(Base):
    """Who did what to what, and when; the database refuses to change or delete it."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), index=True)
    recorded_wall_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    username: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
