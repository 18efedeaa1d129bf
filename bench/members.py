"""Members: their import (checked, sealed, hashed, placed) against a bare COPY of as many residents and homes.

The floor is what PostgreSQL alone needs to take the finished rows: no keys, no indexes, no encryption.
"""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bench.measure import OURS, Result, check, take_turns
from bench.places import add_bare_table, copied_out, copy_in, has_same_rows, own_database, timed_and_undone, undone
from bench.town import homes_layer
from core import db
from core.progress import step
from gis.citypack.layers import LayerRows
from residents import queries
from residents.citypack import load_homes

MEMBERS, ROUNDS = 44_000, 7
TABLES, BARE_TABLES = ("resident", "home"), ("bare_resident", "bare_home")
BAR = {"copy": 40.0}


def measure(*, seed: int) -> Result:
    """44,000 members imported and undone in turn with a COPY of their rows."""
    rng = np.random.default_rng(seed)
    layer = homes_layer(rng.uniform((99.9, 8.4), (100.0, 8.5), (MEMBERS, 2)), rng)
    with own_database("members"):
        with step("checking both sides"):
            with db.transaction() as session:
                for table in TABLES:
                    add_bare_table(session, like=table)
            with undone() as session:
                copied = _checked(session, layer)

        def copy_all(session: Session) -> None:
            for table, rows in copied.items():
                copy_in(session, f"bare_{table}", rows)

        with step("44,000 members") as tell:
            taken = take_turns(
                {
                    OURS: timed_and_undone(lambda session: load_homes(session, layer), empties=TABLES),
                    "copy": timed_and_undone(copy_all, empties=BARE_TABLES),
                },
                rounds=ROUNDS,
                tell=tell,
            )
    return Result("members", {"members": MEMBERS, "seed": seed}, taken[OURS], {"copy": taken["copy"]}, BAR)


def _checked(session: Session, layer: LayerRows) -> dict[str, bytes]:
    """The rows for the floor by table, once our side has been seen to do its work and the floor to hold the same."""
    check(load_homes(session, layer) == MEMBERS, "not every member has a home.")
    ids = session.scalars(sa.text("SELECT id FROM resident")).all()
    sealed = queries.line_ids(session, ids)
    check(sorted(sealed.values()) == sorted(layer.column("member_id")), "a member's LINE id does not come back.")
    copied = {table: copied_out(session, table) for table in TABLES}
    for table, rows in copied.items():
        copy_in(session, f"bare_{table}", rows)
        check(has_same_rows(session, table, f"bare_{table}"), f"COPY does not hold the rows of {table}.")
    return copied
