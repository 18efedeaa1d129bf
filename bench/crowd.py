"""A crowd for the bench of alerts: as many friends of the city as asked, with a home each, and LINE knows them all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from bench.places import copy_in
from core import sealing
from core.progress import Progress
from gis.crs import STORED_SRID

Floats = NDArray[np.float64]

LANGUAGES = np.array(["th", "th", "th", "th", "th", "th", "th", "en", "ms", "my"])
REGISTERED_AT_ONCE = 20_000
_SEALED_BYTES = 12 + 33 + 16
_RESIDENT_ROW = np.dtype(
    [
        ("columns", ">i2"),
        ("id_bytes", ">i4"), ("id", ">i8"),
        ("hash_bytes", ">i4"), ("hash", "V32"),
        ("sealed_bytes", ">i4"), ("sealed", f"V{_SEALED_BYTES}"),
        ("language_bytes", ">i4"), ("language", "S2"),
    ]
)  # fmt: skip
_HOME_ROW = np.dtype(
    [
        ("columns", ">i2"),
        ("resident_bytes", ">i4"), ("resident", ">i8"),
        ("geom_bytes", ">i4"), ("order", "u1"), ("type", "<u4"), ("srid", "<u4"), ("lon", "<f8"), ("lat", "<f8"),
        ("is_vulnerable_bytes", ">i4"), ("is_vulnerable", "?"),
        ("label_bytes", ">i4"),
    ]
)  # fmt: skip
_HEADER, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


def line_ids(count: int, rng: np.random.Generator) -> list[str]:
    """As many LINE user ids."""
    digits = rng.bytes(16 * count).hex()
    return [f"U{digits[32 * n : 32 * n + 32]}" for n in range(count)]


def settle(session: Session, *, ids: Sequence[str], homes: Floats, rng: np.random.Generator) -> None:
    """A resident with each of these LINE ids lives at each of these places (rows x 2, degrees)."""
    count = len(ids)
    people = np.zeros(count, dtype=_RESIDENT_ROW)
    people["columns"], people["id_bytes"], people["id"] = 4, 8, np.arange(1, count + 1)
    people["hash_bytes"], people["sealed_bytes"], people["language_bytes"] = 32, _SEALED_BYTES, 2
    people["hash"] = np.frombuffer(b"".join(sealing.fingerprint(one) for one in ids), dtype="V32")
    people["sealed"] = np.frombuffer(b"".join(sealing.seal(one) for one in ids), dtype=f"V{_SEALED_BYTES}")
    people["language"] = rng.choice(LANGUAGES, count).astype("S2")
    rows = np.zeros(count, dtype=_HOME_ROW)
    rows["columns"], rows["resident_bytes"], rows["resident"] = 4, 8, np.arange(1, count + 1)
    rows["geom_bytes"], rows["order"], rows["type"], rows["srid"] = 25, 1, 0x20000001, STORED_SRID
    rows["lon"], rows["lat"], rows["is_vulnerable_bytes"] = homes[:, 0], homes[:, 1], 1
    rows["is_vulnerable"] = rng.random(count) < 0.03
    session.execute(
        sa.text(
            "ALTER TABLE resident ALTER is_reachable SET DEFAULT true, ALTER joined_at SET DEFAULT now(),"
            " ALTER consented_at SET DEFAULT now(), ALTER trust SET DEFAULT 'simulated'"
        )
    )
    copy_in(
        session, "resident (id, line_user_hash, line_user_sealed, language)", _HEADER + people.tobytes() + _END
    )
    # The index is built at once, and no home's resident is looked up: settling would take a minute longer.
    session.execute(sa.text("DROP INDEX ix_home_geom"))
    session.execute(sa.text("SET LOCAL session_replication_role = replica"))
    copy_in(session, "home (resident_id, geom, is_vulnerable, label)", _HEADER + rows.tobytes() + _END)
    session.execute(sa.text("CREATE INDEX ix_home_geom ON home USING gist (geom)"))
    session.execute(sa.text("SET LOCAL session_replication_role = DEFAULT"))


def befriend(standin_url: str, ids: Sequence[str], tell: Progress) -> None:
    """The stand-in knows all of them as friends."""

    def body(start: int) -> bytes:
        people = [{"user_id": one, "display_name": one[:8]} for one in ids[start : start + REGISTERED_AT_ONCE]]
        return json.dumps(people).encode()

    starts = range(0, len(ids), REGISTERED_AT_ONCE)
    with httpx.Client(timeout=120, trust_env=False) as http, ThreadPoolExecutor(1) as ahead:
        for start, content in zip(starts, ahead.map(body, starts), strict=True):
            http.post(f"{standin_url}/_standin/users", content=content).raise_for_status()
            tell(f"{start + REGISTERED_AT_ONCE:,} friends")


def told(standin_url: str, unit: str) -> dict[str, Any]:
    """The stand-in's own count of what it delivered under an aggregation unit."""
    with httpx.Client(timeout=120, trust_env=False) as http:
        summary = http.get(f"{standin_url}/_standin/deliveries/summary", params={"unit": unit}).json()
    found: dict[str, Any] = summary
    return found
