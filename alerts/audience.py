"""Who is told by an alert, counted for the approver and frozen at approval as chunks that one message each goes to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from alerts import chunkrows, headcount
from alerts.headcount import NO_HOME, REASONS, SUPPRESSED, Found
from alerts.templates import LANGUAGES
from core import clock, db
from line.rules import MULTICAST_LIMIT
from residents import crowd

_SQL = Path(__file__).parent / "sql"


def _read(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").strip()


_CHOSEN, _TOLD = _read("chosen"), _read("told")
_AUDIENCE = _read("audience").replace("/*chosen.sql*/", _CHOSEN).replace("/*told.sql*/", _TOLD)
# Of a few residents the homes come first, however many others have one in the zones.
_OF_NAMED = _AUDIENCE.replace(
    "JOIN home h",
    "JOIN (SELECT id, resident_id, geom, is_vulnerable FROM home"
    " WHERE resident_id = ANY(CAST(:named AS bigint[])) OFFSET 0) h",
).replace("/*among resident_id*/", "WHERE resident_id = ANY(CAST(:named AS bigint[]))")
_PREVIEW = sa.text(f"{_AUDIENCE} {_read('preview')}")
_FREEZE = sa.text(f"{_AUDIENCE} {_read('freeze')}")
_AUDIT = sa.text(f"{_AUDIENCE} {_read('audit')}")
_NAMED = sa.text(f"{_OF_NAMED} {_read('named')}")
_CHOSEN_IDS = sa.text(
    f"WITH {_CHOSEN} SELECT reason, array_agg(resident_id) AS ids FROM chosen GROUP BY reason"  # noqa: S608 - our own words only.
)
_TOLD_IDS = sa.text(
    f"WITH {_TOLD} SELECT string_agg(int8send(resident_id) || int8send(coalesce(home_id, :no_home)), '') FROM told"  # noqa: S608 - our own words only.
)
_ZONES = sa.text("SELECT zone_id, ST_AsBinary(geom) AS wkb FROM alert_zone WHERE alert_id = :alert_id AND :has_homes")
_AREAS = sa.text("SELECT ST_AsBinary(geom) FROM area WHERE id = ANY(CAST(:area_ids AS integer[])) AND geom IS NOT NULL")
_FROZEN = sa.text("""
    SELECT count(*) AS told, coalesce(bit_xor(hashint8extended(u.resident_id, c.tongue)), 0) AS mixed
    FROM (SELECT resident_ids, array_position(CAST(:languages AS text[]), language) AS tongue FROM alert_chunk
          WHERE alert_id = :alert_id AND suppressed IS NULL) c
    CROSS JOIN LATERAL unnest(c.resident_ids) AS u (resident_id)
""")
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
    """The audience as it is now, counted: of a large city in memory, else by the database. Both count the same."""
    found = in_memory(session, reach)
    return counted_by_database(session, reach) if found is None else counted(found)


def counted_by_database(session: Session, reach: Reach) -> Preview:
    """The audience as it is now, counted by PostGIS alone."""
    row = session.execute(_PREVIEW, reach.slots()).one()
    return _counted(
        by_tongue={int(tongue): n for tongue, n in row.by_tongue.items()},
        by_reasons={int(reasons): n for reasons, n in row.by_reasons.items()},
        by_zone={int(zone_id): n for zone_id, n in row.by_zone.items()},
        suppressed=row.by_suppressed,
        vulnerable=row.vulnerable,
        mixed=row.mixed,
    )


def counted(found: Found) -> Preview:
    """The audience that was found, counted."""
    told, missed = found.is_told, np.bincount(found.suppressed, minlength=len(SUPPRESSED))
    return _counted(
        by_tongue=_tally(found.tongue[told]),
        by_reasons=_tally(found.reasons[told]),
        by_zone=found.by_zone,
        suppressed={why: int(n) for why, n in zip(SUPPRESSED, missed, strict=True) if why and n},
        vulnerable=int(np.count_nonzero(found.is_vulnerable & told)),
        mixed=headcount.mixed(found),
    )


def _tally(numbers: NDArray[np.int16]) -> dict[int, int]:
    counts = np.bincount(numbers)
    return {number: int(counts[number]) for number in np.flatnonzero(counts).tolist()}


def in_memory(session: Session, reach: Reach) -> Found | None:
    """The audience as it is now, found in this process's crowd; None where the database is to be asked about everybody.

    Whoever was changed since the crowd was read is found by the database.
    """
    asked = crowd.asked(session)
    return None if asked is None else found_in(session, reach, asked)


def found_in(session: Session, reach: Reach, asked: crowd.Asked) -> Found:
    """The audience as it is now, from this crowd and, for whoever was changed since, from the database."""
    slots = reach.slots()
    (packed,) = session.execute(_TOLD_IDS, slots | {"no_home": int(NO_HOME)}).one()
    told = np.frombuffer(packed or b"", dtype=">i8").astype(np.int64).reshape(-1, 2)
    wanted = headcount.Wanted(
        chosen={row.reason: np.array(row.ids, dtype=np.int64) for row in session.execute(_CHOSEN_IDS, slots)},
        told=told[:, 0],
        told_homes=told[:, 1],
        is_for_everyone=reach.is_for_everyone,
        listed=None if reach.listed_ids is None else np.array(reach.listed_ids, dtype=np.int64),
        is_news=reach.is_news,
        spares_told=reach.spares_told,
    )
    known = headcount.found(
        asked.crowd,
        zones=[(row.zone_id, shapely.from_wkb(bytes(row.wkb))) for row in session.execute(_ZONES, slots)],
        areas=[shapely.from_wkb(bytes(wkb)) for wkb in session.scalars(_AREAS, slots)],
        wanted=wanted,
        languages=LANGUAGES,
        otherwise=OTHERWISE,
        without=asked.changed,
        now=slots["now"],
    )
    return headcount.joined(known, _named(session, reach, asked.changed)) if asked.changed else known


def _named(session: Session, reach: Reach, named: Sequence[int]) -> Found:
    rows = session.execute(_NAMED, reach.slots() | {"named": list(named)}).all()
    told = [row for row in rows if row.suppressed is None]
    return Found(
        resident=np.array([row.resident_id for row in rows], dtype=np.int64),
        home=np.array([NO_HOME if row.home_id is None else row.home_id for row in rows], dtype=np.int64),
        tongue=np.array([row.tongue for row in rows], dtype=np.int16),
        reasons=np.array([row.reasons for row in rows], dtype=np.int16),
        suppressed=np.array([SUPPRESSED.index(row.suppressed or "") for row in rows], dtype=np.int8),
        is_vulnerable=np.array([row.is_vulnerable for row in rows], dtype=bool),
        by_zone=Counter(zone_id for row in told for zone_id in row.zone_ids),
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
    found = in_memory(session, reach)
    if found is None:
        session.execute(_FREEZE, reach.slots() | {"priority": priority, "size": MULTICAST_LIMIT})
        return frozen_hash(session, reach.alert_id)
    return freeze_found(session, reach.alert_id, found, priority=priority)


def freeze_found(session: Session, alert_id: int, found: Found, *, priority: int) -> str:
    """The audience that was found stands in `alert_chunk`; the `ids_hash` of those told is returned."""
    packed = chunkrows.rows(
        alert_id, found, languages=LANGUAGES, suppressed=SUPPRESSED, priority=priority, size=MULTICAST_LIMIT
    )
    with db.driver_connection(session).cursor().copy(f"COPY {chunkrows.TABLE} FROM STDIN (FORMAT binary)") as copy:
        for piece in packed:
            copy.write(piece)
    return ids_hash(int(np.count_nonzero(found.is_told)), headcount.mixed(found))


def frozen_hash(session: Session, alert_id: int) -> str:
    """The `ids_hash` of those who are told by the frozen audience as it stands."""
    row = session.execute(_FROZEN, {"alert_id": alert_id, "languages": list(LANGUAGES)}).one()
    return ids_hash(row.told, row.mixed)


@dataclass(frozen=True)
class Audit:
    """How many of a frozen audience PostGIS does not find now, and how many it finds beside them."""

    strangers: int
    missing: int


def audit(session: Session, reach: Reach, *, since: datetime) -> Audit:
    """The frozen audience held against PostGIS, but for whoever changed since this moment (real time).

    Only for a reach without `told_in`: what became of an earlier message changes who was told by it.
    """
    return Audit(*session.execute(_AUDIT, reach.slots() | {"since": since}).one())
