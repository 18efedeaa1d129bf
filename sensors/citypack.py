"""How a city pack brings gauges: a layer of points with their thresholds above mean sea level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from gis.citypack.layers import (
    Column,
    LayerKind,
    LayerRows,
    Row,
    RowFault,
    level_column,
    refuse_faulty,
    register,
)
from gis.datum import SEA_LEVEL, is_sea_level
from gis.points import LonLat
from sensors.actions import NewStation, level_faults, register_station, remove_other_stations
from sensors.feeds_store.citypack import DATASTREAMS, FEEDS

__all__ = ["DATASTREAMS", "FEEDS", "GAUGES", "LEVEL_COLUMNS", "register_row", "station_faults", "station_of_row"]

DEFAULT_INTERVAL_S = 300
StationKind = Literal["gauge", "camera", "rain"]

LONGEST_INTERVAL_S = 7 * 24 * 3600
LEVEL_COLUMNS = {
    "datum": Column(),
    "bank_m_msl": level_column(),
    "bed_m_msl": level_column(),
    "watch_m_msl": level_column(),
    "warning_m_msl": level_column(),
    "danger_m_msl": level_column(),
    "interval_s": Column(type=int, least=1, most=LONGEST_INTERVAL_S),
    "device_key": Column(),
}


def station_faults(row: Row) -> Iterator[RowFault]:
    """What is wrong with the station that a row of a layer of points describes."""
    fields, interval_s = row.fields, row.fields.get("interval_s")
    if row.geom is None or row.geom.is_empty:
        yield RowFault("the station has no place.")
    if interval_s is not None and interval_s < 1:
        yield RowFault("it must be at least 1.", "interval_s")
    datum = fields.get("datum")
    if datum and not is_sea_level(datum):
        yield RowFault(
            f"station {fields['code']} counts from '{datum}'; only '{SEA_LEVEL}' is understood, so convert its levels "
            "first.", "datum",
        )
        return
    names = ("watch_m_msl", "warning_m_msl", "danger_m_msl", "bed_m_msl", "bank_m_msl")
    for cause in level_faults(**{name: fields.get(name) for name in names}):
        yield RowFault(f"station {fields['code']}: {cause}")


def station_of_row(row: Row, *, kind: StationKind, layer: str, trust: str) -> NewStation:
    """The station that a row without a fault describes."""
    fields = row.fields
    assert row.geom is not None  # noqa: S101  A row without a place has a fault; this tells the type.
    point = row.geom.centroid
    return NewStation(
        code=fields["code"],
        name_th=fields.get("name_th") or fields.get("name_en") or fields["code"],
        name_en=fields.get("name_en") or fields.get("name_th") or fields["code"],
        kind=kind,
        place=LonLat(lon=point.x, lat=point.y),
        bank_m_msl=fields.get("bank_m_msl"),
        bed_m_msl=fields.get("bed_m_msl"),
        watch_m_msl=fields.get("watch_m_msl"),
        warning_m_msl=fields.get("warning_m_msl"),
        danger_m_msl=fields.get("danger_m_msl"),
        interval_s=fields.get("interval_s") or DEFAULT_INTERVAL_S,
        device_key=fields.get("device_key"),
        trust=trust,
        layer=layer,
    )


def register_row(session: Session, new: NewStation, *, row_number: int) -> int:
    """The row's station is registered; returns its id. Raises InvalidInputError that names the row."""
    try:
        return register_station(session, new)
    except InvalidInputError as fault:
        raise InvalidInputError(f"Layer {new.layer}, row {row_number}: {fault.detail}") from fault


def _gauge_faults(row: Row) -> Iterator[RowFault]:
    kind = row.fields.get("kind") or "gauge"
    if kind not in ("gauge", "rain"):
        yield RowFault(f"it is '{kind}', but must be gauge or rain.", "kind")
    yield from station_faults(row)


def _load_gauges(session: Session, rows: LayerRows) -> int:
    refuse_faulty(rows, _gauge_faults)
    kept = []
    for row in rows.rows:
        kind = cast(StationKind, row.fields.get("kind") or "gauge")
        new = station_of_row(row, kind=kind, layer=rows.layer.name, trust=rows.layer.trust)
        kept.append(register_row(session, new, row_number=row.number))
    remove_other_stations(session, layer=rows.layer.name, keep=kept)
    return len(kept)


GAUGES = register(
    LayerKind(
        kind="gauges",
        columns={
            "code": Column(required=True, unique=True),
            "name_th": Column(),
            "name_en": Column(),
            "kind": Column(),
            **LEVEL_COLUMNS,
        },
        geometry="Point",
        load=_load_gauges,
        judge=_gauge_faults,
        brings=DATASTREAMS,
    )
)
