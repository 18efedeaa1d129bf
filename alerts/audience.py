"""Who is told: the residents with a home inside an alert's zones, counted for the approver and frozen at approval."""

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
from core import sealing

_AUDIENCE = (Path(__file__).parent / "sql" / "audience.sql").read_text(encoding="utf-8").strip()
_IDS_HASH = "encode(sha256(convert_to(coalesce(string_agg(resident_id || ':' || language, ',' ORDER BY resident_id), ''), 'UTF8')), 'hex')"  # noqa: E501 - one expression, read as one
_PREVIEW = sa.text(f"""
    WITH audience AS MATERIALIZED ({_AUDIENCE}),
    reached AS (SELECT * FROM audience WHERE suppressed IS NULL)
    SELECT
        (SELECT count(*) FROM reached) AS count,
        (SELECT count(*) FROM reached WHERE is_vulnerable) AS vulnerable,
        (SELECT coalesce(jsonb_object_agg(language, n), '{{}}')
         FROM (SELECT language, count(*) AS n FROM reached GROUP BY language) l) AS by_language,
        (SELECT coalesce(jsonb_object_agg(suppressed, n), '{{}}')
         FROM (SELECT suppressed, count(*) AS n FROM audience WHERE suppressed IS NOT NULL GROUP BY suppressed) s
        ) AS suppressed,
        (SELECT {_IDS_HASH} FROM reached) AS ids_hash
""")  # noqa: S608 - our own words only.
_FREEZE = sa.text(f"""
    INSERT INTO alert_recipient (alert_id, resident_id, home_id, language, state, reason)
    SELECT :alert_id, resident_id, home_id, language,
           CASE WHEN suppressed IS NULL THEN 'frozen' ELSE 'suppressed' END, coalesce(suppressed, reason)
    FROM ({_AUDIENCE}) audience
""")  # noqa: S608 - our own words only.
_FROZEN_HASH = sa.text(f"SELECT {_IDS_HASH} FROM alert_recipient WHERE alert_id = :alert_id AND state = 'frozen'")  # noqa: S608 - our own words only.
_FROZEN = sa.text("""
    SELECT a.resident_id, a.language, r.line_user_sealed
    FROM alert_recipient a JOIN resident r ON r.id = a.resident_id
    WHERE a.alert_id = :alert_id AND a.state = 'frozen'
    ORDER BY a.language, a.resident_id
""")
_PUT_INTO_CHUNKS = sa.text("""
    UPDATE alert_recipient a SET state = 'queued', chunk_id = c.chunk_id
    FROM unnest(CAST(:resident_ids AS bigint[]), CAST(:chunk_ids AS bigint[])) AS c(resident_id, chunk_id)
    WHERE a.alert_id = :alert_id AND a.resident_id = c.resident_id
""")


@dataclass(frozen=True)
class Reach:
    """Whom an alert is for: the residents in its zones (not for an all-clear), and whoever those alerts told."""

    alert_id: int
    has_homes: bool
    told_in: tuple[int, ...]

    def slots(self) -> dict[str, Any]:
        """The parameters of the audience query."""
        return {
            "alert_id": self.alert_id,
            "has_homes": self.has_homes,
            "told_in": list(self.told_in),
            "languages": list(LANGUAGES),
        }


@dataclass(frozen=True)
class Preview:
    """What the approver sees of the audience; `ids_hash` stands for exactly these residents in these languages."""

    count: int
    vulnerable: int
    by_language: dict[str, int]
    suppressed: dict[str, int]
    ids_hash: str


@dataclass(frozen=True)
class FrozenResident:
    """A resident who will be told. `line_user_id` is people's data: never logged."""

    resident_id: int
    language: str
    line_user_id: str


def preview(session: Session, reach: Reach) -> Preview:
    """The audience as it is now, counted."""
    row = session.execute(_PREVIEW, reach.slots()).one()
    return Preview(
        count=row.count,  # type: ignore[arg-type]  # a Row is a tuple, whose `count` the column hides
        vulnerable=row.vulnerable,
        by_language=row.by_language,
        suppressed=row.suppressed,
        ids_hash=row.ids_hash,
    )


def shown_hash(
    ids_hash: str, *, zones: Sequence[tuple[int, int]], level: int, kind: str, texts: Mapping[str, Any]
) -> str:
    """One hash of all that an approval approves: residents, zones with versions, level, kind and words."""
    shown = [ids_hash, sorted(zones), level, kind, texts]
    return hashlib.sha256(json.dumps(shown, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def freeze(session: Session, reach: Reach) -> str:
    """The audience stands in `alert_recipient`, reached and suppressed; the `ids_hash` of those reached is returned."""
    session.execute(_FREEZE, reach.slots())
    frozen: str = session.execute(_FROZEN_HASH, {"alert_id": reach.alert_id}).scalar_one()
    return frozen


def frozen(session: Session, alert_id: int) -> list[FrozenResident]:
    """The frozen audience, by language."""
    rows = session.execute(_FROZEN, {"alert_id": alert_id})
    return [FrozenResident(i, language, sealing.unseal(bytes(sealed))) for i, language, sealed in rows]


def put_into_chunks(session: Session, alert_id: int, chunk_by_resident: Mapping[int, int]) -> None:
    """Each resident's row names the chunk that carries the message."""
    session.execute(
        _PUT_INTO_CHUNKS,
        {
            "alert_id": alert_id,
            "resident_ids": list(chunk_by_resident.keys()),
            "chunk_ids": list(chunk_by_resident.values()),
        },
    )
