"""A signed call of another system, and an officer's own entry: their shape, and the warning that each is.

A call is signed as the Standard Webhooks specification says: `webhook-signature` is `v1,` and the base64 of the
HMAC-SHA-256 over `{webhook-id}.{webhook-timestamp}.{body}`, the bytes of the body as they travel, under the source's
own secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.outside.said import (
    PLAUSIBLE_YEARS,
    Finding,
    OutsideWarning,
    Place,
    Reference,
    Words,
    grade_of,
    hazard_of,
)
from core.errors import InvalidInputError, UnauthenticatedError

WEBHOOK_SECRET = "whsec_"  # noqa: S105 - how the specification marks a secret, none itself.
# As the specification says: an older call may be one that somebody has recorded.
CALL_TOLERANCE = timedelta(minutes=5)
BODY_LIMIT_BYTES = 1_000_000
MOST_AREAS, MOST_CORNERS = 500, 20_000
OFFICER_LASTS = timedelta(hours=12)

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\s,<&\x00-\x1f]+$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=r"^[^\x00]*$")]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
What = Annotated[Text, StringConstraints(min_length=3)]
Hazard = Literal["flood", "flash_flood", "dam_release", "tide", "storm", "rain", "low_water", "other"]
Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class SignatureError(UnauthenticatedError):
    """A call that is not signed by its source."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Said(_Strict):
    """A text in Thai and, where there is one, in English."""

    th: Text = ""
    en: Text = ""


class CalledArea(_Strict):
    """Where it is for: a name, codes by the name of their list, or an outline as a GeoJSON ring (lon, lat), closed."""

    name: Text = ""
    codes: dict[Short, Short] = Field(default_factory=dict, max_length=20)
    polygon: list[tuple[Degrees, Degrees]] = Field(default_factory=list, max_length=MOST_CORNERS)


class CalledWarning(_Strict):
    """What another system warns of. The words of severity, urgency, certainty, status and type are CAP's.

    `id` names the warning: sent again it replaces what was said before, and is never a second one. An Update or Cancel
    names in `references` the ids that it speaks of.
    """

    id: Id
    sent_at: AwareDatetime
    event: Short
    hazard: Hazard | None = None
    severity: Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"] = "Unknown"
    urgency: Literal["Immediate", "Expected", "Future", "Past", "Unknown"] = "Unknown"
    certainty: Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"] = "Unknown"
    status: Literal["Actual", "Exercise", "System", "Test", "Draft"] = "Actual"
    type: Literal["Alert", "Update", "Cancel", "AllClear"] = "Alert"
    references: list[Id] = Field(default_factory=list, max_length=50)
    headline: Said
    description: Said = Said()
    instruction: Said = Said()
    onset_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    station: Id | None = None
    areas: list[CalledArea] = Field(default_factory=list, max_length=MOST_AREAS)


class EnteredWarning(_Strict):
    """What somebody told an officer: who warns (an office, not a person's name), of what, when, for which zones.

    `contact` is the name and number to call back; it is kept sealed, and every look at it is logged. Without zones the
    city's table decides; with them the officer does, and whoever proposes never approves.
    """

    said_by: Short
    contact: Text = ""
    said_at: AwareDatetime
    what: What
    hazard: Hazard = "flood"
    expires_at: AwareDatetime | None = None
    zones: list[Short] = Field(default_factory=list, max_length=500)
    level: int = Field(default=0, ge=0, le=3)
    acts_as: Literal["context", "proposal"] = "context"


def new_secret() -> str:
    """A secret to sign calls with, as the specification writes it."""
    return WEBHOOK_SECRET + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(body: bytes, *, call_id: str, stamp: str, secret: str) -> str:
    """The signature of a call under this secret."""
    key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET))
    seal = hmac.new(key, f"{call_id}.{stamp}.".encode() + body, "sha256").digest()
    return f"v1,{base64.b64encode(seal).decode()}"


def check_signature(body: bytes, headers: Mapping[str, str], *, secret: str, now: datetime) -> str:
    """The id of the call, where its bytes are signed by the source and not older than five minutes.

    `now` is real time. Raises SignatureError, with the same sentence whatever is wrong with the signature.
    """
    call_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()
    if not call_id or len(call_id) > 200 or not call_id.isprintable() or not stamp or not given:
        raise SignatureError("Send the headers webhook-id, webhook-timestamp and webhook-signature.")
    wanted = signature(body, call_id=call_id, stamp=stamp, secret=secret)
    if not any(hmac.compare_digest(wanted.encode(), one.encode("utf-8", "replace")) for one in given[:10]):
        raise SignatureError("The call is not signed with the secret of this source.")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureError("The header webhook-timestamp holds no Unix time in seconds.")
    if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > CALL_TOLERANCE:
        raise SignatureError("The call is older or newer than five minutes: its clock is wrong, or it was recorded.")
    return call_id


def check_secret(secret: str) -> str:
    """The secret, where it is one of 24 to 64 bytes; raises InvalidInputError."""
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET), validate=True)
    except binascii.Error:
        key = b""
    if not 24 <= len(key) <= 64:
        raise InvalidInputError("A secret is 'whsec_' and the base64 of 24 to 64 bytes.")
    return secret


def called_warning(called: CalledWarning, *, source: str) -> OutsideWarning:
    """The warning that a call tells of. Years of the Buddhist era are read minus 543 and flagged."""
    findings: list[Finding] = []
    words = _words(called)
    sent_at = _gregorian(called.sent_at, findings)
    hazard = called.hazard or hazard_of(called.event, called.headline.en, called.headline.th)
    return OutsideWarning(
        identifier=called.id, sender=source, sent_at=sent_at, event=called.event, hazard=hazard,
        grade=grade_of(called.severity), words=words, places=tuple(_place(area) for area in called.areas),
        status=called.status, message_type=called.type, severity=called.severity, urgency=called.urgency,
        certainty=called.certainty,
        onset_at=_gregorian(called.onset_at, findings) if called.onset_at else None,
        expires_at=_gregorian(called.expires_at, findings) if called.expires_at else None,
        references=tuple(Reference("", one) for one in called.references), station=called.station,
        findings=tuple(dict.fromkeys(findings)),
    )  # fmt: skip


def entered_warning(entered: EnteredWarning, *, identifier: str) -> OutsideWarning:
    """The warning that an officer has heard; nobody sends an outline by telephone."""
    findings: list[Finding] = []
    said_at = _gregorian(entered.said_at, findings)
    headline = " ".join(entered.what.split())[:200]
    words = {"th": Words(entered.said_by, headline, entered.what)}
    return OutsideWarning(
        identifier=identifier, sender=entered.said_by, sent_at=said_at, event=entered.said_by, hazard=entered.hazard,
        grade=entered.level or None, words=words,
        expires_at=_gregorian(entered.expires_at, findings) if entered.expires_at else said_at + OFFICER_LASTS,
        findings=tuple(dict.fromkeys(findings)),
    )  # fmt: skip


def _words(called: CalledWarning) -> dict[str, Words]:
    found = {}
    for language in ("th", "en"):
        texts = [getattr(part, language) for part in (called.headline, called.description, called.instruction)]
        if any(texts):
            found[language] = Words(called.event, *texts)
    if not any(one.headline for one in found.values()):
        raise InvalidInputError("'headline' says nothing in Thai or English.")
    return found


def _place(area: CalledArea) -> Place:
    ring = tuple(area.polygon)
    if ring and (len(ring) < 4 or ring[0] != ring[-1]):
        raise InvalidInputError("'areas.polygon' is a closed ring: at least four places, the last is the first.")
    return Place(area.name, tuple(area.codes.items()), (ring,) if ring else ())


def _gregorian(at: datetime, findings: list[Finding]) -> datetime:
    year = at.year if at.year < 2400 else at.year - 543
    if year not in PLAUSIBLE_YEARS:
        raise InvalidInputError(f"The year {at.year} is none that a warning is of.")
    if year != at.year:
        findings.append(Finding("buddhist_year"))
    try:
        return at.replace(year=year).astimezone(UTC)
    except ValueError:
        raise InvalidInputError(f"The day {at.day} of month {at.month} is none of the year {year}.") from None


def faults(errors: Sequence[Mapping[str, object]]) -> str:
    """The faults of a call's body in one line, for whoever sent it and for officers."""
    lines = []
    for error in errors[:10]:
        where = ".".join(str(part) for part in error["loc"]) if isinstance(error["loc"], tuple) else ""
        lines.append(f"{where or 'body'}: {error['msg']}")
    return "; ".join(lines)[:1_000]


def call_schema() -> dict[str, Any]:
    """The JSON schema of a call's body, whole in itself: nothing in it points elsewhere."""
    schema = CalledWarning.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            named = parts[str(part["$ref"]).rpartition("/")[2]]
            part = named | {key: one for key, one in part.items() if key != "$ref"}
        return {key: whole(one) for key, one in part.items()}

    found: dict[str, Any] = whole(schema)
    return found
