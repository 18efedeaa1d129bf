"""Articles with every version of theirs, what residents asked, and questions handed over to officers."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

import residents.models  # noqa: F401 - residents ask.
import staff.models  # noqa: F401 - accounts answer.
from core.db import Base

_AT = sa.DateTime(timezone=True)
_OF_RESIDENT = "resident.id"
HAND_OVER_STATES = ("waiting", "answered", "closed")


class Article(Base):
    """What the city says on one matter in one language; texts of one `code` say the same in several."""

    __tablename__ = "article"
    __table_args__ = (
        sa.UniqueConstraint("code", "language"),
        sa.CheckConstraint("trust IN ('real', 'derived', 'simulated')", name="trust"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    code: Mapped[str]
    language: Mapped[str]
    trust: Mapped[str]


class ArticleVersion(Base):
    """An article as it was written at one time. It never changes: the one with the greatest number counts.

    `short_answer` is what a resident reads at once; `asked_as` are other words in which it is asked for. Where
    `is_withdrawn`, or after the day `valid_until`, nobody is answered with it. `review_on` reminds its agency.
    """

    __tablename__ = "article_version"
    __table_args__ = (sa.UniqueConstraint("article_id", "number"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    article_id: Mapped[int] = mapped_column(sa.ForeignKey("article.id", ondelete="CASCADE"))
    number: Mapped[int]
    title: Mapped[str]
    short_answer: Mapped[str]
    body: Mapped[str]
    asked_as: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    agency_code: Mapped[str | None]
    source_title: Mapped[str]
    source_page: Mapped[str | None]
    source_url: Mapped[str | None]
    source_dated: Mapped[date]
    valid_until: Mapped[date | None]
    review_on: Mapped[date]
    is_withdrawn: Mapped[bool]
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(_AT)


class ArticleTerms(Base):
    """What is looked for in a version: its terms, each with how much it counts there, and what cut them (`cut_by`).

    Kept as they are read fastest, for a process reads a million of them: a term a line, and 32-bit floats.
    """

    __tablename__ = "article_terms"

    version_id: Mapped[int] = mapped_column(sa.ForeignKey("article_version.id", ondelete="CASCADE"), primary_key=True)
    cut_by: Mapped[str]
    terms: Mapped[str]
    times: Mapped[bytes]


class HandOver(Base):
    """A resident's questions to an officer, from the first until it is closed. A resident has one open at most."""

    __tablename__ = "hand_over"
    __table_args__ = (
        sa.CheckConstraint("state IN ('waiting', 'answered', 'closed')", name="state"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        sa.Index("ix_hand_over_open", "resident_id", unique=True, postgresql_where=sa.text("state <> 'closed'")),
        sa.Index("ix_hand_over_resident_id", "resident_id"),
        sa.Index("ix_hand_over_state", "state", "opened_at", "id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"))
    state: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(_AT)
    moved_at: Mapped[datetime] = mapped_column(_AT)
    closed_at: Mapped[datetime | None] = mapped_column(_AT)
    closed_by: Mapped[str | None]


class Question(Base):
    """What a resident asked, sealed; with what it was answered, and whether they say that this helped.

    `hand_over_id` where it went to an officer.
    """

    __tablename__ = "question"
    __table_args__ = (
        sa.Index("ix_question_resident_id", "resident_id"),
        sa.Index("ix_question_hand_over_id", "hand_over_id", "id"),
        sa.Index("ix_question_asked_at", "asked_at"),
        sa.Index("ix_question_article_version_id", "article_version_id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    resident_id: Mapped[int | None] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="SET NULL"))
    text_sealed: Mapped[bytes | None]
    asked_at: Mapped[datetime] = mapped_column(_AT)
    article_version_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("article_version.id", ondelete="SET NULL")
    )
    has_helped: Mapped[bool | None]
    has_become_report: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    hand_over_id: Mapped[int | None] = mapped_column(sa.ForeignKey("hand_over.id", ondelete="CASCADE"))


class OfficerAnswer(Base):
    """What an officer answered in a hand-over, sealed; `chunk_id` is the message that brings it."""

    __tablename__ = "officer_answer"
    __table_args__ = (sa.Index("ix_officer_answer_hand_over_id", "hand_over_id", "id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    hand_over_id: Mapped[int] = mapped_column(sa.ForeignKey("hand_over.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    text_sealed: Mapped[bytes]
    answered_at: Mapped[datetime] = mapped_column(_AT)
    chunk_id: Mapped[int | None] = mapped_column(sa.BigInteger)
