"""What an exercise says, to whom, and what its buttons do."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from shapely.geometry import Point
from sqlalchemy.orm import Session

import alerts.personal
from alerts import actions, cap_queries, exercise, ledger, proposals, queries, queueing, rollcall, tasks
from alerts.exercise_models import ExerciseRecipient
from alerts.models import Alert, AlertChunk
from alerts.templates import LANGUAGES
from core import clock
from core.errors import ConflictError, NotFoundError
from incidents.models import Incident, Report
from line import webhook
from line.events import PostbackReceived, seal_line_user
from line.models import InboxEvent, OutboxChunk
from line.rules import is_exercise_tap, signature

INSIDE = Point(100.005, 8.405)
MARKS = {"th": "[ซ้อม] ", "en": "[EXERCISE] ", "ms": "[LATIHAN] ", "my": "[လေ့ကျင့်မှု] "}


class Drill:
    """A zone with one resident for each language on the list, and one who is not."""

    def __init__(self, session: Session, town: Any) -> None:
        self.session, self.town = session, town
        self.zone = town.zone("A")
        self.officers = [town.account("ann"), town.account("bob")]
        self.listed = [town.resident(INSIDE, language=language) for language in LANGUAGES]
        self.stranger = town.resident(INSIDE)
        for resident_id in self.listed:
            exercise.add(session, resident_id, by=self.officers[0])

    def open(self, *, level: int = 3, is_exercise: bool = True, **more: Any) -> Alert:
        """An alert that an officer proposed."""
        return proposals.open_proposal(
            self.session, kind="alert", level=level, zone_ids=[self.zone], run_id=None, now=clock.now(),
            proposed_by=self.officers[0].id, is_exercise=is_exercise, **more,
        )

    def approve(self, alert: Alert) -> Alert:
        """By the other officer."""
        return actions.approve(self.session, alert.id, alert.revision, self.officers[1])

    def chunks(self, alert: Alert) -> list[OutboxChunk]:
        """What waits for a sender."""
        wanted = sa.select(OutboxChunk).where(OutboxChunk.subject == queries.subject(alert.id))
        return list(self.session.scalars(wanted.order_by(OutboxChunk.id)))

    def tap(self, data: str, *, user: int = 1) -> None:
        """The resident of this number in the town taps a button."""
        event = PostbackReceived(
            webhook_event_id="e1", line_user_id_sealed=seal_line_user(f"U{user:032x}"), reply_token="r1", data=data,
            params={}, happened_at=clock.now(),
        )
        tasks.note_safe(self.session, event)
        tasks.answer_exercise(self.session, event)


@pytest.fixture
def drill(session: Session, town: Any) -> Drill:
    return Drill(session, town)


def texts_in(thing: Any) -> list[str]:
    """Every text of a card, in order."""
    if isinstance(thing, list):
        return [text for one in thing for text in texts_in(one)]
    if not isinstance(thing, dict):
        return []
    own = [thing["text"]] if thing.get("type") == "text" and thing.get("text") else []
    return own + [text for value in thing.values() for text in texts_in(value)]


def taps_in(thing: Any) -> list[str]:
    """What every button sends back."""
    if isinstance(thing, list):
        return [tap for one in thing for tap in taps_in(one)]
    if not isinstance(thing, dict):
        return []
    own = [thing["data"]] if thing.get("type") == "postback" else []
    return own + [tap for value in thing.values() for tap in taps_in(value)]


@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_text_begins_with_the_mark_of_its_language(session: Session, drill: Drill, level: int) -> None:
    """Title, what is known, lock screen and the head of the card; no button can be taken for a call for help."""
    alert = drill.open(level=level)
    assert set(alert.texts) == set(LANGUAGES)
    for language, text in alert.texts.items():
        for part in ("title", "situation", "body", "alt"):
            assert text[part].startswith(MARKS[language]), (language, part)
    for language, [card] in queueing.messages_by_language(session, alert).items():
        assert card["altText"].startswith(MARKS[language])
        assert any(text.startswith(MARKS[language]) for text in texts_in(card["contents"])[:3])
        assert taps_in(card) == [f"exercise:{alert.id}:{verb}" for verb in ("safe", "help", "canhelp")]


def test_own_words_and_the_all_clear_are_marked_too(session: Session, drill: Drill) -> None:
    """An officer's own words, and the end of an exercise."""
    alert = drill.approve(drill.open())
    end = actions.propose_all_clear(session, alert.id, drill.officers[0])
    assert end.is_exercise
    assert all(text["title"].startswith(MARKS[language]) for language, text in end.texts.items())
    drill.approve(end)
    told = {i for chunk in drill.chunks(end) for i in chunk.resident_ids or ()}
    assert told == set(drill.listed)


def test_an_exercise_goes_to_the_list_alone_by_its_own_channel(
    session: Session, drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a token of exercises by that channel, without one into the blackhole; who is left out is counted."""
    alert = drill.open()
    assert (alert.audience_count, alert.suppressed_by_reason) == (4, {"not_on_exercise_list": 1})
    drill.approve(alert)
    assert {chunk.channel for chunk in drill.chunks(alert)} == {"blackhole"}
    assert sorted(i for chunk in drill.chunks(alert) for i in chunk.resident_ids or ()) == drill.listed
    monkeypatch.setenv("LINE_EXERCISE_TOKEN", "x")
    again = drill.approve(drill.open())
    assert {chunk.channel for chunk in drill.chunks(again)} == {"exercise"}
    real = drill.approve(drill.open(is_exercise=False))
    assert {chunk.channel for chunk in drill.chunks(real)} == {"line"}
    assert {chunk.resident_ids for chunk in drill.chunks(real)} == {None}
    assert real.audience_count == 5


def test_the_real_thing_and_its_exercise_do_not_touch_each_other(session: Session, drill: Drill) -> None:
    """An exercise neither replaces nor ends a warning; CAP says Exercise, and the feed has none of it."""
    real = drill.approve(drill.open(level=2, is_exercise=False))
    alert = drill.approve(drill.open(level=3))
    assert real.state == "sending"
    assert (alert.kind, alert.references, alert.event_id) == ("alert", [], alert.id)
    [document] = cap_queries.of_alerts(session, [alert.id])
    assert (document.status, document.problems) == ("Exercise", [])
    assert f"<note>Exercise {alert.number}</note>" in document.xml
    assert [one.alert_id for one in cap_queries.in_force(session, now=clock.now())] == [real.id]


@pytest.mark.parametrize("verb", ["safe", "help", "canhelp"])
def test_a_tap_answers_that_it_was_an_exercise_and_moves_nobody(session: Session, drill: Drill, verb: str) -> None:
    """The answer counts for the exercise's roll-call; no report, no incident; the reply goes as the exercise went."""
    alert = drill.approve(drill.open())
    drill.tap(f"exercise:{alert.id}:{verb}")
    [answer] = session.scalars(sa.select(OutboxChunk).where(OutboxChunk.kind == "reply"))
    assert answer.channel == "blackhole"
    assert answer.messages[0]["text"].startswith("[ซ้อม] นี่คือการซ้อม")
    assert ledger.answers(session, [alert.id])[alert.id] == {"can_help" if verb == "canhelp" else verb: 1}
    assert session.scalar(sa.select(sa.func.count()).select_from(Report)) == 0
    assert session.scalar(sa.select(sa.func.count()).select_from(Incident)) == 0


@pytest.mark.parametrize("data", ["exercise:0:safe", "exercise:x:help", "exercise:1", "exercise:999999:safe", "safe:x"])
def test_odd_taps_change_nothing(session: Session, drill: Drill, data: str) -> None:
    """Neither an unknown exercise nor a broken button, nor a tap of somebody who was not told."""
    alert = drill.approve(drill.open())
    drill.tap(data)
    drill.tap(f"exercise:{alert.id}:help", user=5)
    assert session.scalar(sa.select(sa.func.count()).where(OutboxChunk.kind == "reply")) == 0
    assert ledger.answers(session, [alert.id])[alert.id] == {}


def test_of_the_channel_of_exercises_nothing_but_taps_is_kept(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words and taps on other buttons that arrive there reach no officer; another's signature opens nothing."""
    person = {"type": "user", "userId": "U1"}
    tap = {"type": "postback", "webhookEventId": "t", "source": person, "postback": {"data": "exercise:4:safe"}}
    others: list[Any] = [
        {"type": "message", "webhookEventId": "m", "source": person, "message": {"type": "text", "text": "ช่วยด้วย"}},
        {"type": "postback", "webhookEventId": "h", "source": person, "postback": {"data": "help:4"}},
        {"type": "postback", "webhookEventId": "g", "source": {"type": "group", "groupId": "C", "userId": "U1"},
         "postback": {"data": "exercise:4:safe"}},
        "text", None, {"type": "postback", "postback": 3},
    ]
    raw = json.dumps({"events": [*others, tap]}).encode()
    assert webhook.exercise_taps(raw, signature(raw, channel_secret="s")) is None
    monkeypatch.setenv("LINE_EXERCISE_SECRET", "s")
    assert webhook.exercise_taps(raw, signature(raw, channel_secret="other")) is None
    taps = webhook.exercise_taps(raw, signature(raw, channel_secret="s"))
    assert taps is not None
    webhook.keep(session, [taps], is_urgent=lambda _: False)
    assert [row.webhook_event_id for row in session.scalars(sa.select(InboxEvent))] == ["t"]
    assert not any(is_exercise_tap(one) for one in others)


def test_the_list_is_kept_by_officers_and_every_deed_is_on_record(session: Session, drill: Drill) -> None:
    """Twice is as once; nobody leaves while an exercise is on its way; an unknown member is refused."""
    by = drill.officers[0]
    exercise.add(session, drill.listed[0], by=by)
    with pytest.raises(NotFoundError):
        exercise.add(session, 999, by=by)
    alert = drill.approve(drill.open())
    with pytest.raises(ConflictError, match="on its way"):
        exercise.remove(session, drill.listed[0], by=by)
    for chunk in drill.chunks(alert):
        chunk.state = "accepted"
    session.flush()
    tasks.delivery.note_progress(session, alert.id)
    exercise.remove(session, drill.listed[0], by=by)
    with pytest.raises(NotFoundError):
        exercise.remove(session, drill.listed[0], by=by)
    assert [one.resident_id for one in exercise.participants(session, by=by)] == drill.listed[1:]
    deeds = session.scalars(
        sa.text("SELECT action FROM audit_entry WHERE action LIKE 'exercise_list.%' ORDER BY id")
    ).all()
    assert deeds == ["exercise_list.added"] * 4 + ["exercise_list.removed", "exercise_list.read"]


def test_who_is_forgotten_is_on_no_list_and_in_no_chunk(session: Session, drill: Drill) -> None:
    """Also where others have left the list since: taking out is always allowed."""
    from residents.erasure import Person

    alert = drill.approve(drill.open(level=3))
    session.execute(sa.delete(ExerciseRecipient).where(ExerciseRecipient.resident_id == drill.listed[1]))
    gone = drill.listed[0]
    alerts.personal.forget(session, Person(gone, f"U{1:032x}", (), frozenset()))
    session.execute(sa.text("DELETE FROM resident WHERE id = :id"), {"id": gone})
    session.expire_all()
    named = {i for chunk in drill.chunks(alert) for i in chunk.resident_ids or ()}
    frozen = {i for ids in session.scalars(sa.select(AlertChunk.resident_ids)) for i in ids}
    assert gone not in named | frozen
    assert session.get(ExerciseRecipient, gone) is None
    assert drill.listed[2] in named


def test_in_an_exercise_nobody_is_reminded(session: Session, drill: Drill) -> None:
    """What would not bear the mark is not sent at all."""
    alert = drill.approve(drill.open())
    with pytest.raises(ConflictError):
        rollcall.remind_silent(session, alert.id, drill.officers[0])
