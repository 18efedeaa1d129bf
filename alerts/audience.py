"""Who is told by an alert, counted for the approver and frozen at approval as chunks that one message each goes to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts.templates import LANGUAGES
from core import clock
from line.rules import MULTICAST_LIMIT

_SQL = Path(__file__).parent / "sql"


def _statement(*names: str) -> str:
    return "\n".join((_SQL / f"{name}.sql").read_text(encoding="utf-8").strip() for name in names)


_PREVIEW = sa.text(_statement("audience", "preview"))
_FREEZE = sa.text(_statement("audience", "freeze"))
_FROZEN = sa.text("""
    SELECT count(*) AS told, coalesce(bit_xor(hashint8extended(u.resident_id, c.tongue)), 0) AS mixed
    FROM (SELECT resident_ids, array_position(CAST(:languages AS text[]), language) AS tongue FROM alert_chunk
          WHERE alert_id = :alert_id AND suppressed IS NULL) c
    CROSS JOIN LATERAL unnest(c.resident_ids) AS u (resident_id)
""")
# The bits of `reasons`, as `reasons_named` names them in the database.
REASONS = {"home": 1, "area": 2, "group": 4, "person": 8, "everyone": 16, "told_before": 32}
OTHERWISE = LANGUAGES.index("en") + 1  # Who reads none of the languages gets English.


@dataclass(frozen=True)
class Reach:
    """Whom an alert is for: each of these, once. `told_in` are alerts whose recipients it is for wherever they live.

    `has_homes`: homes in its zones, and who asked for an area that these touch; `area_ids`: homes there, and who asked
    for it. Of an exercise nobody but `listed_ids` is told. News spares those whom an officer has blocked: a warning
    never does. `spares_told` leaves out whoever was told before.
    """

    alert_id: int
    has_homes: bool
    told_in: tuple[int, ...]
    area_ids: tuple[int, ...] = ()
    group_ids: tuple[int, ...] = ()
    person_ids: tuple[int, ...] = ()
    is_for_everyone: bool = False
    listed_ids: tuple[int, ...] | None = None
    is_news: bool = False
    spares_told: bool = False

    def slots(self) -> dict[str, Any]:
        """The parameters of the audience query."""
        lists = {name: list(found) if isinstance(found, tuple) else found for name, found in vars(self).items()}
        return lists | {"languages": list(LANGUAGES), "otherwise": OTHERWISE, "now": clock.now()}


@dataclass(frozen=True)
class Preview:
    """What the approver sees of the audience; `ids_hash` stands for exactly these residents in these languages.

    `count` are told: by language, by zone (who has homes in two counts in both) and by reason (with two, in both);
    `already_told` of them by an earlier message. `suppressed` are not told, by why. `chunks` are LINE's requests.
    """

    count: int
    vulnerable: int
    by_language: dict[str, int]
    by_zone: dict[int, int]
    by_reason: dict[str, int]
    already_told: int
    suppressed: dict[str, int]
    chunks: int
    ids_hash: str


def ids_hash(told: int, mixed: int) -> str:
    """The hash of an audience: how many, and the exclusive or of PostgreSQL's 64-bit hash of each id, seeded by tongue.

    It does not hang on an order, so that neither side has to sort; another audience has another one but for chance
    (2^-64).
    """
    return f"{told}:{mixed & (1 << 64) - 1:016x}"


def preview(session: Session, reach: Reach) -> Preview:
    """The audience as it is now, counted."""
    row = session.execute(_PREVIEW, reach.slots()).one()
    return _counted(
        by_tongue={int(tongue): n for tongue, n in row.by_tongue.items()},
        by_reasons={int(reasons): n for reasons, n in row.by_reasons.items()},
        by_zone={int(zone_id): n for zone_id, n in row.by_zone.items()},
        suppressed=row.by_suppressed,
        vulnerable=row.vulnerable,
        mixed=row.mixed,
    )


def _counted(
    *,
    by_tongue: Mapping[int, int],
    by_reasons: Mapping[int, int],
    by_zone: Mapping[int, int],
    suppressed: Mapping[str, int],
    vulnerable: int,
    mixed: int,
) -> Preview:
    told = sum(by_tongue.values())
    by_reason = {
        name: sum(n for reasons, n in by_reasons.items() if reasons & bit) for name, bit in REASONS.items()
    }
    return Preview(
        count=told,
        vulnerable=vulnerable,
        by_language={LANGUAGES[tongue - 1]: n for tongue, n in sorted(by_tongue.items())},
        by_zone=dict(by_zone),
        by_reason={name: n for name, n in by_reason.items() if n},
        already_told=by_reason["told_before"],
        suppressed=dict(suppressed),
        chunks=sum(-(-n // MULTICAST_LIMIT) for n in by_tongue.values()),
        ids_hash=ids_hash(told, mixed),
    )


def shown_hash(
    ids_hash: str, *, zones: Sequence[tuple[int, int]], level: int, kind: str, texts: Mapping[str, Any]
) -> str:
    """One hash of all that an approval approves: residents, zones with versions, level, kind and words."""
    shown = [ids_hash, sorted(zones), level, kind, texts]
    return hashlib.sha256(json.dumps(shown, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def freeze(session: Session, reach: Reach, *, priority: int) -> str:
    """The audience stands in `alert_chunk`, told and suppressed; the `ids_hash` of those told is returned."""
    session.execute(_FREEZE, reach.slots() | {"priority": priority, "size": MULTICAST_LIMIT})
    return frozen_hash(session, reach.alert_id)


def frozen_hash(session: Session, alert_id: int) -> str:
    """The `ids_hash` of those who are told by the frozen audience as it stands."""
    row = session.execute(_FROZEN, {"alert_id": alert_id, "languages": list(LANGUAGES)}).one()
    return ids_hash(row.told, row.mixed)
