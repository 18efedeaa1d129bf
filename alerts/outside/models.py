"""Tables of outside warnings: who is asked or sends, how it does, what came, what it warns of, and the city's table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

import flood.models  # noqa: F401 - a warning is for zones.
import staff.models  # noqa: F401 - officers enter warnings and edit the table.
from core.db import Base

_AT = sa.DateTime(timezone=True)


class OutsideSource(Base):
    """Somebody who warns: asked every `period_s` where it has an address, else it sends or an officer hears it.

    `options` say how it is read (`alerts.outside.sources`). Of what it signs with, the secret is kept sealed; a secret
    that it asks of us stands in the environment, under the name in `secret_env`.
    """

    __tablename__ = "outside_source"
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('cap', 'thaiwater_level', 'thaiwater_rain', 'dwr', 'webhook', 'officer')", name="kind"
        ),
        sa.CheckConstraint("period_s > 0", name="period"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    url: Mapped[str | None]
    period_s: Mapped[int]
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_enabled: Mapped[bool]
    extra_ca_pem: Mapped[str | None]
    secret_env: Mapped[str | None]
    secret_header: Mapped[str | None]
    signing_sealed: Mapped[bytes | None]


class OutsideHealth(Base):
    """How a source does. Whoever holds the row's lock is the only one to store for it. Asking is in real time."""

    __tablename__ = "outside_health"

    source_id: Mapped[int] = mapped_column(
        sa.ForeignKey("outside_source.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    last_attempt_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    last_success_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    failing_since_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    next_attempt_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    newest_sent_at: Mapped[datetime | None] = mapped_column(_AT)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    trouble: Mapped[str | None]
    trouble_detail: Mapped[str | None]
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]


class OutsideDocument(Base):
    """What came, byte by byte (packed), and what became of it: read, or refused with the reason.

    `call_id` is the caller's own id of a signed call: the same call is taken once.
    """

    __tablename__ = "outside_document"
    __table_args__ = (
        sa.CheckConstraint("state IN ('read', 'refused')", name="state"),
        sa.UniqueConstraint("source_id", "call_id"),
        sa.Index("ix_outside_document_source_id", "source_id", "address"),
        sa.Index("ix_outside_document_received_at", "received_wall_at"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("outside_source.id", ondelete="CASCADE"))
    address: Mapped[str]
    call_id: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(_AT)
    received_wall_at: Mapped[datetime] = mapped_column(_AT)
    seen_wall_at: Mapped[datetime] = mapped_column(_AT)
    sha256: Mapped[bytes]
    size_bytes: Mapped[int]
    body: Mapped[bytes]
    state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    unread: Mapped[list[Any]] = mapped_column(JSONB)


class OutsideWarningRow(Base):
    """One warning of a source, once: an issue with its identifier replaces what it said before (`issues` counts).

    `state`: current, replaced (a later one took its place), cancelled, over (its source says so). Expired is by the
    clock alone: `expires_at`. What the city's table makes of it stands in `acts_as`, `level` and the zones.
    """

    __tablename__ = "outside_warning"
    __table_args__ = (
        sa.CheckConstraint("state IN ('current', 'replaced', 'cancelled', 'over')", name="state"),
        sa.CheckConstraint("acts_as IN ('context', 'proposal')", name="acts_as"),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name="level"),
        sa.UniqueConstraint("source_id", "identifier"),
        sa.Index("ix_outside_warning_current", "expires_at", postgresql_where=sa.text("state = 'current'")),
        sa.Index("ix_outside_warning_document_id", "document_id"),
        sa.Index("ix_outside_warning_geom", "geom", postgresql_using="gist"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("outside_source.id", ondelete="CASCADE"))
    identifier: Mapped[str]
    sender: Mapped[str]
    issues: Mapped[int] = mapped_column(default=1)
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("outside_document.id", ondelete="SET NULL"))
    sent_at: Mapped[datetime] = mapped_column(_AT)
    received_at: Mapped[datetime] = mapped_column(_AT)
    effective_at: Mapped[datetime | None] = mapped_column(_AT)
    onset_at: Mapped[datetime | None] = mapped_column(_AT)
    expires_at: Mapped[datetime] = mapped_column(_AT)
    state: Mapped[str]
    ended_at: Mapped[datetime | None] = mapped_column(_AT)
    replaced_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    status: Mapped[str]
    message_type: Mapped[str]
    event: Mapped[str]
    hazard: Mapped[str]
    grade: Mapped[int | None] = mapped_column(sa.SmallInteger)
    severity: Mapped[str]
    urgency: Mapped[str]
    certainty: Mapped[str]
    words: Mapped[dict[str, Any]] = mapped_column(JSONB)
    places: Mapped[list[Any]] = mapped_column(JSONB)
    references: Mapped[list[Any]] = mapped_column(JSONB)
    station: Mapped[str | None]
    group_key: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    findings: Mapped[list[Any]] = mapped_column(JSONB)
    geom: Mapped[Any | None] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=False))
    reach: Mapped[str]
    is_wide: Mapped[bool]
    acts_as: Mapped[str]
    level: Mapped[int] = mapped_column(sa.SmallInteger)
    mapped_row: Mapped[int | None]
    mapped_version: Mapped[int | None]
    mapped_findings: Mapped[list[Any]] = mapped_column(JSONB)
    entered_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    contact_sealed: Mapped[bytes | None]


class OutsideWarningZone(Base):
    """A zone that the city's table names for a warning, how much of it the outline covers, and what follows there."""

    __tablename__ = "outside_warning_zone"
    __table_args__ = (sa.Index("ix_outside_warning_zone_zone_id", "zone_id"),)

    warning_id: Mapped[int] = mapped_column(sa.ForeignKey("outside_warning.id", ondelete="CASCADE"), primary_key=True)
    zone_id: Mapped[int] = mapped_column(sa.ForeignKey("zone.id", ondelete="CASCADE"), primary_key=True)
    level: Mapped[int] = mapped_column(sa.SmallInteger)
    acts_as: Mapped[str]
    share: Mapped[float]


class OutsideMapping(Base):
    """One version of the city's table; the highest holds, none is ever changed."""

    __tablename__ = "outside_mapping"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_at: Mapped[datetime] = mapped_column(_AT)
    made_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    note: Mapped[str]


class OutsideMappingRow(Base):
    """One row of a version of the table; `position` counts from 1."""

    __tablename__ = "outside_mapping_row"
    __table_args__ = (
        sa.CheckConstraint("place_kind IN ('station', 'code', 'name', 'polygon', '*')", name="place_kind"),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name="level"),
        sa.CheckConstraint("acts_as IN ('context', 'proposal')", name="acts_as"),
    )

    version: Mapped[int] = mapped_column(
        sa.ForeignKey("outside_mapping.version"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str]
    event: Mapped[str]
    min_grade: Mapped[int] = mapped_column(sa.SmallInteger)
    place_kind: Mapped[str]
    area: Mapped[str]
    share: Mapped[float]
    zones: Mapped[list[str]] = mapped_column(ARRAY(sa.String))
    level: Mapped[int] = mapped_column(sa.SmallInteger)
    acts_as: Mapped[str]
    note: Mapped[str]
