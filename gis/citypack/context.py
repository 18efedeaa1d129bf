"""What a layer is held against: the city's outline, its province, the outlines of the sub-districts around it."""

from __future__ import annotations

import dataclasses

import numpy as np
import shapely
import sqlalchemy as sa
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from gis.citypack.checks import CheckedLayer
from gis.citypack.findings import Frame
from gis.models import AdminUnit, City


def frame_of(session: Session, city: City) -> Frame:
    """Where the imported city lies."""
    return with_stored(session, Frame(boundary=to_shape(city.boundary), extent=to_shape(city.extent)))


def with_stored(session: Session, frame: Frame) -> Frame:
    """The frame with the province and the sub-districts that earlier imports brought."""
    middle = frame.boundary.centroid
    here = sa.func.ST_SetSRID(sa.func.ST_MakePoint(middle.x, middle.y), 4326)
    province = session.scalars(
        sa.select(AdminUnit.geom).where(AdminUnit.kind == "province", sa.func.ST_Intersects(AdminUnit.geom, here))
    ).first()
    box = sa.func.ST_MakeEnvelope(*frame.extent.bounds, 4326)
    around = session.execute(
        sa.select(AdminUnit.name_th, AdminUnit.geom)
        .where(AdminUnit.kind == "subdistrict", AdminUnit.geom.op("&&")(box)).order_by(AdminUnit.id)
    )
    return dataclasses.replace(
        frame, province=None if province is None else to_shape(province),
        subdistricts=tuple((row.name_th, to_shape(row.geom)) for row in around),
    )


def with_layer(frame: Frame, kind: str, rows: CheckedLayer) -> Frame:
    """The frame with the province or the sub-districts that this layer brings."""
    if rows.geoms is None:
        return frame
    if kind == "provinces":
        here = np.flatnonzero(shapely.intersects(rows.geoms, frame.boundary.centroid))
        return dataclasses.replace(frame, province=rows.geoms[here[0]] if len(here) else None)
    if kind == "subdistricts":
        near = np.flatnonzero(shapely.intersects(rows.geoms, frame.extent)).tolist()
        names = rows.columns["name_th"]
        return dataclasses.replace(frame, subdistricts=tuple((names[i], rows.geoms[i]) for i in near))
    return frame
