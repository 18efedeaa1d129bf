"""An approval that freezes 10,000 residents, against a bare ledger with the same ids sealed, and against LINE's rate.

The floor is one INSERT of as many ledger rows into a table without keys, and sealing the ids chunk by chunk. The limit
is the time that the same number of multicasts takes at the rate that the sender keeps for LINE.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from alerts import actions
from alerts.models import AlertRecipient
from bench.measure import OURS, Limit, Result, Timing, check, take_turns
from bench.places import add_bare_table, own_database, timed_and_undone, undone
from bench.town import homes_layer, settle
from core import db, sealing
from core.progress import step
from core.settings import settings
from line.models import OutboxChunk
from line.outbox import recipients
from line.rules import MULTICAST_LIMIT
from staff.rules import AccountRef

RESIDENTS, ROUNDS = 10_000, 11
ZONE = shapely.box(100.0, 8.4, 100.01, 8.41)
BAR = {"insert_and_seal": 65.0, "line_rate": 10.0}
_BARE_LEDGER = sa.text(
    "INSERT INTO bare_alert_recipient (alert_id, resident_id, home_id, language, state, reason, reasons) "
    "SELECT :alert_id, r.id, h.id, r.language, 'queued', 'home', '{home}' "
    "FROM resident r JOIN home h ON h.resident_id = r.id"
)
_SAME_PEOPLE = sa.text(
    "SELECT count(*) FROM alert_recipient a JOIN bare_alert_recipient b "
    "USING (alert_id, resident_id, home_id, language, state, reason)"
)


def measure(*, seed: int) -> Result:
    """One alert for 10,000 residents, approved and undone in turn with the bare ledger and its sealing."""
    rng = np.random.default_rng(seed)
    members = homes_layer(rng.uniform((100.0, 8.4), (100.01, 8.41), (RESIDENTS, 2)), rng)
    ids = list(members.column("member_id"))
    chunks = [ids[start : start + MULTICAST_LIMIT] for start in range(0, RESIDENTS, MULTICAST_LIMIT)]
    with own_database("approve"):
        with step("settling 10,000 residents"), db.transaction() as session:
            alert_id = settle(session, zones=[ZONE], members=members).id
            officer = _officer(session)
            add_bare_table(session, like="alert_recipient")

        def approve(session: Session) -> None:
            actions.approve(session, alert_id, 1, officer)

        def freeze_bare(session: Session) -> list[bytes]:
            session.execute(_BARE_LEDGER, {"alert_id": alert_id})
            return [sealing.seal(json.dumps(chunk)) for chunk in chunks]

        with step("checking both sides"), undone() as session:
            approve(session)
            _check(session, ids, bare_sealed=freeze_bare(session))
        with step("10,000 residents") as tell:
            taken = take_turns(
                {
                    OURS: timed_and_undone(approve, empties=["alert_chunk", "alert_recipient", "outbox_chunk"]),
                    "insert_and_seal": timed_and_undone(freeze_bare, empties=["bare_alert_recipient"]),
                },
                rounds=ROUNDS,
                tell=tell,
            )
    facts = {"residents": RESIDENTS, "chunks": len(chunks), "seed": seed}
    peers: dict[str, Timing | Limit] = {
        "insert_and_seal": taken["insert_and_seal"],
        "line_rate": Limit(len(chunks) / settings().line.multicasts_per_s),
    }
    return Result("approve", facts, taken[OURS], peers, BAR)


def _officer(session: Session) -> AccountRef:
    return staff.actions.create_account(
        session, username="officer", display_name="officer", password="never-signs-in", roles=("approver", "officer")  # noqa: S106 - an account that lives as long as the bench.
    )


def _check(session: Session, ids: Sequence[str], *, bare_sealed: Sequence[bytes]) -> None:
    """Both sides hold every resident once, in the ledger and sealed, 500 at most together."""
    chunks = session.scalars(sa.select(OutboxChunk)).all()
    check(len(chunks) == len(bare_sealed), "the two sides do not seal the same number of chunks.")
    check(all(chunk.recipient_count <= MULTICAST_LIMIT for chunk in chunks), "a chunk is larger than LINE takes.")
    by_us = [member for one in chunks for member in recipients(together=one.to_sealed, each=one.to_each_sealed)]
    bare = [member for sealed in bare_sealed for member in json.loads(sealing.unseal(sealed))]
    check(sorted(by_us) == sorted(bare) == sorted(ids), "a side does not tell every resident once.")
    rows = session.scalar(sa.select(sa.func.count()).select_from(AlertRecipient))
    check(rows == session.scalar(_SAME_PEOPLE) == len(ids), "the two ledgers do not hold the same residents.")
