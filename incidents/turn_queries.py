"""What a turn of a resident's conversation needs to know, in one question; and the draft, kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from core import sealing
from gis.points import LonLat
from gis.queries import CITY_VERSION
from incidents.queries import CATEGORIES_VERSION, RECENT_PIN
from residents.queries import HOME_OF

# Thousands of turns a minute in a storm: each question on its own costs the receiver more than the answer does.
_STANDING = sa.text(f"""
    SELECT draft.step, draft.data, draft.offered, draft.updated_at AS spoken_at,
           home.lon AS home_lon, home.lat AS home_lat, pin.lon AS pin_lon, pin.lat AS pin_lat,
           EXISTS (SELECT FROM incident_pause WHERE answering_id = :resident_id AND answering_until_at > :now
                   AND ended_at IS NULL) AS is_answering,
           EXISTS (SELECT FROM reporter_notice WHERE resident_id = :resident_id AND state = 'waiting') AS has_news,
           ({CATEGORIES_VERSION}) AS categories_version, model.id AS model_id, model.trained_at,
           city.slug, city.data AS city_data
    FROM (VALUES (1)) AS here (one)
    LEFT JOIN draft ON draft.resident_id = :resident_id AND draft.expires_at > :now
    LEFT JOIN LATERAL ({HOME_OF}) AS home ON true
    LEFT JOIN LATERAL (
        SELECT ST_X(place) AS lon, ST_Y(place) AS lat FROM report
        WHERE resident_id = :resident_id AND place_source = 'pin' AND created_at > :pinned_after
        ORDER BY created_at DESC LIMIT 1
    ) AS pin ON true
    LEFT JOIN category_model AS model ON model.is_active
    LEFT JOIN ({CITY_VERSION}) AS city ON true
""")  # noqa: S608 - our own words only.
_KEEP = sa.text("""
    INSERT INTO draft (resident_id, step, data, offered, updated_at, expires_at, answer_due_at, answer_token_sealed)
    VALUES (:resident_id, :step, :data, :offered, :updated_at, :expires_at, :answer_due_at, :answer_token_sealed)
    ON CONFLICT (resident_id) DO UPDATE
    SET step = EXCLUDED.step, data = EXCLUDED.data, offered = EXCLUDED.offered, updated_at = EXCLUDED.updated_at,
        expires_at = EXCLUDED.expires_at, answer_due_at = EXCLUDED.answer_due_at,
        answer_token_sealed = EXCLUDED.answer_token_sealed
""").bindparams(sa.bindparam("data", type_=JSONB), sa.bindparam("offered", type_=JSONB(none_as_null=True)))
_LEAVE_PHOTO = sa.text("DELETE FROM photo WHERE id = :photo_id AND path IS NULL")
_FORGET = sa.text("DELETE FROM draft WHERE resident_id = :resident_id")


@dataclass(frozen=True)
class Standing:
    """Where a resident stands when a turn begins: what they have told, at which step, and where they may be.

    `offered` are the categories last offered; `recent_pin` is where their last report of the past two hours was pinned;
    `is_answering` says that they pressed the button to answer a question of the city's, `has_news` that something waits
    to be told to them; `spoken_at` is when they last said something of the draft, by LINE's clock. `model` is the one
    that reads categories, with the time it was trained at; `city` is None where none has been imported.
    """

    step: str | None
    draft: dict[str, Any] | None
    offered: dict[str, Any] | None
    home: LonLat | None
    recent_pin: LonLat | None
    is_answering: bool
    has_news: bool
    spoken_at: datetime | None
    categories_version: str | None
    model: tuple[int, datetime] | None
    city: tuple[str, str] | None


def standing(session: Session, resident_id: int, *, now: datetime) -> Standing:
    """Where the resident stands now."""
    row = session.execute(
        _STANDING, {"resident_id": resident_id, "now": now, "pinned_after": now - RECENT_PIN}
    ).one()
    return Standing(
        step=row.step,
        draft=row.data,
        offered=row.offered,
        home=None if row.home_lon is None else LonLat(lon=row.home_lon, lat=row.home_lat),
        recent_pin=None if row.pin_lon is None else LonLat(lon=row.pin_lon, lat=row.pin_lat),
        is_answering=row.is_answering,
        has_news=row.has_news,
        spoken_at=row.spoken_at,
        categories_version=row.categories_version,
        model=None if row.model_id is None else (row.model_id, row.trained_at),
        city=None if row.slug is None else (row.slug, row.city_data),
    )


def keep_draft(
    session: Session, resident_id: int, *, step: str, data: dict[str, Any], offered: dict[str, Any] | None,
    updated_at: datetime, expires_at: datetime, answer_due_at: datetime | None = None, answer_token: str | None = None,
) -> None:
    """What the resident has told so far is kept until it expires.

    With `answer_due_at` it is answered then, by the reply token `answer_token` while that lives.
    """
    session.execute(
        _KEEP,
        {
            "resident_id": resident_id, "step": step, "data": data, "offered": offered, "updated_at": updated_at,
            "expires_at": expires_at, "answer_due_at": answer_due_at,
            "answer_token_sealed": sealing.seal(answer_token) if answer_token else None,
        },
    )


def forget_draft(session: Session, resident_id: int) -> None:
    """The resident is telling no report any more."""
    session.execute(_FORGET, {"resident_id": resident_id})


def leave_photo(session: Session, photo_id: int) -> None:
    """A photo that was noted and not yet fetched is left where it is."""
    session.execute(_LEAVE_PHOTO, {"photo_id": photo_id})
