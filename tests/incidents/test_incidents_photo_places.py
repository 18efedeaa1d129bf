"""The place in a photo: read tolerantly, offered to who sent it, never taken unasked, kept nowhere else."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from incidents import exif, photo_places, photos, tasks
from incidents.models import Draft, Incident, Photo, Report
from line.models import OutboxChunk
from tests.incidents import geotags
from tests.incidents.geotags import CITY, photo, rationals, text

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SPOT = (99.96123, 8.43197)
FAR = (99.9720, 8.4460)
THERE = "ตรงที่ถ่ายภาพ"


@pytest.fixture
def city(town: Session) -> Session:
    """The town lies in a city."""
    town.execute(CITY)
    return town


def _seen(raw: bytes) -> exif.SeenFrom | None:
    return exif.seen_from(photos.exif_of(raw), now=NOW)


# ── What is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("spot", [SPOT, (-70.5, -33.25), (0.5, -0.25)])
def test_the_place_is_read_in_either_order_of_bytes(order: str, spot: tuple[float, float]) -> None:
    """To a metre, on every side of the globe."""
    seen = _seen(photo(*spot, order=order))
    assert seen is not None
    assert (seen.place.lon, seen.place.lat) == pytest.approx(spot, abs=1e-6)
    assert seen.radius_m == exif.RADIUS_M


@pytest.mark.parametrize(("told", "radius_m"), [
    ((45, 2), 22.5), ((1, 10), exif.LEAST_RADIUS_M), ((0, 1), exif.RADIUS_M), ((5, 0), exif.RADIUS_M), ((900, 1), None),
])  # fmt: skip
def test_the_receivers_own_error_is_the_radius(told: tuple[int, int], radius_m: float | None) -> None:
    """Within reason: none is better than a street's width, and a mast's half kilometre is no place."""
    seen = _seen(photo(*SPOT, t31=rationals(told)))
    assert (seen.radius_m if seen else None) == radius_m


NO_PLACES: dict[str, dict[str, Any]] = {
    "no hemisphere": {"t1": None}, "a hemisphere that is none": {"t3": text("X")}, "no longitude": {"t4": None},
    "nothing over nothing": {"t2": rationals((0, 0), (0, 0), (0, 0))},
    "a third of it over nothing": {"t2": rationals((8, 1), (25, 1), (5, 0))},
    "91 degrees": {"t2": rationals((91, 1))}, "4 billion degrees": {"t4": rationals((2**32 - 1, 1))},
    "70 minutes": {"t2": rationals((8, 1), (70, 1))}, "words for numbers": {"t2": text("8.43197 north")},
    "seven numbers": {"t2": rationals(*[(1, 1)] * 7)}, "no fix": {"t9": text("V")},
    "a precision of 50": {"t11": rationals((50, 1))}, "a precision of 0": {"t11": rationals((0, 1))},
    "a precision of 1/0": {"t11": rationals((1, 0))}, "last month": {"t29": text("2026:10:20")},
    "next year": {"t29": text("2027:11:21")}, "no day": {"t29": text("2026:02:31")},
}


@pytest.mark.parametrize("name", NO_PLACES)
def test_what_is_not_plainly_a_place_is_none(name: str) -> None:
    """Better to ask for a pin than to send a crew to where a receiver was yesterday."""
    assert _seen(photo(*SPOT, **NO_PLACES[name])) is None


@pytest.mark.parametrize("spot", [(0.0, 0.0), (0.00001, -0.00002)])
def test_the_middle_of_the_gulf_of_guinea_is_no_place(spot: tuple[float, float]) -> None:
    """0/0 is what phones write that do not know."""
    assert _seen(photo(*spot)) is None


def test_yesterday_is_recent_and_a_photo_without_a_day_is_taken_at_its_word() -> None:
    """People photograph first and report in the evening."""
    assert _seen(photo(*SPOT, t29=text("2026:11:20"))) is not None
    assert _seen(photo(*SPOT, t29=None, t9=text("A"), t11=rationals((14, 10)))) is not None


def test_a_png_says_its_place_too() -> None:
    """In the chunk eXIf, which is cut out of what is kept."""
    block = geotags.tiff(*SPOT)
    chunks = ((b"IHDR", bytes(13)), (b"eXIf", block), (b"IDAT", b"x"), (b"IEND", b""))
    png = photos.PNG_SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + name + body + bytes(4) for name, body in chunks
    )
    assert _seen(png) is not None
    assert _seen(photos.clean(png).content) is None


@given(st.binary(max_size=400), st.integers(0, 180), st.integers(0, 255))
def test_whatever_stands_there_is_a_place_or_none(noise: bytes, at: int, byte: int) -> None:
    """Loops, pointers beyond the end, kinds of no kind: nothing raises, nothing lasts."""
    assert exif.seen_from(noise, now=NOW) is None or noise[:2] in {b"II", b"MM"}
    block = bytearray(geotags.tiff(*SPOT))
    block[at % len(block)] = byte
    exif.seen_from(bytes(block), now=NOW)
    exif.seen_from(bytes(block[: at % len(block)]) + noise, now=NOW)


def test_nothing_of_the_place_stays_in_the_picture() -> None:
    """Neither in its head, nor between its scans, nor in a second picture behind it, as phones lay one there."""
    block = b"Exif\x00\x00" + geotags.tiff(*SPOT)
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    first = photo(*SPOT)
    scan = first[first.index(b"\xff\xda") : -2]
    raw = first[:-2] + segment + scan + b"\xff\xd9" + photo(*SPOT, mark=b"behind it")
    kept = photos.clean(raw).content
    assert b"Exif" not in kept
    assert b"behind it" not in kept
    assert kept.count(b"\xff\xda") == 2, "both scans of the picture itself are there"


def test_of_the_second_kind_of_segments_only_colours_stay() -> None:
    """APP2 holds a colour profile, or where a further picture lies and by whom it was made."""
    profile, index = b"ICC_PROFILE\x00\x01\x01colours", b"MPF\x00whose"
    segments = b"".join(b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body for body in (profile, index))
    kept = photos.clean(b"\xff\xd8" + segments + photo(*SPOT)[2:]).content
    assert b"colours" in kept
    assert b"whose" not in kept


# ── What is offered ──────────────────────────────────────────────────────────────────────────────────────────────────


def _labels(message: dict[str, Any]) -> list[str]:
    return [item["action"]["label"] for item in message.get("quickReply", {"items": []})["items"]]


def _sends(talker: Talker, raw: bytes) -> list[dict[str, Any]]:
    """The photo was sent and answered, then fetched; what is pushed then."""
    talker.send({"type": "image"})
    session = talker.session
    newest = session.scalars(sa.select(Photo).order_by(Photo.id.desc()).limit(1)).one()
    before = session.query(OutboxChunk).count()
    photo_places.offer(session, newest.id, raw)
    photo_places.offer(session, newest.id, raw)
    chunks = session.query(OutboxChunk).order_by(OutboxChunk.id).offset(before).all()
    assert all(chunk.kind == "push" for chunk in chunks)
    return [message for chunk in chunks for message in chunk.messages]


def _asked_where(talker: Talker) -> dict[str, Any]:
    category = talker.say("ต้นไม้ล้มขวางถนน")[0]
    return talker.tap_label(category, _labels(category)[0])[0]


def test_the_place_is_a_button_beside_the_pin_and_no_turn_more(city: Session, malee: Talker) -> None:
    """Photo, words, category, a tap instead of a pin, yes: the report lies there, with source and radius."""
    assert _sends(malee, photo(*SPOT, t31=rationals((20, 1)))) == [], "nobody asked where it is yet"
    asked = _asked_where(malee)
    assert THERE in _labels(asked)
    card = malee.tap_label(asked, THERE)[0]
    assert "ชุมชนท่าวัง" in card["text"]
    assert THERE not in _labels(card)
    malee.tap_label(card, "ยืนยัน")
    report = city.scalars(sa.select(Report)).one()
    assert (report.place_source, report.radius_m) == ("photo", 20.0)
    assert city.scalar(sa.select(Incident.place_source)) == "photo"
    assert city.scalar(sa.select(Draft)) is None, "and the place is nowhere else"


def test_it_is_never_taken_unasked(city: Session, malee: Talker) -> None:
    """A photo with a place leaves the question open until the resident answers it."""
    _sends(malee, photo(*SPOT))
    _asked_where(malee)
    assert city.scalars(sa.select(Draft)).one().data["place"] is None


def test_who_was_asked_where_is_asked_once_more_with_the_place(city: Session, malee: Talker) -> None:
    """The photo came as the answer: what it says is put to them, once, with the pin beside it."""
    _asked_where(malee)
    (asked,) = _sends(malee, photo(*SPOT))
    assert "ชุมชนท่าวัง" in asked["text"]
    assert _labels(asked)[:2] == ["ปักหมุดตำแหน่ง", THERE]
    assert _sends(malee, photo(*FAR)) == [], "one question, by the first photo that says so"
    assert "ต้นไม้" in malee.tap_label(asked, THERE)[0]["text"]


def test_a_pin_stands(city: Session, malee: Talker) -> None:
    """Whoever has placed it is not asked, and an older button moves nothing."""
    _sends(malee, photo(*SPOT))
    asked = _asked_where(malee)
    malee.pin(*FAR)
    assert _sends(malee, photo(*SPOT)) == []
    malee.tap_label(malee.tap_label(asked, THERE)[0], "ยืนยัน")
    report = city.scalars(sa.select(Report)).one()
    assert (report.place_source, report.radius_m) == ("pin", None)


@pytest.mark.parametrize("raw", [photo(101.5, 7.2), photo(*SPOT, t9=text("V")), photos.clean(photo(*SPOT)).content])
def test_a_photo_from_elsewhere_or_of_nowhere_is_a_photo(city: Session, malee: Talker, raw: bytes) -> None:
    """Outside the city, without a fix, stripped as LINE strips it: nothing is offered."""
    _asked_where(malee)
    assert _sends(malee, raw) == []
    assert city.scalars(sa.select(Draft)).one().data["seen_from"] is None


def test_without_a_city_no_place_is_offered(town: Session, malee: Talker) -> None:
    """Nobody could say whether it lies here."""
    _asked_where(malee)
    assert _sends(malee, photo(*SPOT)) == []


def test_who_cries_for_help_may_answer_with_the_photos_place(city: Session, somchai: Talker) -> None:
    """No home, no pin, but a photo: one tap opens the rescue there; a pin moves it still."""
    somchai.say("help me, trapped on the roof")
    (asked,) = _sends(somchai, photo(*SPOT))
    assert _labels(asked) == ["Send a pin", "The photo's place"]
    assert somchai.tap_label(asked, "The photo's place")[0]["type"] == "flex"
    incident = city.scalars(sa.select(Incident)).one()
    assert (incident.category_code, incident.place_source) == ("rescue", "photo")
    somchai.pin(99.9600, 8.4300)
    city.refresh(incident)
    assert incident.place_source == "pin"


def test_photos_in_a_row_are_asked_about_in_their_one_late_answer(
    city: Session, malee: Talker, frozen_clock: Callable[[datetime], None]
) -> None:
    """No message more: the short sentence at the end of the row has the button."""
    _asked_where(malee)
    malee.send({"type": "image"})
    frozen_clock(NOW + timedelta(seconds=1))
    assert _sends(malee, photo(*SPOT)) == []
    frozen_clock(NOW + timedelta(seconds=9))
    tasks.answer_photos.run(city)
    late = city.query(OutboxChunk).order_by(OutboxChunk.id.desc()).first()
    assert late is not None
    assert late.kind == "reply"
    assert THERE in _labels(late.messages[-1])
