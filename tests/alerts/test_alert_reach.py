"""Whom an alert may be for: homes, areas asked for, groups, persons, everyone, whoever was told; once each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon, Point, box
from sqlalchemy.orm import Session

from alerts import audience, auditing, ledger, packing, queries, queueing
from alerts.audience import Reach
from alerts.models import Alert, AlertChunk, AlertRecipient, AlertThread
from core import clock
from gis.models import Area, Layer
from line.models import OutboxChunk
from line.outbox import recipients
from residents.models_rights import AreaWatch, GroupMember, ResidentGroup

TEXT = {language: [{"type": "text", "text": "น้ำมา"}] for language in ("th", "en", "ms", "my")}
INSIDE, ELSEWHERE = Point(100.005, 8.405), Point(100.5, 8.5)


class Desk:
    """Alerts as the room's actions leave them, without a flood around them."""

    def __init__(self, session: Session, town: Any) -> None:
        self.session, self.town = session, town

    def alert(self, *codes: str) -> int:
        """An alert for these zones that waits for approval; its id."""
        now = clock.now()
        number = (self.session.scalar(sa.select(sa.func.max(Alert.id))) or 700) + 1
        alert = Alert(
            id=number, number=f"A{number}", event_id=number, kind="alert", level=1 + number % 3, state="approved",
            revision=1, depth_class=0, words_version=1, policy_version=1, proposed_at=now, revised_at=now, evidence=[],
            texts={}, audience_count=0, audience_hash="", audience_by_language={}, vulnerable_count=0,
            suppressed_by_reason={}, references=[],
        )  # fmt: skip
        self.session.add(alert)
        self.session.flush()
        queries.set_zones(self.session, number, queries.zone_ids_by_code(self.session, codes).values())
        return number

    def area(self, shape: Any) -> int:
        """An area of the map."""
        code = f"C{self.session.scalar(sa.select(sa.func.count()).select_from(Area))}"
        layer = Layer(
            name=code, kind="communities", source="x", licence="CC0", trust="simulated", row_count=1, version=1,
            imported_at=clock.now(), legend={},
        )  # fmt: skip
        self.session.add(layer)
        self.session.flush()
        area = Area(
            layer_id=layer.id, kind="community", code=code, name_th="ก", name_en="A", trust="simulated",
            geom=from_shape(MultiPolygon([shape]), srid=4326), place=from_shape(shape.centroid, srid=4326),
            attributes={},
        )  # fmt: skip
        self.session.add(area)
        self.session.flush()
        return area.id

    def reasons(self, reach: Reach) -> dict[int, list[str]]:
        """Who is told why, as the ledger says it after a freeze that equals its preview."""
        shown = audience.preview(self.session, reach)
        assert audience.freeze(self.session, reach, priority=1) == shown.ids_hash
        lines = [line for line in ledger.lines(self.session, reach.alert_id) if line.state != "suppressed"]
        assert len(lines) == shown.count
        return {line.resident_id: line.reasons for line in lines}

    def pack(self, alert_id: int) -> None:
        """Everything of the alert waits in the outbox."""
        while packing.pack(self.session, alert_id, most=2, messages_by_language=TEXT):
            pass


@pytest.fixture
def desk(session: Session, town: Any) -> Desk:
    """A town with zone A."""
    town.zone("A")
    return Desk(session, town)


def test_who_asked_for_an_area_is_told_when_a_zone_touches_it(desk: Desk) -> None:
    """An area that meets the zone in one corner is touched; one beside it is not. Their own homes do not matter."""
    corner, apart = desk.area(box(100.01, 8.41, 100.02, 8.42)), desk.area(box(100.02, 8.42, 100.03, 8.43))
    asks, asks_apart = desk.town.resident(ELSEWHERE), desk.town.resident(ELSEWHERE)
    lives_there = desk.town.resident(Point(100.015, 8.415))
    both = desk.town.resident(INSIDE)
    for resident_id, area_id in ((asks, corner), (asks_apart, apart), (both, corner), (both, apart)):
        desk.session.add(AreaWatch(resident_id=resident_id, area_id=area_id, since=clock.now()))
    desk.session.flush()
    told = desk.reasons(Reach(desk.alert("A"), has_homes=True, told_in=()))
    assert told == {asks: ["area"], both: ["home", "area"]}
    news = desk.reasons(Reach(desk.alert(), has_homes=False, told_in=(), area_ids=(corner,)))
    assert news == {asks: ["area"], both: ["area"], lives_there: ["home"]}


def test_group_person_and_everyone_once_each_with_every_reason(desk: Desk) -> None:
    """A resident for whom four reasons speak stands once, with all four."""
    officer = desk.town.account("somchai")
    group = ResidentGroup(name_th="ก", name_en="G", is_leaders=True, made_by=officer.id, made_at=clock.now())
    desk.session.add(group)
    desk.session.flush()
    leader, friend, other = (desk.town.resident(place) for place in (INSIDE, ELSEWHERE, ELSEWHERE))
    desk.session.add(GroupMember(group_id=group.id, resident_id=leader, joined_at=clock.now()))
    desk.session.flush()
    targets = {"group_ids": (group.id,), "person_ids": (leader, friend)}
    told = desk.reasons(Reach(desk.alert("A"), has_homes=True, told_in=(), **targets))
    assert told == {leader: ["home", "group", "person"], friend: ["person"]}
    told = desk.reasons(Reach(desk.alert("A"), has_homes=True, told_in=(), is_for_everyone=True, **targets))
    assert told == {
        leader: ["home", "group", "person", "everyone"], friend: ["person", "everyone"], other: ["everyone"],
    }  # fmt: skip


def test_the_preview_counts_by_zone_language_and_reason(desk: Desk) -> None:
    """Two homes in two zones: one message, counted in both zones; chunks are requests to LINE, by language."""
    desk.town.zone("B", at=0.01)
    desk.town.resident(INSIDE, Point(100.015, 8.405))
    desk.town.resident(INSIDE, language="my")
    desk.town.resident(Point(100.01, 8.405), vulnerable=True)
    desk.town.resident(INSIDE, is_consented=False)
    alert_id = desk.alert("A", "B")
    shown = audience.preview(desk.session, Reach(alert_id, has_homes=True, told_in=()))
    ids = queries.zone_ids_by_code(desk.session, ["A", "B"])
    assert (shown.count, shown.vulnerable, shown.chunks, shown.already_told) == (3, 1, 2, 0)
    assert shown.by_zone == {ids["A"]: 3, ids["B"]: 2}
    assert shown.by_language == {"th": 2, "my": 1}
    assert shown.by_reason == {"home": 3}
    assert shown.suppressed == {"unconsented": 1}


@pytest.mark.parametrize(("shape", "count"), [(box(50, 1, 52, 2), 0), (box(90, 0, 110, 20), 3)])
def test_an_empty_zone_and_one_larger_than_the_city(desk: Desk, shape: Any, count: int) -> None:
    """A zone without homes is for nobody, and one around the whole city for each resident with a home, once."""
    desk.town.zone("W", shape)
    for place in (INSIDE, ELSEWHERE, Point(100.9, 8.1)):
        desk.town.resident(place)
    desk.town.resident()
    reach = Reach(desk.alert("W"), has_homes=True, told_in=())
    assert len(desk.reasons(reach)) == count
    assert audience.preview(desk.session, reach).chunks == (1 if count else 0)


def test_an_update_is_for_new_people_and_whoever_was_told(desk: Desk) -> None:
    """Who moved out is told again, who moved in is new; the preview says how many were told before."""
    stays, moves = desk.town.resident(INSIDE), desk.town.resident(INSIDE)
    first = desk.alert("A")
    desk.reasons(Reach(first, has_homes=True, told_in=()))
    desk.session.execute(sa.text("DELETE FROM home WHERE resident_id = :id"), {"id": moves})
    late = desk.town.resident(INSIDE)
    update = Reach(desk.alert("A"), has_homes=True, told_in=(first,))
    shown = audience.preview(desk.session, update)
    assert (shown.count, shown.already_told) == (3, 2)
    assert desk.reasons(update) == {stays: ["home", "told_before"], moves: ["told_before"], late: ["home"]}
    only_new = Reach(desk.alert("A"), has_homes=True, told_in=(first,), spares_told=True)
    assert audience.preview(desk.session, only_new).suppressed == {"already_told": 2}
    assert desk.reasons(only_new) == {late: ["home"]}


def test_the_all_clear_is_for_all_ever_told_and_nobody_else(desk: Desk) -> None:
    """The union over the event's alerts, wherever they live now; who moved in after hears nothing; whose message was
    stopped or refused was not told."""
    desk.town.zone("B", at=0.01)
    one, two = desk.town.resident(INSIDE), desk.town.resident(Point(100.015, 8.405), language="my")
    alerts = [desk.alert("A"), desk.alert("B")]
    for alert_id in alerts:
        desk.reasons(Reach(alert_id, has_homes=True, told_in=()))
    desk.session.execute(sa.text("DELETE FROM home"))
    desk.town.resident(INSIDE)
    assert set(desk.reasons(Reach(desk.alert("A"), has_homes=False, told_in=tuple(alerts)))) == {one, two}
    desk.pack(alerts[0])
    assert packing.stop(desk.session, alerts[0]) == 1
    assert set(desk.reasons(Reach(desk.alert("A"), has_homes=False, told_in=tuple(alerts)))) == {two}


def test_an_exercise_reaches_its_list_and_news_spare_the_blocked(desk: Desk) -> None:
    """Nobody beside the list is told of an exercise. Whom an officer blocked gets no news, and every warning."""
    listed, other = desk.town.resident(INSIDE), desk.town.resident(INSIDE)
    exercise = Reach(desk.alert("A"), has_homes=True, told_in=(), listed_ids=(listed,))
    assert audience.preview(desk.session, exercise).suppressed == {"not_on_exercise_list": 1}
    assert set(desk.reasons(exercise)) == {listed}
    desk.session.execute(
        sa.text("UPDATE resident SET blocked_until_at = :at + interval '1 day' WHERE id = :id"),
        {"at": clock.now(), "id": other},
    )
    assert set(desk.reasons(Reach(desk.alert("A"), has_homes=True, told_in=()))) == {listed, other}
    news = Reach(desk.alert("A"), has_homes=True, told_in=(), is_news=True)
    assert audience.preview(desk.session, news).suppressed == {"blocked": 1}
    assert set(desk.reasons(news)) == {listed}


def _named(desk: Desk, alert_id: int) -> list[list[str]]:
    chunks = desk.session.scalars(
        sa.select(OutboxChunk)
        .where(OutboxChunk.subject == f"alert:{alert_id}", OutboxChunk.state == "queued")
        .order_by(OutboxChunk.part)
        .execution_options(populate_existing=True)
    )
    return [recipients(together=chunk.to_sealed, each=chunk.to_each_sealed) for chunk in chunks]


def test_packing_goes_on_where_it_stopped_and_packs_nothing_twice(desk: Desk) -> None:
    """Every piece is packed once, whoever comes next; the outbox names each resident once, under the chunk's number."""
    languages = ("th", "en", "ms", "my", "th")
    people = [desk.town.resident(INSIDE, language=language) for language in languages]
    alert_id = desk.alert("A")
    audience.freeze(desk.session, Reach(alert_id, has_homes=True, told_in=()), priority=1)
    assert ledger.chunk_states(desk.session, [alert_id])[alert_id] == {"queued": (4, 5)}
    taken = [packing.pack(desk.session, alert_id, most=3, messages_by_language=TEXT) for _ in range(3)]
    assert taken == [3, 1, 0]
    assert sorted(user for chunk in _named(desk, alert_id) for user in chunk) == [f"U{n:032x}" for n in range(1, 6)]
    assert ledger.chunk_states(desk.session, [alert_id])[alert_id] == {"queued": (4, 5)}
    assert {line.resident_id: line.state for line in ledger.lines(desk.session, alert_id)} == dict.fromkeys(
        people, "queued"
    )


def test_the_ledger_is_the_same_before_while_and_after_it_is_written(desk: Desk) -> None:
    """Rows written behind the sending say what the frozen chunks said, and keep an answer that came before."""
    people = [desk.town.resident(INSIDE, language=language) for language in ("th", "en", "my")]
    desk.town.resident(INSIDE, is_reachable=False)
    alert_id = desk.alert("A")
    audience.freeze(desk.session, Reach(alert_id, has_homes=True, told_in=()), priority=1)
    packing.write_person(desk.session, people[1])
    early = desk.session.get_one(AlertRecipient, (alert_id, people[1]))
    early.answer = "safe"
    desk.session.flush()
    desk.pack(alert_id)
    seen = [ledger.lines(desk.session, alert_id)]
    while packing.write_ledger(desk.session, alert_id, most=2):
        seen.append(ledger.lines(desk.session, alert_id))
    assert len(seen) == 3
    for lines in seen:
        assert [(line.resident_id, line.state, line.answer) for line in lines[:3]] == [
            (people[0], "queued", None), (people[1], "queued", "safe"), (people[2], "queued", None),
        ]  # fmt: skip
    assert seen[-1][1].chunk_id is not None
    assert seen[0][0] == seen[1][0] == seen[2][0]
    assert ledger.counts(desk.session, alert_id) == {"queued": 3, "suppressed": 1}
    assert not ledger.has_unwritten_ledger(desk.session, alert_id)


def test_a_stopped_alert_sends_nothing_more_frozen_or_packed(desk: Desk) -> None:
    """What was not packed is stopped like what was not tried; the counts add up to the audience."""
    for language in ("th", "en", "my"):
        desk.town.resident(INSIDE, language=language)
    alert_id = desk.alert("A")
    audience.freeze(desk.session, Reach(alert_id, has_homes=True, told_in=()), priority=1)
    assert packing.pack(desk.session, alert_id, most=1, messages_by_language=TEXT) == 1
    assert queueing.stop(desk.session, alert_id) == 3
    assert packing.pack(desk.session, alert_id, most=9, messages_by_language=TEXT) == 0
    assert ledger.chunk_states(desk.session, [alert_id])[alert_id] == {"cancelled": (3, 3)}
    assert ledger.counts(desk.session, alert_id) == {"cancelled": 3}


def test_who_is_erased_stands_in_no_chunk_any_more(desk: Desk) -> None:
    """Frozen or packed: the others are told in the same order, and a chunk of one alone is stopped."""
    first, second, alone = (desk.town.resident(INSIDE, language=language) for language in ("th", "th", "my"))
    alert_id = desk.alert("A")
    audience.freeze(desk.session, Reach(alert_id, has_homes=True, told_in=()), priority=1)
    assert packing.take_out(desk.session, [alert_id], alone) == []
    desk.pack(alert_id)
    (chunk_id,) = packing.take_out(desk.session, [alert_id], first)
    assert desk.session.get_one(OutboxChunk, chunk_id).part == 1
    chunks = desk.session.execute(
        sa.select(AlertChunk.resident_ids, AlertChunk.reasons, AlertChunk.state).order_by(AlertChunk.number)
    ).all()
    assert chunks == [([second], [1], "packed"), ([], [], "cancelled")]


def test_a_frozen_audience_is_held_against_the_map(desk: Desk) -> None:
    """Who stands in it and has no home there, and who has one and does not, are counted; who changed since is not."""
    people = [desk.town.resident(INSIDE) for _ in range(3)]
    stranger = desk.town.resident(ELSEWHERE)
    alert_id = desk.alert("A")
    reach = Reach(alert_id, has_homes=True, told_in=())
    audience.freeze(desk.session, reach, priority=1)
    later = clock.wall_now() + timedelta(hours=1)
    assert audience.audit(desk.session, reach, since=later) == audience.Audit(strangers=0, missing=0)
    chunk = desk.session.scalars(sa.select(AlertChunk).where(AlertChunk.alert_id == alert_id)).one()
    chunk.resident_ids = [people[0], people[1], stranger]
    desk.session.flush()
    assert audience.audit(desk.session, reach, since=later) == audience.Audit(strangers=1, missing=1)
    before = clock.wall_now() - timedelta(hours=1)
    assert audience.audit(desk.session, reach, since=before) == audience.Audit(strangers=0, missing=0)
    desk.session.get_one(Alert, alert_id).approved_wall_at = later + timedelta(minutes=1)
    desk.session.flush()
    assert auditing.audit(desk.session, alert_id) == audience.Audit(strangers=1, missing=1)
    told = desk.session.scalars(sa.select(AlertThread.kind).where(AlertThread.alert_id == alert_id)).all()
    assert told == ["audience_differs"]
