"""A report told on LINE, turn by turn. Pure: what was told so far and what comes in give what is said and done next.

The order is words → category → place → confirmation, but each may come early, and a picture at any time: a turn takes
what it is given and asks for the first thing that is still missing. Emergency words leave this order at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from incidents.classify import is_thai, normalise
from incidents.handful import Handful, LeavePhoto, Picture

Step = Literal["words", "category", "pin", "confirm", "emergency_pin"]
MORE_PAGE, TEXT_KEPT = 12, 2000


@dataclass(frozen=True)
class Place:
    """Where it is (degrees, WGS 84) and how we know: `pin`, `home`, `recent_pin` or `words`, within `radius_m`."""

    lon: float
    lat: float
    source: str
    radius_m: float | None = None


@dataclass(frozen=True)
class Draft:
    """What a resident has told so far. `key` ties buttons to this draft, so that old ones do nothing."""

    key: str
    step: Step = "words"
    text: str = ""
    category_code: str | None = None
    photo_ids: tuple[int, ...] = ()
    place: Place | None = None
    incident_id: int | None = None
    handful: Handful | None = None


# What comes in.
@dataclass(frozen=True)
class Words:
    """A text message, with what the lexicon makes of all words so far."""

    text: str
    ranked: tuple[str, ...] = ()
    emergency: str | None = None


@dataclass(frozen=True)
class Pin:
    """A place sent by the resident."""

    lon: float
    lat: float


@dataclass(frozen=True)
class Tap:
    """A button: `report:<key>:<verb>[:<value>]`, or `help:<alert>`."""

    data: str


Input = Words | Picture | Pin | Tap


@dataclass(frozen=True)
class Known:
    """What the city knows when a turn begins; `told` is the place that the words so far name for certain."""

    new_key: str
    category_codes: tuple[str, ...]
    home: Place | None = None
    recent_pin: Place | None = None
    told: Place | None = None

    @property
    def place(self) -> Place | None:
        """Where the resident most likely is: the pin of the last two hours, the place they name, else home."""
        return self.recent_pin or self.told or self.home


# What goes out.
@dataclass(frozen=True)
class Choice:
    """A quick reply: `label` is a text key, or `category:<code>` for a category's name."""

    kind: Literal["postback", "location", "camera", "camera_roll"]
    label: str
    data: str = ""


@dataclass(frozen=True)
class Say:
    """One message by its text key, with the buttons under it."""

    key: str
    choices: tuple[Choice, ...] = ()
    is_emergency: bool = False


@dataclass(frozen=True)
class SubmitReport:
    """The report is complete and confirmed."""

    text: str
    category_code: str
    place: Place
    photo_ids: tuple[int, ...]


@dataclass(frozen=True)
class OpenEmergency:
    """Somebody is in danger: open it now, at the best place known."""

    text: str
    category_code: str
    place: Place
    photo_ids: tuple[int, ...]


@dataclass(frozen=True)
class MoveIncident:
    """The place of an emergency opened a moment ago is now known better."""

    incident_id: int
    place: Place


@dataclass(frozen=True)
class AddWords:
    """More words about an emergency opened a moment ago."""

    incident_id: int
    text: str


@dataclass(frozen=True)
class AddPhoto:
    """A picture of an emergency opened a moment ago."""

    incident_id: int
    photo_id: int


Effect = SubmitReport | OpenEmergency | MoveIncident | AddWords | AddPhoto | LeavePhoto


@dataclass(frozen=True)
class Turn:
    """What follows: the draft that stays (None: the conversation is over), what is said, what is done."""

    draft: Draft | None
    says: tuple[Say, ...] = ()
    effect: Effect | None = None


# ── What words mean without being a report ───────────────────────────────────────────────────────────────────────────

_STATUS = ("สถานะ", "ติดตามเรื่อง", "เรื่องถึงไหน", "เรื่องของฉัน", "ตามเรื่อง", "status", "my report", "where is my report",
           "အခြေအနေ")  # fmt: skip
_CANCEL = ("ยกเลิก", "cancel")
_CONFIRM = ("ยืนยัน", "confirm", "ส่งเลย")
_SKIP = ("ข้าม", "skip", "ไม่มีรูป")
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
_POLITE_ENDINGS = ("นะครับ", "นะคะ", "ครับ", "ค่ะ", "คะ", "จ้า", "จ้ะ", "นะ")


def _readings(text: str) -> set[str]:
    """The text as it stands and without a polite ending (which สถานะ only seems to have)."""
    whole = normalise(text).strip(" .!?…")
    polite = (ending for ending in _POLITE_ENDINGS if whole.endswith(ending) and whole != ending)
    return {whole, *(whole.removesuffix(ending).strip() for ending in polite)}


def _means(text: str, phrases: Sequence[str]) -> bool:
    return not _readings(text).isdisjoint(normalise(phrase) for phrase in phrases)


def asks_for_status(text: str) -> bool:
    """The words ask where the resident's report stands, with or without its number."""
    whole = normalise(text)
    with_number = any(whole.startswith(normalise(p)) and len(whole) <= len(p) + 16 for p in _STATUS)
    return with_number or _means(text, _STATUS)


def asks_to_begin(text: str) -> bool:
    """The words (or the rich menu's button) only say that a report will follow."""
    return _means(text, _BEGIN)


def is_small_talk(text: str) -> bool:
    """A greeting or thanks: nothing to act on."""
    return _means(text, _SMALL_TALK)


def aside(text: str) -> str:
    """The text key that answers words which begin no report: a greeting, thanks, or what nobody can read."""
    if _means(text, _GREETINGS):
        return "help-greeting"
    return "help-thanks" if is_small_talk(text) else "help-menu"


def can_begin_report(text: str, *, ranked: Sequence[str]) -> bool:
    """A first message that starts a report by itself: Thai words, or any words that the lexicon knows."""
    return not is_small_talk(text) and (is_thai(text) or bool(ranked))


# ── The turns ────────────────────────────────────────────────────────────────────────────────────────────────────────


def turn(draft: Draft | None, coming: Input, known: Known) -> Turn:
    """What follows from what a resident sends; `draft` None where no report is being told."""
    if isinstance(coming, Words) and coming.emergency:
        return _emergency(draft, coming.text, coming.emergency, known)
    if isinstance(coming, Tap) and coming.data.startswith("help:"):
        return _emergency(draft, "", "rescue", known)
    if draft is not None and draft.step == "emergency_pin":
        return _after_emergency(draft, coming, known)
    if isinstance(coming, Tap):
        return _tapped(draft, coming, known)
    if draft is None:
        return _begun(coming, known)
    return _told(draft, coming, known)


def _begun(coming: Words | Picture | Pin, known: Known) -> Turn:
    fresh = Draft(key=known.new_key)
    if isinstance(coming, Pin):
        return Turn(None)  # A place without a report is a home: the residents' room hears it.
    if isinstance(coming, Words) and asks_to_begin(coming.text):
        return Turn(fresh, (Say("ask-words"),))
    return _told(fresh, coming, known)


def _told(draft: Draft, coming: Words | Picture | Pin, known: Known) -> Turn:
    if isinstance(coming, Picture):
        photo_ids = (*draft.photo_ids, coming.photo_id)
        return _ask_next(replace(draft, photo_ids=photo_ids), known, ranked=coming.ranked)
    if isinstance(coming, Pin):
        return _ask_next(replace(draft, place=Place(coming.lon, coming.lat, "pin")), known)
    if _means(coming.text, _CANCEL):
        return Turn(None, (Say("cancelled"),))
    if draft.step in {"pin", "confirm"} and _means(coming.text, _SKIP):
        return _ask_next(draft, known)  # A picture is never a must.
    if draft.step == "confirm" and _means(coming.text, _CONFIRM):
        return _submitted(draft, known)
    text = f"{draft.text}\n{coming.text}".strip()
    asked = _ask_next(replace(draft, text=text[:TEXT_KEPT]), known, ranked=coming.ranked)
    return asked if len(text) <= TEXT_KEPT else replace(asked, says=(Say("text-cut"), *asked.says))


def _tapped(draft: Draft | None, tap: Tap, known: Known) -> Turn:
    parts = tap.data.split(":")
    if len(parts) < 3 or parts[0] != "report":
        return Turn(draft)
    if draft is None or parts[1] != draft.key:
        return Turn(draft, (Say("old-button"),))
    verb, value = parts[2], parts[3] if len(parts) > 3 else ""
    if verb == "category" and value in known.category_codes:
        return _ask_next(replace(draft, category_code=value), known)
    if verb == "more":
        page = int(value) if value.isdecimal() else 0
        return Turn(draft, (Say("ask-category-all", _all_categories(draft, known, page=page)),))
    if verb == "home" and known.home is not None:
        return _ask_next(replace(draft, place=known.home), known)
    if verb == "cancel":
        return Turn(None, (Say("cancelled"),))
    if verb == "confirm" and draft.step == "confirm":
        return _submitted(draft, known)
    return _ask_next(draft, known)


def _submitted(draft: Draft, known: Known) -> Turn:
    if draft.category_code is None or draft.place is None:
        return _ask_next(draft, known)
    return Turn(None, effect=SubmitReport(draft.text, draft.category_code, draft.place, draft.photo_ids))


def _missing(draft: Draft) -> Step:
    if draft.category_code is None:
        return "category" if draft.text else "words"
    return "pin" if draft.place is None else "confirm"


def _ask_next(draft: Draft, known: Known, *, ranked: tuple[str, ...] = ()) -> Turn:
    if known.told is not None and not _is_shown(draft):
        draft = replace(draft, place=known.told)
    asked = replace(draft, step=_missing(draft))
    button = f"report:{asked.key}"
    cancel = Choice("postback", "label-cancel", f"{button}:cancel")
    if asked.step == "words":
        return Turn(asked, (Say("ask-words-of-photo"),))
    if asked.step == "category":
        offered = tuple(Choice("postback", f"category:{c}", f"{button}:category:{c}") for c in ranked[:3])
        more = Choice("postback", "label-other", f"{button}:more:0")
        return Turn(asked, (Say("ask-category" if offered else "ask-category-unknown", (*offered, more, cancel)),))
    # A picture is asked for with the place, not on its own: each question costs people a tap and a wait.
    cameras = () if asked.photo_ids else (Choice("camera", "label-camera"), Choice("camera_roll", "label-camera-roll"))
    if asked.step == "pin":
        home = (Choice("postback", "label-home", f"{button}:home"),) if known.home else ()
        key = "ask-pin-only" if asked.photo_ids else "ask-pin"
        return Turn(asked, (Say(key, (Choice("location", "label-pin"), *home, *cameras, cancel)),))
    confirm = Choice("postback", "label-confirm", f"{button}:confirm")
    # A place that was only named is shown with the way to a better one.
    pin = () if _is_shown(asked) else (Choice("location", "label-pin"),)
    return Turn(asked, (Say("ask-confirm", (confirm, *pin, *cameras, cancel)),))


def _is_shown(draft: Draft) -> bool:
    """The resident has placed it: what words say never takes the place of a pin, or of the home they chose."""
    return draft.place is not None and draft.place.source != "words"


def _all_categories(draft: Draft, known: Known, *, page: int) -> tuple[Choice, ...]:
    start = page * MORE_PAGE
    shown = known.category_codes[start : start + MORE_PAGE]
    choices = tuple(Choice("postback", f"category:{c}", f"report:{draft.key}:category:{c}") for c in shown)
    if start + MORE_PAGE < len(known.category_codes):
        return (*choices, Choice("postback", "label-more", f"report:{draft.key}:more:{page + 1}"))
    return choices


# ── Emergencies ──────────────────────────────────────────────────────────────────────────────────────────────────────

PIN = (Choice("location", "label-pin"),)


def _emergency(draft: Draft | None, text: str, category_code: str, known: Known) -> Turn:
    so_far = draft or Draft(key=known.new_key)
    if so_far.incident_id is not None:
        return Turn(so_far, (Say("emergency-more", PIN),), AddWords(so_far.incident_id, text) if text else None)
    told = replace(
        so_far,
        step="emergency_pin",
        text=f"{so_far.text}\n{text}".strip()[:TEXT_KEPT],
        category_code=category_code,
    )
    place = so_far.place if _is_shown(so_far) else known.place or so_far.place
    if place is None:
        return Turn(told, (Say("emergency-where", PIN, is_emergency=True),))
    opened = OpenEmergency(told.text, category_code, place, told.photo_ids)
    key = {"home": "emergency-open-home", "words": "emergency-open-words"}.get(place.source, "emergency-open")
    return Turn(told, (Say(key, PIN, is_emergency=True),), opened)


def _after_emergency(draft: Draft, coming: Input, known: Known) -> Turn:
    if isinstance(coming, Pin):
        place = Place(coming.lon, coming.lat, "pin")
        if draft.incident_id is not None:
            return Turn(None, (Say("emergency-moved"),), MoveIncident(draft.incident_id, place))
        opened = OpenEmergency(draft.text, draft.category_code or "rescue", place, draft.photo_ids)
        return Turn(None, (Say("emergency-open", (), is_emergency=True),), opened)
    if isinstance(coming, Picture):
        if draft.incident_id is not None:
            return Turn(draft, (Say("emergency-more", PIN),), AddPhoto(draft.incident_id, coming.photo_id))
        return Turn(replace(draft, photo_ids=(*draft.photo_ids, coming.photo_id)), (Say("emergency-where", PIN),))
    if isinstance(coming, Words):
        if _means(coming.text, _CANCEL) and draft.incident_id is None:
            return Turn(None, (Say("cancelled"),))
        if draft.incident_id is not None:
            return Turn(draft, (Say("emergency-more", PIN),), AddWords(draft.incident_id, coming.text))
        text = f"{draft.text}\n{coming.text}"[:TEXT_KEPT]
        if known.told is not None:
            opened = OpenEmergency(text, draft.category_code or "rescue", known.told, draft.photo_ids)
            return Turn(replace(draft, text=text), (Say("emergency-open-words", PIN, is_emergency=True),), opened)
        return Turn(replace(draft, text=text), (Say("emergency-where", PIN, is_emergency=True),))
    return Turn(draft, (Say("old-button"),))
