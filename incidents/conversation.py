"""A report told on LINE, turn by turn. Pure: what was told so far and what comes in give what is said and done next.

The order is words → category → place → confirmation, but each may come early, and a picture at any time: a turn takes
what it is given and asks for the first thing that is still missing. Emergency words leave this order at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from incidents import meanings
from incidents.handful import Handful, LeavePhoto, Picture
from incidents.phrases import is_at_home, means

Step = Literal["words", "category", "pin", "confirm", "emergency_pin"]
MORE_PAGE = 12
# LINE's longest message, and so much of all words of one report: four such messages. What shows them cuts, not we.
TEXT_KEPT, WORDS_KEPT = 5_000, 20_000


@dataclass(frozen=True)
class Place:
    """Where it is (degrees, WGS 84) and how we know: `pin`, `home`, `recent_pin`, `words` or `photo`; in `radius_m`."""

    lon: float
    lat: float
    source: str
    radius_m: float | None = None


@dataclass(frozen=True)
class Draft:
    """What a resident has told so far. `key` ties buttons to this draft, so that old ones do nothing.

    `seen_from` is where a photo says that it was taken: offered, never taken for the place unasked. `is_private` asks
    that nobody outside the city sees it; `is_told_cut` says that they know that no more words fit. `far` is a pin
    `far_km` outside the city, about which they are asked once (`is_far_asked`). `has_refused` says that they have yet
    to hear that a picture cannot be used.
    """

    key: str
    step: Step = "words"
    text: str = ""
    category_code: str | None = None
    photo_ids: tuple[int, ...] = ()
    place: Place | None = None
    incident_id: int | None = None
    handful: Handful | None = None
    seen_from: Place | None = None
    is_private: bool = False
    is_told_cut: bool = False
    far: Place | None = None
    far_km: int = 0
    is_far_asked: bool = False
    has_refused: bool = False


# What comes in.
@dataclass(frozen=True)
class Words:
    """A text message, with what the lexicon makes of all words so far."""

    text: str
    ranked: tuple[str, ...] = ()
    emergency: str | None = None


@dataclass(frozen=True)
class Pin:
    """A place sent by the resident; `outside_km` is how far outside the city it lies, None in it and near it."""

    lon: float
    lat: float
    outside_km: int | None = None


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


PIN = (Choice("location", "label-pin"),)


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
    is_private: bool = False


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
    if isinstance(coming, Words) and meanings.asks_to_begin(coming.text):
        return Turn(fresh, (Say("ask-words"),))
    return _told(fresh, coming, known)


def _told(draft: Draft, coming: Words | Picture | Pin, known: Known) -> Turn:
    if isinstance(coming, Picture):
        more = replace(draft, photo_ids=(*draft.photo_ids, coming.photo_id))
        return _ask_next(more, known, ranked=coming.ranked)
    if isinstance(coming, Pin):
        return _pinned(draft, coming, known)
    if meanings.asks_to_cancel(coming.text):
        return Turn(None, (Say("cancelled"),))
    if draft.text and meanings.is_small_talk(coming.text):
        return _ask_next(draft, known, ranked=coming.ranked)  # No word of what has happened.
    if draft.step == "pin" and known.home is not None and is_at_home(coming.text):
        return _ask_next(replace(draft, place=known.home), known)
    if draft.step == "pin" and draft.far is not None and means(coming.text, meanings.CONFIRM):
        return _ask_next(replace(draft, place=draft.far, far=None), known)
    if draft.step in {"pin", "confirm"} and means(coming.text, meanings.SKIP):
        return _ask_next(draft, known)  # A picture is never a must.
    if draft.step == "confirm" and means(coming.text, meanings.CONFIRM):
        return _submitted(draft, known)
    text = f"{draft.text}\n{coming.text}".strip()
    is_cut = len(text) > WORDS_KEPT
    kept = replace(draft, text=text[:WORDS_KEPT], is_told_cut=draft.is_told_cut or is_cut)
    asked = _ask_next(kept, known, ranked=coming.ranked)
    return replace(asked, says=(Say("text-cut"), *asked.says)) if is_cut and not draft.is_told_cut else asked


def _pinned(draft: Draft, pin: Pin, known: Known) -> Turn:
    """The pin is the place; one far outside the city is asked about first, once."""
    place = Place(pin.lon, pin.lat, "pin")
    if pin.outside_km is None or draft.is_far_asked:
        return _ask_next(replace(draft, place=place, far=None), known)
    return _ask_next(replace(draft, place=None, far=place, far_km=pin.outside_km), known)


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
    if verb == "keep" and draft.far is not None:
        return _ask_next(replace(draft, place=draft.far, far=None), known)
    if verb == "photo" and draft.seen_from is not None and (draft.place is None or draft.place.source != "pin"):
        return _ask_next(replace(draft, place=draft.seen_from), known)
    if verb in {"private", "public"}:
        return _ask_next(replace(draft, is_private=verb == "private"), known)
    if verb == "cancel":
        return Turn(None, (Say("cancelled"),))
    if verb == "confirm" and draft.step == "confirm":
        return _submitted(draft, known)
    return _ask_next(draft, known)


def asked_again(draft: Draft, known: Known, *, ranked: tuple[str, ...]) -> Turn:
    """The question that stands, with its buttons; `ranked` are the categories offered before."""
    return _ask_next(draft, known, ranked=ranked)


def _submitted(draft: Draft, known: Known) -> Turn:
    if draft.category_code is None or draft.place is None:
        return _ask_next(draft, known)
    report = SubmitReport(draft.text, draft.category_code, draft.place, draft.photo_ids, draft.is_private)
    return Turn(None, effect=report)


def _missing(draft: Draft) -> Step:
    if draft.category_code is None:
        return "category" if draft.text else "words"
    return "pin" if draft.place is None else "confirm"


def _ask_next(draft: Draft, known: Known, *, ranked: tuple[str, ...] = ()) -> Turn:
    if known.told is not None and not _is_shown(draft) and draft.far is None:
        draft = replace(draft, place=known.told)
    asked = replace(draft, step=_missing(draft))
    button = f"report:{asked.key}"
    if asked.step == "words":
        return Turn(asked, (Say("ask-words-of-photo"),))
    cancel = Choice("postback", "label-cancel", f"{button}:cancel")
    if asked.step == "category":
        offered = tuple(Choice("postback", f"category:{c}", f"{button}:category:{c}") for c in ranked[:3])
        more = Choice("postback", "label-other", f"{button}:more:0")
        return Turn(asked, (Say("ask-category" if offered else "ask-category-unknown", (*offered, more, cancel)),))
    # A picture is asked for with the place: each question costs people a tap and a wait.
    cameras = () if asked.photo_ids else (Choice("camera", "label-camera"), Choice("camera_roll", "label-camera-roll"))
    if asked.step == "pin":
        home = (Choice("postback", "label-home", f"{button}:home"),) if known.home else ()
        if asked.far is not None:
            keep = Choice("postback", "label-keep-far", f"{button}:keep")
            return Turn(replace(asked, is_far_asked=True), (Say("ask-far-pin", (*where(asked), keep, *home, cancel)),))
        key = "ask-pin-only" if asked.photo_ids else "ask-pin"
        return Turn(asked, (Say(key, (*where(asked), *home, *cameras, cancel)),))
    confirm = Choice("postback", "label-confirm", f"{button}:confirm")
    # A place that was only named is shown with the way to a better one.
    better = () if _is_shown(asked) else where(asked)
    other = "public" if asked.is_private else "private"
    sight = Choice("postback", f"label-{other}", f"{button}:{other}")
    key = "ask-confirm-private" if asked.is_private else "ask-confirm"
    return Turn(asked, (Say(key, (confirm, *better, *cameras, sight, cancel)),))


def where(draft: Draft) -> tuple[Choice, ...]:
    """The buttons by which a place is given: a pin, or where a photo was taken."""
    photo = Choice("postback", "label-photo-place", f"report:{draft.key}:photo")
    return PIN if draft.seen_from is None else (*PIN, photo)


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

def _with_newest(before: str, text: str) -> str:
    """Both, and where that is too long the older words give way: what somebody in danger writes last counts most."""
    newest = text[:WORDS_KEPT]
    room = WORDS_KEPT - len(newest) - 1
    return f"{before[:max(0, room)]}\n{newest}".strip()


def _emergency(draft: Draft | None, text: str, category_code: str, known: Known) -> Turn:
    so_far = draft or Draft(key=known.new_key)
    if so_far.incident_id is not None:
        return Turn(so_far, (Say("emergency-more", PIN),), AddWords(so_far.incident_id, text) if text else None)
    told = replace(
        so_far,
        step="emergency_pin",
        text=f"{text}\n{so_far.text}".strip()[:WORDS_KEPT],  # The cry first: lists show the beginning.
        category_code=category_code,
    )
    place = so_far.place if _is_shown(so_far) else known.place or so_far.place or so_far.far
    if place is None:
        return Turn(told, (Say("emergency-where", where(told), is_emergency=True),))
    opened = OpenEmergency(told.text, category_code, place, told.photo_ids)
    key = {"home": "emergency-open-home", "words": "emergency-open-words"}.get(place.source, "emergency-open")
    return Turn(told, (Say(key, PIN, is_emergency=True),), opened)


def _after_emergency(draft: Draft, coming: Input, known: Known) -> Turn:
    if isinstance(coming, Pin):
        return _pinned_in_emergency(draft, coming)
    if isinstance(coming, Picture):
        if draft.incident_id is not None:
            return Turn(draft, (Say("emergency-more", PIN),), AddPhoto(draft.incident_id, coming.photo_id))
        return Turn(replace(draft, photo_ids=(*draft.photo_ids, coming.photo_id)), (Say("emergency-where", PIN),))
    if isinstance(coming, Words):
        if meanings.asks_to_cancel(coming.text) and draft.incident_id is None:
            return Turn(None, (Say("cancelled"),))
        if draft.incident_id is not None:
            return Turn(draft, (Say("emergency-more", PIN),), AddWords(draft.incident_id, coming.text))
        text = _with_newest(draft.text, coming.text)
        if known.told is not None:
            opened = OpenEmergency(text, draft.category_code or "rescue", known.told, draft.photo_ids)
            return Turn(replace(draft, text=text), (Say("emergency-open-words", PIN, is_emergency=True),), opened)
        return Turn(replace(draft, text=text), (Say("emergency-where", PIN, is_emergency=True),))
    if draft.seen_from is not None and draft.incident_id is None and coming.data == f"report:{draft.key}:photo":
        opened = OpenEmergency(draft.text, draft.category_code or "rescue", draft.seen_from, draft.photo_ids)
        return Turn(draft, (Say("emergency-open", PIN, is_emergency=True),), opened)
    return Turn(draft, (Say("old-button"),))


def _pinned_in_emergency(draft: Draft, pin: Pin) -> Turn:
    """The place is acted on at once; one far outside the city is asked about too, once: the next pin corrects it."""
    place = Place(pin.lon, pin.lat, "pin")
    opened = OpenEmergency(draft.text, draft.category_code or "rescue", place, draft.photo_ids)
    done = Turn(None, (Say("emergency-open", (), is_emergency=True),), opened)
    if draft.incident_id is not None:
        done = Turn(None, (Say("emergency-moved"),), MoveIncident(draft.incident_id, place))
    if pin.outside_km is None or draft.is_far_asked:
        return done
    told = replace(draft, far_km=pin.outside_km, is_far_asked=True)
    return Turn(told, (*done.says, Say("emergency-far", PIN)), done.effect)
