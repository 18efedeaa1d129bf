"""What a resident asks in the chat: what is known, a copy, a code, the end; and what they agreed to, word for word."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, db, sealing
from core.errors import ConflictError, InvalidInputError
from core.words import words
from gis.points import LonLat
from incidents import tasks as incident_tasks
from incidents.models import Draft
from line import personal
from line.events import MessageReceived, PostbackReceived, seal_line_user
from line.models import InboxEvent, OutboxChunk
from migrations import upgrade
from residents import actions, cards, codes, household, queries, rules, tasks
from residents.models import Resident
from residents.models_rights import ConsentEntry
from tests.accounts import add_account

ME = "U" + "e1" * 16
HOME = LonLat(lon=99.96, lat=8.43)


def write(session: Session, text: str, *, at: datetime | None = None) -> list[dict[str, Any]]:
    """The city's answers to a text, of every room that hears it."""
    event = MessageReceived(
        "E", seal_line_user(ME), "token", {"type": "text", "id": "1", "text": text}, at or clock.now()
    )
    return _answers(session, lambda: (tasks.hear_home(session, event), incident_tasks.hear_message(session, event)))


def tap(session: Session, data: str) -> list[dict[str, Any]]:
    """The city's answers to a button."""
    event = PostbackReceived("E", seal_line_user(ME), "token", data, {}, clock.now())
    return _answers(session, lambda: (tasks.hear_button(session, event), incident_tasks.hear_button(session, event)))


def _answers(session: Session, act: Any) -> list[dict[str, Any]]:
    before = session.scalar(sa.select(sa.func.coalesce(sa.func.max(OutboxChunk.id), 0))) or 0
    act()
    rows = session.scalars(sa.select(OutboxChunk.messages).where(OutboxChunk.id > before).order_by(OutboxChunk.id))
    return [message for messages in rows for message in messages]


def me(session: Session) -> Resident:
    """The resident behind ME."""
    return actions.resident_of(session, ME)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ข้อมูลของฉัน", "about_me"), ("  My  DATA ", "about_me"), ("ข้อมูลของฉันค่ะ", "about_me"),
        ("data saya", "about_me"), ("ลบ\u200bข้อมูล", "erase"), ("ลบข้อมูลของฉันครับ", "erase"),
        ("Delete my data!", "erase"), ("padam data saya", "erase"),
        ("รหัส abcd-efgh", "code"), ("code ABCDEFGH", "code"), ("ABCD-EFGH", "code"),
        ("เปลี่ยนภาษาค่ะ", "language"), ("English", "language"), ("bahasa", "language"),
        ("sawasdee", None), ("ABCDEFGH", None), ("ABCD-EFG1", None), ("น้ำท่วม ลบข้อมูล", None), ("ช่วยด้วย", None),
        ("ลบข้อมูล" * 12_500, None), ("\u202e", None), ("", None),
    ],
)  # fmt: skip
def test_which_words_are_for_this_room(text: str, what: str | None) -> None:
    """Only whole sentences about one's own data or language, and codes that say so; eight letters may be a word."""
    asked = rules.asked_in(text)
    assert (asked.what if asked else None) == what


def test_about_me_is_answered_and_begins_no_report(town: Session) -> None:
    """The card says what is known, with the page, a copy, home, language and the end below; no report is begun."""
    (card,) = write(town, "ข้อมูลของฉัน")
    assert f"สมาชิกหมายเลข {me(town).id}" in card["text"]
    labels = [item["action"]["label"] for item in card["quickReply"]["items"]]
    assert labels == ["จัดการข้อมูล", "ขอสำเนาข้อมูล", "บ้านของฉัน", "ภาษา / Language", "ลบข้อมูลทั้งหมด"]
    assert town.scalar(sa.select(sa.func.count(Draft.resident_id))) == 0


@pytest.mark.parametrize("language", rules.LANGUAGES)
def test_every_language_has_every_card(town: Session, language: str) -> None:
    """Each card can be said in each language within LINE's limits; only what is not translated falls back to Thai."""
    resident = me(town)
    resident.language = language
    said = [*write(town, "my data"), *tap(town, "me:export"), *tap(town, "me:erase"), *tap(town, "me:erase-no"),
            *write(town, "code ABCD-EFGH")]  # fmt: skip
    assert len(said) == 5
    assert language == "th" or all(message["text"] != words("residents", "code-wrong") for message in said)


def test_what_the_menu_says_may_be_typed(town: Session) -> None:
    """On a computer LINE shows no menu: its words open the same cards, and begin no report."""
    assert write(town, "ภาษา")[0]["text"] == words("residents", "language-ask")
    assert write(town, "บ้านของฉัน")[0]["text"] == words("residents", "home-ask")
    assert town.scalar(sa.select(sa.func.count(Draft.resident_id))) == 0


def test_a_copy_by_link(town: Session) -> None:
    """The link is of our own address, has a token that stands nowhere readable, and the sixth is refused."""
    answers = [tap(town, "me:export")[0] for _ in range(6)]
    link = answers[0]["quickReply"]["items"][0]["action"]["uri"]
    assert link.startswith("http://127.0.0.1:8000/api/v1/resident/export/")
    assert answers[5]["text"] == words("residents", "export-too-many")
    token = link.rpartition("/")[2]
    assert token.encode() not in b"".join(town.scalars(sa.text("SELECT token_hash FROM export_link")))


def test_codes_in_the_chat(town: Session) -> None:
    """A code is the resident's once; wrong ones are counted, and after five the right one waits."""
    officer = add_account(town, "pim", roles=["officer"])
    group = codes.make_group(town, account=officer, name_th="ผู้นำ", name_en="Leaders", is_leaders=True, area_id=None)
    for_group = codes.hand_over_group(town, account=officer, group_id=group.id)
    for_me = codes.hand_over_identity(town, account=officer, name="สมหญิง", phone="+66 89 123 4567")
    assert write(town, f"รหัส {for_group}")[0]["text"] == words("residents", "group-joined", group="ผู้นำ")
    assert write(town, f"รหัส {for_me}")[0]["text"] == words("residents", "identity-checked")
    resident = me(town)
    assert sealing.unseal(resident.phone_sealed or b"") == "+66891234567"
    assert resident.identity_checked_by == "code"
    wrong = [write(town, f"รหัส {for_me}")[0]["text"] for _ in range(6)]
    assert wrong == [words("residents", "code-wrong")] * 5 + [words("residents", "code-too-many")]
    assert town.scalar(sa.text("SELECT count(*) FROM handed_code WHERE name_sealed IS NOT NULL")) == 0


def test_a_new_text_is_asked_about_once(town: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who agreed to an older text is asked again with the next message, once; whom the city vouched for is not."""
    resident = me(town)
    resident.consented_at, resident.consent_version = clock.now(), "2020-1"
    asked = [message for message in write(town, "สวัสดี") if "อีกครั้ง" in message.get("text", "")]
    assert len(asked) == 1
    assert words("residents", "consent-warnings") in asked[0]["text"]
    assert not [message for message in write(town, "สวัสดี") if "อีกครั้ง" in message.get("text", "")]
    assert tap(town, "consent:give:2020-1")[0]["text"].startswith(words("residents", "consent-again"))
    tap(town, f"consent:give:{rules.CONSENT_VERSION}")
    assert resident.consent_version == rules.CONSENT_VERSION
    assert not rules.is_consent_outdated("import:homes", asked_version=None)


def test_the_log_has_what_was_shown(town: Session) -> None:
    """A yes by button, a yes by sending the pin, and a no: each with purpose, version, language and the words."""
    resident = me(town)
    (asked,) = tap(town, cards.welcome("th")["quickReply"]["items"][0]["action"]["data"])
    assert asked["text"] == words("residents", "consent-warnings")
    tap(town, asked["quickReply"]["items"][0]["action"]["data"])
    tap(town, "consent:withdraw")
    resident.language = "en"
    tap(town, "home:ask")
    at = clock.now() + timedelta(minutes=1)
    pin = {"type": "location", "id": "2", "longitude": HOME.lon, "latitude": HOME.lat}
    tasks.hear_home(town, MessageReceived("E", seal_line_user(ME), "token", pin, at))
    log = town.scalars(sa.select(ConsentEntry).order_by(ConsentEntry.id)).all()
    assert [(one.purpose, one.is_given, one.language, one.way) for one in log] == [
        ("warnings", True, "th", "line"), ("warnings", False, "th", "line"), ("needs", False, "th", "line"),
        ("warnings", True, "en", "line"),
    ]  # fmt: skip
    assert log[0].text == words("residents", "consent-warnings")
    assert log[3].text == words("residents", "home-ask", language="en")


def test_other_homes_stay_where_the_pin_is_moved(town: Session) -> None:
    """A new pin in the chat moves the main home only; needs belong to their home."""
    resident = me(town)
    actions.set_home(town, resident.id, HOME)
    shown = actions.Shown(text="…", language="th", way="liff")
    actions.write_consent(town, resident, purpose="needs", is_given=True, at=clock.now(), shown=shown)
    other = actions.add_home(town, resident.id, place=LonLat(lon=99.95, lat=8.42), name="บ้านแม่")
    household.say_needs(town, resident, home_id=other.id, codes=["deaf", "deaf"], at=clock.now())
    actions.set_home(town, resident.id, LonLat(lon=99.97, lat=8.44))
    main, kept = queries.homes_of(town, resident.id)
    assert (main.lon, kept.id, kept.needs, kept.name) == (99.97, other.id, ("deaf",), "บ้านแม่")
    with pytest.raises(ConflictError):
        household.decide(town, resident, purpose="needs", version="1999", is_given=True, shown=shown)


@pytest.mark.parametrize("phone", ["me", "12", "0" * 40, "08\u202e91234567x", "=1+1"])
def test_phones_that_are_none(phone: str) -> None:
    """What is no number is refused with a sentence."""
    with pytest.raises(InvalidInputError, match="is no phone number"):
        rules.clean_phone(phone)


def test_words_of_a_person_are_taken_out_of_what_others_wrote() -> None:
    """Names and numbers go, whatever their capitals; letters that mean something to a pattern mean nothing here."""
    assert rules.without("call Somchai (SOMCHAI) 089-1", {"somchai", "("}, instead="…") == "call … ……) 089-1"
    assert rules.without("โทร 089 123-4567 แล้ว", {"0891234567"}, instead="…") == "โทร … แล้ว"
    assert rules.without("+66 891234567 x", {"089-123-4567"}, instead="…") == "… x"
    assert rules.phones_in("โทร 089-123-4567 หรือ +66 89 123 4567 บ้านเลขที่ 12345") == {
        "089-123-4567", "+66 89 123 4567",
    }  # fmt: skip


@pytest.fixture
def older(database: sa.Engine) -> sa.Engine:
    """A database of before this could be asked."""
    upgrade.downgrade(database, "0033_refused")
    return database


def test_people_of_before_can_be_found_and_forgotten(older: sa.Engine) -> None:
    """What was kept before the hashes were is found by them after the upgrade."""
    raw = sealing.seal(json.dumps({"source": {"userId": ME}, "message": {"type": "text", "id": "7", "text": "เดิม"}}))
    with older.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO inbox_event (webhook_event_id, event_type, raw_sealed, happened_at, received_at,"
                " received_wall_at, handled_at) VALUES ('e1', 'message', :raw, now(), now(), now(), now()),"
                " ('e2', 'message', 'sealed with a key that was lost', now(), now(), now(), now())"
            ),
            {"raw": raw},
        )
        connection.execute(
            sa.text(
                "INSERT INTO event (name, payload, occurred_at)"
                " VALUES ('line.message_received', '{\"webhook_event_id\": \"e1\"}', now())"
            )
        )
    upgrade.upgrade(older)
    with db.transaction() as session:
        assert personal.written_by(session, ME).texts == ("เดิม",)
        personal.forget_letters(session, ME, until=None)
        assert session.scalars(sa.select(InboxEvent.webhook_event_id)).all() == ["e2"]
        assert session.scalars(sa.text("SELECT payload FROM event")).all() == []
