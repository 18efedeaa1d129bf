"""The form for those without LINE: without scripts, without a riddle, and nothing that is sent is lost."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa

from api import static
from core import clock
from core.db import transaction
from incidents import photos
from incidents.exchange import webform
from tests.accounts import PASSWORD
from tests.api.ways.conftest import PNG, walk
from tests.incidents.geotags import photo

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways


@pytest.fixture(autouse=True)
def nobody_sent_yet(ways: Ways) -> None:
    """All tests come from one address."""
    with transaction() as session:
        session.execute(sa.text("DELETE FROM door_use WHERE door = 'report'"))


def _send(ways: Ways, *, files: list[Any] | None = None, **fields: str) -> httpx.Response:
    given = {
        "stamp": webform.stamp(clock.wall_now() - timedelta(seconds=10)), "category": "road", "text": "หลุมหน้าตลาด",
        "website": "", **ways.spot(), **fields,
    }
    return ways.client.post("/report", data=given, files=files, follow_redirects=False)


def _followed(ways: Ways, answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    shown = ways.client.get(answer.headers["location"])
    assert shown.status_code == 200
    return shown.text


def test_the_form_works_without_scripts_and_names_what_it_asks(ways: Ways) -> None:
    """Every field has its label, in Thai first and in English; the emergency numbers are links above everything."""
    text = ways.client.get("/report").text
    for field in ("category", "text", "address", "photos", "phone"):
        assert f'<label for="{field}">' in text
        assert f'id="{field}"' in text
    assert text.index("tel:1669") < text.index("<form")
    assert "<h1>แจ้งเหตุกับเมืองจิ๋ว</h1>" in text
    assert "<h1>Tell Tiny</h1>" in ways.client.get("/report?lang=en").text
    assert text.count("<option value=") == 25


def test_a_report_has_a_number_and_a_link_to_follow_it(ways: Ways) -> None:
    """The page shows number, state and history in words; no more is to be found under its number by others."""
    answer = _send(ways, phone="๐๘๑-๒๓๔-๕๖๗๘")
    text = _followed(ways, answer)
    found = re.search(r'data-testid="report-number">([0-9-]+)<', text)
    assert found is not None
    walk(found[1], "accepted", "in_progress")
    shown = ways.client.get(answer.headers["location"]).text
    assert "กำลังดำเนินการ" in shown
    assert "081" not in shown
    assert ways.shown(found[1])["status"] == "open"
    assert answer.headers["location"].split("/")[-1].split("?")[0] not in ways.get("requests.json").text


def test_an_address_says_where_without_a_map_and_an_unknown_one_is_asked_again(ways: Ways) -> None:
    """The form comes back with what was written, and says what to do."""
    answer = _send(ways, address="ที่ไหนก็ไม่รู้ zzz", lat="", long="", text='"><script>alert(1)</script>ไฟดับ')
    assert answer.status_code == 422
    assert "ไม่พบที่อยู่นี้ในเมือง" in answer.text
    assert "<script>alert" not in answer.text
    assert html.escape('"><script>alert(1)</script>ไฟดับ') in answer.text
    assert _followed(ways, _send(ways, address="ชุมชนท่าวัง", lat="", long=""))


@pytest.mark.parametrize(
    ("sentence", "fields"),
    [
        ("เลือกเรื่องที่แจ้ง", {"category": "unheard-of"}),
        ("พิมพ์บอกสั้นๆ", {"text": " <b></b> "}),
        ("4,000", {"text": "ก" * 4001}),
        ("บอกที่อยู่หรือจุดสังเกต", {"lat": "", "long": ""}),
        ("บอกที่อยู่หรือจุดสังเกต", {"lat": "nan", "long": "99.9"}),
        ("บอกที่อยู่หรือจุดสังเกต", {"lat": "7.0", "long": "98.0"}),
        ("บอกที่อยู่หรือจุดสังเกต", {"lat": "8.43"}),
        ("เบอร์โทรไม่ถูกต้อง", {"phone": "เบอร์เดิม"}),
        ("ต้องเว้นว่าง", {"website": "https://spam.example"}),
        ("กดส่งอีกครั้ง", {"stamp": ""}),
        ("กดส่งอีกครั้ง", {"stamp": "1.00"}),
        ("กดส่งอีกครั้ง", {"stamp": "9" * 11 + ".x"}),
    ],
)
def test_what_is_amiss_is_said_and_nothing_written_is_lost(ways: Ways, sentence: str, fields: dict[str, str]) -> None:
    """The words stand in the form again, with a fresh stamp."""
    if "lat" in fields and "long" not in fields:
        fields = {**fields, "long": ""}
    answer = _send(ways, address="", **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "text" in fields or "หลุมหน้าตลาด" in answer.text


def test_a_form_that_comes_back_at_once_or_after_a_day_is_confirmed_by_a_press() -> None:
    """Nobody fills it within two seconds; the stamp is ours, of its own time, and cannot be made by others."""
    now = datetime.fromisoformat("2026-11-21T03:00:00+00:00")
    for age, is_good in ((0, False), (1, False), (2, True), (3600, True), (86_401, False), (-60, False)):
        assert webform.is_stamp_good(webform.stamp(now - timedelta(seconds=age)), now=now) is is_good
    seconds, _, seal = webform.stamp(now - timedelta(seconds=60)).partition(".")
    assert not webform.is_stamp_good(f"{int(seconds) - 1}.{seal}", now=now)


def test_pictures_are_cleaned_and_one_that_is_none_is_told(ways: Ways) -> None:
    """The report counts, whatever its pictures; the reporter reads how many could not be kept."""
    files = [("photos", ("1.png", PNG, "image/png")), ("photos", ("2.jpg", b"%PDF-1.7", "image/jpeg"))]
    text = _followed(ways, _send(ways, files=files))
    assert "มี 1 ภาพที่เก็บไม่ได้" in text
    with transaction() as session:
        kept = session.execute(sa.text("SELECT count(*) FILTER (WHERE path IS NOT NULL), count(*) FROM photo")).one()
    assert tuple(kept) == (1, 2)


def test_the_place_of_a_photo_is_used_where_the_reporter_says_so(ways: Ways) -> None:
    """Ticked and without a pin: source and radius stand with the report, and nothing of it stays in the file."""
    files = [("photos", ("1.jpg", photo(99.9571, 8.4291), "image/jpeg"))]
    _followed(ways, _send(ways, files=files, lat="", long="", address="", at_photo="1", text="หลุมตรงที่ถ่าย"))
    with transaction() as session:
        found = session.execute(sa.text(
            "SELECT place_source, radius_m, round(ST_X(place)::numeric, 5), p.path FROM report r "
            "JOIN photo p ON p.report_id = r.id WHERE r.text = 'หลุมตรงที่ถ่าย'"
        )).one()
    assert (found[0], found[1], float(found[2])) == ("photo", 30.0, 99.9571)
    assert b"Exif" not in (photos.folder() / found[3]).read_bytes()


@pytest.mark.parametrize(("fields", "source"), [
    ({"lat": "", "long": "", "address": "ชุมชนท่าวัง"}, None),
    ({"lat": "8.4251", "long": "99.9551", "at_photo": "1"}, "pin"),
])  # fmt: skip
def test_a_pin_stands_and_what_nobody_ticked_is_not_read(
    ways: Ways, fields: dict[str, str], source: str | None
) -> None:
    """A photo's place is never taken unasked, nor in place of a better one."""
    files = [("photos", ("1.jpg", photo(99.9571, 8.4291), "image/jpeg"))]
    text = f"หลุมที่ {source}"
    answer = _send(ways, files=files, text=text, **fields)
    with transaction() as session:
        found = session.scalar(sa.text("SELECT place_source FROM report WHERE text LIKE :text"), {"text": f"{text}%"})
    assert found in ({source} if source else {"words", None})
    assert answer.status_code == (303 if found else 422)


def test_a_photo_without_a_place_is_told(ways: Ways) -> None:
    """Who relies on it reads that there is none, or none in this city."""
    for raw in (PNG, photo(101.5, 7.2)):
        answer = _send(ways, files=[("photos", ("1", raw, "image/png"))], lat="", long="", address="", at_photo="1")
        assert answer.status_code == 422
        assert "ภาพไม่ได้บันทึกตำแหน่งในเมืองนี้ไว้" in html.unescape(answer.text)


def test_too_many_pictures_are_said(ways: Ways) -> None:
    """The words stay in the form; the pictures must be chosen again."""
    files = [("photos", (f"{number}.png", PNG, "image/png")) for number in range(9)]
    answer = _send(ways, files=files)
    assert answer.status_code == 422
    assert "เลือกภาพใหม่" in answer.text


def test_pressed_twice_it_is_one_report(ways: Ways) -> None:
    """The second press shows the first one's page."""
    spot = ways.spot()
    first, second = _send(ways, **spot), _send(ways, **spot)
    assert first.headers["location"] == second.headers["location"]


def test_one_address_cannot_flood_the_desk(ways: Ways) -> None:
    """After twenty within a minute the form says to wait, and keeps the words."""
    for _ in range(2 * webform.PER_MINUTE + 2):  # A minute may end in between.
        answer = _send(ways, text="ซ้ำ")
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert "รอหนึ่งนาที" in answer.text


def test_a_page_of_another_site_cannot_send_it(ways: Ways) -> None:
    """Its origin is told by the browser."""
    answer = ways.client.post("/report", data={}, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403


def test_an_unknown_link_is_said(ways: Ways) -> None:
    """Also one of Open311's tokens, which is none of the form's."""
    assert ways.client.get("/report/follow/none").status_code == 404
    token = ways.post(service_code="other", description="เสนอ").json()[0]["token"]
    assert ways.client.get(f"/report/follow/{token}").status_code == 404


def test_only_who_acts_sees_whom_to_call_and_every_look_is_logged(ways: Ways) -> None:
    """Viewers are refused; the log names the officer and no telephone."""
    location = _send(ways, phone="0812345678").headers["location"]
    token = location.split("/")[-1].split("?")[0]
    with transaction() as session:
        asked = "SELECT r.incident_id FROM service_request s JOIN report r ON r.id = s.report_id WHERE s.token = :token"
        incident_id = session.execute(sa.text(asked), {"token": token}).scalar_one()
    path = f"/api/v1/incidents/{incident_id}/contacts"
    assert ways.client.get(path).status_code == 401
    try:
        for account, status in (("viewer", 403), ("officer", 200)):
            ways.client.post("/api/v1/session", json={"username": account, "password": PASSWORD})
            answer = ways.client.get(path)
            assert answer.status_code == status
        assert answer.json()["contacts"][0]["phone"] == "0812345678"
        assert ways.client.get("/api/v1/incidents/999999/contacts").status_code == 404
    finally:
        ways.client.cookies.clear()
    with transaction() as session:
        logged = session.execute(sa.text("SELECT * FROM audit_entry WHERE action = 'incident.contacts_seen'")).all()
    assert len(logged) == 1
    assert "0812345678" not in str(logged)


def test_without_the_built_screens_the_form_is_there_all_the_same(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare page takes reports too."""
    monkeypatch.setattr("api.report_page.DIST", static.DIST / "none")
    assert "<form" in ways.client.get("/report").text


def test_a_report_can_be_kept_out_of_sight(ways: Ways) -> None:
    """The box stays ticked beside what is amiss; who ticked it follows by the link, nobody by the number."""
    assert '<label class="choice" for="private">' in ways.client.get("/report").text
    assert re.search(r'name="private"[^>]* checked', _send(ways, private="1", text="").text)
    page = _followed(ways, _send(ways, private="1", text="หลุมที่ไม่อยากให้ใครรู้"))
    found = re.search(r"25\d\d-\d{6}", page)
    assert found
    assert ways.client.get(f"/t/{found.group()}").status_code == 404
    assert ways.get(f"requests/{found.group()}.json").status_code == 404
    public = re.findall(r"25\d\d-\d{6}", _followed(ways, _send(ways, text="หลุมที่ใครก็เห็น")))
    assert ways.client.get(f"/t/{public[0]}").status_code == 200
