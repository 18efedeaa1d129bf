"""From approved alerts to published CAP: one chain per event, nothing unsound, whatever happens to the alert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from shapely.geometry import Point, box
from sqlalchemy.orm import Session

from alerts import actions, cap_publishing, cap_queries, delivery, drafting, queries
from alerts.cap import CapMessage, chain, read, terms
from alerts.drafting import Wanted
from alerts.models import Alert
from core import clock
from line.models import OutboxChunk

BEGIN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
INSIDE = Point(100.005, 8.405)
WALL = datetime(2026, 11, 21, 2, 59, tzinfo=UTC)
Moves = Callable[[datetime], None]


@pytest.fixture
def moves() -> Any:
    """Sets the city's clock; the session's own begins at BEGIN."""
    yield lambda at: clock.freeze(lambda: at)
    clock.freeze(lambda: BEGIN)


@pytest.fixture
def flood(session: Session, town: Any) -> Any:
    town.zone("A")
    town.zone("B", at=0.02)
    town.resident(INSIDE)
    return town


def water(session: Session, town: Any, severities: dict[str, int], *, depth: int = 2) -> Alert:
    """The only proposal after a picture of the water."""
    actions.consider(
        session,
        run_id=town.picture(severities, depth_class=depth),
        severity_by_code=severities,
        falling_by_code={},
        trigger_received_wall_at=WALL,
        is_without_data=False,
    )
    return session.scalars(sa.select(Alert).where(Alert.state == "proposed")).one()


def approved(session: Session, town: Any, alert: Alert) -> Alert:
    if alert.kind != "all_clear" and alert.proposed_by is None:
        town.checked(alert)
    alert = actions.approve(session, alert.id, alert.revision, town.account(f"approver{alert.id}"))
    for chunk in session.scalars(sa.select(OutboxChunk).where(OutboxChunk.state == "queued")):
        chunk.state, chunk.request_id, chunk.accepted_wall_at = "accepted", f"r{chunk.id}", WALL
    session.flush()
    delivery.note_progress(session, alert.id)
    return alert


def documents(session: Session, alert: Alert) -> list[CapMessage]:
    found = cap_queries.of_alerts(session, [alert.id])
    return [message for one in found for message in read(one.xml.encode(), source="ours").messages]


def everything(session: Session) -> list[CapMessage]:
    ids = session.scalars(sa.select(Alert.id)).all()
    return [m for one in cap_queries.of_alerts(session, ids) for m in read(one.xml.encode(), source="x").messages]


def feed(session: Session) -> list[str]:
    return [document.identifier for document in cap_queries.in_force(session, now=clock.now())]


def test_one_chain_from_watch_to_all_clear(session: Session, flood: Any, moves: Moves) -> None:
    """Alert, Update, Update with AllClear: one event, each naming all before it; the feed holds the last alone."""
    made = []
    for hour, severity in enumerate((2, 3, 0)):
        moves(BEGIN + timedelta(hours=hour))
        made.append(approved(session, flood, water(session, flood, {"A": severity, "B": 0})))
    (first,), (second,), (third,) = (documents(session, alert) for alert in made)
    assert [m.message_type for m in (first, second, third)] == ["Alert", "Update", "Update"]
    assert [[r.identifier for r in m.references] for m in (second, third)] == [
        [first.identifier],
        [first.identifier, second.identifier],
    ]
    assert first.incidents == second.incidents == third.incidents == (f"faonam.demo.event.{made[0].event_id}",)
    assert third.infos[0].response_types == ("AllClear",)
    assert third.infos[0].urgency == "Past"
    assert feed(session) == [third.identifier]
    assert {m.identifier for m in chain.state_after([first, third], now=clock.now())} == {third.identifier}


def test_what_a_message_says(session: Session, flood: Any) -> None:
    """Languages with texts of their own, hazard, level, sender, contact and outline stand in the message."""
    (message,) = documents(session, approved(session, flood, water(session, flood, {"A": 3, "B": 0})))
    assert (message.status, message.scope) == ("Test", "Public")
    by_language = {info.language: info for info in message.infos}
    assert {"th-TH", "en-US"} <= by_language.keys()
    thai = by_language["th-TH"]
    assert (thai.event, thai.category, thai.sender_name) == ("น้ำท่วม", "Met", "เทศบาลตัวอย่าง")
    assert (thai.urgency, thai.severity, thai.certainty) == ("Immediate", "Extreme", "Observed")
    assert thai.event_codes == (("faonam:hazard", "flood"),)
    assert ("faonam:level", "3") in thai.parameters
    assert thai.contact
    assert [(area.name, area.geocodes) for area in thai.areas] == [("ชุมชนA", (("faonam:zone", "A"),))]
    assert all(terms.is_written_in(key[:2], info.instruction) for key, info in by_language.items())


def test_what_is_only_expected_is_not_called_observed(session: Session, flood: Any) -> None:
    """Without water in the zones the danger is likely, not observed."""
    (message,) = documents(session, approved(session, flood, water(session, flood, {"A": 3, "B": 0}, depth=0)))
    assert message.infos[0].certainty == "Likely"


def test_a_cancelled_alert_sends_a_cancel(session: Session, flood: Any, moves: Moves) -> None:
    """The Cancel names the whole line, also what the cancelled one had replaced, and stays until that had expired."""
    first = approved(session, flood, water(session, flood, {"A": 2, "B": 0}))
    moves(BEGIN + timedelta(hours=1))
    second = approved(session, flood, water(session, flood, {"A": 3, "B": 0}))
    moves(BEGIN + timedelta(hours=2))
    actions.cancel(session, second.id, "a stuck gauge", flood.account("canceller"))
    (own, cancel) = documents(session, second)
    assert cancel.message_type == "Cancel"
    assert {r.identifier for r in cancel.references} == {documents(session, first)[0].identifier, own.identifier}
    assert "stuck gauge" not in cancel.raw.decode()
    assert cancel.infos[0].headline.startswith("ยกเลิก: ")
    assert feed(session) == [cancel.identifier]
    assert chain.state_after(everything(session), now=clock.now()) == frozenset()
    moves(BEGIN + timedelta(hours=14))
    assert feed(session) == []


def test_two_events_are_two_chains(session: Session, flood: Any) -> None:
    """The second event's messages name nothing of the first; both are in the feed."""
    one = approved(session, flood, water(session, flood, {"A": 2, "B": 0}))
    two = approved(session, flood, water(session, flood, {"A": 2, "B": 2}))
    (first,), (second,) = documents(session, one), documents(session, two)
    assert first.incidents != second.incidents
    assert second.references == ()
    assert set(feed(session)) == {first.identifier, second.identifier}


def test_expired_messages_leave_by_the_clock_alone(session: Session, flood: Any, moves: Moves) -> None:
    """At the moment of its end a message is in no feed; its document can still be read."""
    alert = approved(session, flood, water(session, flood, {"A": 3, "B": 0}))
    assert alert.expires_at is not None
    moves(alert.expires_at - timedelta(seconds=1))
    (identifier,) = feed(session)
    moves(alert.expires_at)
    assert feed(session) == []
    assert cap_queries.published(session, identifier, now=clock.now()).alert_id == alert.id


def test_an_unsound_document_is_not_published(session: Session, flood: Any, moves: Moves) -> None:
    """People are told all the same; the feed keeps the last sound one, and a bare Cancel can end it."""
    first = approved(session, flood, water(session, flood, {"A": 2, "B": 0}))
    # What a wrong import can do to an outline: a zone off Africa.
    flood.zone("C", box(0.1, 0.1, 0.2, 0.2))
    flood.resident(Point(0.15, 0.15))
    moves(BEGIN + timedelta(hours=1))
    second = approved(session, flood, water(session, flood, {"A": 3, "B": 0, "C": 3}))
    assert (second.state, second.audience_count) == ("active", 2)
    problems = cap_queries.problems(session, [first.id, second.id])
    assert problems[first.id] == []
    assert {one["field"] for one in problems[second.id]} == {"polygon"}
    assert feed(session) == [documents(session, first)[0].identifier]
    moves(BEGIN + timedelta(hours=2))
    actions.cancel(session, second.id, "a wrong import", flood.account("canceller"))
    (_, unsound, bare) = documents(session, second)
    assert (unsound.message_type, bare.message_type, bare.infos) == ("Cancel", "Cancel", ())
    assert [r.identifier for r in bare.references] == [documents(session, first)[0].identifier]
    assert feed(session) == [bare.identifier]


def test_a_document_that_cannot_be_written_stops_nothing(session: Session, flood: Any) -> None:
    """Whatever is wrong with a text, what the warning does beside it stands, and the fault is on record."""
    alert = water(session, flood, {"A": 3, "B": 0})
    alert.texts = {"th": {"title": "t"}}
    cap_publishing.publish(session, alert, queries.city(session), sent_at=clock.now())
    assert [one["field"] for one in cap_queries.problems(session, [alert.id])[alert.id]] == ["alert"]
    assert feed(session) == []


def test_exercises_and_news_are_not_public(session: Session, flood: Any) -> None:
    """An exercise has its document, with status and number, and never stands in the feed; news has none."""
    officer = flood.account("officer1", ["officer"])
    zone_id = session.execute(sa.text("SELECT id FROM zone WHERE code = 'A'")).scalar_one()
    exercise = drafting.draft(
        session,
        Wanted(level=1, hazard="storm", zone_ids=frozenset({zone_id}), targets=(), own_words=None, is_exercise=True),
        officer,
        is_proposed=True,
    )
    exercise = approved(session, flood, exercise)
    (message,) = documents(session, exercise)
    assert message.status == "Exercise"
    assert exercise.number in message.note
    assert message.infos[0].event == "พายุ"
    assert feed(session) == []
    news = drafting.draft(
        session,
        Wanted(level=0, targets=(("everyone", None),), own_words={"th": {"title": "ประปา", "body": "น้ำประปาหยุดไหล"}}),
        officer,
        is_proposed=True,
    )
    assert documents(session, approved(session, flood, news)) == []
