"""A picture is asked for with the place: reports that are being told have one step and one mark less."""

from __future__ import annotations

from alembic import op

revision = "0044_one_question_less"
down_revision = "0043_public"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who was asked for a picture is asked for the place next."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.execute("""
        UPDATE draft SET data = (data - 'has_answered_photo') || CASE WHEN step = 'photo' THEN '{"step": "pin"}'::jsonb
                                                                      ELSE '{}' END,
                         step = CASE WHEN step = 'photo' THEN 'pin' ELSE step END
        WHERE data ? 'has_answered_photo'
    """)


def downgrade() -> None:
    """Nothing of before is missed: a mark that is absent says no."""
