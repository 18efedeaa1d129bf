"""The exchange API of Traffy Fondue, read: tolerant of its odd forms, with a finding for what cannot be used. Pure.

Traps that are met here: errors that come with HTTP 200, times in UTC+7 without a zone, fields that are now a string and
now a list, a bare bucket address that means no picture, 0 stars that mean none, and exactly 5,000 rows for a cut list.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gis.points import LonLat, coordinate_fault
from incidents.exchange import privacy
from incidents.exchange.open311 import is_link
from incidents.rules import LOCAL_TIME

MOST_ROWS = 5_000
TEXT_LENGTH = 4_000
# What Traffy's central states are called, and ours; organisations have names of their own, which stay unknown here.
STATES = {
    "รอรับเรื่อง": "new", "รอรับ": "new", "pending": "new",
    "รับเรื่อง": "accepted", "รับเรื่องแล้ว": "accepted", "ส่งต่อ(ใหม่)": "accepted", "ส่งต่อ": "accepted", "accepted": "accepted",
    "ดำเนินการ": "in_progress", "กำลังดำเนินการ": "in_progress", "in progress": "in_progress", "inprogress": "in_progress",
    "เสร็จสิ้น": "done", "เสร็จแล้ว": "done", "finish": "done", "finished": "done",
    "ไม่เกี่ยวข้อง": "rejected", "ไม่รับเรื่อง": "rejected", "irrelevant": "rejected",
    "เปิดเรื่องใหม่": "reopened", "reopened": "reopened",
}
# Traffy's central kinds of problems by our categories; whatever has no counterpart is `other`.
KINDS = {
    "น้ำท่วม": "flooded_road", "คลอง": "canal", "ท่อระบายน้ำ": "drain", "ถนน": "road", "ทางเท้า": "footpath",
    "สะพาน": "bridge", "แสงสว่าง": "street_light", "ไฟฟ้า": "power_line", "สายไฟ": "power_line", "ต้นไม้": "fallen_tree",
    "ความสะอาด": "waste", "ขยะ": "waste", "จราจร": "traffic", "ป้าย": "traffic", "ป้ายจราจร": "traffic",
    "กีดขวาง": "obstruction", "เสียงรบกวน": "noise",
    "สัตว์จรจัด": "animals", "pm2.5": "air", "ห้องน้ำ": "other", "ความปลอดภัย": "safety", "ประปา": "water_supply",
}


@dataclass(frozen=True)
class Envelope:
    """What every answer is wrapped in. `credit` is None where calls are not counted."""

    is_success: bool
    message: str
    exec_s: float | None
    credit: int | None
    results: Any

    @property
    def says_expired(self) -> bool:
        """A new token is needed."""
        return not self.is_success and ("expired" in self.message.lower() or "invalid token" in self.message.lower())

    @property
    def says_no_quota(self) -> bool:
        """This month's calls are used up."""
        return not self.is_success and self.message.lower().startswith("running out of")


@dataclass(frozen=True)
class Issue:
    """A report as Traffy has it; `state` is ours, None where its name is the organisation's own."""

    ticket_id: str
    kind: str
    text: str
    place: LonLat | None
    address: str
    photos: tuple[str, ...]
    photos_after: tuple[str, ...]
    organisations: tuple[str, ...]
    status: str
    reported_at: datetime | None
    active_at: datetime | None
    star: int | None
    is_confirmed: bool

    @property
    def state(self) -> str | None:
        """Our name of its state."""
        return STATES.get(self.status.strip().lower())


def read_envelope(body: Any) -> Envelope:
    """An answer's wrapper; whatever is none is a failure, also with HTTP 200."""
    if not isinstance(body, Mapping):
        return Envelope(False, "The answer is no object.", None, None, None)
    status = str(body.get("status", "")).lower()
    return Envelope(
        is_success=status in ("success", "warning"),
        message=str(body.get("message") or ""),
        exec_s=_seconds(body.get("exec_time")),
        credit=_whole(body.get("credit_balance")),
        results=body.get("results"),
    )


def _seconds(value: Any) -> float | None:
    """14.128 and "14.128s" are the same."""
    return _number(str(value).removesuffix("s")) if value is not None else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and not isinstance(value, bool) else None


def read_time(value: Any) -> datetime | None:
    """A moment: Thai time where no zone is told, as in the exchange; the zone that is told, as in the share API."""
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    if text[-3:-2] in "+-" and text[-2:].isdecimal():
        text += ":00"  # "+00", as PostgreSQL writes it.
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL_TIME)).astimezone(UTC)


def said_time(moment: datetime) -> str:
    """The moment as Traffy writes it: Thai time without a zone."""
    return f"{moment.astimezone(LOCAL_TIME):%Y-%m-%d %H:%M:%S.%f}"


def read_links(value: Any) -> tuple[str, ...]:
    """Addresses of pictures, from a string, a list or nothing; a bare bucket is no picture, and http is none either."""
    items = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else []
    links = [
        str(item.get("url") or item.get("uri") or "") if isinstance(item, Mapping) else str(item) for item in items
    ]
    return tuple(link.strip() for link in links if is_link(link.strip()) and not link.strip().endswith("/"))


def read_issue(row: Any) -> tuple[Issue | None, tuple[str, ...]]:
    """A row of get-issues, of get-issue or of a webhook; and a finding for what of it cannot be used."""
    if not isinstance(row, Mapping) or not str(row.get("ticket_id") or "").strip():
        return None, ("a row without ticket_id",)
    findings = []
    place = _place(row.get("longitude"), row.get("latitude"))
    if place is None:
        findings.append("latitude and longitude are no place")
    reported_at = read_time(row.get("timestamp"))
    if reported_at is None:
        findings.append(f"timestamp '{str(row.get('timestamp'))[:40]}' is no time")
    star = _whole(row.get("star"))
    joined = row.get("organization")
    issue = Issue(
        ticket_id=str(row["ticket_id"]).strip()[:200],
        kind=str(row.get("type") or "").strip(),
        text=privacy.plain(str(row.get("description") or ""))[:TEXT_LENGTH],
        place=place,
        address=privacy.plain(str(row.get("address") or ""))[:500],
        photos=read_links(row.get("photo")),
        photos_after=read_links(row.get("photo_after")),
        organisations=tuple(part.strip() for part in str(joined or "").split(",") if part.strip()),
        status=str(row.get("status") or row.get("status_type") or "").strip(),
        reported_at=reported_at,
        active_at=read_time(row.get("last_activity")) or reported_at,
        star=star if star else None,
        is_confirmed=row.get("confirmed") in (True, "true", "True", "t", 1),
    )
    return issue, tuple(findings)


def read_shared(row: Any) -> tuple[Issue | None, tuple[str, ...]]:
    """A row of the public share API: `coords` is longitude and latitude as strings, times are UTC, kinds a list."""
    if not isinstance(row, Mapping):
        return None, ("a row that is no object",)
    coords = row.get("coords")
    pair = coords if isinstance(coords, Sequence) and not isinstance(coords, str) and len(coords) == 2 else (None, None)
    kinds = row.get("problem_type_abdul")
    as_exchange = {
        **row,
        "longitude": pair[0], "latitude": pair[1],
        "type": next((str(kind) for kind in kinds), "") if isinstance(kinds, list) else row.get("type"),
        "photo": row.get("photo_url"), "photo_after": row.get("after_photo"), "organization": row.get("org"),
        "status": row.get("state") or row.get("status"),
    }
    return read_issue(as_exchange)


def _place(longitude: Any, latitude: Any) -> LonLat | None:
    lon, lat = _number(longitude), _number(latitude)
    if lon is None or lat is None or coordinate_fault(lon=lon, lat=lat) is not None or (lon, lat) == (0.0, 0.0):
        return None
    return LonLat(lon=lon, lat=lat)


def read_issues(results: Any) -> tuple[list[Issue], list[str], bool]:
    """The rows of get-issues, findings, and whether the list was cut: exactly 5,000 rows."""
    rows = results if isinstance(results, list) else []
    issues, findings = [], []
    for row in rows:
        issue, faults = read_issue(row)
        findings += [f"{issue.ticket_id if issue else '?'}: {fault}" for fault in faults]
        if issue is not None:
            issues.append(issue)
    return issues, findings, len(rows) == MOST_ROWS


def category_of(kind: str, *, names: Mapping[str, str]) -> str:
    """Our category of a kind of problem: by our own name of it, else by Traffy's; `other` where neither knows it."""
    wanted = kind.strip().lower()
    return names.get(wanted) or KINDS.get(wanted) or "other"


# ── Webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class StatusNews:
    """An officer there moved a ticket on."""

    ticket_id: str
    status: str
    note: str
    organisation: str
    at: datetime

    @property
    def state(self) -> str | None:
        """Our name of the state."""
        return STATES.get(self.status.strip().lower())


@dataclass(frozen=True)
class ChatNews:
    """Somebody said something about a ticket, or rated it."""

    ticket_id: str
    comment_id: str
    event: str
    text: str


def read_hook(method: str, body: Any) -> tuple[Issue | StatusNews | ChatNews | None, tuple[str, ...]]:
    """What a webhook tells: PATCH a state, POST with `event` a word, POST without one a new ticket."""
    if not isinstance(body, Mapping):
        return None, ("the body is no object",)
    ticket_id = str(body.get("ticket_id") or "").strip()[:200]
    if not ticket_id:
        return None, ("ticket_id is not specified",)
    if method == "PATCH":
        at = read_time(body.get("timestamp"))
        if at is None:
            return None, ("timestamp is no time",)
        note = privacy.plain(str(body.get("note") or ""))[:TEXT_LENGTH]
        return StatusNews(ticket_id, str(body.get("status") or ""), note, str(body.get("org") or ""), at), ()
    if "event" in body:
        comment_id = str(body.get("message_comment_id") or "").strip()[:200]
        if not comment_id:
            return None, ("message_comment_id is not specified",)
        text = privacy.plain(str(body.get("comment") or ""))[:TEXT_LENGTH]
        return ChatNews(ticket_id, comment_id, str(body["event"]), text), ()
    return read_issue(body)


# ── What we send ─────────────────────────────────────────────────────────────────────────────────────────────────────


def new_issue_body(*, number: str, text: str, kind: str, place: LonLat, address: str) -> dict[str, Any]:
    """A report of ours for new-issue. Nothing in it says who reported."""
    return {
        "description": text, "category_name_th": kind, "latitude": place.lat, "longitude": place.lon,
        "address": address, "client_ticket_id": number,
    }


def update_body(*, ticket_id: str, state: str, note: str, tells_reporter: bool) -> dict[str, Any] | None:
    """A step of ours for update-issue; None for a step that has no name there.

    Its reporter is told by Traffy only where the ticket is Traffy's own: ours hear it from us, nobody hears it twice.
    """
    name = {"accepted": "รับเรื่อง", "in_progress": "กำลังดำเนินการ", "done": "เสร็จสิ้น", "closed": "เสร็จสิ้น",
            "rejected": "ไม่เกี่ยวข้อง", "reopened": "กำลังดำเนินการ"}.get(state)
    if name is None:
        return None
    return {
        "ticket_id": ticket_id, "state_name": name, "note": note or name, "noti_reporter": tells_reporter,
        "noti_staff": False,
    }
