"""Photos that a resident sends together are one thing said: one answer, ten kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from incidents import handful, tasks
from incidents.models import Draft, Photo, Report
from line.models import OutboxChunk

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PIN = (99.9600, 8.4300)


def _labels(message: dict[str, Any]) -> list[str]:
    return [item["action"]["label"] for item in message["quickReply"]["items"]]


def _send_set(talker: Talker, total: int, *, name: str = "s1") -> list[list[dict[str, Any]]]:
    return [
        talker.send({"type": "image", "imageSet": {"id": name, "index": index, "total": total}})
        for index in range(1, total + 1)
    ]


def _kept(session: Session) -> list[int]:
    stored = session.scalars(sa.select(Draft).execution_options(populate_existing=True)).one()
    return list(stored.data["photo_ids"])


def test_a_set_is_answered_once_with_its_last(town: Session, malee: Talker) -> None:
    """Three photos chosen together are one answer, and all three go with the report."""
    malee.say("ต้นไม้ล้มขวางถนน")
    answers = _send_set(malee, 3)
    assert [len(answer) for answer in answers] == [0, 0, 1]
    pin = malee.tap_label(answers[-1][0], _labels(answers[-1][0])[0])[0]
    malee.tap_label(malee.pin(*PIN)[0], "ยืนยัน")
    assert "ปักหมุดตำแหน่ง" in _labels(pin)
    report = town.scalars(sa.select(Report)).one()
    assert town.scalar(sa.select(sa.func.count()).where(Photo.report_id == report.id)) == 3


def test_a_photo_in_the_middle_leaves_the_guessed_categories(malee: Talker) -> None:
    """The question that is asked again offers what the words told."""
    asked = malee.say("ต้นไม้ล้มขวางถนน")[0]
    again = malee.send({"type": "image"})[0]
    assert _labels(again)[: len(_labels(asked)) - 2] == _labels(asked)[:-2]


def test_a_set_in_any_order_and_told_twice_is_answered_once(malee: Talker) -> None:
    """LINE keeps no order: whichever comes last completes the set."""
    malee.say("ต้นไม้ล้มขวางถนน")
    sent = [
        malee.send({"type": "image", "imageSet": {"id": "s1", "index": index, "total": 3}}) for index in (3, 1, 2)
    ]
    assert [len(answer) for answer in sent] == [0, 0, 1]


def test_photos_in_a_row_are_answered_at_once_and_at_their_end(
    town: Session, malee: Talker, frozen_clock: Callable[[datetime], None]
) -> None:
    """Without a set the first is answered, the others together when none follows, by the last one's reply token: in
    one short sentence, over the buttons of the question that stands, which the next photo has taken away.
    """
    asked = malee.say("ต้นไม้ล้มขวางถนน")[0]
    sent = []
    for second in range(5):
        frozen_clock(NOW + timedelta(seconds=second))
        sent.append(malee.send({"type": "image"}))
    assert [len(answer) for answer in sent] == [1, 0, 0, 0, 0]
    before = town.query(OutboxChunk).count()
    tasks.answer_photos.run(town)
    assert town.query(OutboxChunk).count() == before
    frozen_clock(NOW + timedelta(seconds=9))
    tasks.answer_photos.run(town)
    tasks.answer_photos.run(town)
    late = town.query(OutboxChunk).order_by(OutboxChunk.id).offset(before).all()
    assert [chunk.kind for chunk in late] == ["reply"]
    (said,) = late[0].messages
    assert said["text"] == "เก็บเพิ่มอีก 4 ภาพ รวม 5 ภาพแล้ว"
    assert _labels(said) == _labels(asked)
    assert len(_kept(town)) == 5


def test_more_photos_than_are_kept_are_told_with_how_many_are(
    town: Session, malee: Talker, frozen_clock: Callable[[datetime], None]
) -> None:
    """Twelve in a row: nine more are kept after the first, and the end says why not eleven."""
    malee.say("ต้นไม้ล้มขวางถนน")
    for second in range(12):
        frozen_clock(NOW + timedelta(seconds=second))
        malee.send({"type": "image"})
    frozen_clock(NOW + timedelta(seconds=20))
    tasks.answer_photos.run(town)
    late = town.query(OutboxChunk).order_by(OutboxChunk.id.desc()).first()
    assert late is not None
    assert [message["text"][:26] for message in late.messages] == [
        "เราเก็บภาพไว้ 10 ภาพแรก ภา", "เก็บเพิ่มอีก 9 ภาพ รวม 10 ",
    ]  # fmt: skip


def test_a_set_that_never_completes_is_answered_all_the_same(
    town: Session, malee: Talker, frozen_clock: Callable[[datetime], None]
) -> None:
    """A photo that LINE lost leaves nobody without an answer."""
    frozen_clock(NOW)
    malee.say("ต้นไม้ล้มขวางถนน")
    malee.send({"type": "image", "imageSet": {"id": "s1", "index": 1, "total": 2}})
    before = town.query(OutboxChunk).count()
    frozen_clock(NOW + timedelta(seconds=5))
    tasks.answer_photos.run(town)
    (late,) = town.query(OutboxChunk).order_by(OutboxChunk.id).offset(before).all()
    assert "เลือก" in late.messages[0]["text"], "nothing was answered before: the whole question"


def test_words_after_photos_are_answered_as_ever(town: Session, malee: Talker) -> None:
    """What comes after the photos asks the next question itself: nothing more is due."""
    malee.send({"type": "image"})
    malee.send({"type": "image"})
    assert len(malee.say("ต้นไม้ล้มขวางถนน")) == 1
    stored = town.scalars(sa.select(Draft).execution_options(populate_existing=True)).one()
    assert stored.answer_due_at is None
    assert stored.answer_token_sealed is None


def test_ten_photos_are_kept_and_the_rest_is_told(town: Session, malee: Talker) -> None:
    """Who sends fourteen photos hears in the one answer that ten are kept; no more is fetched."""
    malee.say("ต้นไม้ล้มขวางถนน")
    answers = _send_set(malee, 14)
    assert [len(answer) for answer in answers] == [0] * 13 + [2]
    assert "10 ภาพแรก" in answers[-1][0]["text"]
    assert len(_kept(town)) == 10
    assert town.scalar(sa.select(sa.func.count()).select_from(Photo)) == 10


def test_photos_of_an_emergency_belong_to_it_and_are_answered_once(town: Session, malee: Talker) -> None:
    """Four photos after a cry for help are one answer, and officers see all four."""
    malee.say("ช่วยด้วย ติดอยู่บนหลังคา")
    answers = _send_set(malee, 4)
    assert [len(answer) for answer in answers] == [0, 0, 0, 1]
    assert town.scalar(sa.select(sa.func.count()).where(Photo.incident_id.is_not(None))) == 4


@pytest.mark.parametrize(
    "image_set", [None, "x", [], {"id": 3}, {"total": 4}, {"id": "a", "total": True}, {"id": "a", "total": -1}]
)
def test_whatever_stands_for_a_set_is_a_photo(image_set: object) -> None:
    """Old phones leave parts of `imageSet` out, and nobody can be sure of the rest."""
    assert handful.picture(1, sent_at=NOW, image_set=image_set).set_total == 0
