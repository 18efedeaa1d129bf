"""How a city pack brings cameras: a layer of points with source, calibration and thresholds."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy.orm import Session

from cctv.actions import register_camera
from cctv.calibration import parsed
from core.errors import InvalidInputError
from gis.citypack.layers import Column, LayerKind, LayerRows, Row, RowFault, refuse_faulty, register
from sensors.actions import remove_other_stations
from sensors.citypack import DATASTREAMS, LEVEL_COLUMNS, register_row, station_faults, station_of_row


def _camera_faults(row: Row) -> Iterator[RowFault]:
    try:
        parsed(row.fields["calibration"])
    except InvalidInputError as fault:
        yield RowFault(fault.detail, "calibration")
    yield from station_faults(row)


def _load_cameras(session: Session, rows: LayerRows) -> int:
    refuse_faulty(rows, _camera_faults)
    kept = []
    for row in rows.rows:
        new = station_of_row(row, kind="camera", layer=rows.layer.name, trust=rows.layer.trust)
        station_id = register_row(session, new, row_number=row.number)
        register_camera(
            session,
            station_id=station_id,
            code=new.code,
            source=row.fields["source"],
            calibration=json.loads(row.fields["calibration"]),
        )
        kept.append(station_id)
    remove_other_stations(session, layer=rows.layer.name, keep=kept)
    return len(kept)


CAMERAS = register(
    LayerKind(
        kind="cameras",
        columns={
            "code": Column(required=True, unique=True),
            "name_th": Column(),
            "name_en": Column(),
            "source": Column(required=True),
            "calibration": Column(required=True),
            **LEVEL_COLUMNS,
        },
        geometry="Point",
        load=_load_cameras,
        judge=_camera_faults,
        brings=DATASTREAMS,
    )
)
