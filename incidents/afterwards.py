"""What a resident can do with a report that was sent: add, move, cancel, hide, rate, reopen. Pure.

Each begins by a button and is a state of the conversation that ends by itself; meanwhile a draft that was being told is
laid aside and taken up again. A button that came too late is answered with what can be done now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from incidents import rules
from incidents.conversation import Choice, Say
from incidents.handful import Handful
from incidents.meanings import asks_for_status, asks_to_begin, is_small_talk

Doing = Literal["add", "place", "cancel", "rate_words"]
STEP = "afterwards"
# As long as somebody may look for words or a pin after the button (assumed); counted anew with each thing sent.
LIFE = timedelta(minutes=10)
STARS = range(1, 6)
# What an officer can take in of one report, with those it came with (assumed).
MOST_PHOTOS = 20
# Nobody's life hangs on a button: a cry for help that was taken back is looked at by a person first.
LIFE_TIER = 1
_CAN_END = ("new", "accepted", "reopened", "sent_on")


@dataclass(frozen=True)
class Own:
    """An incident as one of its reporters has it; `others` says that somebody else reported it too.

    `is_public` says that everybody may see it, `is_private` that this reporter asked that nobody does.
    """

    incident_id: int
    number: str
    category_code: str
    category_th: str
    category_en: str
    tier: int
    state: str
    place_th: str
    place_en: str
    opened_at: datetime
    promised_at: datetime
    done_at: datetime | None
    ended_at: datetime | None
    is_withdrawn: bool
    others: bool
    stars: int | None
    is_public: bool
    is_private: bool


@dataclass(frozen=True)
class About:
    """What the resident is doing with which incident, until when by the shared clock, in seconds."""

    doing: Doing
    incident_id: int
    until_s: float
    handful: Handful | None = None

    def lives(self, now: datetime) -> bool:
        """It has not ended by itself."""
        return now.timestamp() < self.until_s

    def renewed(self, now: datetime) -> About:
        """It lives on from now."""
        return replace(self, until_s=(now + LIFE).timestamp())


@dataclass(frozen=True)
class Pressed:
    """A button of ours: `mine:<verb>:<incident>[:<value>]`."""

    verb: str
    incident_id: int
    value: str = ""


def pressed(data: str) -> Pressed | None:
    """The button's meaning; None where it is none of these, or no incident's."""
    topic, _, rest = data.partition(":")
    verb, _, rest = rest.partition(":")
    number, _, value = rest.partition(":")
    if topic != "mine" or not (number.isascii() and number.isdecimal()) or len(number) > rules.LONGEST_ID:
        return None
    return Pressed(verb, int(number), value)


def offered(own: Own, *, now: datetime) -> tuple[str, ...]:
    """What the reporter can do with it now, as verbs."""
    if own.is_withdrawn:
        return ()
    sight = "show" if own.is_private else "hide"
    if own.state in rules.OPEN_STATES:
        return ("add", "place", sight, "cancel")
    reopened = rules.verdict(state=own.state, says="reopen", done_at=own.done_at, now=now)
    return ("rate", "reopen", sight) if reopened else (sight,)


def still_can(about: About, own: Own, *, now: datetime) -> bool:
    """What is under way can still be done: nobody has ended or reopened the incident meanwhile."""
    return ("rate" if about.doing == "rate_words" else about.doing) in offered(own, now=now)


def choices(own: Own, *, now: datetime) -> tuple[Choice, ...]:
    """The buttons for what can be done with it now."""
    return tuple(button(verb, own.incident_id) for verb in offered(own, now=now))


def button(verb: str, incident_id: int, value: str = "") -> Choice:
    """A button of this incident."""
    data = f"mine:{verb}:{incident_id}" + (f":{value}" if value else "")
    return Choice("postback", f"label-mine-{verb}" + (f"-{value}" if verb == "stars" else ""), data)


def shown(owns: Sequence[Own], *, wanted: str, now: datetime) -> list[Own]:
    """Of the resident's incidents, newest first, those to list: asked for by number, open or ended a moment ago.

    Where there is none of these, the newest.
    """
    named = [own for own in owns if wanted and own.number.endswith(wanted)]
    if named:
        return named
    standing = [own for own in owns if not own.is_withdrawn]
    lately = [
        own for own in standing
        if own.state in rules.OPEN_STATES or (own.ended_at is not None and now - own.ended_at <= rules.REOPEN_WITHIN)
    ]  # fmt: skip
    return lately or standing[:1] or list(owns[:1])


def number_in(text: str) -> str:
    """The number of a report that a question names, with or without the year; empty where it names none."""
    tail = text.translate(rules.THAI_DIGITS).strip(" .!?…").rpartition(" ")[2]
    digits = tail.rpartition("-")[2]
    return tail if digits.isascii() and digits.isdecimal() and len(digits) == rules.NUMBER_DIGITS else ""


def can_end(own: Own) -> bool:
    """The incident ends with its only reporter's word: nobody else told of it, and nobody is on the way to it."""
    return not own.others and own.state in _CAN_END and own.tier > LIFE_TIER


def ends_by_words(text: str) -> bool:
    """The words are about something else: the state ends, and they are heard as any other."""
    return asks_for_status(text) or asks_to_begin(text)


def says_nothing(text: str) -> bool:
    """Thanks and greetings are no part of a report."""
    return is_small_talk(text)


def asked(doing: Doing, own: Own, *, has_home: bool) -> Say:
    """The question by which it begins."""
    done = button("done", own.incident_id)
    if doing == "add":
        return Say("mine-ask-add", (Choice("camera", "label-camera"), Choice("camera_roll", "label-camera-roll"), done))
    if doing == "place":
        home = (button("home", own.incident_id),) if has_home else ()
        return Say("mine-ask-place", (Choice("location", "label-pin"), *home, done))
    if doing == "cancel":
        yes, no = button("cancel_yes", own.incident_id), replace(done, label="label-mine-keep")
        return Say("mine-ask-cancel-shared" if own.others else "mine-ask-cancel", (yes, no))
    return Say("mine-ask-rate-words", (done,))


def late(own: Own, *, now: datetime) -> Say:
    """The button came too late, or twice: where it stands, and what can be done now."""
    return Say("mine-withdrawn-already" if own.is_withdrawn else "mine-late", choices(own, now=now))


def ask_stars(own: Own) -> Say:
    """How well it was done, best first."""
    return Say("mine-ask-stars", tuple(button("stars", own.incident_id, str(star)) for star in reversed(STARS)))


def thanks_for_stars(own: Own) -> Say:
    """The stars are kept, and words may follow."""
    return Say("mine-rated", (button("rate_words", own.incident_id), button("done", own.incident_id)))
