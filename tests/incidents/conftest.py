"""A small town: categories, agencies, one community, residents with and without a home."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core import clock
from gis.models import Area, Layer
from incidents import actions, tasks
from incidents.models import Agency
from line.events import MessageReceived, PostbackReceived, seal_line_user
from line.models import OutboxChunk
from residents import actions as residents_actions
from residents.models import Home, Resident

HOME = (99.960, 8.430)
_serial = itertools.count(1)


def line_id(number: int) -> str:
    """A LINE user id as LINE makes them."""
    return f"U{number:032x}"


@dataclass
class Talker:
    """A resident with a phone: what is sent runs through the subscribers, answers are read from the outbox."""

    session: Session
    resident: Resident
    line_user_id: str

    def say(self, text: str) -> list[dict[str, Any]]:
        """The city's answers to a text."""
        return self.send({"type": "text", "text": text})

    def pin(self, lon: float, lat: float) -> list[dict[str, Any]]:
        """The city's answers to a place."""
        return self.send({"type": "location", "longitude": lon, "latitude": lat})

    def send(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """The city's answers to a message."""
        number = next(_serial)
        event = MessageReceived(
            webhook_event_id=f"e{number}",
            line_user_id_sealed=seal_line_user(self.line_user_id),
            reply_token=f"token-{number}",
            message={"id": str(1000 + number), **message},
            happened_at=clock.now(),
        )
        return self._answers(lambda: tasks.hear_message(self.session, event))

    def tap(self, data: str) -> list[dict[str, Any]]:
        """The city's answers to a button."""
        number = next(_serial)
        event = PostbackReceived(
            webhook_event_id=f"e{number}",
            line_user_id_sealed=seal_line_user(self.line_user_id),
            reply_token=f"token-{number}",
            data=data,
            params={},
            happened_at=clock.now(),
        )
        return self._answers(lambda: tasks.hear_button(self.session, event))

    def tap_label(self, message: dict[str, Any], label: str) -> list[dict[str, Any]]:
        """The city's answers to the quick reply with this label."""
        buttons = {item["action"]["label"]: item["action"] for item in message["quickReply"]["items"]}
        return self.tap(buttons[label]["data"])

    def _answers(self, act: Callable[[], None]) -> list[dict[str, Any]]:
        before = self.session.query(OutboxChunk).count()
        act()
        self.session.flush()
        chunks = self.session.query(OutboxChunk).order_by(OutboxChunk.id).offset(before).all()
        return [message for chunk in chunks if chunk.kind == "reply" for message in chunk.messages]


def fill_town(session: Session) -> None:
    """The town is there: 24 categories, three agencies, a community around HOME."""
    actions.load_categories(session)
    layer = Layer(
        name="communities",
        kind="communities",
        source="test",
        licence="test",
        dated=date(2026, 1, 1),
        trust="simulated",
        row_count=1,
        version=1,
        imported_at=datetime(2026, 1, 1, tzinfo=UTC),
        legend={},
    )
    session.add(layer)
    session.flush()
    west, south, east, north = 99.94, 8.41, 99.98, 8.45
    ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
    session.add(
        Area(
            layer_id=layer.id,
            kind="community",
            code="C1",
            name_th="ชุมชนท่าวัง",
            name_en="Tha Wang",
            geom=f"SRID=4326;MULTIPOLYGON((({ring})))",
            place=f"SRID=4326;POINT({HOME[0]} {HOME[1]})",
            attributes={},
            trust="simulated",
        )
    )
    for code, names in (("rescue", ["rescue", "disaster"]), ("works", ["drainage", "works"]), ("clerk", ["*"])):
        session.add(Agency(code=code, name_th=f"งาน {code}", name_en=code, categories=names, trust="simulated"))
    session.flush()


def add_talker(session: Session, number: int, *, home: tuple[float, float] | None, language: str = "th") -> Talker:
    """A resident who is a friend on LINE."""
    resident = residents_actions.resident_of(session, line_id(number))
    resident.language = language
    if home is not None:
        session.add(
            Home(
                resident_id=resident.id, geom=f"SRID=4326;POINT({home[0]} {home[1]})", is_vulnerable=False, label="home"
            )
        )
    session.flush()
    return Talker(session, resident, line_id(number))


@pytest.fixture
def fill() -> Callable[[Session], None]:
    """Fills a database of the test's own."""
    return fill_town


@pytest.fixture
def town(session: Session) -> Session:
    """A session on the small town; the clock stands still and rows are seen by nobody else."""
    fill_town(session)
    return session


@pytest.fixture
def malee(town: Session) -> Talker:
    """A resident whose home is known."""
    return add_talker(town, 1, home=HOME)


@pytest.fixture
def somchai(town: Session) -> Talker:
    """A resident without a home on the map, who reads English."""
    return add_talker(town, 2, home=None, language="en")
