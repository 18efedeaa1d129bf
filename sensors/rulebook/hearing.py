"""The readings that rules look back on: those of one batch's rules by one query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sensors.rules import Flag
from sensors.watch.documents import Rule
from sensors.watch.signals import Reading

MOST_HEARD = 50_000  # Of one stream: two days of a reading every four seconds.

_HEARD = sa.text(
    """
    SELECT w.code, r.observed_at, r.value, r.qc_flag
    FROM unnest(CAST(:codes AS text[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
         AS w(code, since, until)
    JOIN datastream d ON d.code = w.code
    CROSS JOIN LATERAL (
        SELECT g.observed_at, g.value, g.qc_flag FROM reading g
        WHERE g.datastream_id = d.id AND g.observed_at >= w.since AND g.observed_at <= w.until AND g.copy = 0
        ORDER BY g.observed_at DESC LIMIT :most
    ) r
    ORDER BY w.code, r.observed_at
    """
)


@dataclass(frozen=True)
class Need:
    """A rule is to see what was said from `first_at` to `last_at`."""

    rule: Rule
    first_at: datetime
    last_at: datetime


def hear(session: Session, needs: Iterable[Need]) -> Mapping[str, Sequence[Reading]]:
    """The stored readings of each input of these rules, as far back as they look; others have none.

    At most `MOST_HEARD` of a stream, the newest: a sum over fewer is a lower bound, as one with gaps.
    """
    spans: dict[str, tuple[datetime, datetime]] = {}
    for need in needs:
        if not need.rule.window_s:
            continue
        since = need.first_at - timedelta(seconds=need.rule.window_s)
        for stream in need.rule.inputs:
            known = spans.get(stream, (since, need.last_at))
            spans[stream] = (min(known[0], since), max(known[1], need.last_at))
    return read_spans(session, spans, most=MOST_HEARD)


def read_spans(
    session: Session, spans: Mapping[str, tuple[datetime, datetime]], *, most: int
) -> dict[str, list[Reading]]:
    """The newest `most` stored readings of each stream within its span, oldest first."""
    if not spans:
        return {}
    found = session.execute(
        _HEARD,
        {
            "codes": list(spans), "since": [span[0] for span in spans.values()],
            "until": [span[1] for span in spans.values()], "most": most,
        },
    )
    return {
        code: [
            Reading(stream=code, at=row.observed_at.astimezone(UTC), value=row.value, flag=Flag(row.qc_flag))
            for row in rows
        ]
        for code, rows in groupby(found, key=lambda row: str(row.code))
    }
