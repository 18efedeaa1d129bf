"""Friends come and go, agree, choose a language and say where home is; nobody stands readable in the tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from core.events import EventRecord
from core.words import words
from gis.citypack.layers import LayerMeta, LayerRows
from gis.points import LonLat
from line.events import Followed, MessageReceived, PostbackReceived, Unfollowed, seal_line_user
from line.models import OutboxChunk
from residents import actions, citypack, queries, rules, tasks
from residents.models import Home, Resident

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
WHO = "U" + "a" * 32
HOME = LonLat(lon=99.96, lat=8.43)


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def follow(session: Session, at: datetime = NOW) -> Resident:
    return actions.register_from_follow(session, line_user_id=WHO, language="th", happened_at=at)


def tap(session: Session, data: str, at: datetime = NOW) -> None:
    event = PostbackReceived("E", seal_line_user(WHO), "token", data, {}, at)
    tasks.hear_button(session, event)


def send(session: Session, message: dict[str, Any], at: datetime) -> None:
    tasks.hear_home(session, MessageReceived("E", seal_line_user(WHO), "token", {"id": "1", **message}, at))


def pin(place: LonLat = HOME) -> dict[str, Any]:
    return {"type": "location", "latitude": place.lat, "longitude": place.lon}


def said(session: Session) -> list[str]:
    return [m[0]["text"] for m in session.scalars(sa.select(OutboxChunk.messages).order_by(OutboxChunk.id))]


def me(session: Session) -> Resident:
    resident = queries.by_line_user(session, WHO)
    assert resident is not None
    return resident


def test_found_by_hash_never_readable(session: Session) -> None:
    """A resident is found by the keyed hash of the LINE id; the id itself stands nowhere in the tables."""
    resident = follow(session)
    assert queries.by_line_user(session, "U" + "b" * 32) is None
    assert me(session).id == resident.id
    assert WHO.encode() not in resident.line_user_sealed + resident.line_user_hash
    assert queries.line_ids(session, [resident.id, -1]) == {resident.id: WHO}


def test_unfollow_and_return(session: Session) -> None:
    """Who blocks us is unreachable since that time; who returns can be reached, and is still the same resident."""
    resident = follow(session)
    actions.mark_unreachable(session, line_user_id=WHO, happened_at=later(5))
    assert (resident.is_reachable, resident.unreachable_at) == (False, later(5))
    assert follow(session, later(9)).id == resident.id
    assert (resident.is_reachable, resident.unreachable_at) == (True, None)
    names = session.scalars(sa.select(EventRecord.name).order_by(EventRecord.id)).all()
    assert names == ["residents.member_joined", "residents.member_left", "residents.member_joined"]


def test_final_state_is_that_of_the_latest_timestamp(session: Session) -> None:
    """An unfollow that arrives before an older follow wins: LINE does not keep the order."""
    tasks.mark_unreachable(session, Unfollowed("E2", seal_line_user(WHO), later(2)))
    tasks.welcome(session, Followed("E1", seal_line_user(WHO), "token", False, later(1)))
    assert not me(session).is_reachable
    assert said(session) == []


def test_two_buttons_of_consent(session: Session) -> None:
    """Consent has a version and a time; withdrawing it deletes the home."""
    resident = follow(session)
    tap(session, f"consent:give:{rules.CONSENT_VERSION}")
    assert (resident.consented_at, resident.consent_version) == (NOW, rules.CONSENT_VERSION)
    actions.set_home(session, resident.id, HOME)
    tap(session, "consent:withdraw")
    assert resident.consented_at is None
    assert queries.home_of(session, resident.id) is None


def test_home_by_pin(session: Session) -> None:
    """A pin sent within ten minutes of our question is the home; it replaces the last one."""
    resident = follow(session)
    for at, place in ((NOW, HOME), (later(60), LonLat(lon=99.97, lat=8.44))):
        tap(session, "home:ask", at)
        send(session, pin(place), at + timedelta(minutes=1))
    homes = session.scalars(sa.select(Home).where(Home.resident_id == resident.id)).all()
    assert len(homes) == 1
    assert session.scalar(sa.select(sa.func.ST_X(Home.geom))) == 99.97
    assert resident.consented_at is not None


def test_pins_that_are_no_home(session: Session) -> None:
    """A pin without our question, long after it, or after other words belongs to somebody else's conversation."""
    resident = follow(session)
    send(session, pin(), later(1))
    tap(session, "home:ask", later(2))
    send(session, {"type": "text", "text": "น้ำท่วม"}, later(3))
    send(session, pin(), later(4))
    tap(session, "home:ask", later(5))
    send(session, pin(), later(16))
    assert queries.home_of(session, resident.id) is None


def test_impossible_places(session: Session) -> None:
    """A place that is none is answered with the question again."""
    follow(session)
    tap(session, "home:ask")
    send(session, {"type": "location", "latitude": 199, "longitude": 1}, later(1))
    assert said(session)[-1] == words("residents", "home-outside")


def test_every_room_judges_a_pin_alike() -> None:
    """The pin that answered the question still counts as the answer; the next one does not."""
    asked = {"asked_at": NOW, "happened_at": later(1)}
    assert rules.is_home_pin(answered_at=None, **asked)
    assert rules.is_home_pin(answered_at=later(1), **asked)
    assert not rules.is_home_pin(answered_at=later(0.5), **asked)
    assert not rules.is_home_pin(asked_at=None, answered_at=None, happened_at=NOW)


def test_language(session: Session) -> None:
    """The resident's choice decides; the profile's language is a first guess, Thai where it is none of ours."""
    resident = follow(session)
    tap(session, "language:en")
    assert resident.language == "en"
    assert said(session) == [words("residents", "language-chosen", language="en")]
    tap(session, "language:xx")
    assert resident.language == "en"
    guesses = {"th": "th", "en-US": "en", "ms_MY": "ms", "de": "th", None: "th"}
    assert {given: rules.language_of(given) for given in guesses} == guesses
    with pytest.raises(InvalidInputError):
        actions.choose_language(session, resident, "xx")


def test_foreign_buttons_are_left_alone(session: Session) -> None:
    """The buttons of other rooms make nobody known and get no answer from here."""
    tap(session, "report:abc:confirm")
    assert queries.by_line_user(session, WHO) is None
    assert said(session) == []


def members(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(Resident).where(Resident.is_reachable)) or 0


def homes_layer(count: int, *, version: int = 1, language: str = "th") -> LayerRows:
    meta = LayerMeta(1, "homes", "homes", "homes.csv", "generated", "CC0", None, "simulated", version)
    columns = {
        "member_id": [f"U{n:032x}" for n in range(count)],
        "language": [language] * count,
        "is_vulnerable": [n % 10 == 0 for n in range(count)],
        "community_code": ["C1"] * count,
    }
    points = shapely.points(np.linspace(99.9, 100.0, count), np.linspace(8.4, 8.5, count))
    return LayerRows(layer=meta, numbers=range(1, count + 1), columns=columns, geoms=points)


def test_import_of_homes(session: Session) -> None:
    """Members are imported sealed and hashed, with consent vouched for by the layer's name."""
    assert citypack.load_homes(session, homes_layer(400)) == 400
    resident = queries.by_line_user(session, f"U{7:032x}")
    assert resident is not None
    assert (resident.trust, resident.consent_version) == ("simulated", "import:homes")
    assert members(session) == 400
    vulnerable = session.scalar(sa.select(sa.func.count()).where(Home.is_vulnerable))
    assert vulnerable == 40


def test_import_again(session: Session) -> None:
    """A second import replaces the homes of the first; a home that a resident has set since stays."""
    citypack.load_homes(session, homes_layer(10))
    resident = queries.by_line_user(session, f"U{3:032x}")
    assert resident is not None
    mine = actions.set_home(session, resident.id, HOME)
    citypack.load_homes(session, homes_layer(8, version=2))
    homes = session.scalars(sa.select(Home).order_by(Home.resident_id)).all()
    assert len(homes) == 8
    assert [h.id for h in homes if h.resident_id == resident.id] == [mine.id]
    assert members(session) == 10


def test_bad_rows_are_named(session: Session) -> None:
    """A member id or language that cannot be used is named with file and row, and nothing is imported."""
    bad = homes_layer(3)
    bad.columns["member_id"][1] = "someone"  # type: ignore[index]  # a list in this test
    with pytest.raises(InvalidInputError, match=r"homes\.csv, row 2, column member_id"):
        citypack.load_homes(session, bad)
    with pytest.raises(InvalidInputError, match=r"homes\.csv, row 1, column language: 'tlh'"):
        citypack.load_homes(session, homes_layer(1, language="tlh"))
    assert members(session) == 0
