"""The link in messages on LINE to the page on which everybody may follow the incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.settings import settings
from incidents import actions, cards, promise_queries
from incidents.exchange import services
from incidents.models import Incident

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

PIN = (99.9600, 8.4300)


def _reported(talker: Talker, session: Session, category: str) -> tuple[Incident, str]:
    """The incident of a report told to its end in Thai, and the last answer."""
    services.load_shipped(session)
    talker.say("แจ้งเหตุหน้าตลาด ต้นไม้ล้ม")
    for button in (f"category:{category}",):
        talker.tap(_press(session, button))
    talker.pin(*PIN)
    (answer,) = talker.tap(_press(session, "confirm"))
    incident = session.scalars(sa.select(Incident).order_by(Incident.id.desc())).first()
    assert incident is not None
    return incident, answer["text"]


def _press(session: Session, button: str) -> str:
    key = session.execute(sa.text("SELECT data ->> 'key' FROM draft")).scalar_one()
    return f"report:{key}:{button}"


def test_answers_and_news_lead_to_the_public_page(town: Session, malee: Talker) -> None:
    """After sending, when asking, and with every change: the line with the link, on a line of its own."""
    incident, answer = _reported(malee, town, "fallen_tree")
    link = f"{settings().residents_url}/t/{incident.number}"
    assert answer.split("\n")[-1] == f"ดูความคืบหน้า {link}"
    assert malee.say("สถานะ")[0]["text"].split("\n")[-1].endswith(link)
    actions.change_state(town, incident.id, "accepted", by="officer", reason="")
    news = promise_queries.news_of(town, malee.resident.id, due_by=None)
    assert link in cards.news(news, "th")["text"]
    assert f"{link}?lang=en" in cards.news(news, "en")["text"]


def test_what_nobody_else_may_see_has_no_link(town: Session, malee: Talker) -> None:
    """A hidden category's page would say that there is nothing: its reporter is sent to no such page."""
    incident, answer = _reported(malee, town, "safety")
    actions.change_state(town, incident.id, "accepted", by="officer", reason="")
    news = promise_queries.news_of(town, malee.resident.id, due_by=None)
    for text in (answer, malee.say("สถานะ")[0]["text"], cards.news(news, "th")["text"]):
        assert incident.number in text
        assert "/t/" not in text
