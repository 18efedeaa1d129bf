"""City packs bring gauges and cameras; a bad row is named and nothing of it stays."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cctv import queries as cctv_queries
from cctv.citypack import CAMERAS
from core.errors import InvalidInputError
from demo.frames import calibration_json, staff_scene
from gis.citypack.layers import LayerKind, LayerMeta, LayerRows
from sensors import queries
from sensors.citypack import GAUGES
from sensors.models import Datastream, Station

ROW: dict[str, Any] = {
    "code": "KTY01",
    "name_th": "คลองท่าใหญ่",
    "name_en": "Khlong Tha Yai",
    "kind": "gauge",
    "bank_m_msl": 2.5,
    "bed_m_msl": -1.5,
    "watch_m_msl": 1.0,
    "warning_m_msl": 1.5,
    "danger_m_msl": 2.0,
    "interval_s": 300,
    "device_key": "secret",
}


def _load(session: Session, kind: LayerKind, rows: list[dict[str, Any]]) -> int:
    meta = LayerMeta(
        id=1,
        name=kind.kind,
        kind=kind.kind,
        file="x.csv",
        source="test",
        licence="CC0",
        dated=date(2026, 1, 1),
        trust="simulated",
        version=1,
    )
    columns = {name: [row.get(name) for row in rows] for name in kind.columns}
    points = np.array([shapely.Point(100.0, 8.0 + index / 100) for index in range(len(rows))], dtype=object)
    numbers = list(range(2, len(rows) + 2))
    return kind.load(session, LayerRows(layer=meta, numbers=numbers, columns=columns, geoms=points))


def test_gauges_and_rain_gauges_come_in(session: Session) -> None:
    """A gauge measures metres above mean sea level, a rain gauge millimetres."""
    assert _load(session, GAUGES, [ROW, {"code": "R1", "kind": "rain"}]) == 2
    streams = {stream.code: stream for stream in session.scalars(sa.select(Datastream))}
    assert (streams["KTY01"].unit, streams["KTY01"].datum, streams["KTY01"].watch_m_msl) == ("m", "msl", 1.0)
    assert (streams["R1"].unit, streams["R1"].datum, streams["R1"].interval_s) == ("mm", None, 300)
    assert "secret" not in str(session.scalars(sa.select(Station.device_key_hash)).all())


def test_a_second_import_replaces_the_layer(session: Session) -> None:
    """Stations that the layer no longer has are gone; those it still has keep their id."""
    _load(session, GAUGES, [ROW, ROW | {"code": "KTY02"}])
    before = queries.streams_by_code(session, ["KTY01"])["KTY01"]
    assert _load(session, GAUGES, [ROW]) == 1
    assert queries.streams_by_code(session, ["KTY01", "KTY02"]) == {"KTY01": before}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "boat"}, "row 3, column kind: it is 'boat'"),
        ({"watch_m_msl": 9.0}, "row 3: station KTY02"),
        ({"interval_s": -5}, "row 3, column interval_s"),
    ],
)
def test_a_bad_row_is_named(session: Session, changes: dict[str, Any], message: str) -> None:
    """The sentence names the layer and the row."""
    with pytest.raises(InvalidInputError, match=message):
        _load(session, GAUGES, [ROW, ROW | {"code": "KTY02"} | changes])


def _camera_row() -> dict[str, Any]:
    scene = staff_scene(code="CAM01", low_m_msl=0.0, high_m_msl=3.0, seed=1)
    return ROW | {"code": "CAM01", "source": "cameras/cam01", "calibration": calibration_json(scene)}


def test_a_camera_is_a_station_with_an_eye(session: Session) -> None:
    """A camera has a datastream like a gauge, and its calibration as the operator stored it."""
    assert _load(session, CAMERAS, [_camera_row()]) == 1
    camera = cctv_queries.sources(session)[0]
    assert (camera.code, camera.source, camera.calibration_version) == ("CAM01", "cameras/cam01", 1)
    assert cctv_queries.camera_ids_by_station(session) == {camera.station_id: camera.id}
    assert cctv_queries.cameras(session)[0].reasons == ["no_picture"]


@pytest.mark.parametrize("calibration", ["{", "{}", "null", json.dumps({"marks": []})])
def test_a_camera_whose_calibration_cannot_be_used_is_named(session: Session, calibration: str) -> None:
    """A bad calibration stops the import with the row's number."""
    with pytest.raises(InvalidInputError, match="row 2"):
        _load(session, CAMERAS, [_camera_row() | {"calibration": calibration}])


def test_a_code_belongs_to_one_layer(session: Session) -> None:
    """A camera may not take the code of a gauge."""
    _load(session, GAUGES, [ROW])
    with pytest.raises(InvalidInputError, match="already there"):
        _load(session, CAMERAS, [_camera_row() | {"code": "KTY01"}])
