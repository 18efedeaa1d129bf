"""What words mean without being a report: a question, a yes, thanks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from incidents.classify import is_thai, normalise
from incidents.phrases import asks_about_a_report, asks_for_help, means, normalised

_STATUS = ("สถานะ", "ติดตามเรื่อง", "เรื่องถึงไหน", "เรื่องของฉัน", "ตามเรื่อง", "status", "my report", "where is my report",
           "အခြေအနေ")  # fmt: skip
_CANCEL = ("ยกเลิก", "ขอยกเลิก", "ยกเลิกเรื่อง", "ขอยกเลิกเรื่อง", "ยกเลิกแจ้งเหตุ", "ยกเลิกการแจ้ง", "ไม่แจ้งแล้ว", "cancel", "batal",
           "မလုပ်တော့ပါ")  # fmt: skip
CONFIRM = ("ยืนยัน", "confirm", "ส่งเลย")
SKIP = ("ข้าม", "skip", "ไม่มีรูป")
_BEGIN = ("แจ้งเหตุ", "แจ้งปัญหา", "แจ้งเรื่อง", "ร้องเรียน", "report", "report a problem",
          "buat laporan", "တိုင်ကြားမည်")  # fmt: skip
_GREETINGS = ("สวัสดี", "หวัดดี", "hello", "hi")
_SMALL_TALK = (
    *_GREETINGS,
    "ขอบคุณ",
    "ขอบคุณมาก",
    "ขอบใจ",
    "โอเค",
    "รับทราบ",
    "ครับ",
    "ค่ะ",
    "คะ",
    "ok",
    "thanks",
    "thank you",
)


def asks_for_status(text: str) -> bool:
    """The words ask where the resident's report stands, with or without its number, or to change it."""
    whole = normalise(text)
    with_number = any(whole.startswith(p) and len(whole) <= len(p) + 16 for p in normalised(_STATUS))
    return with_number or means(text, _STATUS) or asks_about_a_report(text)


def asks_to_begin(text: str) -> bool:
    """The words (or the rich menu's button) only say that a report will follow."""
    return means(text, _BEGIN)


def is_small_talk(text: str) -> bool:
    """A greeting, thanks or a call for the menu: nothing to act on."""
    return means(text, _SMALL_TALK) or asks_for_help(text)


def asks_to_cancel(text: str) -> bool:
    """The words only call something off."""
    return means(text, _CANCEL)


def aside(text: str) -> str:
    """The text key that answers words which begin no report: a greeting, thanks, or what nobody can read."""
    if means(text, _GREETINGS):
        return "help-greeting"
    return "help-thanks" if means(text, _SMALL_TALK) else "help-menu"


def can_begin_report(text: str, *, ranked: Sequence[str]) -> bool:
    """A first message that starts a report by itself: Thai words, or any words that the lexicon knows."""
    return not is_small_talk(text) and (is_thai(text) or bool(ranked))
