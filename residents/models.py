"""The city's friends on LINE and where they live: sealed, found again by a keyed hash."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.orm import Mapped, mapped_column

import gis.models  # noqa: F401 - a home's area is one of gis's areas.
import staff.models  # noqa: F401 - codes are handed out, needs looked at and erasures ordered by accounts.
from core.db import Base


class AudienceChange(Base):
    """That a transaction changed a resident's home, language or reach; without a resident: those of many.

    Written by the database itself. A register that was read in one snapshot is told in another what is new.
    """

    __tablename__ = "audience_change"
    __table_args__ = (sa.Index("ix_audience_change_xid", "xid"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    xid: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("(pg_current_xact_id()::text)::bigint"))
    resident_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    noted_wall_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()")
    )


class Resident(Base):
    """One friend of the city's LINE account."""

    __tablename__ = "resident"
    __table_args__ = (sa.CheckConstraint("trust IN ('real', 'derived', 'simulated')", name="trust"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    line_user_hash: Mapped[bytes] = mapped_column(unique=True)
    line_user_sealed: Mapped[bytes]
    language: Mapped[str]
    consented_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    consent_version: Mapped[str | None]
    is_reachable: Mapped[bool]
    unreachable_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    friendship_changed_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    home_asked_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    home_answered_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    joined_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    trust: Mapped[str]
    name_sealed: Mapped[bytes | None]
    phone_sealed: Mapped[bytes | None]
    identity_checked_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    identity_checked_by: Mapped[str | None]
    erasure_asked_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    consent_asked_version: Mapped[str | None]
    # Since then the resident wants no news from the city; warnings are another thing.
    news_refused_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    # Until then only cries for help are heard; the standing `ResidentBlock` says why.
    blocked_until_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class Home(Base):
    """A place where a resident wants to be warned; one that `is_approximate` is the middle of a community."""

    __tablename__ = "home"
    __table_args__ = (
        sa.Index("ix_home_geom", "geom", postgresql_using="gist"),
        sa.Index("ix_home_resident_id", "resident_id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey("resident.id", ondelete="CASCADE"))
    geom: Mapped[Any] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("area.id", ondelete="SET NULL"))
    is_vulnerable: Mapped[bool]
    label: Mapped[str]
    name_sealed: Mapped[bytes | None]
    is_approximate: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
