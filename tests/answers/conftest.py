"""The small town of the incidents' tests, with some articles and a talker whose buttons reach the room of answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from answers import actions, tasks
from answers.rules import Draft
from core import clock
from line.events import PostbackReceived, seal_line_user
from tests.incidents import conftest as town_tests
from tests.incidents.conftest import Talker, add_talker, fill_town

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def draft(title: str, short_answer: str, *asked_as: str, body: str = "", valid_until: date | None = None) -> Draft:
    """An article from a manual."""
    return Draft(
        title=title, short_answer=short_answer, body=body, asked_as=asked_as, agency_code=None,
        source_title="คู่มือประชาชน", source_page="3", source_url="https://manual.example/3",
        source_dated=date(2026, 1, 1), valid_until=valid_until, review_on=date(2027, 1, 1),
    )


def write_articles(session: Session) -> None:
    """Four matters: hours (in two languages), waste, ID cards, and relief that is over."""
    written = {
        ("hours", "th"): draft("เวลาทำการของเทศบาล", "เปิด 08.30-16.30 น.", "เทศบาลเปิดกี่โมง", body="พักเที่ยงมีคนอยู่"),
        ("hours", "en"): draft("Opening hours of the office", "Open 8:30 to 16:30.", "when is the office open"),
        ("waste", "th"): draft("วันเก็บขยะ", "เก็บวันจันทร์ พุธ ศุกร์", "รถขยะมาวันไหน"),
        ("card", "th"): draft("ทำบัตรประชาชนใหม่", "ทำที่งานทะเบียน 100 บาท", "บัตรประชาชนหายทำที่ไหน"),
        ("relief", "th"): draft(
            "เงินเยียวยารอบก่อน", "ปิดแล้ว", "เงินเยียวยาลงทะเบียนที่ไหน", valid_until=date(2025, 12, 31)
        ),
    }
    for (code, language), said in written.items():
        actions.write_new(session, code=code, language=language, draft=said, by="anong", now=NOW)


@dataclass
class Asker(Talker):
    """A resident whose buttons reach the room of answers too."""

    def ask_tap(self, data: str) -> list[dict[str, Any]]:
        """The city's answers to a button of this room."""
        event = PostbackReceived(
            webhook_event_id=f"a{next(town_tests._serial)}",  # One count of tokens for both rooms.
            line_user_id_sealed=seal_line_user(self.line_user_id), reply_token=f"ask-{next(town_tests._serial)}",
            data=data, params={}, happened_at=clock.now(),
        )
        return self._answers(lambda: tasks.hear_button(self.session, event))

    def ask_label(self, message: dict[str, Any], verb: str) -> list[dict[str, Any]]:
        """The city's answers to the button of this verb under a message."""
        return self.ask_tap(next(one for one in buttons(message) if one.split(":")[1] == verb))


def buttons(message: dict[str, Any]) -> list[str]:
    """What the buttons under a message send."""
    return [item["action"].get("data", "") for item in message.get("quickReply", {}).get("items", [])]


@pytest.fixture
def town(session: Session) -> Session:
    """The town with its articles; the clock stands still."""
    fill_town(session)
    write_articles(session)
    return session


def asker(session: Session, number: int, *, language: str = "th") -> Asker:
    """A resident who is a friend on LINE, and whose home is known."""
    talker = add_talker(session, number, home=(99.960, 8.430), language=language)
    return Asker(talker.session, talker.resident, talker.line_user_id)


@pytest.fixture
def malee(town: Session) -> Asker:
    """A resident who writes Thai."""
    return asker(town, 1)


@pytest.fixture
def counted(town: Session) -> Callable[[Callable[[], object]], int]:
    """`counted(act)`: how many statements `act` sends to the database."""
    import sqlalchemy as sa

    def count(act: Callable[[], object]) -> int:
        seen: list[str] = []
        connection = town.connection()

        def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        sa.event.listen(connection, "before_cursor_execute", note)
        try:
            act()
        finally:
            sa.event.remove(connection, "before_cursor_execute", note)
        return len(seen)

    return count
