"""The city's table in the database: a new version of it, and what it makes of the warnings that hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from alerts.outside import mapping_csv, queries, shapes
from alerts.outside.mapping import Outcome, Row, outcome_of
from alerts.outside.models import (
    OutsideMapping,
    OutsideMappingRow,
    OutsideSource,
    OutsideWarningRow,
    OutsideWarningZone,
)
from core import clock
from staff.rules import AccountRef

# Any number that no other lock of ours uses: one new version of the table at a time.
_LOCK = 0xFA0_0757DE


def replace_table(session: Session, text: str, *, by: AccountRef | None, note: str) -> int:
    """The CSV text is the table's newest version, and every warning that holds was mapped by it; returns its number.

    The same rows as before make no new version. Raises InvalidInputError that names row and column of a fault; nothing
    is then changed.
    """
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    known = set(session.scalars(sa.select(OutsideSource.code)))
    rows = mapping_csv.rows_of(text, sources=known, zones=set(queries.zone_codes(session).values()))
    version = queries.mapping_version(session)
    if version and queries.mapping_rows(session, version) == rows:
        return version
    _store_version(session, rows, version=version + 1, by=by, note=note)
    staff.actions.record(
        session, account=by, action="outside.table_replaced", subject=f"outside_mapping:{version + 1}",
        detail={"rows": len(rows), "note": note},
    )
    map_current(session)
    return version + 1


def _store_version(session: Session, rows: Sequence[Row], *, version: int, by: AccountRef | None, note: str) -> None:
    session.add(OutsideMapping(version=version, made_at=clock.now(), made_by=by.id if by else None, note=note[:500]))
    session.flush()
    session.add_all(
        OutsideMappingRow(
            version=version, position=position, source=row.source, event=row.event, min_grade=row.min_grade,
            place_kind=row.where.value, area=row.area, share=row.share, zones=list(row.zones), level=row.level,
            acts_as=row.acts_as.value, note=row.note,
        )
        for position, row in enumerate(rows, 1)
    )  # fmt: skip
    session.flush()


def map_current(session: Session, only: Collection[int] | None = None) -> list[int]:
    """What the table makes of each warning that holds, or of `only` these, stands beside it; the ids that changed.

    An officer's entry that names its zones is its own row.
    """
    holding = queries.current(session, now=clock.now())
    wanted = [row for row in holding if only is None or row.id in only]
    if not wanted:
        return []
    version, city, codes = queries.mapping_version(session), queries.city_shape(session), queries.zone_codes(session)
    rows = queries.mapping_rows(session, version)
    of_source = dict(session.execute(sa.select(OutsideSource.id, OutsideSource.code)).all())
    changed = []
    for row in wanted:
        if row.facts.get("zones"):
            continue
        covered = shapes.shares(queries.outline(session, row.id), city.zones) if row.reach == shapes.TOUCHING else {}
        outcome = outcome_of(
            queries.said_in(row), source=of_source[row.source_id], zones=queries.zones_with(codes, covered), rows=rows,
            is_wide=row.is_wide,
        )  # fmt: skip
        if set_outcome(session, row, outcome, version=version, shares=covered):
            changed.append(row.id)
    session.flush()
    return changed


def set_outcome(
    session: Session, row: OutsideWarningRow, outcome: Outcome, *, version: int, shares: dict[int, float]
) -> bool:
    """What follows from the warning stands beside it; True where that is something else than before."""
    before = {
        (zone.zone_id, zone.level, zone.acts_as)
        for zone in session.scalars(sa.select(OutsideWarningZone).where(OutsideWarningZone.warning_id == row.id))
    }
    after = {(zone.zone_id, zone.level, zone.acts_as.value) for zone in outcome.zones}
    has_changed = before != after or (row.acts_as, row.level) != (outcome.acts_as.value, outcome.level)
    row.acts_as, row.level, row.mapped_row = outcome.acts_as.value, outcome.level, outcome.row
    row.mapped_version, row.mapped_findings = version, [vars(one) for one in outcome.findings]
    if before != after:
        session.execute(sa.delete(OutsideWarningZone).where(OutsideWarningZone.warning_id == row.id))
        session.add_all(
            OutsideWarningZone(
                warning_id=row.id, zone_id=zone.zone_id, level=zone.level, acts_as=zone.acts_as.value,
                share=shares.get(zone.zone_id, 0.0),
            )
            for zone in outcome.zones
        )  # fmt: skip
    session.flush()
    return has_changed
