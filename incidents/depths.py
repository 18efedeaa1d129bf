"""How deep the water stands at incidents, kept with many at once."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

_NOTE = sa.text("""
    UPDATE incident SET depth_m = held.depth_m
    FROM (
        SELECT i.id, now.depth_m
        FROM unnest(CAST(:ids AS bigint[]), CAST(:depths AS float8[])) AS now (id, depth_m) JOIN incident i USING (id)
        WHERE i.depth_m IS DISTINCT FROM now.depth_m
        FOR UPDATE OF i SKIP LOCKED
    ) AS held
    WHERE incident.id = held.id
""")


def note(session: Session, depth_m: Mapping[int, float | None]) -> None:
    """Each incident shows how deep the water stands there now; its history is the flood's.

    One that somebody else is changing at this moment shows it the next time.
    """
    session.execute(_NOTE, {"ids": list(depth_m), "depths": list(depth_m.values())})
