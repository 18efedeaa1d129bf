"""A file that is no picture: who sent it hears so once, by the next answer or by one message after the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.words import words
from incidents import actions, photos, refused_photos
from incidents.models import Draft, Photo, Report
from line.models import OutboxChunk

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

PIN = (99.9600, 8.4300)
NO_PICTURES = {
    "a PDF called .jpg": b"%PDF-1.7 ...",
    "HEIC": b"\x00\x00\x00\x18ftypheic",
    "broken off": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "too large": b"\xff\xd8\xff" + b"0" * photos.SIZE_LIMIT_BYTES,
}
TEXT = words("incidents", "photo-unusable")


def _labels(message: dict[str, Any]) -> list[str]:
    return [item["action"]["label"] for item in message["quickReply"]["items"]]


def _send(talker: Talker) -> Photo:
    talker.send({"type": "image"})
    return talker.session.scalars(sa.select(Photo).order_by(Photo.id.desc()).limit(1)).one()


def _refuse(talker: Talker, photo: Photo, raw: bytes = b"%PDF-1.7") -> None:
    """The file was fetched, and is no picture."""
    assert photos.fault_in(raw) is not None
    talker.session.expire_all()
    refused_photos.tell(talker.session, photo.id, talker.resident.id)
    actions.keep_line_photo(talker.session, photo.id, raw)
    talker.session.flush()
    talker.session.expire_all()


def _pushed(session: Session) -> list[str]:
    chunks = session.scalars(sa.select(OutboxChunk).where(OutboxChunk.kind == "push").order_by(OutboxChunk.id))
    return [message["text"] for chunk in chunks for message in chunk.messages]


def _texts(answers: list[dict[str, Any]]) -> list[str]:
    return [answer.get("text", "") for answer in answers]


@pytest.mark.parametrize("raw", NO_PICTURES.values(), ids=NO_PICTURES)
def test_the_next_answer_says_that_the_picture_cannot_be_used(town: Session, malee: Talker, raw: bytes) -> None:
    """Once, with the kinds that can, above the question that stands; it counts no more, and no push is spent."""
    malee.say("ต้นไม้ล้มขวางถนน")
    _refuse(malee, _send(malee), raw)
    answers = malee.say("ขวางทั้งสองเลน")
    assert _texts(answers)[0] == TEXT
    assert "quickReply" in answers[-1]
    assert TEXT not in _texts(malee.say("รถผ่านไม่ได้"))
    assert town.scalars(sa.select(Draft)).one().data["photo_ids"] == []
    assert _pushed(town) == []


def test_several_refused_are_told_of_together_and_good_ones_stay(town: Session, malee: Talker) -> None:
    """Two files that are no picture are one sentence; the photo between them goes with the report."""
    malee.say("ต้นไม้ล้มขวางถนน")
    sent = [_send(malee) for _ in range(3)]
    for photo in (sent[0], sent[2]):
        _refuse(malee, photo)
    category = malee.say("ขวางทั้งสองเลน")
    assert _texts(category).count(TEXT) == 1
    malee.tap_label(category[-1], _labels(category[-1])[0])
    malee.tap_label(malee.pin(*PIN)[-1], "ยืนยัน")
    report = town.scalars(sa.select(Report)).one()
    assert town.scalars(sa.select(Photo.id).where(Photo.report_id == report.id)).all() == [sent[1].id]


def test_the_answer_to_the_confirmation_says_so_too(town: Session, malee: Talker) -> None:
    """Whoever sends the report before the next question hears it with the number."""
    category = malee.say("ต้นไม้ล้มขวางถนน")
    photo = _send(malee)
    malee.tap_label(category[-1], _labels(category[-1])[0])
    (confirm,) = malee.pin(*PIN)
    _refuse(malee, photo)
    answers = _texts(malee.tap_label(confirm, "ยืนยัน"))
    assert answers[0] == TEXT
    assert town.scalars(sa.select(Report)).one().text in "ต้นไม้ล้มขวางถนน"
    assert len(answers) == 2


def test_after_the_report_one_message_tells_of_all(town: Session, malee: Talker) -> None:
    """Pictures that are fetched late, after the report was sent: one message, however many cannot be used."""
    category = malee.say("ต้นไม้ล้มขวางถนน")
    sent = [_send(malee) for _ in range(2)]
    malee.tap_label(category[-1], _labels(category[-1])[0])
    malee.tap_label(malee.pin(*PIN)[-1], "ยืนยัน")
    for photo in sent:
        _refuse(malee, photo)
    assert _pushed(town) == [TEXT]


def test_a_cry_for_help_is_answered_alone(malee: Talker) -> None:
    """What could not be used is said with a later answer: nothing stands before the numbers to call."""
    malee.say("ต้นไม้ล้มขวางถนน")
    _refuse(malee, _send(malee))
    answers = malee.say("ช่วยด้วย ติดอยู่บนหลังคา")
    assert [answer["type"] for answer in answers] == ["flex"]
    assert TEXT in _texts(malee.say("อยู่ชั้นสอง"))


def test_who_has_been_forgotten_meanwhile_is_told_nothing(town: Session, malee: Talker) -> None:
    """A job that comes after an erasure finds nobody, and does no harm."""
    malee.say("ต้นไม้ล้มขวางถนน")
    photo = _send(malee)
    refused_photos.tell(town, photo.id, malee.resident.id + 1000)
    assert _pushed(town) == []
