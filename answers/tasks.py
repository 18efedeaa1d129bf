"""What wakes the room: residents' words and buttons, quiet conversations, words that are old enough to go."""

from __future__ import annotations

from sqlalchemy.orm import Session

import answers.personal  # noqa: F401 - this is where the room forgets people.
from answers import actions, handing, talk, watertalk
from core import clock, jobs
from core.events import subscribes
from incidents import asides
from incidents.speaking import Speaker
from line.events import PostbackReceived, open_line_user
from residents import actions as residents_actions

# Some seconds of one processor.
CUT_AT_ONCE = 1000

hear_words = asides.hears_first(room="answers")(talk.hear)
hear_lone_place = asides.hears_lone_places(room="answers")(watertalk.hear_place)


@subscribes(PostbackReceived, by="answers.hear_button")
def hear_button(session: Session, event: PostbackReceived) -> None:
    """A button under an answer has done what it says."""
    if not talk.is_ours(event.data):
        return
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident = residents_actions.resident_of(session, line_user_id)
    speaker = Speaker(
        resident_id=resident.id, line_user_id=line_user_id, language=resident.language, reply_token=event.reply_token,
        spoke_at=event.happened_at,
    )
    talk.answer_button(session, speaker, event.data)


@jobs.periodic(name="answers.close_quiet", cron="*/5 * * * *")
def close_quiet(session: Session) -> None:
    """Questions that were answered a day ago are closed."""
    handing.close_quiet(session, now=clock.now())


@jobs.periodic(name="answers.forget_old_words", cron="20 19 * * *")  # 02:20 in Thailand.
def forget_old_words(session: Session) -> None:
    """What was asked long ago is forgotten but for its count."""
    handing.forget_old_words(session, now=clock.now())


@jobs.periodic(name="answers.cut_terms", cron="* * * * *")
def cut_terms(session: Session) -> None:
    """Articles that were written before words or code changed are cut again, some each minute."""
    actions.cut_anew(session, most=CUT_AT_ONCE)
