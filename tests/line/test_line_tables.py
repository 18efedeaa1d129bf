"""The tables that the migrations make are those that the models describe."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from geoalchemy2 import alembic_helpers

import residents.models  # noqa: F401 - declares the tables of residents, gis and, with the next line, line.
from core.db import Base
from line import models

OURS = {"inbox_event", "webhook_refusal", "outbox_chunk", "send_bucket", "resident", "home"}


def test_models_and_migrations_agree(database: sa.Engine) -> None:
    """Tables, columns, indexes and constraints of line and residents are the same in the models and in the database."""
    assert set(models.STATES) >= {"queued", "accepted"}

    def is_ours(thing: sa.schema.SchemaItem, name: str | None, kind: str, reflected: bool, other: object) -> bool:
        table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
        return table in OURS and alembic_helpers.include_object(thing, name, kind, reflected, other)

    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    assert differences == []
