"""Alembic's way into the database: our metadata, GeoAlchemy2's helpers, and a lock timeout."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import context
from geoalchemy2 import alembic_helpers

from core.db import Base
from migrations import tables


def _is_ours(obj: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Leave out what others own: procrastinate's tables, and the day partitions that readings make as they come."""
    if name and (name.startswith("procrastinate_") or re.fullmatch(r"reading_(\d{8}|default)", name)):
        return False
    return bool(alembic_helpers.include_object(obj, name, kind, reflected, compare_to))  # type: ignore[no-untyped-call]  # the helper ships no types


def _differs_in_type(
    context: object, inspected: object, declared: object, found_type: object, declared_type: object
) -> bool | None:
    """PostgreSQL keeps `text` and an unbounded `varchar` alike; anything else is for alembic to judge (None)."""
    if isinstance(found_type, sa.String) and isinstance(declared_type, sa.String):
        return found_type.length != declared_type.length
    return None


def _migrate(connection: sa.Connection) -> None:
    connection.execute(sa.text("SET lock_timeout = '5s'"))
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=_is_ours,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        compare_type=_differs_in_type,
    )
    with context.begin_transaction():
        context.run_migrations()


tables.declare_all()
_migrate(context.config.attributes["connection"])
