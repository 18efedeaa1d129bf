"""Cameras: where they are, what they read, and their public pictures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from api.deps import CurrentAccount, SessionDep
from cctv import queries
from core.errors import NotFoundError
from core.settings import data_dir

router = APIRouter(tags=["cctv"])

MAX_AGE_S = 5


class CameraFeatures(BaseModel):
    """GeoJSON: every camera, levels in metres above mean sea level."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[dict[str, Any]]


def camera_feature(card: queries.CameraCard) -> dict[str, Any]:
    """A camera as a GeoJSON feature."""
    return {
        "type": "Feature",
        "id": card.id,
        "geometry": {"type": "Point", "coordinates": [round(card.place.lon, 6), round(card.place.lat, 6)]},
        "properties": {
            "id": card.id,
            "code": card.code,
            "name": {"th": card.name_th, "en": card.name_en},
            "picture_url": f"/api/v1/cameras/{card.id}/picture.jpg" if card.has_picture else None,
            "level_m_msl": card.level_m_msl,
            "sigma_m": card.sigma_m,
            "confidence": card.confidence,
            "is_reading": card.is_reading,
            "reasons": card.reasons,
            "taken_at": card.taken_at,
            "station_id": card.station_id,
            "trust": card.trust,
        },
    }


@router.get("/cameras", summary="Every camera and what it reads")
def list_cameras(session: SessionDep, account: CurrentAccount) -> CameraFeatures:
    """The newest picture of each camera: its level with its doubt, or the reasons why there is none."""
    return CameraFeatures(features=[camera_feature(card) for card in queries.cameras(session)])


@router.get("/cameras/{camera_id}/picture.jpg", summary="A camera's newest public picture", response_class=FileResponse)
def read_picture(
    camera_id: int, session: SessionDep, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """The newest picture as it was prepared for the public; 304 where the caller has it already."""
    relative = queries.newest_picture_path(session, camera_id)
    path = data_dir() / relative if relative else None
    if path is None or not path.is_file():
        raise NotFoundError(f"Camera {camera_id} has no picture.")
    # Each picture has a name of its own and is never changed, so its name is its tag.
    headers = {"ETag": f'"{path.stem}"', "Cache-Control": f"public, max-age={MAX_AGE_S}"}
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type="image/jpeg", headers=headers)
