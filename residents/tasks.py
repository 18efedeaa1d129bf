"""What LINE tells of friends: they come, they go, they tap our buttons, they send the place of their home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from core import clock, jobs
from core.errors import ConflictError, FaonamError, InvalidInputError
from core.events import subscribes
from core.logs import get_logger
from gis.errors import InvalidPlaceError
from gis.points import LonLat
from line import client, outbox, personal
from line.events import (
    ChunkGivenUp,
    ChunksAccepted,
    Followed,
    MessageReceived,
    PostbackReceived,
    SpeakerHeld,
    Unfollowed,
    open_line_user,
)
from residents import actions, cards, codes, crowd, doors, erasure, menus, queries, rules, watching
from residents.errors import LeadersCodeError, TooManyTriesError, WrongCodeError
from residents.models import Resident
from residents.models_rights import Erasure

log = get_logger("residents")
SUBJECT = "resident"
FAREWELL = "farewell"


@subscribes(Followed, by="residents.welcome")
def welcome(session: Session, event: Followed) -> None:
    """The new friend is known, in the language of the LINE profile where it says one, and has been welcomed."""
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident = actions.register_from_follow(
        session, line_user_id=line_user_id, language=_language_of(line_user_id), happened_at=event.happened_at
    )
    if resident.is_reachable:
        _answer(session, resident, line_user_id, event.reply_token, cards.welcome(resident.language))
        if resident.language != menus.languages()[0]:
            jobs.enqueue(session, link_menu, resident_id=resident.id)


def _language_of(line_user_id: str) -> str:
    try:
        profile = client.profile(line_user_id)
    except FaonamError as exc:  # A first guess is not worth a failed welcome; the resident can choose.
        log.warning("profile.unavailable", error=type(exc).__name__)
        return "th"
    return rules.language_of(profile.get("language") if profile else None)


@subscribes(SpeakerHeld, by="residents.say_that_it_is_held")
def say_that_it_is_held(session: Session, event: SpeakerHeld) -> None:
    """Who sends more than anybody tells hears once that we have it, and how to call for help."""
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident = actions.resident_of(session, line_user_id)
    _answer(session, resident, line_user_id, event.reply_token, cards.plain("held", resident.language))


@jobs.job(name="residents.link_menu", attempts=14)
def link_menu(session: Session, *, resident_id: int) -> None:
    """The resident sees the menu of the language that they have now; tried again while LINE does not answer."""
    resident = session.get(Resident, resident_id)
    line_user_id = queries.line_ids(session, [resident_id]).get(resident_id)
    if resident is not None and line_user_id is not None and resident.is_reachable:
        menus.link(line_user_id, resident.language)


@subscribes(Unfollowed, by="residents.mark_unreachable")
def mark_unreachable(session: Session, event: Unfollowed) -> None:
    """The one who blocked us counts as unreachable from that time on."""
    line_user_id = open_line_user(event.line_user_id_sealed)
    actions.mark_unreachable(session, line_user_id=line_user_id, happened_at=event.happened_at)


@subscribes(PostbackReceived, by="residents.hear_button")
def hear_button(session: Session, event: PostbackReceived) -> None:
    """A button of membership has done what it says; the buttons of other rooms are none of ours."""
    topic, _, choice = event.data.partition(":")
    if topic not in {"home", "language", "consent", "me", "watch", "unwatch"}:
        return
    line_user_id = open_line_user(event.line_user_id_sealed)
    if (topic, choice) == ("me", "erase-yes"):
        _erase(session, line_user_id, event)
        return
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
        jobs.enqueue(session, link_menu, resident_id=resident.id)
        return cards.language_chosen(resident.language)
    if topic == "consent" and choice == "ask":
        return cards.ask_consent(resident.language)
    if topic == "consent" and choice == f"give:{rules.CONSENT_VERSION}":
        shown = _shown(resident, cards.shown_consent("warnings", resident.language))
        actions.give_consent(session, resident, version=rules.CONSENT_VERSION, at=clock.now(), shown=shown)
        return cards.consent_thanks(resident.language)
    if topic == "consent" and choice.startswith("give:"):
        return cards.consent_again(resident.language)  # The button of an older text agrees to nothing.
    if topic == "consent" and choice == "withdraw":
        shown = _shown(resident, cards.say("consent-withdrawn", resident.language))
        actions.withdraw_consent(session, resident, at=clock.now(), shown=shown)
        return cards.consent_withdrawn(resident.language)
    if topic in {"watch", "unwatch"}:
        chosen = [one for one in queries.communities(session) if choice == str(one.id)]
        return _follow(session, resident, chosen) if topic == "watch" else _unfollow(session, resident, chosen)
    return _pressed_about_me(session, resident, event, choice) if topic == "me" else None


def _follow(session: Session, resident: Resident, meant: Sequence[queries.Community]) -> dict[str, Any]:
    """The one area that was meant is followed; where it may be several, or none, the resident chooses."""
    if resident.consented_at is None:
        return cards.ask_consent(resident.language)
    mine = watching.areas_of(session, resident.id)
    if len(meant) != 1:
        return cards.choose_area(resident.language, meant or queries.communities(session), mine=mine)
    try:
        watching.follow(session, resident, meant[0].id)
    except ConflictError:
        return cards.stop_following(resident.language, mine, is_full=True)
    return cards.following(resident.language, watching.areas_of(session, resident.id))


def _unfollow(session: Session, resident: Resident, meant: Sequence[queries.Community]) -> dict[str, Any]:
    mine = watching.areas_of(session, resident.id)
    stopped = [one for one in mine if one.id in {area.id for area in meant}]
    if len(stopped) != 1:
        return cards.stop_following(resident.language, mine, is_full=False)
    watching.unfollow(session, resident, stopped[0].id)
    return cards.following(resident.language, [one for one in mine if one != stopped[0]])


def _choose_news(session: Session, resident: Resident, *, is_wanted: bool) -> dict[str, Any]:
    shown = _shown(resident, cards.say("news-on" if is_wanted else "news-off", resident.language))
    try:
        watching.choose_news(session, resident, is_wanted=is_wanted, at=clock.now(), shown=shown)
    except ConflictError:
        return cards.ask_consent(resident.language)
    return cards.plain("news-on" if is_wanted else "news-off", resident.language)


def _shown(resident: Resident, text: str) -> actions.Shown:
    return actions.Shown(text=text, language=resident.language, way="line")


def _pressed_about_me(
    session: Session, resident: Resident, event: PostbackReceived, choice: str
) -> dict[str, Any] | None:
    if choice == "export":
        try:
            return cards.export_ready(resident.language, doors.export_link(session, resident))
        except TooManyTriesError:
            return cards.plain("export-too-many", resident.language)
    if choice == "erase":
        resident.erasure_asked_at = event.happened_at
        return cards.ask_erasure(resident.language)
    if choice == "erase-no":
        resident.erasure_asked_at = None
        return cards.plain("erase-kept", resident.language)
    return None


def _erase(session: Session, line_user_id: str, event: PostbackReceived) -> None:
    """The yes to our question of a moment ago is done; any other yes is asked once more, and makes nobody known."""
    resident = queries.by_line_user(session, line_user_id)
    if resident is None:
        return
    if not rules.may_erase(asked_at=resident.erasure_asked_at, happened_at=event.happened_at):
        resident.erasure_asked_at = event.happened_at
        _answer(session, resident, line_user_id, event.reply_token, cards.ask_erasure(resident.language))
        return
    language = resident.language
    ordered, receipt = erasure.order(session, resident, account=None)
    erasure.erase(session, ordered, until=event.happened_at)
    _say_farewell(session, ordered, line_user_id, event.reply_token, cards.farewell(language, receipt))


def _say_farewell(
    session: Session, ordered: Erasure, line_user_id: str, reply_token: str | None, message: dict[str, Any]
) -> None:
    """The last words are on their way; they too are forgotten once LINE has taken or refused them."""
    outbox.reply(
        session,
        subject=f"{FAREWELL}:{ordered.id}",
        reply_token=reply_token,
        line_user_id=line_user_id,
        messages=[message],
    )


@subscribes(ChunksAccepted, by="residents.forget_farewell")
def forget_farewell(session: Session, event: ChunksAccepted) -> None:
    """The last words to somebody who was erased went out and are forgotten."""
    if event.subject.startswith(f"{FAREWELL}:"):
        personal.forget_chunks(session, event.chunk_ids)


@subscribes(ChunkGivenUp, by="residents.forget_failed_farewell")
def forget_failed_farewell(session: Session, event: ChunkGivenUp) -> None:
    """The last words to somebody who was erased could not go out and are forgotten all the same."""
    if event.subject.startswith(f"{FAREWELL}:"):
        personal.forget_chunks(session, [event.chunk_id])


@jobs.job(name="residents.erase_as_ordered")
def erase_as_ordered(session: Session, *, erasure_id: int) -> None:
    """Whom an officer ordered to be erased is, and has been told."""
    ordered = session.get_one(Erasure, erasure_id)
    if ordered.resident_id is None:
        # Erased before, by another order or by chat: this one is done as well.
        ordered.done_at = ordered.done_at or clock.now()
        return
    resident = queries.resident(session, ordered.resident_id)
    language, is_reachable = resident.language, resident.is_reachable
    line_user_id = erasure.erase(session, ordered, until=None)
    if line_user_id is not None and is_reachable:
        _say_farewell(session, ordered, line_user_id, None, cards.plain("farewell-by-officer", language))


@subscribes(MessageReceived, by="residents.hear_home")
def hear_home(session: Session, event: MessageReceived) -> None:
    """A place sent after our question is the home; any other message ends the question.

    Words about one's own data, and codes, are answered; who agreed to an older text is asked again.
    """
    line_user_id = open_line_user(event.line_user_id_sealed)
    text = event.message.get("text") if event.message.get("type") == "text" else None
    asked = rules.asked_in(text) if isinstance(text, str) else None
    if asked is not None:
        _answer_asked(session, actions.resident_of(session, line_user_id), line_user_id, event, asked)
        return
    resident = queries.by_line_user(session, line_user_id)
    if resident is None:
        return
    if rules.is_home_pin(
        asked_at=resident.home_asked_at, answered_at=resident.home_answered_at, happened_at=event.happened_at
    ):
        _hear_place(session, resident, line_user_id, event)
    if rules.is_consent_outdated(resident.consent_version, asked_version=resident.consent_asked_version):
        resident.consent_asked_version = rules.CONSENT_VERSION
        # The reply token is the report's: this question is worth a push.
        _answer(session, resident, line_user_id, None, cards.consent_again(resident.language))


def ask_for_home(session: Session, resident: Resident, line_user_id: str, event: MessageReceived) -> None:
    """The resident who wrote of their home and of nothing else is asked where it is, as by the menu's button."""
    actions.ask_for_home(session, resident, at=event.happened_at)
    _answer(session, resident, line_user_id, event.reply_token, cards.ask_home(resident.language))


def _hear_place(session: Session, resident: Resident, line_user_id: str, event: MessageReceived) -> None:
    match event.message:
        case {"type": "location", "longitude": float() | int() as lon, "latitude": float() | int() as lat}:
            answer = _home_at(session, resident, event, lon=float(lon), lat=float(lat))
            _answer(session, resident, line_user_id, event.reply_token, answer)
        case _:
            resident.home_asked_at = None


def _answer_asked(
    session: Session, resident: Resident, line_user_id: str, event: MessageReceived, asked: rules.Asked
) -> None:
    language = resident.language
    if asked.what == "erase":
        resident.erasure_asked_at = event.happened_at
        answer = cards.ask_erasure(language)
    elif asked.what == "code":
        answer = _tried(session, resident, asked.code)
    elif asked.what == "language":
        answer = cards.ask_language(language)
    elif asked.what == "watch":
        answer = _follow(session, resident, watching.meant(session, asked.area))
    elif asked.what == "unwatch":
        answer = _unfollow(session, resident, watching.meant(session, asked.area))
    elif asked.what in {"news_on", "news_off"}:
        answer = _choose_news(session, resident, is_wanted=asked.what == "news_on")
    else:
        answer = cards.about_me(language, _about(session, resident))
    _answer(session, resident, line_user_id, event.reply_token, answer)


def _about(session: Session, resident: Resident) -> cards.AboutMe:
    is_thai = resident.language == "th"
    return cards.AboutMe(
        number=resident.id,
        has_consented=resident.consented_at is not None,
        homes=len(queries.homes_of(session, resident.id)),
        is_identity_checked=resident.identity_checked_at is not None,
        groups=[one.name_th if is_thai else one.name_en for one in queries.groups_of(session, resident.id)],
    )


def _tried(session: Session, resident: Resident, code: str) -> dict[str, Any]:
    try:
        opened = codes.use_code(session, resident, code)
    except TooManyTriesError:
        return cards.plain("code-too-many", resident.language)
    except LeadersCodeError:
        return cards.plain("code-for-leaders", resident.language)
    except WrongCodeError:
        codes.note_wrong_code(session, resident)
        return cards.plain("code-wrong", resident.language)
    if opened.group is None:
        return cards.plain("identity-checked", resident.language)
    name = opened.group.name_th if resident.language == "th" else opened.group.name_en
    return cards.plain("group-joined", resident.language, group=name)


def _home_at(session: Session, resident: Resident, event: MessageReceived, *, lon: float, lat: float) -> dict[str, Any]:
    try:
        place = LonLat(lon=lon, lat=lat)
        actions.set_home(session, resident.id, place)
    except (InvalidPlaceError, InvalidInputError):
        return cards.home_outside(resident.language)
    resident.home_answered_at = event.happened_at
    if resident.consented_at is None:
        # Sending the pin in answer to a question that says what it is for is the consent to that use.
        shown = _shown(resident, cards.say("home-ask", resident.language))
        actions.give_consent(session, resident, version=rules.CONSENT_VERSION, at=clock.now(), shown=shown)
    community = queries.community_at(session, place)
    name = None if community is None else community.name_th if resident.language == "th" else community.name_en
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


@jobs.periodic(name="residents.forget_old_changes", cron="47 * * * *")
def forget_old_changes(session: Session) -> None:
    """That somebody moved or changed their language is noted for as long as somebody may ask for it."""
    crowd.forget_old_changes(session)
