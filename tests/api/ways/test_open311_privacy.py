"""What must never leave by Open311, and that nothing comes in twice or too often."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.db import transaction
from core.errors import ConflictError, InvalidInputError, NotFoundError
from gis.points import LonLat
from incidents import actions
from incidents.exchange import arrivals, keys, privacy, services
from incidents.exchange.errors import KeyRefusedError
from incidents.rules import NewReport
from tests.api.ways.conftest import NOW, PNG, walk

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways


def _told(*, code: str, text: str, place: LonLat, place_source: str = "pin", source: str = "line") -> str:
    new = NewReport(text=text, category_code=code, place=place, place_source=place_source, source=source)
    with transaction() as session:
        return actions.receive_report(session, new)[1].number


def test_who_reported_never_appears(ways: Ways) -> None:
    """Names, telephones, mail addresses and accounts are kept sealed, and are in no answer."""
    person = {
        "first_name": "สมหมาย", "last_name": "รักน้ำ", "phone": "081-234-5678", "email": "sommai@example.org",
        "device_id": "device-77", "account_id": "account-77",
    }
    number = ways.reported(description="โทรหา ๐๘๑ ๒๓๔ ๕๖๗๘ หรือ a.b@example.org ไลน์ไอดี: sommai99 บัตร 1-2345-67890-12-3",
                           **person)
    shown = ways.shown(number)
    assert shown["description"] == "โทรหา … หรือ … … บัตร …"
    everything = ways.get("requests.json").text + ways.get("requests.xml").text
    for secret in person.values():
        assert secret not in everything
    with transaction() as session:
        stored = session.execute(sa.text("SELECT contact_sealed FROM service_request WHERE request_id = :n"),
                                 {"n": number}).scalar_one()
    assert b"sommai" not in stored
    assert arrivals.contact_of(stored)["phone"] == "081-234-5678"


def test_words_that_came_by_line_are_not_published(ways: Ways) -> None:
    """A resident wrote to the city, not to everybody: kind, place and state are public, words are not."""
    number = _told(code="road", text="บ้านป้าแดงหน้าวัด", place=LonLat(lon=99.9781, lat=8.4481))
    assert ways.shown(number)["description"] is None


def test_a_home_and_private_matters_are_shown_only_about(ways: Ways) -> None:
    """Half a kilometre, the community's name, no words, no pictures; always the same place however often asked."""
    exact = LonLat(lon=99.97123, lat=8.44123)
    home = _told(code="road", text="หน้าบ้าน", place=exact, place_source="home")
    link = "https://example.org/home.jpg"
    flooded = ways.reported(service_code="flooded_home", description="น้ำเข้าบ้านเลขที่ 12", lat="8.44543", long="99.97543",
                            media_url=link)
    for number, lon, lat in ((home, exact.lon, exact.lat), (flooded, 99.97543, 8.44543)):
        shown = ways.shown(number)
        place = privacy.coarsened(LonLat(lon=lon, lat=lat))
        assert (shown["long"], shown["lat"]) == (place.lon, place.lat)
        assert (shown["lat"], shown["long"]) != (lat, lon)
        assert (shown["description"], shown["media_url"], shown["address"]) == (None, None, "ชุมชนท่าวัง")


def test_a_category_that_nobody_opened_is_shown_only_about(ways: Ways) -> None:
    """A city's own category is coarse until the city opens it, and so is what the officer says of its end."""
    with transaction() as session:
        session.execute(sa.text("DELETE FROM open_service WHERE category_code = 'animals'"))
    spot = ways.spot()
    number = ways.reported(service_code="animals", description="งูในบ้านเลขที่ 9", **spot)
    walk(number, "rejected", reason="บ้านยายแดงปลอดภัยแล้ว")
    shown = ways.shown(number)
    assert (shown["description"], shown["lat"] == float(spot["lat"])) == (None, False)
    assert "ยายแดง" not in ways.get("servicerequestupdates.xml").text + str(shown)


def test_hidden_matters_are_nowhere(ways: Ways) -> None:
    """Not in lists, not by number, not by filter, not in updates, not under the number of one that joined."""
    place = LonLat(lon=99.9752, lat=8.4152)
    number = _told(code="safety", text="ขโมยขึ้นบ้าน", place=place)
    ways.post(service_code="safety", description="เห็นคนร้าย", lat="8.4152", long="99.9752")
    with transaction() as session:
        joined = session.execute(sa.text("SELECT request_id FROM service_request WHERE request_id LIKE :n"),
                                 {"n": f"{number}-%"}).scalar_one()
    for form in ("xml", "json"):
        assert number not in ways.get(f"requests.{form}", service_code="safety").text
        assert number not in ways.get(f"requests.{form}", service_request_id=f"{number},{joined}").text
        for one in (number, joined):
            assert ways.get(f"requests/{one}.{form}").status_code == 404


def test_pictures_of_residents_on_line_are_not_published(ways: Ways) -> None:
    """Only what came by Open311 goes out by Open311; an unknown picture and a hidden one look alike."""
    number = _told(code="road", text="หลุม", place=LonLat(lon=99.9512, lat=8.4432))
    with transaction() as session:
        incident_id = session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
        photo_id = actions.add_job_photo(session, incident_id=incident_id, raw=PNG)
    assert ways.shown(number)["media_url"] is None
    for unknown in (photo_id, 999_999, 2**63):
        assert ways.client.get(f"/open311/media/{unknown}.jpg").status_code == 404


@given(lon=st.floats(97, 106), lat=st.floats(5, 21))
def test_a_rounded_place_is_near_and_tells_no_more_when_asked_again(lon: float, lat: float) -> None:
    """At most half a cell away, the same for the whole cell, and rounding it again changes nothing."""
    place = LonLat(lon=lon, lat=lat)
    rounded = privacy.coarsened(place)
    assert abs(rounded.lon - lon) <= privacy.COARSE_DEGREES / 2 + 1e-5
    assert abs(rounded.lat - lat) <= privacy.COARSE_DEGREES / 2 + 1e-5
    assert privacy.coarsened(rounded) == rounded


@pytest.mark.parametrize(
    "kept", ["น้ำลึก 30 ซม. ตั้งแต่ 08.30", "บ้านเลขที่ 123/45", "2569-000123", "ขนาด 10 x 20 ม.", "ออนไลน์ได้", "สาย 12"]
)
def test_ordinary_numbers_stay(kept: str) -> None:
    """Depths, house numbers, times and numbers of reports are no telephones."""
    assert privacy.redacted(kept) == kept


def test_the_same_report_sent_again_is_one(ways: Ways, later: Callable[..., None]) -> None:
    """Equal place and words by the same key within ten minutes have one number; another key, or later, is another."""
    same = {**ways.spot(), "description": "ฝาท่อหาย", "service_code": "drain"}
    number = ways.reported(**same)
    assert ways.reported(**same) == number
    other = ways.reported(**same, api_key=ways.keys["other"])
    assert other != number
    later(minutes=11)
    assert ways.reported(**same) not in (number, other)


def test_equal_reports_at_the_same_moment_are_one(ways: Ways) -> None:
    """A client that lost the answer and tries at once, eight times."""
    same = {**ways.spot(), "description": "เสาไฟเอน", "service_code": "power_line"}
    with ThreadPoolExecutor(8) as pool:
        numbers = set(pool.map(lambda _: ways.reported(**same), range(8)))
    assert len(numbers) == 1


def test_a_key_that_is_used_too_often_waits(ways: Ways) -> None:
    """429 in the format that was asked for, with when to come again; other keys go on."""
    with transaction() as session:
        key = keys.make_key(session, name="eager", scopes=["open311"], per_minute=2)
    answers = [ways.post(api_key=key) for _ in range(6)]  # A minute may end in between: of six at least two wait.
    waiting = [answer for answer in answers if answer.status_code == 429]
    assert len(waiting) >= 2
    assert waiting[0].json()[0]["code"] == 429
    assert int(waiting[0].headers["retry-after"]) > 0
    assert ways.post().status_code == 200


def test_keys_are_kept_as_hashes_and_can_be_revoked(ways: Ways) -> None:
    """What opens is shown once; names are taken once; a key of another scope or a revoked one opens nothing."""
    with transaction() as session:
        key = keys.make_key(session, name="short", scopes=["open311"])
    with transaction() as session:
        assert key not in str(session.execute(sa.text("SELECT * FROM api_key")).all())
        assert keys.opened_by(session, key, scope="open311").name == "short"
        with pytest.raises(KeyRefusedError):
            keys.opened_by(session, key, scope="traffy-read")
        for fault, wrong in (
            (ConflictError, {"name": "short", "scopes": ["open311"]}), (InvalidInputError, {"name": "X", "scopes": []}),
            (InvalidInputError, {"name": "good", "scopes": ["everything"]}),
            (NotFoundError, {"name": "good", "scopes": ["open311"], "agency_code": "none"}),
        ):
            with pytest.raises(fault):
                keys.make_key(session, **wrong)
        keys.revoke_key(session, "short")
        with pytest.raises(NotFoundError):
            keys.revoke_key(session, "nobody")
    assert ways.post(api_key=key).status_code == 403


def test_the_shipped_services_are_sound_and_stay_as_a_city_makes_them(ways: Ways) -> None:
    """Every service is a category; loading again changes nothing."""
    from incidents import catalogue

    assert {one.category for one in services.shipped().service} == catalogue.shipped().codes
    with transaction() as session:
        session.execute(sa.text("UPDATE open_service SET exposure = 'coarse' WHERE category_code = 'waste'"))
        services.load_shipped(session)  # What another test has taken away is there again.
        assert services.load_shipped(session) == 0
        asked = "SELECT exposure FROM open_service WHERE category_code = 'waste'"
        assert session.execute(sa.text(asked)).scalar_one() == "coarse"


def test_contacts_are_forgotten_when_the_matter_has_long_ended(ways: Ways) -> None:
    """90 days after the end nobody knows any more who told."""
    number = ways.reported(phone="0812345678")
    walk(number, "rejected", reason="ไม่ใช่ของเทศบาล")
    with transaction() as session:
        assert arrivals.forget_contacts(session, before=NOW) == 0
        assert arrivals.forget_contacts(session, before=NOW + arrivals.CONTACTS_KEPT) == 1
