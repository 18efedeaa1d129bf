"""Everything that the city holds about one resident, gathered from every room, as JSON and as a page."""

from __future__ import annotations

import html
import json
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from alerts import leader_queries
from alerts.personal import alerts_of
from answers.personal import questions_of
from core import clock, sealing
from core.words import words
from incidents.personal import reports_of
from incidents.rules import LOCAL_TIME
from line import personal
from residents import blocking, queries, watching
from residents.models import Resident


def everything(session: Session, resident: Resident) -> dict[str, Any]:
    """All that is known of the resident, by section; plain values only. People's data: never logged, never cached."""
    line_user_id = queries.line_ids(session, [resident.id])[resident.id]
    return {
        "made_at": clock.now(),
        "member": _member(resident, line_user_id),
        "consents": [
            {
                "purpose": one.purpose, "version": one.version, "is_given": one.is_given, "said_at": one.said_at,
                "way": one.way, "text": one.text,
            }
            for one in queries.consents_of(session, resident.id)
        ],
        "homes": [
            {
                "name": home.name, "longitude": home.lon, "latitude": home.lat, "is_approximate": home.is_approximate,
                "community": home.community_th, "needs": list(home.needs),
            }
            for home in queries.homes_of(session, resident.id)
        ],
        "groups": [{"name": one.name_th, "name_en": one.name_en} for one in queries.groups_of(session, resident.id)],
        "areas_followed": [
            {"name": one.name_th, "name_en": one.name_en} for one in watching.areas_of(session, resident.id)
        ],
        "leads": [
            {"name": one.name_th, "name_en": one.name_en, "since": since}
            for one, since in leader_queries.led_by(session, line_user_id)
        ],
        "acknowledgements": [
            {"number": one.number, "acknowledged_at": one.acknowledged_at}
            for one in leader_queries.acknowledged_by(session, line_user_id)
        ],
        "looks_at_needs": [
            {"by": look.username, "looked_at": look.looked_at, "reason": look.reason}
            for look in queries.looks_at(session, resident.id)
        ],
        "reports": [
            {
                "number": report.number, "category": report.category_th, "text": report.text,
                "longitude": report.place.lon, "latitude": report.place.lat, "state": report.state,
                "reported_at": report.reported_at, "photos": list(report.photo_ids),
                "withdrawn_at": report.withdrawn_at, "stars": report.stars, "rating_words": report.rating_words,
                # That they exist; their words are officers' and may name others: the city is asked for them.
                "officers_notes": report.notes,
            }
            for report in reports_of(session, resident.id)
        ],
        "blocks": [
            {
                "blocked_at": one.blocked_at, "until": one.until_at, "by": one.blocked_by, "reason": one.reason,
                "lifted_at": one.lifted_at,
            }
            for one in blocking.blocks_of(session, resident.id)
        ],
        "questions": [
            {"asked_at": one.asked_at, "text": one.words, "by_officer": one.by_officer, "article": one.article}
            for one in questions_of(session, resident.id)
        ],
        "alerts": [
            {
                "number": alert.number, "kind": alert.kind, "level": alert.level, "title": alert.title,
                "sent_at": alert.sent_at, "state": alert.state, "answer": alert.answer,
                "answered_at": alert.answered_at, "offers": list(alert.offers),
            }
            for alert in alerts_of(session, resident.id)
        ],
        "messages_to_the_city": [{"text": text} for text in personal.written_by(session, line_user_id).texts],
        "messages_from_the_city": [{"text": text} for text in personal.written_to(session, line_user_id)],
    }


def _member(resident: Resident, line_user_id: str) -> dict[str, Any]:
    name, phone = (
        None if sealed is None else sealing.unseal(bytes(sealed))
        for sealed in (resident.name_sealed, resident.phone_sealed)
    )
    return {
        "number": resident.id, "line_user_id": line_user_id, "language": resident.language, "name": name,
        "phone": phone, "identity_checked_at": resident.identity_checked_at, "joined_at": resident.joined_at,
        "consented_at": resident.consented_at, "consent_version": resident.consent_version,
        "is_reachable": resident.is_reachable,
        "gets_news": watching.gets_news(resident),
    }


def as_json(everything: dict[str, Any]) -> str:
    """The same as JSON; `<` is written so that no browser takes it for a page."""
    return json.dumps(everything, ensure_ascii=False, indent=2, default=datetime.isoformat).replace("<", "\\u003c")


def as_html(everything: dict[str, Any], *, language: str, token: str) -> str:
    """The same as a page that needs no script; words from outside are text, never markup, and turn no line round."""
    sections = "".join(
        _section(key, value, language, token) for key, value in everything.items() if isinstance(value, dict | list)
    )
    title = html.escape(words("api", "export-title", language=language))
    machine = html.escape(words("api", "export-json", language=language))
    until = html.escape(words("api", "export-until", language=language))
    return (
        f'<!doctype html><html lang="{html.escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{_LOOK}</style></head><body><main><h1>{title}</h1><p>{until}</p>"
        f'<p><a href="{html.escape(token)}.json" download>{machine}</a></p>{sections}</main></body></html>'
    )


_LOOK = (
    ":root{color-scheme:light dark}body{font:1.1rem/1.6 Sarabun,'Noto Sans Thai',sans-serif;margin:0}"
    "main{max-width:44rem;margin:0 auto;padding:1rem}dl{margin:0 0 1rem;padding:.6rem;border:1px solid #8a95a3;"
    "border-radius:8px}dt{font-weight:700}dd{margin:0 0 .4rem;overflow-wrap:anywhere;white-space:pre-wrap}"
)


def _section(key: str, value: dict[str, Any] | list[dict[str, Any]], language: str, token: str) -> str:
    title = html.escape(words("api", f"export-{key.replace('_', '-')}", language=language))
    rows = value if isinstance(value, list) else [value]
    none = html.escape(words("api", "export-none", language=language))
    return f"<h2>{title}</h2>" + ("".join(_row(row, language, token) for row in rows) or f"<p>{none}</p>")


def _row(row: dict[str, Any], language: str, token: str) -> str:
    lines = (
        f"<dt>{html.escape(words('api', 'export-field-' + key.replace('_', '-'), language=language))}</dt>"
        f"<dd>{_photos(value, token) if key == 'photos' else f'<bdi>{html.escape(_shown(value, language))}</bdi>'}</dd>"
        for key, value in row.items()
    )
    return f"<dl>{''.join(lines)}</dl>"


def _photos(photo_ids: list[int], token: str) -> str:
    address = html.escape(token)
    return " ".join(f'<a href="{address}/photos/{number}">{number}</a>' for number in photo_ids) or "–"


def _shown(value: object, language: str) -> str:
    if value is None or value == [] or value == "":
        return "–"
    if isinstance(value, bool):
        return words("api", "export-yes" if value else "export-no", language=language)
    if isinstance(value, datetime):
        return value.astimezone(LOCAL_TIME).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)
