"""Tables of the rulebook: versions of rules, where each rule stands, and what it has changed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_AT = sa.DateTime(timezone=True)


class WatchRule(Base):
    """One version of a rule (`sensors.watch.documents`); the database refuses to change or delete it.

    The newest version of a code counts, if it is active; a rule is retired by a version that is not. `key` names this
    version among those of all databases.
    """

    __tablename__ = "watch_rule"
    __table_args__ = (sa.UniqueConstraint("code", "version"), sa.CheckConstraint("version > 0", name="version"))

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    key: Mapped[uuid.UUID] = mapped_column(server_default=sa.text("gen_random_uuid()"))
    code: Mapped[str]
    version: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_active: Mapped[bool]
    valid_from_at: Mapped[datetime] = mapped_column(_AT)
    made_by: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("account.id"))
    reason: Mapped[str]


class WatchRuleState(Base):
    """Where a rule beyond the gauges' own level rules stands; `document` is `sensors.rulebook.standing.Standing`."""

    __tablename__ = "watch_rule_state"

    rule_code: Mapped[str] = mapped_column(primary_key=True)
    rule_version: Mapped[int]
    state: Mapped[int] = mapped_column(sa.SmallInteger)
    since_at: Mapped[datetime | None] = mapped_column(_AT)
    condition: Mapped[int] = mapped_column(sa.SmallInteger)
    document: Mapped[bytes]


class WatchRuleChange(Base):
    """What a rule changed, by code and version (`sensors.watch.state.ChangeKind`). Never changed."""

    __tablename__ = "watch_rule_change"
    __table_args__ = (sa.Index("ix_watch_rule_change_rule_code", "rule_code", "observed_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    rule_code: Mapped[str]
    rule_version: Mapped[int]
    observed_at: Mapped[datetime] = mapped_column(_AT)
    kind: Mapped[str]
    from_state: Mapped[int] = mapped_column(sa.SmallInteger)
    to_state: Mapped[int] = mapped_column(sa.SmallInteger)
    condition: Mapped[int] = mapped_column(sa.SmallInteger)
    is_announced: Mapped[bool]
    value: Mapped[float | None]
    received_wall_at: Mapped[datetime] = mapped_column(_AT)
