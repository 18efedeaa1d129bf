"""The page by number: everybody may follow what is public, nobody can ask what is not, and it needs no script."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core import clock
from core.db import transaction
from gis.points import LonLat
from incidents import actions, merging
from incidents.rules import NewReport
from tests.api.ways.conftest import NOW, walk

if TYPE_CHECKING:
    import httpx

    from tests.api.ways.conftest import Ways

MOST_BYTES = 50_000
_places = iter(range(1, 1000))


def _told(*, code: str = "road", text: str = "หลุมหน้าบ้านเลขที่ 12/3", is_private: bool = False, **more: Any) -> str:
    step = next(_places)
    place = LonLat(lon=99.942 + step % 18 * 0.002, lat=8.412 + step // 18 * 0.002)
    new = NewReport(text=text, category_code=code, place=place, place_source="pin", is_private=is_private)
    with transaction() as session:
        return actions.receive_report(session, new)[1].number


def _id(number: str) -> int:
    with transaction() as session:
        return int(session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one())


def _merge(number: str, other: str) -> str:
    with transaction() as session:
        merged = merging.merge_incidents(session, _id(number), _id(other), by="officer", reason="ป้าแดงบอกว่าซ้ำ")
        return merged.number


def _page(ways: Ways, number: str, query: str = "") -> httpx.Response:
    return ways.client.get(f"/t/{number}{query}")


def _said(answer: httpx.Response) -> str:
    return re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text)


def test_everybody_follows_a_report_by_its_number(ways: Ways) -> None:
    """What, around where, whose, until when, every state with its time and agency; in Thai first and in English."""
    number = _told()
    walk(number, "accepted", "in_progress", reason="โทรหานายสมชาย")
    answer = _page(ways, number)
    said = _said(answer)
    for words in (number, "ถนน", "ชุมชนท่าวัง", "งาน works", "กำลังดำเนินการ", "มีผู้แจ้งเรื่องนี้ 1 ราย", "21 พ.ย. 69"):
        assert words in said, words
    assert [*re.findall(r"<li><strong>([^<]+)", answer.text)] == ["รับเรื่องแล้ว", "มีผู้รับผิดชอบแล้ว", "กำลังดำเนินการ"]
    english = _said(_page(ways, number, "?lang=en"))
    assert "Work in progress" in english
    assert "One person reported this" in english


def test_the_page_is_small_and_strict_and_kept_by_nobody(ways: Ways) -> None:
    """Below 50 kB with nothing to fetch, no script anywhere, not for search engines, not for caches."""
    answer = _page(ways, _told())
    assert len(answer.content) < MOST_BYTES
    assert "<script" not in answer.text
    assert not re.search(r' (on\w+|style)=|src=|href="(?!/|\?|tel:)', answer.text)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "noindex" in answer.headers["x-robots-tag"]
    assert answer.headers["cache-control"] == "no-store"


def test_what_is_not_public_and_what_is_not_there_are_answered_alike(ways: Ways) -> None:
    """Nobody finds out by numbers whether something was reported: same words, same status, byte for byte."""
    hidden, private = _told(code="safety"), _told(is_private=True)
    visible = _told()
    merged_private = _told(is_private=True)
    assert _merge(visible, merged_private) == visible
    nothing = _page(ways, "2569-999999")
    assert nothing.status_code == 404
    assert "ไม่มีเรื่องเลขที่นี้ หรือเรื่องนี้ไม่เปิดเผยต่อสาธารณะ" in nothing.text
    for number in (hidden, private, merged_private, "2569-1", "x", "2569-000001%00", "%F0%9F%92%A7", "9" * 4000):
        answer = _page(ways, number)
        assert (answer.status_code, answer.content) == (404, nothing.content), number
        assert dict(answer.headers) == dict(nothing.headers)


def test_a_merged_number_leads_to_the_one_that_goes_on(ways: Ways) -> None:
    """Who kept the old number sees where it went, however often it was merged; the officer's reason is not shown."""
    first, second, third = _told(), _told(), _told()
    assert _merge(first, second) == first
    assert _merge(third, first) == first
    for number in (second, third):
        said = _said(_page(ways, number))
        assert f"เลขที่ {number} รวมกับเลขที่ {first}" in said
        assert "มีผู้แจ้งเรื่องนี้ 3 ราย" in said
        assert "ป้าแดง" not in said
    assert "รวมกับ" not in _said(_page(ways, first))


def test_a_report_that_joined_is_found_under_its_own_number(ways: Ways) -> None:
    """Who was given NUMBER-REPORT follows the incident by it."""
    spot = ways.spot()
    number = ways.reported(**spot)
    with transaction() as session:
        report, incident = actions.receive_report(
            session, NewReport("หลุม", "road", LonLat(lon=float(spot["long"]), lat=float(spot["lat"])), "pin")
        )
        assert incident.number == number
        session.execute(
            sa.text(
                "INSERT INTO service_request (door, request_id, report_id, has_joined, description, answers,"
                " media_urls, repeat_key, created_at) VALUES ('web', :own, :id, true, '', '{}', '{}', '', now())"
            ),
            {"own": f"{number}-{report.id}", "id": report.id},
        )
        own = f"{number}-{report.id}"
    assert f"เรื่องแจ้ง {number}" in _said(_page(ways, own))
    assert "รวมกับ" not in _said(_page(ways, own))


@pytest.mark.parametrize(
    ("hours_late", "key"), [(-1, "promise-kept"), (1, "promise-broken")]
)
def test_a_promise_is_kept_or_was_not(ways: Ways, later: Any, hours_late: int, key: str) -> None:
    """Done in time is said, done too late is said too, and while it goes on whether it is late."""
    number = _told()
    assert 'data-promise="promise-until"' in _page(ways, number).text
    walk(number, "accepted", "in_progress")
    with transaction() as session:
        promised_at = session.execute(
            sa.text("SELECT promised_at FROM incident WHERE number = :n"), {"n": number}
        ).scalar_one()
    ends_at = promised_at + timedelta(hours=hours_late)
    later(seconds=(ends_at - NOW).total_seconds())
    assert ("promise-late" in _page(ways, number).text) is (hours_late > 0)
    walk(number, "done")
    assert f'data-promise="{key}"' in _page(ways, number).text
    clock.freeze(lambda: NOW)


def test_what_ended_undone_has_kept_no_promise(ways: Ways) -> None:
    """Turned down in time is not done in time: neither the page nor the open data calls it kept."""
    number = _told()
    walk(number, "rejected", reason="นอกเขต")
    assert 'data-promise="promise-undone"' in _page(ways, number).text
    with transaction() as session:
        row = session.execute(
            sa.text("SELECT ended_at, is_promise_kept FROM gis_public.incidents WHERE number = :n"), {"n": number}
        ).one()
    assert row.ended_at is not None
    assert row.is_promise_kept is None


def test_the_rounded_place_is_the_same_in_the_database_and_in_open311(ways: Ways) -> None:
    """Two answers on two grids would narrow a place down: cell and cell are one, on every edge."""
    from incidents.exchange import privacy

    with transaction() as session:
        for step in range(-40, 40):
            for cell_degrees in (0.0005, 0.005, 0.01):
                place = LonLat(lon=99.95 + step * 0.00083, lat=8.4 + step * 0.0005)
                row = session.execute(
                    sa.text("SELECT ST_X(p), ST_Y(p) FROM public_cell(ST_SetSRID(ST_MakePoint(:x, :y), 4326), :d) p"),
                    {"x": place.lon, "y": place.lat, "d": cell_degrees},
                ).one()
                rounded = privacy.coarsened(place, cell_degrees=cell_degrees)
                assert (rounded.lon, rounded.lat) == tuple(row), (place, cell_degrees)
