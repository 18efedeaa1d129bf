"""How urgent jobs are now: many at once, in a handful of statements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from dispatch import queries, rules
from dispatch.queries import Facts
from flood.queries import depths_at
from incidents import depths

_RANK = sa.text("""
    UPDATE job SET tier = now.tier, score = now.score, weights_version = :version, terms = now.terms::jsonb
    FROM unnest(CAST(:ids AS bigint[]), CAST(:tiers AS smallint[]), CAST(:scores AS float8[]), CAST(:terms AS text[]))
         AS now (id, tier, score, terms)
    WHERE job.id = now.id
""")


def priorities(session: Session, facts: Sequence[Facts], *, weights: dict[str, float]) -> list[rules.Priority]:
    """The priority of each incident now, by the water as it stands and rises there."""
    return [rules.priority(one, weights=weights) for one in _situations(session, facts)]


def terms_of(ranked: rules.Priority) -> list[dict[str, Any]]:
    """The terms of a priority as they are kept with the job."""
    return [
        {"name": term.name, "value": term.value, "weight": term.weight, "slots": dict(term.slots)}
        for term in ranked.terms
    ]


def rank(session: Session, job_ids: Sequence[int] | None = None) -> None:
    """Tier and score of every job that has not ended, or of those named, are what they are now; ended ones keep theirs.

    Their incidents show how deep the water stands there now. Where all are ranked, those that somebody else is
    changing at this moment wait for the next time.
    """
    live = queries.live_jobs(session, job_ids)
    if not live:
        return
    weights = queries.weights(session)
    facts = queries.facts(session, list(live.values()))
    situations = _situations(session, [facts[incident_id] for incident_id in live.values()])
    depths.note(
        session, {incident_id: one.depth_m for incident_id, one in zip(live.values(), situations, strict=True)}
    )
    ranked = [rules.priority(one, weights=weights.weights) for one in situations]
    session.execute(
        _RANK,
        {
            "version": weights.version,
            "ids": list(live),
            "tiers": [one.tier for one in ranked],
            "scores": [one.score for one in ranked],
            "terms": [json.dumps(terms_of(one)) for one in ranked],
        },
    )
    session.expire_all()


def _situations(session: Session, facts: Sequence[Facts]) -> list[rules.Situation]:
    now = clock.now()
    places = [one.place for one in facts]
    water = zip(facts, depths_at(session, places), queries.rises_near(session, places, now=now), strict=True)
    return [
        rules.Situation(
            category_tier=one.category_tier,
            is_dwelling=one.category_code in rules.DWELLING_CATEGORIES,
            depth_m=depth_m,
            rise_m_per_h=rise_m_per_h,
            vulnerable_homes=one.vulnerable_homes,
            people=one.people or one.report_count,
            report_count=one.report_count,
            has_photo=one.has_photo,
            is_official=one.is_official,
            age_min=(now - one.opened_at).total_seconds() / 60,
        )
        for one, depth_m, rise_m_per_h in water
    ]
