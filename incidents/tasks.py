"""What wakes the room: residents' messages and buttons, pictures to fetch, drafts to forget."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

import incidents.exchange.tasks
import incidents.groups
import incidents.personal  # noqa: F401 - this is where the room forgets people.
from core import clock, jobs
from core.events import subscribes
from core.logs import get_logger
from gis.errors import InvalidPlaceError
from gis.points import LonLat
from incidents import (
    actions,
    asides,
    blocked,
    buttons,
    fading,
    group_calls,
    handful,
    keeping,
    late_answers,
    photo_places,
    photos,
    phrases,
    refused_photos,
    rules,
    talk,
    telling,
    tiles,
)
from incidents.events import GroupCalled
from incidents.models import Draft, Photo
from incidents.speaking import Speaker
from line import content
from line.errors import ContentGoneError, LineRefusedError
from line.events import MessageReceived, MessageUnsent, PostbackReceived, open_line_user
from residents import actions as residents_actions
from residents import rules as residents_rules
from residents import tasks as residents_tasks
from residents.models import Resident

log = get_logger("incidents")


@subscribes(MessageReceived, by="incidents.hear_message")
def hear_message(session: Session, event: MessageReceived) -> None:
    """The message is a turn of the resident's conversation, or none of ours."""
    if event.message.get("type") == "text" and residents_rules.asked_in(str(event.message.get("text"))):
        return  # The residents' room answers.
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident = residents_actions.resident_of(session, line_user_id)
    if _is_blocked(resident) and blocked.keeps_out(session, resident, line_user_id, event):
        return
    speaker = _speaker(resident, line_user_id, event)
    match event.message:
        case {"type": "text", "text": str(text)} if phrases.asks_for_home(text) and not _is_telling(session, resident):
            residents_tasks.ask_for_home(session, resident, line_user_id, event)
        case {"type": "text", "text": str(text)}:
            if not asides.have_answered(session, speaker, text):
                talk.take_turn(session, speaker, text)
        case {"type": "image", "id": str(message_id)}:
            _hear_picture(session, speaker, message_id, event.message.get("imageSet"))
        case {"type": "location", "longitude": float() | int() as lon, "latitude": float() | int() as lat}:
            _hear_place(session, speaker, resident, lon=float(lon), lat=float(lat))
        case _:
            talk.answer_unusable(session, speaker)


def _is_telling(session: Session, resident: Resident) -> bool:
    """A report is being told, and the home may be where it is."""
    return talk.standing_of(session, resident.id).spoken_at is not None


def _is_blocked(resident: Resident) -> bool:
    return residents_rules.is_blocked(resident.blocked_until_at, now=clock.now())


def _speaker(resident: Resident, line_user_id: str, event: MessageReceived | PostbackReceived) -> Speaker:
    return Speaker(
        resident_id=resident.id,
        line_user_id=line_user_id,
        language=resident.language,
        reply_token=event.reply_token,
        spoke_at=event.happened_at,
    )


def _hear_picture(session: Session, speaker: Speaker, message_id: str, image_set: object) -> None:
    photo_id = actions.note_line_photo(session, message_id)
    jobs.enqueue(session, fetch_photo, photo_id=photo_id, resident_id=speaker.resident_id)
    talk.take_turn(session, speaker, handful.picture(photo_id, sent_at=speaker.spoke_at, image_set=image_set))


def _hear_place(session: Session, speaker: Speaker, resident: Resident, *, lon: float, lat: float) -> None:
    is_for_home = residents_rules.is_home_pin(
        asked_at=resident.home_asked_at, answered_at=resident.home_answered_at, happened_at=speaker.spoke_at
    )
    standing = talk.standing_of(session, resident.id)
    told_at = standing.spoken_at
    if is_for_home and resident.home_asked_at is not None and (told_at is None or resident.home_asked_at > told_at):
        return  # The last question was for the home: the residents' room takes the place.
    try:
        pin = talk.pin(lon, lat)
    except InvalidPlaceError:
        log.info("message.no_place")
        talk.answer_unusable(session, speaker)
        return
    if told_at is None:
        if not asides.have_answered_place(session, speaker, LonLat(lon=pin.lon, lat=pin.lat)):
            talk.answer_lone_place(session, speaker, standing)
        return
    talk.take_turn(session, speaker, pin, standing)


@subscribes(PostbackReceived, by="incidents.hear_button")
def hear_button(session: Session, event: PostbackReceived) -> None:
    """The button is a turn of the conversation, a cry for help, or a word about a finished incident.

    Buttons of other rooms make nobody known here: one of them has just erased its presser.
    """
    if not buttons.is_ours(event.data):
        return
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident = residents_actions.resident_of(session, line_user_id)
    if _is_blocked(resident) and blocked.keeps_out(session, resident, line_user_id, event):
        return
    buttons.answer_button(session, _speaker(resident, line_user_id, event), event.data)


@subscribes(MessageUnsent, by="incidents.forget_unsent_photo")
def forget_unsent_photo(session: Session, event: MessageUnsent) -> None:
    """A picture that its sender took back is gone here too."""
    actions.forget_line_photo(session, event.message_id)


# With waits of 2, 4, 8 … s: an hour without LINE loses no picture (8 attempts would end after 4 minutes).
@jobs.job(name="incidents.fetch_photo", attempts=14)
def fetch_photo(session: Session, *, photo_id: int, resident_id: int | None = None) -> None:
    """The picture is kept, or the reason why it cannot be is, which its sender hears.

    Tried again while LINE does not answer. A job from before senders were named has none.
    """
    photo = session.get(Photo, photo_id)
    if photo is None or photo.path is not None or photo.refused_reason is not None or photo.line_message_id is None:
        return
    raw, refused = b"", None
    try:
        raw = content.fetch_photo(photo.line_message_id)
    except (ContentGoneError, LineRefusedError) as exc:
        refused = exc.detail
    refused = refused or photos.fault_in(raw)
    # Its sender is held before it is, as in their turns.
    if refused is None:
        photo_places.offer(session, photo_id, raw)
    elif resident_id is not None:
        refused_photos.tell(session, photo_id, resident_id)
    # Held until it is kept: who forgets its sender meanwhile waits and then finds the file, or has been before us.
    photo = session.get(Photo, photo_id, with_for_update=True, populate_existing=True)
    if photo is None or photo.path is not None:
        return
    if refused is not None:
        photo.refused_reason = refused
        return
    actions.keep_line_photo(session, photo_id, raw)


@subscribes(GroupCalled, by="incidents.ask_group_name")
def ask_group_name(session: Session, event: GroupCalled) -> None:
    """The group's name is asked for apart: LINE may be slow, and officers see the call meanwhile."""
    jobs.enqueue(session, name_group, call_id=event.call_id)


@jobs.job(name="incidents.name_group", attempts=5)
def name_group(session: Session, *, call_id: int) -> None:
    """Officers read which group it is."""
    group_calls.name(session, call_id)


@jobs.periodic(name="incidents.forget_group_calls", cron="17 * * * *")
def forget_group_calls(session: Session) -> None:
    """What was cried in groups is gone a month after the last word."""
    group_calls.forget_old(session, before=clock.now() - group_calls.KEPT_FOR)


@jobs.periodic(name="incidents.fold_tally", cron="*/5 * * * *")
def fold_tally(session: Session) -> None:
    """The counts by which the map clusters incidents stay few, however many changes there were."""
    tiles.fold_tally(session)


@jobs.periodic(name="incidents.learn_categories", cron="40 19 * * *")  # 02:40 in Thailand, before nowcasts are fitted.
def learn_categories(session: Session) -> None:
    """The model of categories has learnt from the day's taps and corrections, where that makes it no worse."""
    from incidents import teaching  # Loads numpy and scipy, which no process needs that only hears.

    teaching.learn_nightly(session, now=clock.now())


@jobs.periodic(name="incidents.forget_old_drafts", cron="*/10 * * * *")
def forget_old_drafts(session: Session) -> None:
    """Reports that nobody finished telling are gone two hours after the last word, their pictures a day after."""
    now = clock.now()
    session.execute(sa.delete(Draft).where(Draft.expires_at < now))
    actions.forget_stray_photos(session, before=now - rules.STRAY_PHOTO_LIFE)


@jobs.periodic(name="incidents.tell_reporters", cron="* * * * * */2")
def tell_reporters(session: Session) -> None:
    """Whoever has waited long enough for news of a report has one message with all of them."""
    telling.tell_due(session)


@jobs.periodic(name="incidents.answer_photos", cron="* * * * * */2")
def answer_photos(session: Session) -> None:
    """Photos in a row that nothing follows any more are answered, together."""
    late_answers.answer_photos(session)


@jobs.periodic(name="incidents.keep_promises", cron="* * * * * */10")
def keep_promises(session: Session) -> None:
    """Waits that are over end; promises near their end are warned of, broken ones are marked."""
    keeping.end_waits(session)
    keeping.mark_due(session)


@jobs.periodic(name="incidents.look_after_old", cron="* * * * * */20")
def look_after_old(session: Session) -> None:
    """Old reports of floods are asked about, confirmed by the water, or fade."""
    fading.look_after_old(session)
