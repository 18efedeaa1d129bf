"""A resident's turn on LINE, acted on: the conversation decides; here the draft is kept, the rest done and said."""

from __future__ import annotations

import secrets
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import clock, sealing
from gis.errors import NoCityError
from gis.gazetteer.geocode import geocode
from gis.gazetteer.queries import gazetteer
from gis.points import LonLat
from gis.queries import place_label
from incidents import (
    actions,
    aftertalk,
    afterwards,
    cards,
    catalogue,
    conversation,
    drafts,
    keeping,
    meanings,
    near_queries,
    pictures,
    promise_queries,
    queries,
    rules,
    turn_queries,
    warned,
)
from incidents.conversation import (
    AddPhoto,
    AddWords,
    Effect,
    Known,
    MoveIncident,
    OpenEmergency,
    Pin,
    Place,
    Say,
    SubmitReport,
    Tap,
    Turn,
    Words,
)
from incidents.handful import LeavePhoto, Picture
from incidents.models import Category, Incident
from incidents.rules import NewReport
from incidents.speaking import ANSWER_PRIORITY, Speaker, say, send, who
from incidents.turn_queries import Standing
from incidents.understood import understood
from line import messages as line_messages
from line import personal as line_personal

# What is read on a phone before a report is sent; with all else in the question it fits one message.
TEXT_SHOWN_UTF16 = 2_000


def standing_of(session: Session, resident_id: int) -> Standing:
    """Where the resident stands in the conversation now."""
    return turn_queries.standing(session, resident_id, now=clock.now())


def take_turn(
    session: Session, speaker: Speaker, coming: conversation.Input | str, standing: Standing | None = None
) -> None:
    """The resident has been answered, the draft kept, and what was to be done is done.

    `coming` is a plain text, or a picture, pin or button; `standing` is where they stand, where that was asked for
    already. Nobody else takes a turn of the same resident's meanwhile: `line.receiver` serves a person alone.
    """
    now = clock.now()
    standing = standing or standing_of(session, speaker.resident_id)
    speaker = replace(speaker, has_news=standing.has_news)
    if isinstance(coming, str) and standing.is_answering and _answered_question(session, speaker, coming, now=now):
        return
    known_categories = queries.categories(session, standing.categories_version)
    told, before = standing.draft, standing.offered
    if standing.step == afterwards.STEP:
        messages, laid_aside = aftertalk.take_turn(session, who(speaker), coming, now=now)
        if messages is not None:
            send(session, speaker, messages, priority=ANSWER_PRIORITY)
            return
        told, before = (laid_aside.data, laid_aside.offered) if laid_aside else (None, None)
    draft = drafts.read(told) if told else None
    offered = before
    if isinstance(coming, str):
        coming, offered = _read(session, coming, draft, known_categories, standing)
        if _answered_aside(session, speaker, coming, draft):
            return
    if isinstance(coming, Picture):
        coming = replace(coming, ranked=_codes_offered(before))
    if isinstance(coming, Pin):
        coming = replace(coming, outside_km=_outside_km(session, standing, coming))
    if isinstance(coming, Tap):
        warned_home = warned.home_of(session, coming.data, speaker.resident_id)
        standing = replace(standing, home=warned_home or standing.home)
    known = _known(standing, known_categories, _told(session, standing, draft, coming))
    turn = pictures.turn(draft, coming, known)
    incident = _effect(session, speaker, turn.effect, known_categories, before)
    # What is done may be news to who does it; not so a report of something new.
    is_new = incident is not None and incident.report_count == 1
    speaker = replace(speaker, has_news=speaker.has_news or (turn.effect is not None and not is_new))
    _keep(session, speaker, turn, incident, offered if _asks_category(turn) else before, now=now)
    _answer(session, speaker, turn, incident, known_categories)


def take_late_turn(session: Session, resident_id: int, line_user_id: str, language: str) -> None:
    """No further photo came after those that wait: they are answered together. Twice is the same as once."""
    line_personal.hold(session, line_user_id)  # Nothing they say meanwhile is heard before this ends.
    now = clock.now()
    stored = queries.draft_of(session, resident_id, now=now)
    if stored is None or stored.answer_due_at is None or stored.answer_due_at > now:
        return
    token = sealing.unseal(bytes(stored.answer_token_sealed)) if stored.answer_token_sealed else None
    speaker = Speaker(resident_id, line_user_id, language, token, spoke_at=stored.updated_at)
    standing = turn_queries.standing(session, resident_id, now=now)
    known_categories = queries.categories(session, standing.categories_version)
    known = _known(standing, known_categories, None)
    turn = pictures.late_turn(drafts.read(stored.data), known, ranked=_codes_offered(stored.offered))
    _keep(session, speaker, turn, None, stored.offered, now=now)
    _answer(session, speaker, turn, None, known_categories)


def take_place_of_photo(
    session: Session, resident_id: int, line_user_id: str, language: str, *, photo_id: int, place: Place
) -> None:
    """Where the photo of the report being told was taken is offered as its place. Twice is the same as once."""
    line_personal.hold(session, line_user_id)  # As above.
    now = clock.now()
    stored = queries.draft_of(session, resident_id, now=now)
    if stored is None or photo_id not in stored.data.get("photo_ids", ()):
        return
    token = sealing.unseal(bytes(stored.answer_token_sealed)) if stored.answer_token_sealed else None
    speaker = Speaker(resident_id, line_user_id, language, token, spoke_at=stored.updated_at)
    standing = turn_queries.standing(session, resident_id, now=now)
    categories = queries.categories(session, standing.categories_version)
    turn = pictures.place_turn(drafts.read(stored.data), place, _known(standing, categories, None))
    _keep(session, speaker, turn, None, stored.offered, now=now)
    _answer(session, speaker, turn, None, categories)


def _codes_offered(offered: dict[str, Any] | None) -> tuple[str, ...]:
    """The categories that were offered last, likeliest first."""
    return tuple(code for code, _ in offered["guesses"]) if offered else ()


def _read(
    session: Session, text: str, draft: conversation.Draft | None, categories: list[Category], standing: Standing
) -> tuple[Words, dict[str, Any]]:
    told = f"{draft.text}\n{text}" if draft else text
    offer = understood(session, categories, told, model=standing.model)
    emergency = catalogue.shipped().emergency.category_of(text)
    return Words(text=text, ranked=offer.codes, emergency=emergency), offer.as_json()


def _asks_category(turn: Turn) -> bool:
    return turn.draft is not None and turn.draft.step == "category"


def _answered_aside(session: Session, speaker: Speaker, words: Words, draft: conversation.Draft | None) -> bool:
    """True where the words are no report and no answer and were answered as what they are.

    A question about a report, small talk, or what nobody can read: nobody who writes is left without an answer.
    """
    if words.emergency:
        return False
    if meanings.asks_for_status(words.text) or (draft is None and meanings.asks_to_cancel(words.text)):
        messages = aftertalk.overview(session, who(speaker), words.text)
        send(session, speaker, messages, priority=ANSWER_PRIORITY)
        return True
    if draft is not None or meanings.asks_to_begin(words.text):
        return False
    if meanings.can_begin_report(words.text, ranked=words.ranked):
        return False
    say(session, speaker, [Say(meanings.aside(words.text))], {}, {})
    return True


def _answered_question(session: Session, speaker: Speaker, text: str, *, now: datetime) -> bool:
    """True where the words were the answer that the resident had announced by the button; a cry for help never is."""
    pause = promise_queries.pause_being_answered(session, speaker.resident_id, now=now)
    if pause is None or catalogue.shipped().emergency.category_of(text):
        return False
    incident_id = pause.incident_id
    actions.add_words(session, incident_id=incident_id, resident_id=speaker.resident_id, text=text)
    keeping.resume(session, incident_id, by="reporter", reason=cards.say("reason-answered", "th"))
    say(session, speaker, [Say("answer-taken")], {}, {})
    return True


def _told(
    session: Session, standing: Standing, draft: conversation.Draft | None, coming: conversation.Input
) -> Place | None:
    """The place in the city that the words so far name for certain, None where they name none."""
    text = "\n".join(part for part in (draft.text if draft else "", getattr(coming, "text", "")) if part)
    if not text:
        return None
    try:
        city = gazetteer(session, standing.city)
    except NoCityError:
        return None
    best = next(iter(geocode(city, text).candidates), None)
    if best is None or not rules.is_place_told(confidence=best.confidence, radius_m=best.radius_m):
        return None
    is_here = city.city is not None and city.city.holds(best.place)
    return Place(best.place.lon, best.place.lat, "words", best.radius_m) if is_here else None


def _outside_km(session: Session, standing: Standing, pin: Pin) -> int | None:
    """How far outside the city's box the pin lies, where that is far; None where no city is known."""
    if standing.city is None:
        return None
    try:
        extent = gazetteer(session, standing.city).city
    except NoCityError:
        return None
    return rules.far_outside_km(extent.away_m(LonLat(lon=pin.lon, lat=pin.lat))) if extent is not None else None


def _known(standing: Standing, categories: list[Category], told: Place | None) -> Known:
    home, pin = standing.home, standing.recent_pin
    return Known(
        new_key=secrets.token_hex(4),
        category_codes=tuple(category.code for category in categories),
        home=Place(home.lon, home.lat, "home") if home else None,
        recent_pin=Place(pin.lon, pin.lat, "recent_pin") if pin else None,
        told=told,
    )


# ── What is done ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _effect(
    session: Session, speaker: Speaker, effect: Effect | None, categories: list[Category],
    offered: dict[str, Any] | None,
) -> Incident | None:
    new = None
    match effect:
        case SubmitReport(text, category_code, place, photo_ids, is_private):
            new = _new_report(speaker, text, category_code, place, photo_ids, offered, is_private=is_private)
        case OpenEmergency(text, category_code, place, photo_ids):
            new = _new_report(speaker, text or cards.say("help-summary", "th"), category_code, place, photo_ids)
        case MoveIncident(incident_id, place):
            return _move(session, speaker, incident_id, place)
        case AddWords(incident_id, text):
            actions.add_words(session, incident_id=incident_id, resident_id=speaker.resident_id, text=text)
        case AddPhoto(incident_id, photo_id):
            actions.attach_photo(session, photo_id=photo_id, incident_id=incident_id)
        case LeavePhoto(photo_id):
            turn_queries.leave_photo(session, photo_id)
    if new is None:
        return None
    category = next((one for one in categories if one.code == new.category_code), None)
    return actions.receive_report(session, new, category)[1]


def _new_report(
    speaker: Speaker, text: str, category_code: str, place: Place, photo_ids: tuple[int, ...],
    offered: dict[str, Any] | None = None, *, is_private: bool = False,
) -> NewReport:
    return NewReport(
        text=text,
        category_code=category_code,
        place=LonLat(lon=place.lon, lat=place.lat),
        place_source=place.source,
        radius_m=place.radius_m,
        resident_id=speaker.resident_id,
        photo_ids=photo_ids,
        is_private=is_private,
        offered=offered,
    )


def _move(session: Session, speaker: Speaker, incident_id: int, place: Place) -> Incident:
    """The pin moves an incident that only this resident reported; in a shared one it counts as a report of its own."""
    incident = queries.incident(session, near_queries.surviving_id(session, incident_id))
    if incident.report_count == 1 and incident.state in rules.OPEN_STATES:
        return actions.move_incident(session, incident.id, LonLat(lon=place.lon, lat=place.lat))
    new = _new_report(speaker, incident.summary, incident.category_code, place, ())
    return actions.receive_report(session, new)[1]


# ── What is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _keep(
    session: Session, speaker: Speaker, turn: Turn, incident: Incident | None, offered: dict[str, Any] | None, *,
    now: datetime,
) -> None:
    if turn.draft is None:
        turn_queries.forget_draft(session, speaker.resident_id)
        return
    draft = turn.draft if incident is None else replace(turn.draft, incident_id=incident.id)
    waits = draft.handful is not None and draft.handful.waits
    life = rules.EMERGENCY_DRAFT_LIFE if draft.step == "emergency_pin" else rules.DRAFT_LIFE
    turn_queries.keep_draft(
        session, speaker.resident_id, step=draft.step, data=asdict(draft), offered=offered, updated_at=speaker.spoke_at,
        expires_at=now + life, answer_due_at=now + pictures.ANSWER_AFTER if waits else None,
        answer_token=speaker.reply_token if waits else None,
    )


# ── What is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _answer(
    session: Session, speaker: Speaker, turn: Turn, incident: Incident | None, categories: list[Category]
) -> None:
    names = cards.category_names(categories, speaker.language)
    says = list(turn.says)
    slots = _slots(session, speaker, turn, incident, names)
    if isinstance(turn.effect, SubmitReport) and incident is not None:
        says.append(Say(_received(incident, people=int(slots["people"]))))
    say(session, speaker, says, slots, names)


def _received(incident: Incident, *, people: int) -> str:
    """What is said of a report that came in: the first of its incident, one of several people's, or one's own next."""
    if incident.report_count == 1:
        return "submitted"
    return "submitted-joined" if people > 1 else "submitted-again"


def _slots(
    session: Session, speaker: Speaker, turn: Turn, incident: Incident | None, names: dict[str, str]
) -> dict[str, str | int]:
    language = speaker.language
    if incident is not None:
        row = queries.receipt(session, incident.id)
        agency = row.agency_th if language == "th" else row.agency_en
        return {
            "number": row.number, "is_public": int(row.is_public),
            "category": names[row.category_code],
            "place": row.place_label_th if language == "th" else row.place_label_en,
            "agency": agency or cards.say("the-city", language),
            "promised": cards.moment(row.promised_at, language),
            "people": row.people,
            "far_km": turn.draft.far_km if turn.draft else 0,
        }
    draft = turn.draft
    if draft is None:
        return {}
    more = draft.handful.kept - 1 if draft.handful else 0
    photos: dict[str, str | int] = {"photos": len(draft.photo_ids), "more": more, "far_km": draft.far_km}
    if draft.seen_from is not None and any(said.key == "ask-photo-place" for said in turn.says):
        photos["photo_place"] = _label(session, draft.seen_from, language)
    if draft.step != "confirm" or draft.category_code is None or draft.place is None:
        return photos
    return {
        "category": names[draft.category_code],
        "text": line_messages.cut(draft.text, limit_utf16=TEXT_SHOWN_UTF16) or cards.say("no-text", language),
        **photos,
        "place": _label(session, draft.place, language),
    }


def _label(session: Session, place: Place, language: str) -> str:
    return place_label(session, LonLat(lon=place.lon, lat=place.lat), "th" if language == "th" else "en")


def answer_unusable(session: Session, speaker: Speaker) -> None:
    """A sticker, film, voice, or place off the earth is answered with what can be used."""
    say(session, speaker, [Say("only-these")], {}, {})


def answer_lone_place(session: Session, speaker: Speaker, standing: Standing) -> None:
    """A place that belongs to no report being told and no home is answered: what has happened there?

    Who has just sent a report with a pin may mean that one, and hears how its place is changed.
    """
    key = "pin-without-report" if standing.recent_pin is None else "pin-after-report"
    say(session, speaker, [Say(key)], {}, {})


def pin(lon: float, lat: float) -> Pin:
    """A location message as the conversation takes it; raises InvalidPlaceError for numbers that are no place."""
    checked = LonLat(lon=lon, lat=lat)
    return Pin(lon=checked.lon, lat=checked.lat)
