"""The tables of feeds: what is declared of each, how it does, and how far its devices have counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_AT = sa.DateTime(timezone=True)


class Feed(Base):
    """A source of readings, as a city pack or an operator declares it.

    With `url` it is asked every `period_s`, else it pushes and is expected as often. `streams` say what each of its
    series is (`sensors.feeds.mapping`), `options` how it writes (`sensors.feeds_store.spec`). Of its own key only the
    hash is kept; a secret that it asks of us stands in the environment, under the name in `secret_env`.
    """

    __tablename__ = "feed"
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('http_json', 'csv', 'mqtt_json', 'tts', 'chirpstack', 'thingsboard', 'thaiwater', 'ea', "
            "'rain_csv')",
            name="kind",
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
    streams: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_enabled: Mapped[bool]
    secret_env: Mapped[str | None]
    secret_header: Mapped[str | None]
    key_hash: Mapped[bytes | None]
    trust: Mapped[str]
    layer: Mapped[str | None]


class FeedHealth(Base):
    """How a feed does. Whoever holds the row's lock is the only one to store for the feed.

    Asking happens in real time (`…_wall_at`); `newest_observed_at` is what its readings say, on the shared clock.
    """

    __tablename__ = "feed_health"

    feed_id: Mapped[int] = mapped_column(
        sa.ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    last_attempt_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    last_success_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    next_attempt_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    newest_observed_at: Mapped[datetime | None] = mapped_column(_AT)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    trouble: Mapped[str | None]
    trouble_detail: Mapped[str | None]
    rows_stored: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    rows_repeated: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    rows_refused: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    # What the source said of its last whole answer, so that it need not send it again (RFC 9110, 13.1).
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]


class FeedDevice(Base):
    """How far a device of a feed has counted its frames; what is behind that is an old frame played again."""

    __tablename__ = "feed_device"

    feed_id: Mapped[int] = mapped_column(
        sa.ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    device: Mapped[str] = mapped_column(primary_key=True)
    # None since the device has joined again.
    frame_counter: Mapped[int | None] = mapped_column(sa.BigInteger)
    session: Mapped[str | None]
    newest_at: Mapped[datetime] = mapped_column(_AT)
