"""The city's news: to whom they go, and what a resident reads of what was sent to them."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from shapely.geometry import Point
from sqlalchemy.orm import Session

from alerts import actions, audience, drafting, personal, queries
from alerts.audience import Reach
from alerts.drafting import Wanted
from alerts.models import Alert
from api import problems
from api.routes import alerts as routes
from core import clock
from core.db import transaction
from line.models import OutboxChunk
from residents import erasure
from residents import queries as residents
from residents.models import Resident
from residents.models_rights import AreaWatch
from tests.alerts.groups import community
from tests.alerts.test_alert_escalation import browser
from tests.alerts.test_alert_reach import Desk

INSIDE = Point(100.005, 8.405)


def test_who_refused_news_is_warned_all_the_same(session: Session, town: Any) -> None:
    """News name them as suppressed, and why; a warning reaches them."""
    town.zone("A")
    town.resident(INSIDE)
    session.get_one(Resident, town.resident(INSIDE)).news_refused_at = clock.now()
    session.flush()
    alert_id = Desk(session, town).alert("A")
    news = audience.preview(session, Reach(alert_id, has_homes=True, told_in=(), is_news=True))
    assert (news.count, news.suppressed) == (1, {"wants_no_news": 1})
    warning = audience.preview(session, Reach(alert_id, has_homes=True, told_in=()))
    assert (warning.count, warning.suppressed) == (2, {})


NEWS = {"th": {"title": "ล้างท่อวันเสาร์", "body": "ปิดถนน 1 ชั่วโมง"}, "en": {"title": "Drains", "body": "Closed road"}}


def sent(session: Session, town: Any, *targets: tuple[str, int | None]) -> Alert:
    """News that two people let go out."""
    author, approver = town.account("nok"), town.account("nut")
    alert = drafting.draft(session, Wanted(level=0, own_words=NEWS, targets=targets), author, is_proposed=True)
    return actions.approve(session, alert.id, alert.revision, approver)


def test_news_stand_in_what_was_sent_to_a_resident(session: Session, town: Any) -> None:
    """To a follower of the area by its title in their language; not to who refused, but that they were left out."""
    town.zone("A")
    area_id = community(session)
    follower, refuses, other = (town.resident(Point(100.5, 8.5), language=t) for t in ("en", "th", "th"))
    for resident_id in (follower, refuses):
        session.add(AreaWatch(resident_id=resident_id, area_id=area_id, since=clock.now()))
    session.get_one(Resident, refuses).news_refused_at = clock.now()
    session.flush()
    alert = sent(session, town, ("area", area_id))
    (mine,) = personal.alerts_of(session, follower)
    assert (mine.number, mine.kind, mine.level, mine.title) == (alert.number, "news", 0, "Drains")
    assert mine.state == "queued"
    assert [one.state for one in personal.alerts_of(session, refuses)] == ["suppressed"]
    assert personal.alerts_of(session, other) == []


def test_a_letter_to_one_person_goes_with_them(session: Session, town: Any) -> None:
    """What was written to an erased person alone says nothing any more; news to all keep their words."""
    town.zone("A")
    resident_id = town.resident(INSIDE)
    letter, news = sent(session, town, ("person", resident_id)), sent_to_all(session, town)
    line_user_id = residents.line_ids(session, [resident_id])[resident_id]
    personal.forget(session, erasure.Person(resident_id, line_user_id, message_ids=(), words=frozenset()))
    session.expire_all()
    assert "ล้างท่อ" not in json.dumps([letter.texts, letter.own_words], ensure_ascii=False)
    assert news.texts["th"]["title"] == "ล้างท่อวันเสาร์"
    chunks = session.scalars(sa.select(OutboxChunk).where(OutboxChunk.subject == queries.subject(letter.id)))
    assert all("ล้างท่อ" not in json.dumps(chunk.messages, ensure_ascii=False) for chunk in chunks)


def sent_to_all(session: Session, town: Any) -> Alert:
    author, approver = town.account("noi"), town.account("nid")
    wanted = Wanted(level=0, own_words=NEWS, targets=(("everyone", None),))
    alert = drafting.draft(session, wanted, author, is_proposed=True)
    return actions.approve(session, alert.id, alert.revision, approver)


def test_an_officer_sends_own_news_to_a_person_and_nothing_else(
    database: sa.Engine, frozen_clock: Any, town_of: Any
) -> None:
    """To a person or a group the author alone decides, without the approvers' role; to an area or all they may not."""
    with transaction() as session:
        town = town_of(session)
        resident_id = town.resident(INSIDE)
        for username in ("olu", "ola"):
            town.account(username, ["officer"])
        town.account("ann", ["approver"])
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(routes.router, prefix="/api/v1")
    olu, ola, ann = (browser(app, username) for username in ("olu", "ola", "ann"))
    words = {language: {"title": text["title"], "body": text["body"]} for language, text in NEWS.items()}
    news = {"level": 0, "words": words, "is_proposed": True}

    def drafted(target: dict[str, Any]) -> tuple[str, dict[str, int]]:
        made = olu.post("/api/v1/alerts", json=news | {"targets": [target]}).json()
        return f"/api/v1/alerts/{made['id']}/approve", {"revision": made["revision"]}

    path, looked = drafted({"kind": "person", "ref_id": resident_id})
    assert ola.post(path, json=looked).status_code == 403
    assert olu.post(path, json=looked).json()["state"] in {"approved", "sending"}
    path, looked = drafted({"kind": "everyone", "ref_id": None})
    assert olu.post(path, json=looked).status_code == 403
    assert ann.post(path, json=looked).status_code == 200
