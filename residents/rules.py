"""Decisions about the city's friends on LINE."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import InvalidInputError

LANGUAGES = ("th", "en", "ms", "my")
CONSENT_VERSION = "2026-1"
HOME_PIN_LIFE = timedelta(minutes=10)
LINE_USER_ID = re.compile(r"U[0-9a-f]{32}")


def language_of(profile_language: object) -> str:
    """The language we write in, from LINE's profile language (BCP 47); Thai where it is none of ours."""
    if not isinstance(profile_language, str):
        return "th"
    tongue = profile_language.lower().replace("_", "-").split("-")[0]
    return tongue if tongue in LANGUAGES else "th"


def is_news(happened_at: datetime, *, last_change_at: datetime | None) -> bool:
    """A follow or unfollow that happened after the last one known; LINE does not keep the order."""
    return last_change_at is None or happened_at >= last_change_at


def is_home_pin(*, asked_at: datetime | None, answered_at: datetime | None, happened_at: datetime) -> bool:
    """A place sent at `happened_at` answers our question for the home.

    True also for the pin that has answered it already, so that every room judges it alike, whoever hears it first.
    """
    if asked_at is None or not asked_at <= happened_at < asked_at + HOME_PIN_LIFE:
        return False
    return answered_at is None or answered_at == happened_at


def is_blocked(blocked_until_at: datetime | None, *, now: datetime) -> bool:
    """An officer keeps the resident from ordinary reports."""
    return blocked_until_at is not None and now < blocked_until_at


# ── Consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────

PURPOSES = ("warnings", "needs")
# Who is warned also gets news until they say no: asked about like the others, and taken back by itself.
NEWS = "news"
IMPORTED = "import:"


def is_consent_outdated(version: str | None, *, asked_version: str | None) -> bool:
    """Who agreed to an older text is asked again, once a version; whom the city vouched for at import is not."""
    if version is None or version.startswith(IMPORTED):
        return False
    return CONSENT_VERSION not in {version, asked_version}


# ── What is typed in the chat ────────────────────────────────────────────────────────────────────────────────────────

_ABOUT_ME = frozenset(
    {
        "ข้อมูลของฉัน", "ข้อมูลฉัน", "ข้อมูลของผม", "my data", "about me", "data saya", "maklumat saya",
        "ကျွန်ုပ်၏ အချက်အလက်", "ကျွန်ုပ်၏အချက်အလက်",
    }
)  # fmt: skip
_ERASE = frozenset(
    {
        "ลบข้อมูล", "ลบข้อมูลของฉัน", "ลบข้อมูลทั้งหมด", "ลบข้อมูลของผม", "delete my data", "erase my data", "forget me",
        "padam data saya", "ကျွန်ုပ်၏ အချက်အလက်ကို ဖျက်ပါ", "အချက်အလက် ဖျက်ပါ",
    }
)  # fmt: skip
_LANGUAGE = frozenset(
    {
        "ภาษา", "เปลี่ยนภาษา", "ขอเปลี่ยนภาษา", "ภาษาอังกฤษ", "language", "change language", "english", "thai",
        "bahasa", "tukar bahasa", "bahasa melayu", "melayu", "burmese", "myanmar", "ဘာသာစကား", "မြန်မာ", "မြန်မာဘာသာ",
    }
)  # fmt: skip
_NEWS_OFF = frozenset(
    {
        "ไม่รับข่าว", "ไม่รับข่าวสาร", "เลิกรับข่าว", "stop news", "no news", "henti berita", "tidak mahu berita",
        "သတင်း မယူပါ", "သတင်းမယူပါ",
    }
)  # fmt: skip
_NEWS_ON = frozenset({"รับข่าว", "รับข่าวสาร", "start news", "news on", "mahu berita", "သတင်း ယူမည်", "သတင်းယူမည်"})
# What follows is the area's name; alone, the areas that may be chosen are listed.
_UNWATCH = ("เลิกติดตามพื้นที่", "เลิกติดตาม พื้นที่", "unfollow area", "henti ikut kawasan", "ဧရိယာ မစောင့်ကြည့်ပါ")
_WATCH = ("ติดตามพื้นที่", "ติดตาม พื้นที่", "follow area", "ikut kawasan", "ဧရိယာ စောင့်ကြည့်မည်")
# No O, 0, I, 1: over the phone and on paper they are taken for one another. 8 of 32 letters are 40 bits.
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE = re.compile(
    rf"(?:(?P<word>รหัส|code|kod|ကုဒ်)\s*:?\s*)?(?P<one>[{CODE_LETTERS}]{{4}})(?P<dash>-?)(?P<two>[{CODE_LETTERS}]{{4}})",
    re.IGNORECASE,
)
_POLITE = ("นะครับ", "นะคะ", "ครับ", "ค่ะ", "คะ")

CODE_LIFE = timedelta(days=7)
TRIES_ALLOWED = 5
TRIES_WITHIN = timedelta(hours=1)
ERASURE_ASKED_LIFE = timedelta(minutes=15)
EXPORT_LIFE = timedelta(minutes=15)
PAGE_LIFE = timedelta(minutes=20)
HOMES_LIMIT = 5
AREAS_LIMIT = 5
LABEL_LIMIT = 60
NAME_LIMIT = 120


@dataclass(frozen=True)
class Asked:
    """What a text asks of the residents' room.

    `about_me`, `erase`, `language`, `news_on`, `news_off`, `code` in its one spelling, `watch` or `unwatch` an `area`,
    whose name may be empty.
    """

    what: str
    code: str = ""
    area: str = ""


def asked_in(text: str) -> Asked | None:
    """What the text asks of the residents' room; None where it is somebody else's to hear."""
    if len(text) > 200:
        return None
    plain = " ".join(seen(text).lower().split()).strip(" .!?…")
    for polite in _POLITE:
        plain = plain.removesuffix(polite).strip()
    if plain in _ABOUT_ME:
        return Asked("about_me")
    if plain in _ERASE:
        return Asked("erase")
    if plain in _LANGUAGE:
        return Asked("language")
    if plain in _NEWS_OFF:
        return Asked("news_off")
    if plain in _NEWS_ON:
        return Asked("news_on")
    for what, beginnings in (("unwatch", _UNWATCH), ("watch", _WATCH)):
        for beginning in beginnings:
            if plain.startswith(beginning):
                return Asked(what, area=plain.removeprefix(beginning).strip())
    if plain == "เลิกติดตาม":
        return Asked("unwatch")
    match = _CODE.fullmatch(plain)
    # Eight letters alone may be a word; a code says that it is one, or has its dash.
    if match and (match["word"] or match["dash"]):
        return Asked("code", spelt(match["one"] + match["two"]))
    return None


@dataclass(frozen=True)
class AreaName:
    """An area as a text may name it."""

    id: int
    names: tuple[str, ...]


def areas_meant(said: str, areas: Collection[AreaName]) -> tuple[int, ...]:
    """The areas that the words may mean: those of exactly this name or code, else those in whose name they stand."""
    wanted = _plain_name(said)
    if not wanted:
        return ()
    plain = {area.id: {_plain_name(name) for name in area.names} for area in areas}
    exact = tuple(area_id for area_id, names in plain.items() if wanted in names)
    return exact or tuple(area_id for area_id, names in plain.items() if any(wanted in name for name in names))


def _plain_name(name: str) -> str:
    return re.sub(r"[\s.'\"“”-]+", "", seen(name).lower())


def spelt(code: str) -> str:
    """A code in its one spelling, however it was typed."""
    return re.sub(r"[\s-]", "", seen(code)).upper()


def shown_code(code: str) -> str:
    """A code as it is handed over: ABCD-EFGH."""
    return f"{code[:4]}-{code[4:]}"


def seen(text: str) -> str:
    """The text as a reader sees it: without marks that are invisible, turn the writing round or control a screen."""
    kept = (c if unicodedata.category(c) not in {"Cc", "Zl", "Zp"} else " " for c in unicodedata.normalize("NFC", text))
    return "".join(c for c in kept if unicodedata.category(c) not in {"Cf", "Co", "Cs", "Cn"})


def clean_words(given: str, *, limit: int, what: str) -> str:
    """The name or label as it is kept: visible letters, one line, one space between words.

    Raises InvalidInputError where nothing is left, or more than `limit` characters are.
    """
    words = " ".join(seen(given[: limit * 20]).split())
    if not words:
        raise InvalidInputError(f"{what} has no letter that can be seen.")
    if len(words) > limit or len(given) > limit * 20:
        raise InvalidInputError(f"{what} is longer than {limit} characters.")
    return words


def clean_phone(given: str) -> str:
    """The phone number as digits, perhaps with a + before them. Raises InvalidInputError where it is none."""
    digits = re.sub(r"[\s().-]", "", seen(given[:60]))
    if not re.fullmatch(r"\+?[0-9]{8,15}", digits):
        raise InvalidInputError(f"'{given[:30]}' is no phone number.")
    return digits


def has_tries_left(tried_wall_at: Collection[datetime], *, now: datetime) -> bool:
    """Another code may be tried: fewer than five were wrong in the last hour. Real time."""
    return sum(now - at < TRIES_WITHIN for at in tried_wall_at) < TRIES_ALLOWED


def may_erase(*, asked_at: datetime | None, happened_at: datetime) -> bool:
    """The yes answers our question of the last quarter of an hour."""
    return asked_at is not None and asked_at <= happened_at < asked_at + ERASURE_ASKED_LIFE


# ── What is told of a person in free words ───────────────────────────────────────────────────────────────────────────

_PHONE = re.compile(r"(?<![0-9])(?:\+?66[ -]?|0)[0-9](?:[ -]?[0-9]){7,8}(?![0-9])")


def phones_in(text: str) -> set[str]:
    """Phone numbers as they are written in a text."""
    return {match[0] for match in _PHONE.finditer(text)}


def without(text: str, words: Collection[str], *, instead: str) -> str:
    """The text with `instead` wherever it names one of these words, whatever its capitals, or a number's spacing."""
    for word in sorted(words, key=len, reverse=True):
        text = re.sub(_however_written(word), instead, text, flags=re.IGNORECASE)
    return text


def _however_written(word: str) -> str:
    digits = re.sub(r"[ +-]", "", word)
    if not (digits.isdecimal() and len(digits) >= 8):
        return re.escape(word)
    national = digits.removeprefix("66") if len(digits) > 10 else digits.removeprefix("0")
    return r"(?:\+?66|0)?[ -]?" + r"[ -]?".join(national)
