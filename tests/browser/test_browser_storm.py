"""A storm played by people on their screens, in Thai: officer, resident, dispatcher and crew, on one running house."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asking
import desk as hands
import everybody
import following
import panels
import phones
import pytest
from house import PLACE, House, house, only_house
from playwright.sync_api import Locator, Page, expect
from screens import DESK, PATIENCE_MS, PHONE, Screen, Screens
from widths import both_widths

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

LOOKS_AT_A_PROPOSAL = 30
CENTIMETRE_M = 0.01
FLOODED_HOME = "น้ำเข้าบ้านสูงถึงเข่าแล้วครับ ของเปียกหมด"
CREW_NOTE = "ช่วยยกของขึ้นชั้นบนและสูบน้ำออกแล้ว"
NUMBER = re.compile(r"25\d\d-\d{6}")
THAI = re.compile(r"[\u0e01-\u0e5b]")
STEPS = (("accept", "accepted"), ("depart", "en_route"), ("arrive", "on_scene"))
MODES = ("alerts", "water", "incidents", "jobs", "cameras", "overview", "office")


# ── The house ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    """A house whose storm has just begun; all tests play in it, one after the other."""
    with only_house(), house("browser", "--fresh") as running:
        running.await_alive()
        yield running


def _passwords() -> dict[str, str]:
    return dict(json.loads((PLACE / "secrets" / "demo-accounts.json").read_text()))


# ── The officer ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _watch_the_water(officer: Screen) -> None:
    """Every gauge that the API knows stands on the map, and the screen says that the city is simulated."""
    expect(officer.page.get_by_test_id("simulated-badge").first).to_be_visible(timeout=PATIENCE_MS)
    officer.await_map()
    gauges = officer.page.request.get(f"{officer.origin}/api/v1/gauges").json()["features"]

    def _are_all_drawn(drawn: list[dict[str, Any]]) -> bool:
        codes = {gauge["properties"]["code"] for gauge in officer.in_sight(gauges)}
        return bool(codes) and codes <= {gauge["code"] for gauge in drawn}

    officer.await_rendered("gauges", _are_all_drawn, "every gauge in sight")


def _approve(page: Page) -> tuple[int, int]:
    """The most dangerous proposal is approved as it stands in the question when it is confirmed; its id and audience.

    While the water moves a newer revision takes its place in the open question; what the API refuses is looked at
    again there.
    """
    confirm = page.get_by_role("dialog").get_by_test_id("approve-confirm")
    page.locator("[data-testid=approve]:enabled").first.click()
    _type_the_name(page)
    for _ in range(LOOKS_AT_A_PROPOSAL):
        with page.expect_response(re.compile(r"/alerts/\d+/approve$")) as told:
            confirm.click()
        if told.value.ok:
            alert = told.value.json()
            expect(page.get_by_role("dialog")).to_be_hidden()
            return int(alert["id"]), int(alert["audience"]["count"])
        expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    raise AssertionError("The proposal changed under every look at it.")


def _type_the_name(page: Page) -> None:
    """Danger is confirmed by the name of a zone, typed; a lower level is not asked for it."""
    name = page.get_by_role("dialog").get_by_test_id("typed-name")
    if name.count():
        expect(page.get_by_test_id("approve-confirm")).to_be_disabled()
        name.fill(name.get_attribute("data-name") or "")


def _warn(officer: Screen) -> tuple[int, int]:
    """A proposal has come, was read with what the residents will see, and has been approved and delivered to all."""
    page = officer.page
    proposal = page.locator("article[data-testid=alert-card].proposal").first
    proposal.wait_for()
    expect(proposal.locator(".evidence li").first).to_contain_text(THAI)
    expect(page.get_by_test_id("phone-preview")).to_contain_text(THAI)
    assert int(proposal.get_by_test_id("audience-count").get_attribute("data-count") or 0) > 0
    alert_id, count = _approve(page)
    sent = page.locator(f"article[data-alert-id='{alert_id}']")
    expect(sent.get_by_test_id("delivery")).to_contain_text(f"{count:,} จาก {count:,} คน", timeout=PATIENCE_MS)
    return alert_id, count


def _see_the_flood(officer: Screen) -> None:
    """The map draws the water with its depths, the zones at their severity and the gauge that stands high."""
    officer.await_map()
    flood = officer.await_rendered("flood", what="the flood")
    assert {polygon["depth_class"] for polygon in flood} <= {1, 2, 3, 4}
    officer.await_rendered("zones", lambda drawn: any(zone["severity"] >= 2 for zone in drawn), "a zone to be warned")
    officer.await_rendered("gauges", lambda drawn: any((g["state"] or 0) >= 1 for g in drawn), "a high gauge")


def _look_around(officer: Screen) -> None:
    """Another moment says that it is not now and goes back with one press; depth and places can be asked for."""
    page = officer.page
    _look_back(officer)
    page.get_by_test_id("back-to-now").click()
    expect(page.get_by_test_id("not-now")).to_be_hidden()
    page.get_by_test_id("depth-middle").click()
    expect(page.get_by_test_id("depth")).to_contain_text(re.compile("โอกาสน้ำท่วม|ไม่ทราบ"))
    hands.search_by_words(page)
    page.get_by_test_id("search").fill("ตลาดเก่า")
    page.get_by_test_id("search").press("Enter")
    expect(page.get_by_test_id("search")).to_have_value("")


def _look_back(officer: Screen) -> None:
    """A picture of the past is shown with the gauges' levels of that time, and with nobody of now among them."""
    page = officer.page
    page.get_by_test_id("time-slider").focus()
    with page.expect_response(re.compile(r"/flood/runs/\d+$")) as asked:
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("not-now")).to_contain_text("ไม่ใช่ตอนนี้")
    levels = {level["code"]: level["level_m_msl"] for level in asked.value.json()["levels"]}

    def _are_of_then(drawn: list[dict[str, Any]]) -> bool:
        """Each at its level of then, and none with the arrow that only now has."""
        shown = [(gauge["level_label"].split(), levels[gauge["code"]]) for gauge in drawn]
        return bool(shown) and all(
            len(parts) == len(("2.41", "ม.")) and abs(float(parts[0]) - level) < CENTIMETRE_M for parts, level in shown
        )

    officer.await_rendered("gauges", _are_of_then, f"the gauges at {levels}")
    assert officer.rendered("crews") == officer.rendered("open-incidents") == []


# ── The resident ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _recipient(running: House, alert_id: int, audience: int) -> str:
    """A resident who reads Thai, got the alert and wrote to nobody yet; the alert reached its audience, each once."""
    with running.standin() as standin:
        lines = standin.get("/deliveries", params={"unit": f"alert_{alert_id}"}).text.splitlines()
        told = [json.loads(line)["user_id"] for line in lines]
        assert (len(told), len(set(told))) == (audience, audience)
        for user_id in reversed(told):
            user = standin.get(f"/users/{user_id}").json()
            bubbles = standin.get(f"/users/{user_id}/messages").json()["messages"]
            if user["language"] == "th" and all(bubble["direction"] == "out" for bubble in bubbles):
                return str(user_id)
    raise AssertionError(f"Nobody who reads Thai got alert {alert_id}.")


def _report(page: Page) -> str:
    """A flooded home has been reported by words, category, no picture, a pin and a confirmation; its number."""
    page.get_by_test_id("phone-input").fill(FLOODED_HOME)
    page.get_by_test_id("phone-send").click()
    phones.tap(page, "น้ำท่วมบ้าน")
    phones.tap(page, "ปักหมุด")
    phones.drag_the_pin(page)
    page.get_by_test_id("phone-place-send").click()
    phones.tap(page, "ยืนยัน")
    receipt = page.get_by_test_id("phone-message").filter(has_text="รับเรื่องแล้ว").last
    expect(receipt).to_contain_text(NUMBER, timeout=PATIENCE_MS)
    found = NUMBER.search(receipt.inner_text())
    assert found
    return found.group()


def _resident_reports(resident: Screen, user_id: str) -> str:
    """The resident has read the alert's card in Thai and reported a flooded home."""
    page = resident.open("/phone")
    page.get_by_test_id("phone-user-search").fill(user_id)
    page.locator(f"[data-user='{user_id}']").click()
    card = page.locator("[data-testid=phone-message][data-type=flex]").first
    expect(card).to_contain_text(re.compile("เฝ้าระวัง|เตือนภัย|อันตราย"), timeout=PATIENCE_MS)
    expect(card).to_contain_text("จำลอง")
    return _report(page)


# ── The dispatcher ───────────────────────────────────────────────────────────────────────────────────────────────────


def _assign(dispatcher: Screen, number: str) -> str:
    """The incident stands on the map, its job has been given to the first crew that can get there; the crew's code."""
    page = dispatcher.page
    page.get_by_test_id("mode-incidents").click()
    page.get_by_test_id("inbox-words").fill(number)
    page.locator(f"[data-testid=incident-row][data-number='{number}']").click()
    dispatcher.await_rendered("open-incidents", lambda drawn: number in {i["number"] for i in drawn}, number)
    page.get_by_test_id("mode-jobs").click()
    page.locator(f"[data-testid=job-row][data-number='{number}']").click()
    suggestion = page.locator("[data-testid=suggestion][data-excluded=false]").first
    crew_code = str(suggestion.get_attribute("data-crew"))
    suggested = page.locator(f"[data-testid=suggestion][data-crew='{crew_code}']").get_by_test_id("assign")
    suggested.click()
    expect(suggested).to_have_text("มอบแล้ว", timeout=PATIENCE_MS)
    return crew_code


# ── The crew ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _do_the_job(crew: Screen, crew_code: str) -> None:
    """The one big button has led from the assigned job to its end, with the crew and the place on its map."""
    page = crew.page
    state, button = page.get_by_test_id("crew-state"), page.get_by_test_id("crew-next-step")
    expect(state).to_have_attribute("data-state", "assigned", timeout=PATIENCE_MS)
    crew.await_rendered("crews", lambda drawn: crew_code in {c["code"] for c in drawn}, crew_code)
    crew.await_rendered("incidents", what="the place of the job")
    for step, reached in STEPS:
        expect(button).to_have_attribute("data-step", step)
        button.click()
        expect(state).to_have_attribute("data-state", reached, timeout=PATIENCE_MS)
    expect(button).to_have_attribute("data-step", "finish")
    button.click()
    page.get_by_test_id("crew-finish-note").fill(CREW_NOTE)
    page.get_by_test_id("crew-finish-confirm").click()
    expect(page.get_by_test_id("crew-finish-confirm")).to_be_hidden()
    expect(page.get_by_test_id("crew-offline")).to_be_hidden(timeout=PATIENCE_MS)
    expect(page.get_by_role("alert")).to_have_count(0)


# ── The tests ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_officer_warns_a_resident_reports_and_a_crew_helps_on_their_screens(
    running: House, tmp_path: Path
) -> None:
    """What one person does on a screen reaches the next one's, in Thai, from the first warning to "it is done"."""
    passwords = _passwords()
    with Screens(running.note()["api"], tmp_path) as screens:
        officer = screens.new("officer", DESK)
        officer.sign_in("/", "approver", passwords["approver"])
        _watch_the_water(officer)
        alert_id, audience = _warn(officer)
        _see_the_flood(officer)
        _look_around(officer)
        officer.close()

        resident = screens.new("resident", PHONE)
        number = _resident_reports(resident, _recipient(running, alert_id, audience))

        dispatcher = screens.new("dispatcher", DESK)
        dispatcher.sign_in("/", "dispatcher", passwords["dispatcher"])
        crew_code = _assign(dispatcher, number)
        dispatcher.await_rendered("crews", lambda drawn: crew_code in {c["code"] for c in drawn}, crew_code)
        dispatcher.await_rendered("routes", what="the crew's way")

        crew = screens.new("crew", PHONE)
        username = f"crew-{crew_code.lower()}"
        crew.sign_in("/crew", username, passwords[username])
        _do_the_job(crew, crew_code)

        done = resident.page.get_by_test_id("phone-message").filter(has_text=number).filter(has_text="เสร็จแล้ว")
        expect(done).to_be_visible(timeout=PATIENCE_MS)
        dispatcher.await_rendered(
            "open-incidents", lambda drawn: number not in {i["number"] for i in drawn}, "it as over"
        )
        screens.assert_quiet()


def test_two_reports_become_one_and_everybody_follows_it_by_the_link_in_the_news(
    running: House, tmp_path: Path
) -> None:
    """From a picture and a pin to the public page: what is public is how it goes on, and nothing of who reported."""
    people = (following.FIRST, following.SECOND)
    following.introduce(running, *people)
    with Screens(running.note()["api"], tmp_path) as screens:
        said = [following.IN_THE_PICTURE, *(part for one in people for part in (one.user_id, one.name, one.words))]
        into, pinned = following.report(screens.new("first", PHONE), people[0])
        resident = screens.new("second", PHONE)
        merged, also_pinned = following.report(resident, people[1])
        officer = screens.new("officer", DESK)
        officer.sign_in("/", "dispatcher", _passwords()["dispatcher"])
        following.make_one_and_act(officer, number=merged, into=into)
        officer.close()
        link = following.link_in_the_news(resident.page, merged=merged, into=into)
        secrets = [*((part,) for part in said), pinned, also_pinned]
        following.read_as_anybody(screens.new("anybody", PHONE), link, merged=merged, into=into, secrets=secrets)
        screens.assert_quiet()


def test_a_question_is_answered_by_an_article_an_officer_and_its_new_version(running: House, tmp_path: Path) -> None:
    """Cited on the phone, handed over with two taps, answered at the desk; what is changed there is the next answer."""
    with Screens(running.note()["api"], tmp_path) as screens:
        asking.ask_and_be_answered(running, screens, password=_passwords()["admin"])
        screens.assert_quiet()


def _shown(thing: Locator) -> None:
    expect(thing.first).to_be_visible(timeout=PATIENCE_MS)


def test_every_screen_fits_a_phone_and_a_desk_in_thai_and_the_public_page_asks_for_no_sign_in(
    running: House, tmp_path: Path
) -> None:
    """Each screen is whole at 390 and 1440 px, before and after the door; the public page has no door."""
    passwords = _passwords()
    with Screens(running.note()["api"], tmp_path) as screens:
        public = screens.new("public", PHONE)
        page = public.open("/city")
        _shown(page.locator("main li"))
        public.await_rendered("gauges", what="the gauges")
        both_widths(page, "/city")
        assert 401 not in {status for status, _ in public.answers}
        assert page.get_by_test_id("sign-in-username").count() == 0
        public.close()  # Every map that is left open goes on being drawn, in software.

        phone = screens.new("phone", PHONE)
        page = phone.open("/phone")
        _shown(page.get_by_test_id("phone-user-select").locator("button"))
        both_widths(page, "/phone")
        page.get_by_test_id("phone-user-select").locator("button").first.click()
        _shown(page.get_by_test_id("phone-input"))
        both_widths(page, "/phone with a chat")
        phone.close()

        crew = screens.new("crew", PHONE)
        page = crew.open("/crew")
        _shown(page.get_by_test_id("sign-in-submit"))
        both_widths(page, "/crew at the door")
        username = next(name for name in passwords if name.startswith("crew-"))
        crew.sign_in("/crew", username, passwords[username])
        _shown(page.get_by_role("button"))
        both_widths(page, "/crew")
        crew.close()

        desk = screens.new("desk", PHONE)
        page = desk.open("/")
        _shown(page.get_by_test_id("sign-in-submit"))
        both_widths(page, "the console at the door")
        desk.sign_in("/", "viewer", passwords["viewer"])
        for mode in MODES:
            page.get_by_test_id(f"mode-{mode}").click()
            expect(page.get_by_test_id(f"mode-{mode}")).to_have_attribute("aria-current", "page")
            both_widths(page, f"the console's {mode}")
            for size in (PHONE, DESK):
                page.set_viewport_size({"width": size["width"], "height": size["height"]})
                hands.assert_page_stands_still(page, f"the console's {mode} at {size['width']} px")
        hands.come_back(desk)
        screens.assert_quiet()


def test_the_map_obeys_the_hands_that_draw_tick_search_and_resize(running: House, tmp_path: Path) -> None:
    """What an officer does to map and panels, also with keys alone, shows at once; the server has nothing to refuse."""
    passwords = _passwords()
    with Screens(running.note()["api"], tmp_path) as screens:
        desk = screens.new("desk", DESK)
        panels.send_what_cannot_be_taken(desk.origin)
        page = desk.sign_in("/", "approver", passwords["approver"])
        desk.await_map()
        hands.one_colour_for_the_water(page)
        hands.draw_an_area(page)
        hands.read_a_gauge(page)
        everybody.walk_with_keys(page)
        panels.see_what_was_refused(page)
        with panels.signed_in(desk.origin, username="admin", password=passwords["admin"]) as colleague:
            panels.write_a_rule_beside_a_colleague(page, colleague)
        hands.narrow_the_window(desk)
        desk.close()

        phone = screens.new("phone", PHONE)
        phone.sign_in("/", "admin", passwords["admin"])
        phone.await_map()
        hands.search_on_a_phone(phone.page)
        panels.try_again(phone.page)
        screens.assert_quiet()
