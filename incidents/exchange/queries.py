"""All SQL of the open doors that reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.points import LonLat
from incidents import redaction_queries
from incidents.exchange import privacy
from incidents.exchange.errors import NoSuchRequestError
from incidents.exchange.models import ApiKey, ForeignId, OpenService, ServiceRequest
from incidents.exchange.open311 import CLOSED_STATES, Filters
from incidents.exchange.open311_answers import PublicRequest, Service
from incidents.exchange.open311_updates import PublicUpdate
from incidents.exchange.questions import read_questions
from incidents.models import Category, Report

KEYWORDS = 12
REPEATED_WITHIN = timedelta(minutes=10)


def services(session: Session) -> list[Service]:
    """Every category as it is offered, in the city's order."""
    rows = session.execute(
        sa.select(Category, OpenService)
        .outerjoin(OpenService, OpenService.category_code == Category.code)
        .order_by(Category.position)
    )
    return [_service(category, opening) for category, opening in rows]


def service(session: Session, code: str) -> Service | None:
    """The category as it is offered; None for an unknown one."""
    category = session.get(Category, code) if "\x00" not in code else None
    return _service(category, session.get(OpenService, code)) if category is not None else None


def _service(category: Category, opening: OpenService | None) -> Service:
    telling = sorted(category.words.items(), key=lambda item: (-item[1], item[0]))
    return Service(
        code=category.code,
        name_th=category.name_th,
        name_en=category.name_en,
        promise_hours=category.promise_hours,
        service_type=opening.service_type if opening else "realtime",
        exposure=opening.exposure if opening else "coarse",
        group=category.group_code,
        keywords=tuple(word for word, _ in telling if "," not in word)[:KEYWORDS],
        questions=read_questions(opening.questions) if opening else (),
    )


# ── Service requests ─────────────────────────────────────────────────────────────────────────────────────────────────

# Seen by nobody: all whose word stands stay out of sight, or one who does reported what was merged since.
_OUT_OF_SIGHT = """(
    EXISTS (SELECT FROM report f WHERE f.incident_id = i.id AND f.is_private)
    AND NOT EXISTS (
        SELECT FROM report f WHERE f.incident_id = i.id AND NOT f.is_private AND f.withdrawn_at IS NULL)
    OR i.merged_into_id IS NOT NULL AND EXISTS (
        SELECT FROM incident_merge m JOIN report f ON f.id = ANY(m.report_ids)
        WHERE m.merged_id = i.id AND m.undone_at IS NULL AND f.is_private))"""
# An incident stands under its number; a report that joined one, through an open door, under its own number too.
_CHOSEN = f"""
SELECT i.number AS request_id, i.id AS incident_id, NULL::bigint AS report_id, i.category_code,
       i.opened_at AS requested_at, coalesce(o.exposure, 'coarse') AS exposure, o.grid_degrees
FROM incident i LEFT JOIN open_service o ON o.category_code = i.category_code
WHERE coalesce(o.exposure, 'coarse') <> 'hidden' AND {{incident}} AND NOT {_OUT_OF_SIGHT}
UNION ALL
SELECT s.request_id, i.id, r.id, r.category_code, r.created_at,
       CASE WHEN o.exposure = 'open' AND p.exposure = 'open' THEN 'open' ELSE 'coarse' END,
       greatest(o.grid_degrees, p.grid_degrees)
FROM service_request s JOIN report r ON r.id = s.report_id JOIN incident i ON i.id = r.incident_id
LEFT JOIN open_service o ON o.category_code = i.category_code
LEFT JOIN open_service p ON p.category_code = r.category_code
WHERE s.has_joined AND NOT r.is_private AND 'hidden' NOT IN (coalesce(o.exposure, ''), coalesce(p.exposure, ''))
AND {{joined}}
ORDER BY requested_at DESC, request_id DESC
"""  # noqa: S608 - words of ours.
# Where one who reported it stays out of sight, it is shown where one says so who does not (`seen`).
_DETAILS = """
SELECT q.request_id, i.id AS incident_id, i.state, i.report_count,
       CASE WHEN i.state = ANY(:closed) THEN (
           SELECT h.reason FROM incident_change h WHERE h.incident_id = i.id AND h.to_state IN ('done', 'rejected')
           AND h.kind = 'state'
           ORDER BY h.id DESC LIMIT 1) END AS reason,
       q.category_code, c.name_th, c.name_en, told.description, a.name_th AS agency_th, a.name_en AS agency_en,
       q.requested_at,
       CASE WHEN i.state = ANY(:closed) THEN coalesce(i.done_at, i.closed_at) END AS ended_at,
       (SELECT max(h.changed_at) FROM incident_change h WHERE h.incident_id = i.id) AS changed_at, i.last_report_at,
       i.promised_at, i.place_label_th, i.place_label_en, ar.name_th AS area_th, ar.name_en AS area_en,
       ST_X(coalesce(told.place, seen.place, i.place)) AS lon, ST_Y(coalesce(told.place, seen.place, i.place)) AS lat,
       q.exposure = 'coarse' OR coalesce(told.place_source, i.place_source) = 'home' OR i.merged_into_id IS NOT NULL
       OR EXISTS (
           SELECT FROM report f WHERE f.incident_id = i.id AND f.is_private) AS is_coarse, q.grid_degrees,
       told.media_urls, told.photo_id
FROM ({chosen} LIMIT :limit OFFSET :offset) q
JOIN incident i ON i.id = q.incident_id
JOIN category c ON c.code = q.category_code
LEFT JOIN agency a ON a.code = i.agency_code
LEFT JOIN LATERAL (
    SELECT f.place, (SELECT w.id FROM area w WHERE w.kind = 'community' AND ST_Covers(w.geom, f.place)
                     ORDER BY w.id LIMIT 1) AS area_id
    FROM report f WHERE f.incident_id = i.id AND NOT f.is_private AND f.withdrawn_at IS NULL
    AND EXISTS (SELECT FROM report g WHERE g.incident_id = i.id AND g.is_private)
    AND f.id = coalesce(q.report_id, f.id)
    ORDER BY f.id LIMIT 1
) seen ON true
LEFT JOIN area ar ON ar.id = CASE WHEN seen.place IS NULL THEN i.area_id ELSE seen.area_id END
LEFT JOIN LATERAL (
    SELECT s.description, s.media_urls, CASE WHEN q.report_id IS NOT NULL THEN r.place END AS place,
           CASE WHEN q.report_id IS NOT NULL THEN r.place_source END AS place_source,
           (SELECT f.id FROM photo f JOIN photo_review v ON v.photo_id = f.id AND v.verdict <> 'hidden'
            WHERE f.report_id = r.id AND f.path IS NOT NULL AND s.door = 'open311' ORDER BY f.id LIMIT 1) AS photo_id
    FROM report r LEFT JOIN service_request s ON s.report_id = r.id
    WHERE r.id = coalesce(q.report_id, (SELECT min(f.id) FROM report f WHERE f.incident_id = q.incident_id))
) told ON true
ORDER BY q.requested_at DESC, q.request_id DESC
"""


def public_requests(session: Session, filters: Filters, *, media_url: str) -> list[PublicRequest]:
    """The requests that the filters ask for, the newest first, with what the public may learn.

    `media_url` is the address of a picture with `{id}` for its id.
    """
    values: dict[str, Any] = {
        "closed": list(CLOSED_STATES),
        "limit": filters.page_size,
        "offset": (filters.page - 1) * filters.page_size,
    }
    if filters.ids:
        incident, joined = "i.number = ANY(:ids)", "s.request_id = ANY(:ids)"
        values["ids"] = [one for one in filters.ids if "\x00" not in one]
    else:
        incident, joined = _where(filters, values, at="i.opened_at", code="i.category_code"), ""
        joined = _where(filters, values, at="r.created_at", code="r.category_code")
    chosen = _CHOSEN.format(incident=incident, joined=joined)
    rows = session.execute(sa.text(_DETAILS.format(chosen=chosen)), values)
    found = rows.all()
    hidden = redaction_queries.words_by_incident(session, [row.incident_id for row in found])
    return [_public(row, media_url=media_url, hidden=hidden.get(row.incident_id, ())) for row in found]


def _where(filters: Filters, values: dict[str, Any], *, at: str, code: str) -> str:
    # Times are told in whole seconds: what is told within the last one that is asked for belongs to it.
    terms = [f"{at} >= :start_at", f"{at} < CAST(:end_at AS timestamptz) + interval '1 second'"]
    values["start_at"], values["end_at"] = filters.start_at, filters.end_at
    if filters.service_codes:
        terms.append(f"{code} = ANY(:codes)")
        values["codes"] = [one for one in filters.service_codes if "\x00" not in one]
    if len(set(filters.statuses)) == 1:
        terms.append(f"{'' if filters.statuses[0] == 'closed' else 'NOT '}(i.state = ANY(:closed))")
    return " AND ".join(terms)


def _public(row: Any, *, media_url: str, hidden: Sequence[str]) -> PublicRequest:
    place = LonLat(lon=row.lon, lat=row.lat)
    is_coarse = row.is_coarse
    links = [] if is_coarse else [*(row.media_urls or [])]
    if not links and not is_coarse and row.photo_id is not None:
        links = [media_url.format(id=row.photo_id)]
    lately = [moment for moment in (row.changed_at, row.last_report_at, row.requested_at) if moment is not None]
    return PublicRequest(
        request_id=row.request_id,
        state=row.state,
        report_count=row.report_count,
        reason="" if is_coarse else privacy.redacted(row.reason or "", hidden=hidden),
        service_code=row.category_code,
        name_th=row.name_th,
        name_en=row.name_en,
        description="" if is_coarse else privacy.redacted(row.description or "", hidden=hidden),
        agency_th=row.agency_th,
        agency_en=row.agency_en,
        requested_at=row.requested_at,
        updated_at=row.ended_at or max(lately),
        promised_at=row.promised_at,
        address_th=(row.area_th or "") if is_coarse else row.place_label_th,
        address_en=(row.area_en or "") if is_coarse else row.place_label_en,
        place=privacy.shown_place(place, is_coarse=is_coarse, grid_degrees=row.grid_degrees),
        media_url=links[0] if links else None,
    )


def public_request(session: Session, request_id: str, *, media_url: str) -> PublicRequest:
    """The request of this id; raises NoSuchRequestError, also for one that the public may not see."""
    found = public_requests(session, Filters(ids=(request_id,)), media_url=media_url)
    if not found:
        raise NoSuchRequestError(f"There is no service request '{request_id}'.")
    return found[0]


def public_photo_path(session: Session, photo_id: int) -> tuple[str, str] | None:
    """Path and type of a picture that came by Open311 and that the public may see, redacted where it was.

    None for every other, and for one that no officer has looked at yet.
    """
    row = session.execute(
        sa.text(
            "SELECT coalesce(v.path, f.path) AS path, coalesce(v.content_type, f.content_type) AS content_type "
            "FROM photo f JOIN photo_review v ON v.photo_id = f.id AND v.verdict <> 'hidden' "
            "JOIN report r ON r.id = f.report_id "
            "JOIN service_request s ON s.report_id = r.id JOIN incident i ON i.id = r.incident_id "
            "LEFT JOIN open_service o ON o.category_code = i.category_code "
            "LEFT JOIN open_service p ON p.category_code = r.category_code "
            "WHERE f.id = :id AND f.path IS NOT NULL AND s.door = 'open311' AND i.place_source <> 'home' "
            "AND o.exposure = 'open' AND p.exposure = 'open' "
            "AND NOT EXISTS (SELECT FROM report h WHERE h.incident_id = i.id AND h.is_private)"
        ),
        {"id": photo_id},
    ).one_or_none()
    return (row.path, row.content_type) if row else None


def request_of_token(session: Session, token: str) -> ServiceRequest:
    """What was reported under the token; raises NoSuchRequestError."""
    asked = sa.select(ServiceRequest).where(ServiceRequest.token == token, ServiceRequest.door == "open311")
    found = session.scalar(asked) if "\x00" not in token else None
    if found is None:
        raise NoSuchRequestError(f"There is no token '{token}'.")
    return found


@dataclass(frozen=True)
class FollowedRow:
    """A report as its reporter follows it; `steps` are its incident's states with their times, oldest first."""

    number: str
    category_th: str
    category_en: str
    state: str
    promised_at: datetime
    report_count: int
    refused_pictures: int
    steps: list[tuple[str, datetime]]


def followed(session: Session, token: str) -> FollowedRow:
    """The report whose reporter holds this link; raises NoSuchRequestError."""
    row = session.execute(
        sa.text(
            "SELECT i.id, i.number, c.name_th, c.name_en, i.state, i.promised_at, i.report_count, "
            "(SELECT count(*) FROM photo f WHERE f.report_id = r.id AND f.refused_reason IS NOT NULL) AS refused "
            "FROM service_request s JOIN report r ON r.id = s.report_id JOIN incident i ON i.id = r.incident_id "
            "JOIN category c ON c.code = r.category_code WHERE s.token = :token AND s.door IN ('web', 'traffy')"
        ),
        {"token": token.replace("\x00", "")},
    ).one_or_none()
    if row is None:
        raise NoSuchRequestError("There is no report under this link.")
    steps = session.execute(
        sa.text(
            "SELECT to_state, changed_at FROM incident_change WHERE incident_id = :id AND kind = 'state' ORDER BY id"
        ),
        {"id": row.id},
    )
    return FollowedRow(
        number=row.number, category_th=row.name_th, category_en=row.name_en, state=row.state,
        promised_at=row.promised_at, report_count=row.report_count, refused_pictures=row.refused,
        steps=[(state, at) for state, at in steps],
    )


def request_of_id(session: Session, request_id: str) -> ServiceRequest | None:
    """What was reported through an open door under this number."""
    return session.scalar(sa.select(ServiceRequest).where(ServiceRequest.request_id == request_id))


def request_of_report(session: Session, report_id: int) -> ServiceRequest | None:
    """The report as it came through an open door."""
    return session.scalar(sa.select(ServiceRequest).where(ServiceRequest.report_id == report_id))


def incident_of_request(session: Session, request_id: str) -> int | None:
    """The incident that stands under this number, its own or that of a report that joined it."""
    return session.execute(
        sa.text(
            "SELECT id FROM incident WHERE number = :id UNION ALL SELECT r.incident_id FROM service_request s "
            "JOIN report r ON r.id = s.report_id WHERE s.request_id = :id LIMIT 1"
        ),
        {"id": request_id},
    ).scalar()


def repeated(session: Session, repeat_key: bytes, *, now: datetime) -> ServiceRequest | None:
    """The same report, sent a moment ago."""
    return session.scalar(
        sa.select(ServiceRequest)
        .where(ServiceRequest.repeat_key == repeat_key, ServiceRequest.created_at > now - REPEATED_WITHIN)
        .order_by(ServiceRequest.id.desc())
        .limit(1)
    )


def contacts(session: Session, incident_id: int) -> list[tuple[str, bytes]]:
    """Number and sealed contact of those who told of the incident through an open door and can be reached."""
    rows = session.execute(
        sa.select(ServiceRequest.request_id, ServiceRequest.contact_sealed)
        .join(Report, Report.id == ServiceRequest.report_id)
        .where(Report.incident_id == incident_id, ServiceRequest.contact_sealed.is_not(None))
        .order_by(ServiceRequest.id)
    )
    return [(number, sealed) for number, sealed in rows if sealed is not None]


# ── Updates (FixMyStreet's extension of the standard) ────────────────────────────────────────────────────────────────


def public_updates(session: Session, *, start_at: datetime, end_at: datetime, limit: int) -> list[PublicUpdate]:
    """The steps between two moments of incidents that were told of by Open311, oldest first."""
    rows = session.execute(
        sa.text(
            "SELECT h.id, s.request_id, h.to_state, h.changed_at, h.reason, "
            "coalesce(o.exposure = 'open', false) AND i.place_source <> 'home' AND NOT EXISTS ("
            "SELECT FROM report f WHERE f.incident_id = i.id AND f.is_private) AS is_open FROM incident_change h "
            "JOIN report r ON r.incident_id = h.incident_id JOIN service_request s ON s.report_id = r.id "
            "JOIN incident i ON i.id = h.incident_id "
            "LEFT JOIN open_service o ON o.category_code = i.category_code "
            "WHERE h.changed_at >= :start_at AND h.changed_at < CAST(:end_at AS timestamptz) + interval '1 second' "
            "AND h.kind = 'state' AND h.from_state IS NOT NULL "
            "AND h.changed_by NOT LIKE 'open311:%' AND s.door = 'open311' "
            "AND NOT r.is_private AND coalesce(o.exposure, 'coarse') <> 'hidden' ORDER BY h.id, s.id LIMIT :limit"
        ),
        {"start_at": start_at, "end_at": end_at, "limit": limit},
    )
    return [
        PublicUpdate(
            update_id=str(row.id), request_id=row.request_id, to_state=row.to_state, changed_at=row.changed_at,
            reason=privacy.redacted(row.reason) if row.is_open and row.to_state in CLOSED_STATES else "",
        )
        for row in rows
    ]


# ── Places, keys, foreign ids ────────────────────────────────────────────────────────────────────────────────────────


def house_of(session: Session, code: str) -> LonLat | None:
    """Where the house of this code in the city's register of addresses is."""
    if "\x00" in code:
        return None
    row = session.execute(
        sa.text("SELECT ST_X(geom), ST_Y(geom) FROM address WHERE code = :code ORDER BY id LIMIT 1"), {"code": code}
    ).one_or_none()
    return LonLat(lon=row[0], lat=row[1]) if row else None


def key_of_hash(session: Session, key_hash: bytes) -> ApiKey | None:
    """The key with this hash, revoked or not."""
    return session.scalar(sa.select(ApiKey).where(ApiKey.key_hash == key_hash))


def key_of_name(session: Session, name: str) -> ApiKey | None:
    """The key of this name, revoked or not."""
    return session.scalar(sa.select(ApiKey).where(ApiKey.name == name))


def keys(session: Session) -> list[ApiKey]:
    """Every key, in the order of names."""
    return list(session.scalars(sa.select(ApiKey).order_by(ApiKey.name)))


def foreign(session: Session, system: str, foreign_id: str) -> ForeignId | None:
    """What the other system's id stands for here, held until the transaction ends."""
    return session.scalar(
        sa.select(ForeignId).where(ForeignId.system == system, ForeignId.foreign_id == foreign_id).with_for_update()
    )


def foreign_of_incident(session: Session, incident_id: int, system: str) -> Sequence[ForeignId]:
    """What the other system calls the incident, oldest first."""
    return session.scalars(
        sa.select(ForeignId)
        .outerjoin(Report, Report.id == ForeignId.report_id)
        .where(ForeignId.system == system, sa.func.coalesce(Report.incident_id, ForeignId.incident_id) == incident_id)
        .order_by(ForeignId.id)
    ).all()


def hold(session: Session, name: bytes) -> None:
    """Equal submissions come one after the other, so that the second finds the first."""
    session.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended('incidents.exchange:' || :name, 0))"),
        {"name": name.hex()},
    )
