"""The desk's papers that are seldom opened: what could not be taken, a rule's doubts, a colleague's newer version."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from typing import Any

import httpx
from everybody import assert_for_everybody
from house import PLACE
from playwright.sync_api import Locator, Page, expect
from screens import PATIENCE_MS

GAUGE = "G1"
RULE = f"level/{GAUGE}"
IN_CENTIMETRES = {"datastream": GAUGE, "observed_at": "2026-11-28T03:00:00Z", "value": 412, "unit": "cm"}
WHY = "หน่วยไม่ตรงกับหน่วยของสถานี"
# Far above any bank, in m MSL.
DOUBTFUL, AS_DOUBTFUL = "99", "98"
LOWER_BY_M = 0.2


@contextlib.contextmanager
def signed_in(origin: str, *, username: str, password: str) -> Iterator[httpx.Client]:
    """A client of the API that this person has signed in with."""
    with httpx.Client(base_url=f"{origin}/api/v1", timeout=10.0) as client:
        answer = client.post("/session", json={"username": username, "password": password})
        client.headers["X-CSRF-Token"] = answer.raise_for_status().json()["csrf_token"]
        yield client


def send_what_cannot_be_taken(origin: str) -> None:
    """A gauge of the city has sent its level in centimetres, which its station does not measure in."""
    with next(PLACE.glob("packs/demo-*/gauges.csv")).open(newline="") as gauges:
        keys = {row["code"]: row["device_key"] for row in csv.DictReader(gauges)}
    headers = {"X-Device-Key": keys[GAUGE]}
    answer = httpx.post(f"{origin}/api/v1/readings", json=[IN_CENTIMETRES], headers=headers, timeout=10.0)
    assert [(row["status"], row["reason"]) for row in answer.json()["rows"]] == [("refused", "wrong_unit")]


def see_what_was_refused(page: Page) -> None:
    """Who sent it, why it was refused, what came and what to do stand there; another try is no officer's to ask for."""
    group = _open_refused(page)
    expect(group.locator("h3")).to_contain_text(f"({GAUGE})")
    expect(group).to_contain_text("ส่งตรงทาง HTTP")
    expect(group).to_contain_text(f"1 แถว · {WHY}")
    expect(group.locator(".advice")).to_contain_text("แก้หน่วยที่เครื่องวัดส่ง")
    group.locator("summary").click()
    expect(group.locator("pre")).to_contain_text('"unit": "cm"')
    expect(group.get_by_test_id("refused-again")).to_have_count(0)
    assert_for_everybody(page, "rows that could not be taken")
    page.get_by_test_id("refused-back").click()


def try_again(page: Page) -> None:
    """An admin's other try of a unit that is still wrong says in words that nothing was taken; the row waits on."""
    page.locator("aside.detail header button").click()
    group = _open_refused(page)
    group.get_by_test_id("refused-again").click()
    expect(group.get_by_role("status")).to_have_text("ลอง 1 แถว รับได้ 0 แถว", timeout=PATIENCE_MS)
    expect(group).to_contain_text(f"1 แถว · {WHY}")


def _open_refused(page: Page) -> Locator:
    page.get_by_test_id("mode-water").click()
    link = page.get_by_test_id("refused-link")
    expect(link).to_contain_text("แถว", timeout=PATIENCE_MS)
    link.click()
    return page.get_by_test_id("refused-group").filter(has_text=WHY)


def write_a_rule_beside_a_colleague(page: Page, colleague: httpx.Client) -> None:
    """What is doubtful is kept once it is said to be meant; whoever was overtaken sees both versions and keeps his."""
    page.get_by_test_id("open-rules").click()
    rules = page.get_by_test_id("rules")
    rules.locator("input[type=search]").fill(RULE)
    rules.get_by_test_id("rule-row").click()
    before = _rule(colleague)
    _keep_what_is_doubtful(rules)
    kept = _rule(colleague)
    assert (kept["version"], kept["document"]["danger"]) == (before["version"] + 1, float(DOUBTFUL))
    _be_overtaken(rules, colleague)
    mine = _rule(colleague)
    assert (mine["version"], mine["document"]["danger"]) == (kept["version"] + 2, float(AS_DOUBTFUL))
    assert mine["document"]["watch"] == kept["document"]["watch"]
    page.keyboard.press("Escape")
    expect(rules).to_have_count(0)


def _keep_what_is_doubtful(rules: Locator) -> None:
    save = rules.get_by_test_id("rule-save")
    rules.get_by_test_id("rule-reason").fill("ซ้อมตั้งเกณฑ์")
    _write_danger(rules, DOUBTFUL)
    expect(save).to_be_disabled()
    rules.get_by_test_id("rule-meant").check()
    save.click()
    expect(rules.get_by_test_id("rule-done")).to_contain_text("บันทึกรุ่นที่", timeout=PATIENCE_MS)


def _write_danger(rules: Locator, level_m_msl: str) -> None:
    """The level is written, and the doubt about it can be read and is not yet confirmed."""
    rules.locator("[data-field=danger]").fill(level_m_msl)
    doubt = f"{level_m_msl}.00 ม.รทก. สูงกว่าตลิ่ง"
    expect(rules.get_by_test_id("rule-doubts")).to_contain_text(doubt, timeout=PATIENCE_MS)
    expect(rules.get_by_test_id("rule-meant")).not_to_be_checked()


def _be_overtaken(rules: Locator, colleague: httpx.Client) -> None:
    danger, reason, save = (
        rules.locator("[data-field=danger]"), rules.get_by_test_id("rule-reason"), rules.get_by_test_id("rule-save")
    )
    expect(reason).to_have_value("")
    reason.fill("ของฉันเอง")
    _write_danger(rules, AS_DOUBTFUL)
    rules.get_by_test_id("rule-meant").check()
    theirs, mine = _save_a_lower_watch(colleague)
    danger.press("Enter")  # Refused, unless the newer version came to the desk by itself in this moment.
    newer = rules.get_by_test_id("rule-newer")
    overtaken = f"ผู้ดูแลระบบ (สาธิต) บันทึกรุ่นที่ {theirs['version']} ระหว่างที่คุณแก้"
    expect(newer).to_contain_text(overtaken, timeout=PATIENCE_MS)
    told = [row.split() for row in newer.locator("tbody tr").all_inner_texts()]
    assert told == [
        ["เฝ้าระวัง", _as_typed(theirs["watch"]), "ม.รทก.", _as_typed(mine["watch"]), "ม.รทก."],
        ["อันตราย", DOUBTFUL, "ม.รทก.", AS_DOUBTFUL, "ม.รทก."],
    ]
    assert_for_everybody(rules.page, "a newer version of a rule")
    expect(save).to_be_disabled()
    expect(danger).to_have_value(AS_DOUBTFUL)
    expect(reason).to_have_value("ของฉันเอง")
    newer.get_by_test_id("rule-keep-mine").click()
    expect(newer).to_have_count(0)
    expect(danger).to_have_value(AS_DOUBTFUL)
    expect(rules.get_by_test_id("rule-meant")).to_be_checked()
    save.click()
    done = rules.get_by_test_id("rule-done")
    expect(done).to_contain_text(f"บันทึกรุ่นที่ {theirs['version'] + 1}", timeout=PATIENCE_MS)


def _rule(client: httpx.Client) -> dict[str, Any]:
    rules = client.get("/rules").raise_for_status().json()["rules"]
    return dict(next(rule for rule in rules if rule["code"] == RULE))


def _save_a_lower_watch(colleague: httpx.Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """A version by the colleague counts now; its document and that of the version before it."""
    rule = _rule(colleague)
    document = {**rule["document"], "watch": round(rule["document"]["watch"] - LOWER_BY_M, 2)}
    asked = {"document": document, "based_on_version": rule["version"], "reason": "เตือนให้เร็วขึ้น"}
    kept = colleague.put(f"/rules/{RULE}", json=asked).raise_for_status().json()
    return {**document, "version": kept["version"]}, rule["document"]


def _as_typed(level_m_msl: float) -> str:
    return f"{level_m_msl:.2f}".rstrip("0").rstrip(".")
