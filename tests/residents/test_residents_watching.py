"""What residents hear about beside their homes: areas that they follow, and news that they may refuse."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError, NotFoundError
from gis.models import Area, Layer
from incidents.models import Draft
from line import rules as line_rules
from residents import actions, household, rules, watching
from residents.models_rights import AreaWatch, ConsentEntry
from tests.residents.test_residents_rights import me, tap, write

SHOWN = actions.Shown(text="…", language="th", way="line")
NAMES = (("C2", "ชุมชนริมน้ำ", "Riverside"), ("C3", "ชุมชนริมคลอง", "Canalside"), ("C4", "ชุมชนวัดใหม่", "Wat Mai"))


@pytest.fixture
def areas(town: Session) -> Session:
    """Six further communities, and ME who agreed to be warned."""
    layer_id = town.scalar(sa.select(Layer.id))
    assert layer_id is not None
    more = [*NAMES, *((f"D{n}", f"หมู่ {n}", f"Moo {n}") for n in range(3))]
    for code, th, en in more:
        town.add(
            Area(
                layer_id=layer_id, kind="community", code=code, name_th=th, name_en=en, trust="simulated",
                geom="SRID=4326;MULTIPOLYGON(((100 9,100.01 9,100.01 9.01,100 9.01,100 9)))",
                place="SRID=4326;POINT(100.005 9.005)", attributes={},
            )
        )
    town.flush()
    actions.give_consent(town, me(town), version=rules.CONSENT_VERSION, at=clock.now(), shown=SHOWN)
    return town


def followed(session: Session) -> list[str]:
    return sorted(one.code for one in watching.areas_of(session, me(session).id))


@pytest.mark.parametrize(
    ("text", "what", "area"),
    [
        ("ติดตามพื้นที่ ริมน้ำ", "watch", "ริมน้ำ"), ("ติดตามพื้นที่", "watch", ""), ("Follow area Riverside!", "watch", "riverside"),
        ("ikut kawasan Moo 1", "watch", "moo 1"), ("ဧရိယာ စောင့်ကြည့်မည် Moo 1", "watch", "moo 1"),
        ("เลิกติดตามพื้นที่ ริมน้ำครับ", "unwatch", "ริมน้ำ"), ("เลิกติดตาม", "unwatch", ""), ("unfollow area C2", "unwatch", "c2"),
        ("ไม่รับข่าว", "news_off", ""), ("Stop news", "news_off", ""), ("รับข่าวค่ะ", "news_on", ""),
        ("mahu berita", "news_on", ""),
    ],
)  # fmt: skip
def test_words_of_following(text: str, what: str, area: str) -> None:
    """In each of the four languages; what follows the verb is the area's name."""
    asked = rules.asked_in(text)
    assert asked is not None
    assert (asked.what, asked.area) == (what, area)


@pytest.mark.parametrize("text", ["ติดตามเรื่อง 2569-000012", "ติดตาม", "ข่าว", "น้ำท่วม ติดตามพื้นที่ ริมน้ำ"])
def test_other_words_stay_reports(text: str) -> None:
    """Following a report, or telling of water, is the incidents' to hear."""
    assert rules.asked_in(text) is None


def test_a_name_means_the_area_that_bears_it() -> None:
    """Exactly, in Thai, English or by code, else as a part of the name: then perhaps several."""
    known = [rules.AreaName(0, ("ชุมชนริมน้ำ", "Riverside", "C2")), rules.AreaName(1, ("ริมน้ำ 2", "", "C3"))]
    assert rules.areas_meant("RIVER side", known) == (0,)
    assert rules.areas_meant("c3", known) == (1,)
    assert rules.areas_meant("ริมน้ำ", known) == (0, 1)
    assert rules.areas_meant("ริมน้ำ 2", known) == (1,)
    assert rules.areas_meant("  ", known) == rules.areas_meant("ทะเล", known) == ()


def test_following_in_the_chat(areas: Session) -> None:
    """A name is enough; it begins no report, and twice is once; the same way it ends."""
    for _ in range(2):
        (answer,) = write(areas, "ติดตามพื้นที่ริมน้ำ")
        assert "ชุมชนริมน้ำ" in answer["text"]
    assert followed(areas) == ["C2"]
    write(areas, "follow area canalside")
    (left,) = write(areas, "เลิกติดตามพื้นที่ ชุมชนริมน้ำ")
    assert "ริมคลอง" in left["text"]
    assert followed(areas) == ["C3"]
    assert areas.scalar(sa.select(sa.func.count(Draft.resident_id))) == 0


@pytest.mark.parametrize(("said", "count"), [("ริม", 2), ("ทะเล", 7), ("", 7)])
def test_where_several_or_none_are_meant_the_resident_chooses(areas: Session, said: str, count: int) -> None:
    """One button for each, with the page that has all; a tap follows."""
    (answer,) = write(areas, f"ติดตามพื้นที่ {said}")
    buttons = [item["action"] for item in answer["quickReply"]["items"]]
    assert [one["type"] for one in buttons] == ["postback"] * count + ["uri"]
    assert all(line_rules.graphemes(one["label"]) <= 20 for one in buttons)
    tap(areas, buttons[0]["data"])
    assert len(followed(areas)) == 1


def test_five_areas_at_most(areas: Session) -> None:
    """The sixth is refused with what may be given up for it; so it is on the page."""
    for name in ("C2", "C3", "C4", "D0", "D1"):
        write(areas, f"ติดตามพื้นที่ {name}")
    (full,) = write(areas, "ติดตามพื้นที่ D2")
    assert len(full["quickReply"]["items"]) == 5
    assert "D2" not in followed(areas)
    with pytest.raises(ConflictError):
        watching.set_communities(areas, me(areas), ["C2", "C3", "C4", "D0", "D1", "D2"])
    tap(areas, full["quickReply"]["items"][0]["action"]["data"])
    assert len(followed(areas)) == 4
    (none,) = tap(areas, "unwatch:999")
    assert len(none["quickReply"]["items"]) == 4


def test_a_page_names_all_areas_at_once(areas: Session) -> None:
    """Since when each is followed stays; an unknown one changes nothing."""
    watching.set_communities(areas, me(areas), ["C2", "C3"])
    since = areas.scalar(sa.select(AreaWatch.since).join(Area, Area.id == AreaWatch.area_id).where(Area.code == "C3"))
    with pytest.raises(NotFoundError):
        watching.set_communities(areas, me(areas), ["C4", "none"])
    watching.set_communities(areas, me(areas), ["C3", "C4", "C4"])
    assert followed(areas) == ["C3", "C4"]
    kept = sa.select(AreaWatch.since).join(Area, Area.id == AreaWatch.area_id).where(Area.code == "C3")
    assert areas.scalar(kept) == since


def test_nobody_follows_who_has_not_agreed(areas: Session) -> None:
    """The chat asks for the consent first; taking it back ends the following with everything else."""
    write(areas, "ติดตามพื้นที่ C2")
    actions.withdraw_consent(areas, me(areas), at=clock.now(), shown=SHOWN)
    assert followed(areas) == []
    (asked,) = write(areas, "ติดตามพื้นที่ C2")
    assert asked["quickReply"]["items"][0]["action"]["data"] == f"consent:give:{rules.CONSENT_VERSION}"
    with pytest.raises(ConflictError):
        watching.set_communities(areas, me(areas), ["C2"])
    assert followed(areas) == []


def test_news_are_refused_and_asked_for_again(areas: Session) -> None:
    """In words; the log of consents has each with its text; who did not agree to warnings gets none anyway."""
    assert watching.gets_news(me(areas))
    write(areas, "ไม่รับข่าว")
    assert not watching.gets_news(me(areas))
    write(areas, "รับข่าว")
    assert watching.gets_news(me(areas))
    said = areas.scalars(sa.select(ConsentEntry).where(ConsentEntry.purpose == "news").order_by(ConsentEntry.id)).all()
    assert [one.is_given for one in said] == [False, True]
    assert all(one.text for one in said)
    household.decide(
        areas, me(areas), purpose="news", version=rules.CONSENT_VERSION, is_given=False, shown=SHOWN
    )
    assert not watching.gets_news(me(areas))
    actions.withdraw_consent(areas, me(areas), at=clock.now(), shown=SHOWN)
    (asked,) = write(areas, "รับข่าว")
    assert "quickReply" in asked
    assert not watching.gets_news(me(areas))


@pytest.mark.parametrize("language", rules.LANGUAGES)
def test_every_language_has_the_cards_of_following(areas: Session, language: str) -> None:
    """Within LINE's limits, and no language falls back to Thai."""
    me(areas).language = language
    said = [
        *write(areas, "ติดตามพื้นที่"), *write(areas, "เลิกติดตาม"), *write(areas, "follow area C2"),
        *write(areas, "unfollow area"), *write(areas, "stop news"), *write(areas, "start news"),
    ]  # fmt: skip
    assert len(said) == 6
    assert language == "th" or not any("ติดตามพื้นที่" in one["text"] or "ข่าวสาร" in one["text"] for one in said)
