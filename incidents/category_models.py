"""Tables of understanding: models of categories, labelled texts from elsewhere, and what officers corrected."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_AT = sa.DateTime(timezone=True)


class CategoryModel(Base):
    """A model that was learnt; its id is its version, and one at most is active.

    `figures` are how it and the one before did on labelled texts that neither had seen; `document` holds the weights
    as numbers in JSON (`incidents.understanding.stored`): reading it runs nothing. Models out of use have none.
    """

    __tablename__ = "category_model"
    __table_args__ = (
        sa.CheckConstraint("NOT is_active OR document IS NOT NULL", name="active"),
        sa.Index("ix_category_model_active", "is_active", unique=True, postgresql_where=sa.text("is_active")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    trained_at: Mapped[datetime] = mapped_column(_AT)
    texts: Mapped[int]
    held_out: Mapped[int]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_active: Mapped[bool]
    document: Mapped[str | None] = mapped_column(sa.Text)


class CategoryExample(Base):
    """A labelled text that no resident sent here: what `faonam categories train` was given, each text once."""

    __tablename__ = "category_example"

    text_hash: Mapped[bytes] = mapped_column(primary_key=True)
    text: Mapped[str]
    category_codes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    source: Mapped[str]
    labelled_at: Mapped[datetime] = mapped_column(_AT)


class CategoryCorrection(Base):
    """An officer's word on what a report is of; the newest of a report counts, before the resident's tap."""

    __tablename__ = "category_correction"
    __table_args__ = (sa.Index("ix_category_correction_report_id", "report_id", "corrected_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey("report.id", ondelete="CASCADE"))
    category_code: Mapped[str] = mapped_column(sa.ForeignKey("category.code", ondelete="CASCADE"))
    corrected_by: Mapped[str]
    corrected_at: Mapped[datetime] = mapped_column(_AT)
