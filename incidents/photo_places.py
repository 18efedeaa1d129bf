"""Where a photo was taken, offered to who sent it. Nothing of it is kept but in the report being told, or its place."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from gis import queries as gis_queries
from incidents import exif, photos, talk
from incidents.conversation import Place
from residents import queries as residents_queries

_TELLER = sa.text("""
    SELECT d.resident_id, r.language FROM draft d JOIN resident r ON r.id = d.resident_id
    WHERE d.expires_at > :now AND d.data -> 'photo_ids' @> to_jsonb(CAST(:photo_id AS bigint))
""")


def place_in(session: Session, raw: bytes) -> Place | None:
    """Where in the city the picture says that it was taken; None where it says nothing that can be meant."""
    seen = exif.seen_from(photos.exif_of(raw), now=clock.now())
    if seen is None or not gis_queries.is_within_boundary(session, seen.place):
        return None
    return Place(seen.place.lon, seen.place.lat, "photo", seen.radius_m)


def offer(session: Session, photo_id: int, raw: bytes) -> None:
    """Whoever tells a report with this photo may choose where it was taken as its place."""
    place = place_in(session, raw)
    if place is None:
        return
    teller = session.execute(_TELLER, {"photo_id": photo_id, "now": clock.now()}).first()
    if teller is None:
        return
    line_user_id = residents_queries.line_ids(session, [teller.resident_id])[teller.resident_id]
    talk.take_place_of_photo(
        session, teller.resident_id, line_user_id, teller.language, photo_id=photo_id, place=place
    )
