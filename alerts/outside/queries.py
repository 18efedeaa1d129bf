"""What is read about outside warnings, their sources, the documents that came, and the city's table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts.outside.documents import body_of
from alerts.outside.lifecycle import CURRENT, Kept
from alerts.outside.mapping import ActsAs, Row, Where, Zone
from alerts.outside.models import (
    OutsideDocument,
    OutsideHealth,
    OutsideMapping,
    OutsideMappingRow,
    OutsideSource,
    OutsideWarningRow,
    OutsideWarningZone,
)
from alerts.outside.said import OutsideWarning, Place, Words
from alerts.outside.shapes import CityShape
from alerts.outside.sources import SourceSpec, spec_of
from core.errors import ConflictError, NotFoundError
from flood.models import Zone as ZoneModel

PHONE = "phone"
MOST_SHOWN = 500


@dataclass(frozen=True)
class ZoneView:
    """A zone that a warning is for."""

    id: int
    code: str
    name_th: str
    name_en: str
    level: int
    acts_as: str
    share: float


def spec_in(source: OutsideSource) -> SourceSpec:
    """The source as a value."""
    names = ("id", "code", "name_th", "name_en", "kind", "url", "period_s", "is_enabled", "options", "extra_ca_pem")
    return spec_of(
        **{name: getattr(source, name) for name in names}, secret_env=source.secret_env,
        secret_header=source.secret_header,
    )  # fmt: skip


def spec_by_id(session: Session, source_id: int) -> SourceSpec | None:
    """The source of this number, None where it is gone."""
    found = session.get(OutsideSource, source_id, populate_existing=True)
    return None if found is None else spec_in(found)


def source_by_code(session: Session, code: str) -> OutsideSource:
    """The source of this code; raises NotFoundError."""
    found = session.scalar(sa.select(OutsideSource).where(OutsideSource.code == code))
    if found is None:
        raise NotFoundError(f"There is no source '{code}'.")
    return found


def sources(session: Session) -> Sequence[tuple[OutsideSource, OutsideHealth | None]]:
    """Every source with its health, by code."""
    rows = session.execute(
        sa.select(OutsideSource, OutsideHealth)
        .outerjoin(OutsideHealth, OutsideHealth.source_id == OutsideSource.id)
        .order_by(OutsideSource.code)
        .execution_options(populate_existing=True)
    )
    return [(source, health) for source, health in rows]


def due_healths(session: Session, *, wall_now: datetime) -> Sequence[OutsideHealth]:
    """The healths of sources that are asked and due, locked; what another worker holds is left to it."""
    session.execute(
        sa.text(
            "INSERT INTO outside_health (source_id) SELECT id FROM outside_source WHERE url IS NOT NULL "
            "ON CONFLICT DO NOTHING"
        )
    )
    return session.scalars(
        sa.select(OutsideHealth)
        .join(OutsideSource, OutsideSource.id == OutsideHealth.source_id)
        .where(
            OutsideSource.is_enabled,
            OutsideSource.url.is_not(None),
            sa.or_(OutsideHealth.next_attempt_wall_at.is_(None), OutsideHealth.next_attempt_wall_at <= wall_now),
        )
        .with_for_update(skip_locked=True, of=OutsideHealth)
        .execution_options(populate_existing=True)
    ).all()


def read_addresses(session: Session, source_id: int, addresses: Collection[str], *, since: datetime) -> set[str]:
    """Those of the addresses whose document was read, or was refused since then: they need not be asked again."""
    rows = session.scalars(
        sa.select(OutsideDocument.address).where(
            OutsideDocument.source_id == source_id,
            OutsideDocument.address.in_(list(addresses)),
            sa.or_(OutsideDocument.state == "read", OutsideDocument.seen_wall_at > since),
        )
    )
    return set(rows)


def kept(session: Session, source_id: int, *, since: datetime) -> dict[str, Kept]:
    """The source's warnings that still hold or were sent since then, by identifier."""
    one = OutsideWarningRow
    rows = session.execute(
        sa.select(one.identifier, one.sent_at, one.state, one.message_type, one.group_key, one.references).where(
            one.source_id == source_id, sa.or_(one.state == CURRENT, one.sent_at > since)
        )
    )
    return {
        row.identifier: Kept(
            row.identifier, row.sent_at, row.state, row.message_type, row.group_key,
            tuple(reference["identifier"] for reference in row.references),
        )
        for row in rows
    }  # fmt: skip


def by_identifier(session: Session, source_id: int, identifier: str) -> OutsideWarningRow | None:
    """The source's warning of this identifier."""
    return session.scalar(
        sa.select(OutsideWarningRow)
        .where(OutsideWarningRow.source_id == source_id, OutsideWarningRow.identifier == identifier)
        .execution_options(populate_existing=True)
    )


def warning(session: Session, warning_id: int) -> OutsideWarningRow:
    """The warning; raises NotFoundError."""
    found = session.get(OutsideWarningRow, warning_id, populate_existing=True)
    if found is None:
        raise NotFoundError(f"There is no outside warning {warning_id}.")
    return found


def current(session: Session, *, now: datetime, with_elsewhere: bool = True) -> Sequence[OutsideWarningRow]:
    """The warnings that hold now by the clock, the newest first, without their outlines."""
    one = OutsideWarningRow
    asked = (
        sa.select(one)
        .options(sa.orm.defer(one.geom, raiseload=True))
        .where(one.state == CURRENT, one.expires_at > now)
        .order_by(one.acts_as.desc(), one.level.desc(), one.sent_at.desc(), one.id.desc())
        .limit(MOST_SHOWN)
        .execution_options(populate_existing=True)
    )
    if not with_elsewhere:
        asked = asked.where(sa.or_(one.reach != "elsewhere", one.mapped_row.is_not(None)))
    return session.scalars(asked).all()


def zones_of(session: Session, warning_ids: Collection[int]) -> dict[int, list[ZoneView]]:
    """The zones that the city's table names for each warning, by code."""
    rows = session.execute(
        sa.select(OutsideWarningZone, ZoneModel.code, ZoneModel.name_th, ZoneModel.name_en)
        .join(ZoneModel, ZoneModel.id == OutsideWarningZone.zone_id)
        .where(OutsideWarningZone.warning_id.in_(list(warning_ids)), ~ZoneModel.is_retired)
        .order_by(ZoneModel.code)
    )
    found: dict[int, list[ZoneView]] = {one: [] for one in warning_ids}
    for row, code, name_th, name_en in rows:
        found[row.warning_id].append(
            ZoneView(row.zone_id, code, name_th, name_en, row.level, row.acts_as, row.share)
        )
    return found


def city_shape(session: Session) -> CityShape:
    """The city's boundary and its zones' outlines; raises ConflictError before a city was imported."""
    boundary = session.scalar(sa.text("SELECT ST_AsBinary(boundary) FROM city"))
    if boundary is None:
        raise ConflictError("No city has been imported yet.")
    rows = session.execute(sa.text("SELECT id, ST_AsBinary(geom) AS wkb FROM zone WHERE NOT is_retired"))
    return CityShape(
        boundary=shapely.from_wkb(bytes(boundary)), zones={row.id: shapely.from_wkb(bytes(row.wkb)) for row in rows}
    )


def outline(session: Session, warning_id: int) -> Any:
    """The outline of a warning near the city, None where it has none."""
    wkb = session.scalar(sa.text("SELECT ST_AsBinary(geom) FROM outside_warning WHERE id = :id"), {"id": warning_id})
    return None if wkb is None else shapely.from_wkb(bytes(wkb))


def zone_codes(session: Session) -> dict[int, str]:
    """The codes of the zones that are there, by id."""
    rows = session.execute(sa.select(ZoneModel.id, ZoneModel.code).where(~ZoneModel.is_retired))
    return dict(rows.all())


def zones_with(codes: Mapping[int, str], shares: Mapping[int, float]) -> list[Zone]:
    """The zones as the table sees them."""
    return [Zone(zone_id, code, shares.get(zone_id, 0.0)) for zone_id, code in sorted(codes.items())]


def mapping_version(session: Session) -> int:
    """The version of the city's table that holds, 0 before the first."""
    return session.scalar(sa.select(sa.func.max(OutsideMapping.version))) or 0


def mapping_rows(session: Session, version: int) -> list[Row]:
    """The rows of a version of the city's table, in its order."""
    rows = session.scalars(
        sa.select(OutsideMappingRow).where(OutsideMappingRow.version == version).order_by(OutsideMappingRow.position)
    )
    return [
        Row(
            one.source, one.event, one.min_grade, Where(one.place_kind), one.area, one.share, tuple(one.zones),
            one.level, ActsAs(one.acts_as), one.note,
        )
        for one in rows
    ]  # fmt: skip


def mappings(session: Session) -> Sequence[OutsideMapping]:
    """Every version of the city's table, the newest first."""
    return session.scalars(sa.select(OutsideMapping).order_by(OutsideMapping.version.desc())).all()


def said_in(row: OutsideWarningRow) -> OutsideWarning:
    """The stored warning as a value, without its outlines."""
    return OutsideWarning(
        identifier=row.identifier, sender=row.sender, sent_at=row.sent_at, event=row.event, hazard=row.hazard,
        grade=row.grade, words={language: Words(**texts) for language, texts in row.words.items()},
        places=tuple(
            Place(one["name"], tuple((code["list"], code["value"]) for code in one["codes"])) for one in row.places
        ),
        status=row.status, message_type=row.message_type, severity=row.severity, urgency=row.urgency,
        certainty=row.certainty, station=row.station, group=row.group_key,
    )  # fmt: skip


def refused(session: Session, *, limit: int) -> Sequence[tuple[OutsideDocument, str]]:
    """The newest documents that could not be read, with their source's code; not their bytes."""
    rows = session.execute(
        sa.select(OutsideDocument, OutsideSource.code)
        .join(OutsideSource, OutsideSource.id == OutsideDocument.source_id)
        .options(sa.orm.defer(OutsideDocument.body, raiseload=True))
        .where(OutsideDocument.state == "refused")
        .order_by(OutsideDocument.id.desc())
        .limit(limit)
    )
    return [(document, code) for document, code in rows]


def body(session: Session, document_id: int) -> bytes:
    """The bytes of a document as they came; raises NotFoundError."""
    found = session.get(OutsideDocument, document_id)
    if found is None:
        raise NotFoundError(f"There is no document {document_id}.")
    return body_of(found)
