"""Whole sentences that are typed instead of a button's tap: on a computer LINE shows no menu. Pure."""

from __future__ import annotations

import functools
import re

from incidents.classify import normalise

_POLITE_ENDINGS = ("นะครับ", "นะคะ", "ครับ", "ค่ะ", "คะ", "จ้า", "จ้ะ", "นะ")
_STANDS = (
    "ถึงไหนแล้ว", "ถึงไหน", "เสร็จหรือยัง", "เสร็จยัง", "เสร็จรึยัง", "คืบหน้าไหม", "ความคืบหน้า",
    "is it done", "is it done yet", "any news", "dah siap", "sudah siap", "ပြီးပြီလား",
)  # fmt: skip
_OF_A_REPORT = ("เรื่อง", "แจ้ง")
_CHANGES = (
    "ยกเลิกเรื่องที่แจ้ง", "ขอยกเลิกเรื่องที่แจ้ง", "ยกเลิกเรื่องที่แจ้งไว้", "ขอยกเลิกเรื่องที่แจ้งไว้",
    "แก้ไขเรื่อง", "แก้ไขเรื่องที่แจ้ง", "ขอแก้ไขเรื่อง", "ขอแก้ไขเรื่องที่แจ้ง", "แก้เรื่องที่แจ้ง", "เพิ่มข้อมูลเรื่องที่แจ้ง",
    "cancel my report", "change my report", "batalkan laporan saya",
)  # fmt: skip
_HELP = (
    "เมนู", "เมนูเมือง", "วิธีใช้", "ใช้ยังไง", "ใช้อย่างไร", "ทำอะไรได้บ้าง", "เบอร์ฉุกเฉิน", "เบอร์โทรฉุกเฉิน",
    "menu", "help", "bantuan", "မီနူး", "အကူအညီ",
)  # fmt: skip
_HOME = ("บ้านของฉัน", "บ้านฉัน", "my home", "rumah saya", "ကျွန်ုပ်၏အိမ်", "ကျွန်ုပ်၏ အိမ်")
_AT_HOME = (*_HOME, "ที่บ้าน", "ที่บ้านของฉัน", "ที่บ้านฉัน", "at home", "at my home", "di rumah", "di rumah saya")
_NUMBER = re.compile(r"(?:เลขที่\s*)?[0-9๐-๙]{4}-[0-9๐-๙]{6}[\s.?!]*")
_LONGEST_QUESTION = 80


def readings(text: str) -> set[str]:
    """The text as it stands and without a polite ending (which สถานะ only seems to have)."""
    whole = normalise(text).strip(" .!?…")
    polite = (ending for ending in _POLITE_ENDINGS if whole.endswith(ending) and whole != ending)
    return {whole, *(whole.removesuffix(ending).strip() for ending in polite)}


@functools.cache
def normalised(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Our own phrases as texts are compared, made once."""
    return tuple(normalise(phrase) for phrase in phrases)


def means(text: str, phrases: tuple[str, ...]) -> bool:
    """The text is one of the phrases and says nothing else."""
    return not readings(text).isdisjoint(normalised(phrases))


def asks_about_a_report(text: str) -> bool:
    """Where a report stands, that it be changed or cancelled, or its bare number: its card answers all of these.

    Of น้ำท่วมถึงไหนแล้ว the water is asked, not a report: only what speaks of a report asks of one.
    """
    if means(text, _STANDS) or means(text, _CHANGES) or _NUMBER.fullmatch(text.strip()):
        return True
    if len(text) > _LONGEST_QUESTION or not any(word in text for word in _OF_A_REPORT):
        return False
    return any(reading.endswith(normalised(_STANDS)) for reading in readings(text))


def asks_for_help(text: str) -> bool:
    """What can be written here, or whom to call, is asked; somebody in danger says more than this."""
    return means(text, _HELP)


def asks_for_home(text: str) -> bool:
    """The words are those of the menu's button for the home."""
    return means(text, _HOME)


def is_at_home(text: str) -> bool:
    """The words say that it is at the writer's home, and nothing else."""
    return means(text, _AT_HOME)
