"""Two people report one thing, an officer makes them one and acts, the link in the news shows everybody how it goes."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

import phones
from everybody import grave_faults
from house import House
from playwright.sync_api import Page, Response, expect
from screens import PATIENCE_MS, Screen

NUMBER = re.compile(r"25\d\d-\d{6}")
IN_THE_PICTURE = "กล้องของสมหญิง"
# What must not stand together in an answer: a word by itself, the two coordinates of a place.
Secret = tuple[str, ...]
COORDINATES = re.compile(r"(-?\d+\.\d+), (-?\d+\.\d+)")


@dataclass(frozen=True)
class Person:
    """Somebody with a phone, and what they say. Nothing of this may be found by anybody else."""

    user_id: str
    name: str
    words: str
    has_picture: bool


# Alike but for the number of the lane: whether that is one thing, an officer decides.
FIRST = Person("U" + "5a" * 16, "สมหญิง ใจกล้า", "คันกั้นน้ำรั่ว ซอย 5", has_picture=True)
SECOND = Person("U" + "6b" * 16, "บุญมี ศรีทอง", "คันกั้นน้ำรั่ว ซอย 7", has_picture=False)


def introduce(running: House, *people: Person) -> None:
    """They are friends of the city's account."""
    known = [{"user_id": one.user_id, "display_name": one.name, "language": "th"} for one in people]
    with running.standin() as standin:
        standin.post("/users", json=known).raise_for_status()


def _picture() -> bytes:
    """A small picture that says in itself whose camera took it."""
    width, height = 64, 48
    rows = b"".join(b"\x00" + bytes((column * 4, row * 5, 90)[part] for column in range(width) for part in range(3))
                    for row in range(height))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"iTXt", b"Author\x00\x00\x00\x00\x00" + IN_THE_PICTURE.encode()), (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def report(resident: Screen, person: Person) -> tuple[str, tuple[str, str]]:
    """Words, category, a picture or none, a pin, the confirmation: its number, and latitude and longitude as pinned."""
    page = resident.open("/phone")
    page.get_by_test_id("phone-user-search").fill(person.user_id)
    page.locator(f"[data-user='{person.user_id}']").click()
    page.get_by_test_id("phone-input").fill(person.words)
    page.get_by_test_id("phone-send").click()
    phones.tap(page, "คันกั้นน้ำ")
    if person.has_picture:
        expect(page.get_by_test_id("phone-quick-reply").filter(has_text="เลือกภาพ")).to_be_visible()
        page.get_by_test_id("phone-file").set_input_files(
            {"name": "dyke.png", "mimeType": "image/png", "buffer": _picture()}
        )
        expect(page.get_by_test_id("phone-message").filter(has_text="ได้ภาพแล้ว").last).to_be_visible(timeout=PATIENCE_MS)
    phones.tap(page, "ปักหมุด")
    phones.drag_the_pin(page)
    page.wait_for_function("() => !window.faonamMap.isMoving()")
    pinned = COORDINATES.fullmatch(page.get_by_test_id("phone-place").inner_text().strip())
    assert pinned
    page.get_by_test_id("phone-place-send").click()
    phones.tap(page, "ยืนยัน")
    receipt = page.get_by_test_id("phone-message").filter(has_text="รับเรื่องแล้ว").last
    expect(receipt.get_by_test_id("phone-link")).to_be_visible(timeout=PATIENCE_MS)
    number = NUMBER.search(receipt.inner_text())
    assert number
    return number.group(), (pinned.group(1), pinned.group(2))


def make_one_and_act(officer: Screen, *, number: str, into: str) -> None:
    """The two are compared and made one, which is accepted and begun."""
    page = officer.page
    page.get_by_test_id("mode-incidents").click()
    page.locator(f"[data-testid=incident-row][data-number='{number}']").click()
    detail = page.locator("aside.detail")
    pair = detail.get_by_test_id("perhaps-same")
    expect(pair.first).to_contain_text(into, timeout=PATIENCE_MS)
    pair.filter(has_text=into).get_by_test_id("incident-merge").click()
    expect(detail).to_contain_text(into, timeout=PATIENCE_MS)
    expect(detail.locator(".top > .soft.figures").first).to_have_text(into)
    detail.get_by_test_id("incident-to-accepted").click()
    detail.get_by_test_id("incident-to-in_progress").click()
    expect(detail.get_by_test_id("incident-to-done")).to_be_visible(timeout=PATIENCE_MS)


def link_in_the_news(page: Page, *, merged: str, into: str) -> str:
    """The resident has been told that the two are one and that it goes on; the link leads to the one that is left."""
    news = page.get_by_test_id("phone-message").filter(has_text=merged).filter(has_text=into)
    expect(news.last).to_be_visible(timeout=PATIENCE_MS)
    going_on = page.get_by_test_id("phone-message").filter(has_text=into).filter(has_text="กำลังดำเนินการ").last
    link = going_on.get_by_test_id("phone-link")
    expect(link).to_be_visible(timeout=PATIENCE_MS)
    with page.expect_popup() as opened:
        link.click()
    expect(opened.value.get_by_test_id("track-state")).to_have_text("กำลังดำเนินการ")
    opened.value.close()
    return str(link.get_attribute("href"))


def read_as_anybody(anybody: Screen, link: str, *, merged: str, into: str, secrets: list[Secret]) -> None:
    """Who was never here reads it without signing in, by its old number too; no answer holds one of the secrets."""
    page = anybody.page
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # Playwright marks what it is given.
    page.goto(link)
    expect(page.get_by_test_id("track-state")).to_have_attribute("data-state", "in_progress")
    expect(page.get_by_test_id("track-people")).to_contain_text("2 ราย")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert grave_faults(page) == []
    _assert_told_nothing(answers, secrets, among="/t/")
    page.goto(link.replace(into, merged))
    expect(page.get_by_role("main")).to_contain_text(f"{merged} รวมกับเลขที่ {into}")
    _assert_told_nothing(answers, secrets, among="/t/")
    page.get_by_role("link", name="ดูเรื่องแจ้งทั้งเมือง").click()
    expect(page.get_by_test_id("report-row").filter(has_text=into)).to_be_visible(timeout=PATIENCE_MS)
    anybody.await_rendered("reports", what="the reports of the city")
    _read_by_cells(anybody, into)
    assert grave_faults(page) == []
    _assert_told_nothing(answers, secrets, among="/public/incidents")


def _read_by_cells(anybody: Screen, number: str) -> None:
    """Where most is reported, on the map and in words: by keys into a cell, to its reports and back to its row."""
    page = anybody.page
    page.get_by_test_id("reports-look-points").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("cells-legend")).to_be_visible(timeout=PATIENCE_MS)
    rows = page.get_by_test_id("cell-row")
    expect(rows.first).to_contain_text("เรื่อง", timeout=PATIENCE_MS)
    cells = anybody.await_rendered("cells", what="the cells of the reports")
    assert sum(cell["count"] for cell in {cell["id"]: cell for cell in cells}.values()) >= 1
    assert grave_faults(page) == []
    for row in range(rows.count()):
        rows.nth(row).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("cells-back")).to_be_focused()
        found = page.get_by_test_id("report-row")
        expect(found.first).to_be_visible(timeout=PATIENCE_MS)
        if found.filter(has_text=number).count():
            break
        page.keyboard.press("Enter")
        expect(rows.nth(row)).to_be_focused()
    expect(page.get_by_test_id("report-row").filter(has_text=number)).to_be_visible()


def _assert_told_nothing(answers: list[Response], secrets: list[Secret], *, among: str) -> None:
    """What the page was answered until now, headers too, holds no secret; read before another page takes its place."""
    said = {answer.url: f"{answer.headers} {answer.body().decode('utf-8', errors='ignore')}"
            for answer in answers if answer.ok}
    answers.clear()
    assert any(among in url for url in said), [*said]
    told = [(url, secret) for url, body in said.items() for secret in secrets if all(part in body for part in secret)]
    assert told == [], told
