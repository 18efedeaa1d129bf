"""Numbers of soi that are written as words: ซอยราชดำเนินสามสิบเก้า. Pure."""

from __future__ import annotations

import re

_ONES = {
    "หนึ่ง": 1, "เอ็ด": 1, "สอง": 2, "สาม": 3, "สี่": 4, "ห้า": 5, "หก": 6, "เจ็ด": 7, "แปด": 8, "เก้า": 9,
}
_ONE = "|".join(_ONES)
_WORDS = rf"(?:(?P<hundreds>{_ONE})ร้อย)?(?:(?P<tens>ยี่|{_ONE})?(?P<ten>สิบ))?(?P<ones>{_ONE})?"
# Behind ซอย and at most one name; no letter of another word follows, unless it is said to somebody.
_NO_MORE = "(?![ก-๙])|(?=ครับ|คับ|ค่ะ|คะ|จ้า|นะ|น้ำ|ไฟ)"
_IN_SOI = re.compile(rf"(?P<before>(?:ซอย|ซ\.)\s?(?:ที่)?[ก-๙]{{0,30}}?\s?){_WORDS}(?:{_NO_MORE})")


def with_digits(text: str) -> str:
    """The text with such numbers, from 1 to 999, in digits."""
    if "ซอย" not in text and "ซ." not in text:
        return text
    return _IN_SOI.sub(_digits, text)


def _digits(found: re.Match[str]) -> str:
    value = 100 * _ONES.get(found["hundreds"] or "", 0) + _ONES.get(found["ones"] or "", 0)
    if found["ten"]:
        value += 10 * (2 if found["tens"] == "ยี่" else _ONES.get(found["tens"] or "", 1))
    return f"{found['before']}{value}" if value else found[0]
