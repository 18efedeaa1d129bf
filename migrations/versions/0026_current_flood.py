"""The open data's flood is the newest picture of now alone: past ones and forecasts lay on top of each other there."""

from __future__ import annotations

from alembic import op

revision = "0026_current_flood"
down_revision = "0025_watch"
branch_labels = None
depends_on = None

_NEWEST = "(SELECT max(id) FROM flood_run WHERE horizon_min = 0)"
_PICTURES = (
    "SELECT p.id, p.run_id, r.computed_at, r.valid_at, r.horizon_min, r.method, r.confidence, p.depth_class, "
    f"p.run_id = {_NEWEST} AS is_current, (SELECT is_simulated FROM city) AS is_simulated, p.geom "
    "FROM flood_polygon p JOIN flood_run r ON r.id = p.run_id"
)


def upgrade() -> None:
    """The public view holds the picture of now."""
    op.execute(f"CREATE OR REPLACE VIEW gis_public.flood_polygons AS {_PICTURES} WHERE p.run_id = {_NEWEST}")


def downgrade() -> None:
    """The public view holds all pictures again."""
    op.execute(f"CREATE OR REPLACE VIEW gis_public.flood_polygons AS {_PICTURES}")
