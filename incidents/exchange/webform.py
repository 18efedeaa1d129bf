"""The form for those without LINE: what was filled in, what is amiss with it, and a stamp in place of a riddle."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core import sealing
from gis.points import LonLat, coordinate_fault
from incidents.exchange import privacy

TEXT_LENGTH = 4_000
ADDRESS_LENGTH = 500
# Nobody reads and fills the form faster; a page that was open longer is sent once more with a press of the button.
QUICKEST, LONGEST = timedelta(seconds=2), timedelta(hours=24)
PER_MINUTE = 20  # From one address: a household, a school, a telephone network's many customers.
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{7,18}[0-9]")
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")


@dataclass(frozen=True)
class WebReport:
    """A report as the form has it; without a place a photo says where (`is_at_photo`: it may), or the address."""

    category_code: str
    text: str
    address: str
    place: LonLat | None
    phone: str
    is_private: bool = False
    is_at_photo: bool = False


def stamp(now: datetime) -> str:
    """When the form was handed out, signed."""
    seconds = str(int(now.timestamp()))
    return f"{seconds}.{sealing.fingerprint(f'report form {seconds}').hex()[:32]}"


def is_stamp_good(text: str, *, now: datetime) -> bool:
    """The form was handed out by us, not too lately for a person and not too long ago."""
    seconds, _, _ = text.partition(".")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 11):
        return False
    made_at = datetime.fromtimestamp(int(seconds), UTC)
    return text == stamp(made_at) and QUICKEST <= now - made_at <= LONGEST


def read_form(fields: Mapping[str, str], *, codes: Collection[str]) -> tuple[WebReport, Sequence[str]]:
    """The report in the form's fields, and the keys of the sentences about what is amiss."""
    faults = []
    category_code = fields.get("category", "")
    if category_code not in codes:
        faults.append("category")
    text = privacy.plain(fields.get("text", ""))
    if not text:
        faults.append("text")
    elif len(text) > TEXT_LENGTH:
        faults.append("text-long")
    address = " ".join(privacy.plain(fields.get("address", "")).split())
    place, has_wrong_place = _place(fields)
    is_at_photo = bool(fields.get("at_photo", ""))
    if has_wrong_place or len(address) > ADDRESS_LENGTH or not (place or address or is_at_photo):
        faults.append("place")
    phone = fields.get("phone", "").translate(_THAI_DIGITS).strip()
    if phone and not _PHONE.fullmatch(phone):
        faults.append("phone")
    if fields.get("website", ""):
        faults.append("website")
    is_private = bool(fields.get("private", ""))
    return WebReport(category_code, text, address, place, phone, is_private, is_at_photo), faults


def _place(fields: Mapping[str, str]) -> tuple[LonLat | None, bool]:
    """The pin, None without one; and whether it is none."""
    lat, lon = fields.get("lat", "").strip(), fields.get("long", "").strip()
    if not lat and not lon:
        return None, False
    try:
        point = float(lon), float(lat)
    except ValueError:
        return None, True
    if coordinate_fault(lon=point[0], lat=point[1]) is not None:
        return None, True
    return LonLat(lon=point[0], lat=point[1]), False
