"""The exchange API as this city speaks it to partners: strict in what it writes, and what it understands. Pure."""

from __future__ import annotations

import base64
import binascii
import csv
import hmac
import io
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gis.points import LonLat, coordinate_fault
from incidents.exchange import privacy
from incidents.exchange.open311 import is_link
from incidents.exchange.open311_answers import PublicRequest
from incidents.exchange.traffy import read_time, said_time

COLUMNS = (
    "ticket_id", "type", "organization", "description", "photo", "latitude", "longitude", "address", "subdistrict",
    "district", "province", "timestamp", "photo_after", "timestamp_inprogress", "timestamp_finished", "org_finished",
    "status", "confirmed", "star", "count_reopen", "last_activity",
)
PHOTOS_AT_MOST = 5
_CONTACT = (("first_name", "reporter_name"), ("phone", "reporter_phone"), ("email", "reporter_email"))


@dataclass(frozen=True)
class Times:
    """When an incident was begun and finished, how often it was opened again, its agency, and each step.

    `star` is what its reporters say of it, rounded from the mean; None where nobody does.
    """

    agency_code: str | None
    agency_th: str
    begun_at: datetime | None
    finished_at: datetime | None
    reopened: int
    steps: Sequence[tuple[str, datetime]]
    star: int | None = None


def stable_number(code: str) -> int:
    """A whole number for a code of ours, the same for ever: the exchange knows numbers only (CRC-32 without sign)."""
    return zlib.crc32(code.encode()) & 0x7FFFFFFF


@dataclass(frozen=True)
class Status:
    """A state as the exchange names it; `state` is ours."""

    number: int
    state: str
    th: str
    en: str
    kind: str


STATUSES = (
    Status(1, "new", "รอรับเรื่อง", "Pending", "waiting"),
    Status(2, "accepted", "รับเรื่อง", "Accepted", "inprogress"),
    Status(3, "in_progress", "กำลังดำเนินการ", "In progress", "inprogress"),
    Status(4, "done", "เสร็จสิ้น", "Finished", "finish"),
    Status(5, "rejected", "ไม่เกี่ยวข้อง", "Not accepted", "finish"),
    Status(6, "reopened", "เปิดเรื่องใหม่", "Reopened", "waiting"),
    Status(7, "closed", "ปิดเรื่อง", "Closed", "finish"),
    Status(8, "sent_on", "ส่งต่อ", "Forwarded", "waiting"),
)
_OTHER = Status(3, "", "กำลังดำเนินการ", "In progress", "inprogress")


def status_of(state: str) -> Status:
    """The state's name there; one that the exchange has no name for is in progress."""
    return next((one for one in STATUSES if one.state == state), _OTHER)


# ── Tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def token(*, key_id: int, expires_at: datetime, secret: str) -> str:
    """A signed token (JWT, HS256) for the key."""
    head = _coded(b'{"alg":"HS256","typ":"JWT"}')
    body = _coded(json.dumps({"key": key_id, "exp": int(expires_at.timestamp())}).encode())
    return f"{head}.{body}.{_seal(f'{head}.{body}', secret)}"


def key_of_token(text: str, *, now: datetime, secret: str) -> int | str:
    """The key that the token is for, or the sentence that says why there is none."""
    invalid = "ERR 1 - Invalid token | Token ไม่ถูกต้อง"
    signed, _, seal = text.rpartition(".")
    if not hmac.compare_digest(seal.encode(), _seal(signed, secret).encode()):
        return invalid
    try:
        said = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
        key_id, expires_s = int(said["key"]), int(said["exp"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        return invalid
    return key_id if now.timestamp() < expires_s else "This token has expired | Token นี้หมดอายุแล้ว"


def _coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _seal(text: str, secret: str) -> str:
    return _coded(hmac.new(bytes.fromhex(secret), text.encode(), "sha256").digest())


# ── What is answered ─────────────────────────────────────────────────────────────────────────────────────────────────


def issue_row(request: PublicRequest, times: Times) -> dict[str, Any]:
    """The 21 columns of an incident. What the public may not know is not in them."""
    return {
        "ticket_id": request.request_id,
        "type": request.name_th,
        "organization": request.agency_th or "",
        "description": request.description,
        "photo": [request.media_url] if request.media_url else [],
        "latitude": request.place.lat,
        "longitude": request.place.lon,
        "address": request.address_th,
        "subdistrict": "",
        "district": "",
        "province": "",
        "timestamp": said_time(request.requested_at),
        "photo_after": [],
        "timestamp_inprogress": said_time(times.begun_at) if times.begun_at else None,
        "timestamp_finished": said_time(times.finished_at) if times.finished_at else None,
        "org_finished": times.agency_th if times.finished_at else None,
        "status": status_of(request.state).th,
        "confirmed": request.state == "closed",
        "star": times.star,
        "count_reopen": times.reopened,
        "last_activity": said_time(request.updated_at),
    }


def issue_detail(request: PublicRequest, times: Times) -> dict[str, Any]:
    """One incident with its organisations and its timeline."""
    row = issue_row(request, times)
    status = status_of(request.state)
    org_id = str(stable_number(times.agency_code)) if times.agency_code else None
    orgs = [
        {
            "timestamp": row["timestamp"], "org_id": org_id, "org": times.agency_th,
            "type_id": str(stable_number(request.service_code)), "type": request.name_th, "type_en": request.name_en,
            "status_id": str(status.number), "status": status.th, "status_type": status.kind,
            "org_category_id": None, "org_status_id": None,
        }
    ] if org_id else []
    timeline: list[dict[str, Any]] = [
        {
            "timestamp": said_time(at), "status_id": str(status_of(state).number), "status": status_of(state).th,
            "org_id": org_id, "org": times.agency_th or None, "note": "", "photo": [],
        }
        for state, at in times.steps
    ]
    kept = (*COLUMNS[:12], "confirmed", "star", "count_reopen", "last_activity")
    return {**{name: row[name] for name in kept}, "status_type": status.kind, "orgs": orgs, "timeline": timeline}


def issues_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as CSV with a byte order mark; what a spreadsheet would run as a formula is led by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _cell(value: Any) -> str:
    text = ",".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not isinstance(value, int | float) else text


# ── What is sent to us ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class NewIssue:
    """A report that a partner sends; `ticket_id` only where it is sent back what has a number already."""

    kind: str
    kind_number: int | None
    text: str
    place: LonLat | None
    address: str
    client_id: str
    ticket_id: str = ""
    links: tuple[str, ...] = ()
    pictures: tuple[bytes, ...] = ()
    contact: Mapping[str, str] = field(default_factory=dict)


def read_new_issue(body: Mapping[str, Any]) -> tuple[NewIssue, tuple[str, ...]]:
    """The report, and a sentence for each field that cannot be used."""
    findings = []
    place = None
    for name in ("latitude", "longitude"):
        if text_of(body, name) == "":
            findings.append(f"{name} is not specified")
    if not findings:
        place = _place(body)
        if place is None:
            findings.append("latitude and longitude are no place")
    number = next((text for name in ("issue_category_id", "type_id", "topic_id") if (text := text_of(body, name))), "")
    is_number = number.isascii() and number.isdecimal() and len(number) <= 10
    names = ("category_name_th", "topic", "type_name", "topic_id", "type_id")
    kind = next((text for name in names if (text := text_of(body, name)) and not text.isdecimal()), "")
    issue = NewIssue(
        kind=kind,
        kind_number=int(number) if is_number else None,
        text=privacy.plain(text_of(body, "description"))[:4_000],
        place=place,
        address=privacy.plain(text_of(body, "address"))[:500],
        client_id=text_of(body, "client_ticket_id")[:200],
        ticket_id=text_of(body, "ticket_id")[:200],
        links=tuple(link for link in _list(body.get("photo")) if is_link(link))[:PHOTOS_AT_MOST],
        pictures=_pictures(body.get("photo_base64"), findings),
        contact={
            ours: text[:500] for ours, theirs in _CONTACT if (text := text_of(body, theirs))
        },
    )
    return issue, tuple(findings)


def text_of(body: Mapping[str, Any], name: str) -> str:
    """The field as words; empty where it is absent, null (also as a word), or no plain value."""
    value = body.get(name)
    return "" if value is None or isinstance(value, list | dict | bool) else str(value).strip().removesuffix("null")


def _list(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [value] if isinstance(value, str) else []


def _place(body: Mapping[str, Any]) -> LonLat | None:
    try:
        lon, lat = float(text_of(body, "longitude")), float(text_of(body, "latitude"))
    except ValueError:
        return None
    return LonLat(lon=lon, lat=lat) if coordinate_fault(lon=lon, lat=lat) is None else None


def _pictures(value: Any, findings: list[str]) -> tuple[bytes, ...]:
    found = []
    for text in _list(value)[:PHOTOS_AT_MOST]:
        try:
            found.append(base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True))
        except (binascii.Error, ValueError):
            findings.append("photo_base64 is no base64")
    return tuple(found)


@dataclass(frozen=True)
class UpdateIssue:
    """A step that a partner tells of; `said_at` where it says when."""

    ticket_id: str
    client_id: str
    state: str
    note: str
    tells_reporter: bool
    said_at: datetime | None


def read_update_issue(body: Mapping[str, Any]) -> tuple[UpdateIssue, tuple[str, ...]]:
    """The step, and a sentence for each field that cannot be used."""
    findings = []
    note = privacy.plain(text_of(body, "note"))[:500]
    if not note:
        findings.append("note is not specified")
    ticket_id, client_id = text_of(body, "ticket_id")[:200], text_of(body, "client_ticket_id")[:200]
    if not ticket_id and not client_id:
        findings.append("ticket_id or client_ticket_id is not specified")
    state = _state(lambda name: text_of(body, name))
    if state is None:
        findings.append("issue_status_id or state_name is not specified, or is none of get-status-list")
    update = UpdateIssue(
        ticket_id, client_id, state or "", note, tells_reporter=tells_reporter(body),
        said_at=read_time(body.get("timestamp")),
    )
    return update, tuple(findings)


def tells_reporter(body: Mapping[str, Any]) -> bool:
    """Whether reporters hear of it: `noti_reporter`, else `noti`, else yes."""
    for name in ("noti_reporter", "noti"):
        if body.get(name) is not None and body[name] != "":
            return str(body[name]).strip().lower() not in ("false", "0", "no")
    return True


def _state(said: Callable[[str], str]) -> str | None:
    name = said("state_name").lower()
    if name:
        return next((one.state for one in STATUSES if name in (one.th, one.en.lower())), None)
    numbers = ("issue_status_id", "status_id", "state_id", "org_state_id")
    number = next((text for key in numbers if (text := said(key))), "")
    return next((one.state for one in STATUSES if str(one.number) == number), None)
