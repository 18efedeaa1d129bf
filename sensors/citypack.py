"""How a city pack brings gauges: a layer of points with their thresholds above mean sea level."""

from __future__ import annotations

from typing import Literal, cast

from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from gis.citypack.layers import Column, LayerKind, LayerRows, Row, level_column, register
from gis.datum import SEA_LEVEL, is_sea_level
from gis.points import LonLat
from sensors.actions import NewStation, register_station, remove_other_stations
from sensors.feeds_store.citypack import FEEDS

__all__ = ["FEEDS", "GAUGES", "LEVEL_COLUMNS", "register_row", "station_of_row"]

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


def station_of_row(row: Row, *, kind: StationKind, layer: str, trust: str) -> NewStation:
    """The station that a row of a layer of points describes. Raises InvalidInputError that names the row."""
    fields = row.fields
    interval_s = fields.get("interval_s") or DEFAULT_INTERVAL_S
    if row.geom is None or row.geom.is_empty:
        raise InvalidInputError(f"Layer {layer}, row {row.number}: the station has no place.")
    if interval_s < 1:
        raise InvalidInputError(f"Layer {layer}, row {row.number}: interval_s must be at least 1.")
    datum = fields.get("datum")
    if datum and not is_sea_level(datum):
        raise InvalidInputError(
            f"Layer {layer}, row {row.number}: station {fields['code']} counts from '{datum}'; only "
            f"'{SEA_LEVEL}' is understood, so convert its levels first."
        )
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
        interval_s=interval_s,
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


def _load_gauges(session: Session, rows: LayerRows) -> int:
    kept = []
    for row in rows.rows:
        kind = row.fields.get("kind") or "gauge"
        if kind not in ("gauge", "rain"):
            raise InvalidInputError(
                f"Layer {rows.layer.name}, row {row.number}: kind is '{kind}', but must be gauge or rain."
            )
        new = station_of_row(row, kind=cast(StationKind, kind), layer=rows.layer.name, trust=rows.layer.trust)
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
    )
)
