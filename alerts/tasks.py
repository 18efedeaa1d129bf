"""What wakes the alerts up: a new picture of the flood, LINE's answers, a resident's answer."""

from __future__ import annotations

from sqlalchemy.orm import Session

import alerts.channels.tasks
import alerts.leader_tasks
import alerts.outside.tasks
import alerts.personal  # noqa: F401 - this is where the room forgets people.
from alerts import actions, cards, delivery, exercise, pictures, queries, rollcall, timing
from alerts.events import AlertProposed
from core import events, jobs
from core.words import words
from flood.events import FloodRedrawn
from incidents import warned
from line import messages, outbox
from line.events import ChunkGivenUp, ChunksAccepted, PostbackReceived, QuotaUsedUp, open_line_user
from residents import queries as residents

ANSWER_OF = {verb: answer for answer, verb in cards.VERBS.items()}


@events.subscribes(FloodRedrawn, by="alerts.consider_flood", queue=jobs.URGENT, is_serial=True)
def consider_flood(session: Session, event: FloodRedrawn) -> None:
    """Proposals follow the picture of the flood."""
    actions.consider(
        session,
        run_id=event.run_id,
        severity_by_code=event.severity_by_zone,
        falling_by_code=event.falling_by_zone,
        trigger_received_wall_at=event.trigger_received_wall_at,
        is_without_data=event.is_without_data,
    )


@jobs.periodic(name="alerts.look_at_clock", cron="* * * * * */2", queue=jobs.URGENT)
def look_at_clock(session: Session) -> None:
    """What the armed policy sends by itself is sent when its delay is over, what waits for the morning then.

    Of what runs out soon somebody is reminded.
    """
    timing.send_what_is_due(session)
    timing.let_go_of_held(session)
    timing.remind_of_ends(session)


@events.subscribes(AlertProposed, by="alerts.ask_for_picture")
def ask_for_picture(session: Session, event: AlertProposed) -> None:
    """The picture of what stands proposed is drawn meanwhile; one that is there already costs one look.

    Where no phone could fetch it, none is drawn: while the water rises, each revision would have a new one.
    """
    if event.kind != "news" and pictures.can_phones_fetch():
        jobs.enqueue(session, draw_picture, alert_id=event.alert_id)


@jobs.job(name="alerts.draw_picture", attempts=3)
def draw_picture(session: Session, *, alert_id: int) -> None:
    """The alert's picture is there."""
    pictures.draw(session, alert_id)


def alert_id_of(subject: str) -> int | None:
    """The alert that a chunk is about; None for other subjects."""
    kind, _, number = subject.partition(":")
    return int(number) if kind == "alert" and number.isascii() and number.isdigit() else None


def _is_of_an_alert(event: ChunksAccepted | ChunkGivenUp) -> bool:
    return alert_id_of(event.subject) is not None


@events.subscribes(ChunksAccepted, by="alerts.note_accepted", concerns=_is_of_an_alert)
def note_accepted(session: Session, event: ChunksAccepted) -> None:
    """The alert's state follows what LINE has taken."""
    alert_id = alert_id_of(event.subject)
    if alert_id is not None:
        delivery.note_progress(session, alert_id)


@events.subscribes(ChunkGivenUp, by="alerts.note_given_up", concerns=_is_of_an_alert)
def note_given_up(session: Session, event: ChunkGivenUp) -> None:
    """An alert does not wait for ever for a chunk that LINE refused or never answered; its thread says so."""
    alert_id = alert_id_of(event.subject)
    if alert_id is not None:
        delivery.note_given_up(session, alert_id, state=event.state, recipient_count=event.recipient_count)
        delivery.note_progress(session, alert_id)


@events.subscribes(QuotaUsedUp, by="alerts.note_quota_used_up")
def note_quota_used_up(session: Session, event: QuotaUsedUp) -> None:
    """Whoever looks at an alert that stands still in mid-send reads why."""
    delivery.note_quota_used_up(session, until_wall_at=event.until_wall_at)


warned.finds_warned_home(rollcall.warned_home)


@events.subscribes(PostbackReceived, by="alerts.note_safe")
def note_safe(session: Session, event: PostbackReceived) -> None:
    """What a resident answers to an alert is on record, and they are thanked; who can help is asked with what.

    A call for help is noted here, and the incidents' to answer.
    """
    verb, _, rest = event.data.partition(":")
    number, _, offer = rest.partition(":")
    answer = ANSWER_OF.get(verb)
    if answer is None or not (number.isascii() and number.isdigit() and len(number) < 19):
        return
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident = residents.by_line_user(session, line_user_id)
    if resident is None or not _noted(session, int(number), resident.id, answer, offer) or answer == "help":
        return
    if offer:
        said = messages.text(words("alerts", "thanks-offer", language=resident.language))
    else:
        called = rollcall.has_called(session, int(number), resident.id)
        said = rollcall.thanks(answer, alert_id=int(number), language=resident.language, has_called=called)
    outbox.reply(
        session,
        subject=f"{answer}:{int(number)}",
        reply_token=event.reply_token,
        line_user_id=line_user_id,
        messages=[said],
    )


def _noted(session: Session, alert_id: int, resident_id: int, answer: str, offer: str) -> bool:
    if offer:
        return answer == "can_help" and rollcall.note_offer(session, alert_id, resident_id, offer)
    return rollcall.note(session, alert_id, resident_id, answer)


@events.subscribes(
    PostbackReceived, by="alerts.answer_exercise", concerns=lambda event: exercise.tapped(event.data) is not None
)
def answer_exercise(session: Session, event: PostbackReceived) -> None:
    """Who taps a button of an exercise is told that it was one; the answer counts for its roll-call, nobody is sent."""
    alert_id, verb = exercise.tapped(event.data) or (0, "")
    line_user_id = open_line_user(event.line_user_id_sealed)
    resident, answer = residents.by_line_user(session, line_user_id), ANSWER_OF.get(verb)
    if resident is None or answer is None or not exercise.takes_part(session, resident.id):
        return
    if not rollcall.note(session, alert_id, resident.id, answer):
        return
    alert = queries.alert(session, alert_id)
    said = exercise.marked(words("alerts", "exercise-answered", language=resident.language), resident.language)
    outbox.enqueue(
        session,
        subject=f"{queries.subject(alert.id)}:answer",
        kind="reply" if event.reply_token else "push",
        to=[event.reply_token, line_user_id] if event.reply_token else [line_user_id],
        messages=[messages.text(said)],
        priority=2,
        channel=exercise.line_channel(alert),
        resident_ids=[resident.id],
    )
