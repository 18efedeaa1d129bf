"""`thai_normal` writes the soi out in "ถ.ซ.5" as well, so that a normal form stays the same when it is taken again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_soi_behind_a_dot"
down_revision = "0018_public_views"
branch_labels = None
depends_on = None

_BEFORE = "'ซ(?<![ก-ฮ][.].)[. ]*(?=[0-9])'"
_AFTER = "'ซ[. ]*(?=[0-9])'"


def _replace(old: str, new: str) -> None:
    """One pattern of the function is another, and what is indexed by it is indexed anew."""
    connection = op.get_bind()
    source = str(connection.scalar(sa.text("SELECT pg_get_functiondef('thai_normal(text)'::regprocedure)")))
    if old not in source:
        raise RuntimeError(f"thai_normal has no pattern {old}: it was changed by hand.")
    # Without parameters its percent signs are no placeholders.
    connection.exec_driver_sql(source.replace(old, new), execution_options={"no_parameters": True})
    of_it = sa.text(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE pg_get_indexdef(indexrelid) LIKE '%thai_normal%'"
    )
    for index in connection.scalars(of_it).all():
        op.execute(f"REINDEX INDEX {index}")


def upgrade() -> None:
    """Take the pattern without its look-behind."""
    _replace(_BEFORE, _AFTER)


def downgrade() -> None:
    """Take it back."""
    _replace(_AFTER, _BEFORE)
