"""What LINE tells of friends: they come, they go, they tap our buttons, they send the place of their home."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from core import clock
from core.errors import FaonamError, InvalidInputError
from core.events import subscribes
from core.logs import get_logger
from gis.errors import InvalidPlaceError
from gis.points import LonLat
from line import client, outbox
from line.events import Followed, MessageReceived, PostbackReceived, Unfollowed, open_line_user
from residents import actions, cards, queries, rules
from residents.models import Resident

log = get_logger("residents")
SUBJECT = "resident"


@subscribes(Followed, by="residents.welcome")
def welcome(session: Session, event: Followed) -> None:
    """The new friend is known, in the language of the LINE profile where it says one, and has been welcomed."""
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident = actions.register_from_follow(
        session, line_user_id=line_user_id, language=_language_of(line_user_id), happened_at=event.happened_at
    )
    if resident.is_reachable:
        _answer(session, resident, line_user_id, event.reply_token, cards.welcome(resident.language))


def _language_of(line_user_id: str) -> str:
    try:
        profile = client.profile(line_user_id)
    except FaonamError as exc:  # A first guess is not worth a failed welcome; the resident can choose.
        log.warning("profile.unavailable", error=type(exc).__name__)
        return "th"
    return rules.language_of(profile.get("language") if profile else None)


@subscribes(Unfollowed, by="residents.mark_unreachable")
def mark_unreachable(session: Session, event: Unfollowed) -> None:
    """The one who blocked us counts as unreachable from that time on."""
    line_user_id = open_line_user(event.line_user_id_sealed)
    actions.mark_unreachable(session, line_user_id=line_user_id, happened_at=event.happened_at)


@subscribes(PostbackReceived, by="residents.hear_button")
def hear_button(session: Session, event: PostbackReceived) -> None:
    """A button of membership has done what it says; the buttons of other rooms are none of ours."""
    topic, _, choice = event.data.partition(":")
    if topic not in {"home", "language", "consent"}:
        return
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident = actions.resident_of(session, line_user_id)
    answer = _pressed(session, resident, event, topic=topic, choice=choice)
    if answer is not None:
        _answer(session, resident, line_user_id, event.reply_token, answer)


def _pressed(
    session: Session, resident: Resident, event: PostbackReceived, *, topic: str, choice: str
) -> dict[str, Any] | None:
    if topic == "home" and choice == "ask":
        actions.ask_for_home(session, resident, at=event.happened_at)
        return cards.ask_home(resident.language)
    if topic == "language" and choice == "ask":
        return cards.ask_language(resident.language)
    if topic == "language" and choice in rules.LANGUAGES:
        actions.choose_language(session, resident, choice)
        return cards.language_chosen(resident.language)
    if topic == "consent" and choice.startswith("give:"):
        actions.give_consent(session, resident, version=choice.removeprefix("give:")[:20], at=clock.now())
        return cards.consent_thanks(resident.language)
    if topic == "consent" and choice == "withdraw":
        actions.withdraw_consent(session, resident)
        return cards.consent_withdrawn(resident.language)
    return None


@subscribes(MessageReceived, by="residents.hear_home")
def hear_home(session: Session, event: MessageReceived) -> None:
    """A place sent after our question is the home; any other message ends the question."""
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident = queries.by_line_user(session, line_user_id)
    if resident is None or not rules.is_home_pin(
        asked_at=resident.home_asked_at, answered_at=resident.home_answered_at, happened_at=event.happened_at
    ):
        return
    match event.message:
        case {"type": "location", "longitude": float() | int() as lon, "latitude": float() | int() as lat}:
            answer = _home_at(session, resident, event, lon=float(lon), lat=float(lat))
            _answer(session, resident, line_user_id, event.reply_token, answer)
        case _:
            resident.home_asked_at = None


def _home_at(session: Session, resident: Resident, event: MessageReceived, *, lon: float, lat: float) -> dict[str, Any]:
    try:
        place = LonLat(lon=lon, lat=lat)
        actions.set_home(session, resident.id, place)
    except (InvalidPlaceError, InvalidInputError):
        return cards.home_outside(resident.language)
    resident.home_answered_at = event.happened_at
    if resident.consented_at is None:
        # Sending the pin in answer to a question that says what it is for is the consent to that use.
        actions.give_consent(session, resident, version=rules.CONSENT_VERSION, at=clock.now())
    community = queries.community_at(session, place)
    name = None if community is None else community.name_th if resident.language != "en" else community.name_en
    return cards.home_saved(resident.language, name)


def _answer(
    session: Session, resident: Resident, line_user_id: str, reply_token: str | None, message: dict[str, Any]
) -> None:
    outbox.reply(
        session,
        subject=f"{SUBJECT}:{resident.id}",
        reply_token=reply_token,
        line_user_id=line_user_id,
        messages=[message],
    )
