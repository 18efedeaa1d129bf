"""What screens ask of the rulebook: the rules that count with where they stand, the versions of one, its changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from sensors import rules
from sensors.queries import watched_streams
from sensors.rulebook.doubting import Canal
from sensors.rulebook.models import WatchRuleChange
from sensors.watch.documents import THRESHOLDS_VERSION, Kind, level_code, parse_rule

LAST_CHANGES = 50


@dataclass(frozen=True)
class RuleCard:
    """One version of a rule. Version 0 is the level rule of a station's thresholds, which nobody wrote.

    `state`, `since_at` and `condition` say where the rule stands now. `is_followed` is false where it is retired, or
    cannot be read.
    """

    code: str
    version: int
    kind: str
    document: dict[str, Any]
    is_active: bool
    is_followed: bool
    valid_from_at: datetime | None
    made_by: str | None
    reason: str | None
    state: int | None
    since_at: datetime | None
    condition: int | None


@dataclass(frozen=True)
class RuleStream:
    """A datastream that rules may name, with the place that it measures."""

    code: str
    station_id: int
    name_th: str
    name_en: str
    unit: str
    observed_property: str


_SELECT = """
    SELECT v.code, v.version, v.document, v.is_active, v.valid_from_at, a.display_name AS made_by, v.reason,
           coalesce(s.state, l.state) AS state, coalesce(s.since_at, l.since_at) AS since_at,
           coalesce(s.condition, l.condition) AS condition
    FROM watch_rule v
    JOIN account a ON a.id = v.made_by
    LEFT JOIN watch_rule_state s ON s.rule_code = v.code
    LEFT JOIN datastream d ON v.code = 'level/' || d.code
    LEFT JOIN level_state l ON l.datastream_id = d.id
"""
_CURRENT = "WHERE v.is_active AND (v.code, v.version) IN (SELECT code, max(version) FROM watch_rule GROUP BY code)"
_OF_ONE = "WHERE v.code = :code ORDER BY v.version DESC"


def current_rules(session: Session) -> list[RuleCard]:
    """Every rule that counts, by code: officers' rules, and the thresholds of each gauge that has no other."""
    written = [_card(row) for row in session.execute(sa.text(_SELECT + _CURRENT))]
    taken = {card.code for card in written}
    return sorted(
        [*written, *(card for card in _of_thresholds(session) if card.code not in taken)], key=lambda card: card.code
    )


def versions_of(session: Session, code: str) -> list[RuleCard]:
    """All versions of the rule, newest first, then the thresholds where the gauge has some; empty without any."""
    written = [_card(row) for row in session.execute(sa.text(_SELECT + _OF_ONE), {"code": code})]
    return [*written, *(card for card in _of_thresholds(session) if card.code == code)]


def last_changes(session: Session, code: str) -> list[WatchRuleChange]:
    """The last things that the rule changed, newest first; a gauge's own level has its history at the gauge."""
    changes = sa.select(WatchRuleChange).where(WatchRuleChange.rule_code == code)
    return list(session.scalars(changes.order_by(WatchRuleChange.id.desc()).limit(LAST_CHANGES)))


def rule_streams(session: Session) -> list[RuleStream]:
    """The datastreams that rules may name, by code."""
    found = session.execute(
        sa.text(
            "SELECT d.code, d.station_id, s.name_th, s.name_en, d.unit, d.observed_property "
            "FROM datastream d JOIN station s ON s.id = d.station_id ORDER BY d.code"
        )
    )
    return [RuleStream(**row._mapping) for row in found]


def canals_of(session: Session, codes: Iterable[str]) -> dict[str, Canal]:
    """Bank and bed where these datastreams measure a water level in metres; others are absent."""
    found = session.execute(
        sa.text(
            "SELECT d.code, s.bank_m_msl, s.bed_m_msl FROM datastream d JOIN station s ON s.id = d.station_id "
            "WHERE d.code = ANY(:codes) AND d.observed_property = 'water_level' AND d.unit = 'm'"
        ),
        {"codes": sorted(set(codes))},
    )
    return {row.code: Canal(bank_m_msl=row.bank_m_msl, bed_m_msl=row.bed_m_msl) for row in found}


def _card(row: sa.Row[Any]) -> RuleCard:
    return RuleCard(
        kind=str(row.document.get("kind")), is_followed=row.is_active and _is_readable(row.document), **row._mapping
    )


def _is_readable(document: dict[str, Any]) -> bool:
    try:
        parse_rule(document)
    except InvalidInputError:
        return False
    return True


def _of_thresholds(session: Session) -> list[RuleCard]:
    states = {
        row.datastream_id: row
        for row in session.execute(sa.text("SELECT datastream_id, state, since_at, condition FROM level_state"))
    }
    cards = []
    for stream in watched_streams(session):
        if stream.thresholds is None:
            continue
        stands = states.get(stream.id)
        cards.append(
            RuleCard(
                code=level_code(stream.code), version=THRESHOLDS_VERSION, kind=str(Kind.LEVEL),
                document=_document(stream.code, stream.thresholds), is_active=True, is_followed=True,
                valid_from_at=None, made_by=None, reason=None, state=stands.state if stands else None,
                since_at=stands.since_at if stands else None, condition=stands.condition if stands else None,
            )
        )
    return cards


def _document(stream: str, thresholds: rules.Thresholds) -> dict[str, Any]:
    levels = {
        "watch": thresholds.watch_m_msl, "warning": thresholds.warning_m_msl, "danger": thresholds.danger_m_msl,
    }
    return {
        "code": level_code(stream), "version": THRESHOLDS_VERSION, "kind": str(Kind.LEVEL), "streams": [stream],
        **{name: level for name, level in levels.items() if level is not None}, "dead_band": thresholds.dead_band_m,
        "timing": {"readings_up": thresholds.good_readings_needed},
    }
