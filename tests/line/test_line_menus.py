"""The menu under the chat: made once, renewed when its file changes, linked by language, never twice."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.orm import Session

from core.settings import ROOT
from incidents import meanings
from line import menus as line_menus
from line.rules import graphemes
from residents import actions, menus, rules, tasks

if TYPE_CHECKING:
    from tests.line.conftest import StandinServer

ANNA, BUDI = "U" + "a" * 32, "U" + "b" * 32


def _friends(standin: StandinServer) -> None:
    people = [{"user_id": user_id, "display_name": user_id[:4]} for user_id in (ANNA, BUDI)]
    standin.admin.post("/users", json=people).raise_for_status()


def _seen(standin: StandinServer, user_id: str) -> str:
    """The bar of the menu that the user sees."""
    return str(standin.admin.get(f"/users/{user_id}/rich-menu").json()["chatBarText"])


def test_a_second_run_changes_nothing(session: Session, standin: StandinServer) -> None:
    """Four menus with their pictures under four aliases, Thai for everybody; again, and nothing is done."""
    _friends(standin)
    assert [change.is_new for change in menus.put_at_line(session)] == [True] * 4
    before = (line_menus.menus(), line_menus.aliases(), line_menus.default())
    assert [change.is_new for change in menus.put_at_line(session)] == [False] * 4
    assert (line_menus.menus(), line_menus.aliases(), line_menus.default()) == before
    assert len(before[0]) == 4
    assert _seen(standin, ANNA) == "เมนูเมือง"
    menu_id = line_menus.default()
    picture = standin.admin.get(f"/rich-menus/{menu_id}/picture")
    assert picture.content == menus.menu("th").picture


def test_a_changed_menu_replaces_the_old_one(
    session: Session, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the same alias; the old one is gone, and who had it has the new one."""
    _friends(standin)
    resident = actions.resident_of(session, ANNA)
    resident.language = "en"
    session.flush()
    menus.put_at_line(session)
    assert _seen(standin, ANNA) == "City menu"
    before = line_menus.aliases()
    changed = {**menus.described(), "bar": {**menus.described()["bar"], "en": "Town menu"}}
    monkeypatch.setattr(menus, "described", lambda: changed)
    assert [change.is_new for change in menus.put_at_line(session)] == [False, True, False, False]
    assert _seen(standin, ANNA) == "Town menu"
    assert len(line_menus.menus()) == 4
    after = line_menus.aliases()
    assert {language for language in after if after[language] != before[language]} == {"faonam-en"}


def test_what_was_broken_off_is_finished(session: Session, standin: StandinServer) -> None:
    """A run that died after making a menu, before its picture or its alias, leaves no second one behind."""
    line_menus.create(menus.menu("th").body)
    wanted = menus.menu("en")
    line_menus.upload_picture(line_menus.create(wanted.body), wanted.picture)
    old_id = line_menus.create({**wanted.body, "name": "faonam en of-before"})
    line_menus.upload_picture(old_id, wanted.picture)
    line_menus.set_alias("faonam-en", old_id, is_new=True)
    menus.put_at_line(session)
    assert sorted(line_menus.menus().values()) == sorted(menus.menu(language).name for language in menus.languages())
    assert line_menus.menus()[line_menus.aliases()["faonam-en"]] == wanted.name


def test_menus_of_somebody_else_stay(session: Session, standin: StandinServer) -> None:
    """What the city made by hand in LINE's own manager is not ours to remove."""
    other = line_menus.create({**menus.menu("th").body, "name": "campaign"})
    menus.put_at_line(session)
    assert other in line_menus.menus()


def test_who_chooses_a_language_sees_its_menu(session: Session, standin: StandinServer) -> None:
    """Linked to the one person; Thai takes the link away, since that menu is everybody's."""
    _friends(standin)
    menus.put_at_line(session)
    resident = actions.resident_of(session, ANNA)
    for language, bar in (("ms", "Menu bandar"), ("my", "မြို့တော်မီနူး"), ("th", "เมนูเมือง"), ("th", "เมนูเมือง")):
        actions.choose_language(session, resident, language)
        tasks.link_menu.run(session, resident_id=resident.id)
        assert _seen(standin, ANNA) == bar
        assert _seen(standin, BUDI) == "เมนูเมือง"


def test_a_city_without_menus_is_no_fault(session: Session, standin: StandinServer) -> None:
    """Choosing a language works before any menu was made, and for who has gone; the phone shows none of its own."""
    _friends(standin)
    resident = actions.resident_of(session, "U" + "c" * 32)
    for language in ("en", "th"):
        actions.choose_language(session, resident, language)
        tasks.link_menu.run(session, resident_id=resident.id)
    assert standin.admin.get(f"/users/{ANNA}/rich-menu").status_code == 404


@pytest.mark.parametrize("language", menus.languages())
def test_every_menu_is_within_lines_limits(language: str) -> None:
    """1 MB a picture of the size that is said, 14 letters in the bar, 20 in a label, areas without gap or overlap."""
    found = menus.menu(language)
    assert found.picture[:8] == b"\x89PNG\r\n\x1a\n"
    size = found.body["size"]
    drawn = (int.from_bytes(found.picture[16:20], "big"), int.from_bytes(found.picture[20:24], "big"))
    assert drawn == (size["width"], size["height"])
    assert len(found.picture) <= menus.PICTURE_LIMIT_BYTES
    assert graphemes(found.body["chatBarText"]) <= 14
    covered = sum(area["bounds"]["width"] * area["bounds"]["height"] for area in found.body["areas"])
    assert covered == size["width"] * size["height"]


@pytest.mark.parametrize("language", menus.languages())
def test_what_the_menu_says_is_understood(language: str) -> None:
    """The words that a tap sends begin a report, ask for its state, or ask for one's data, in every language."""
    said = [area["action"]["text"] for area in menus.menu(language).body["areas"] if "text" in area["action"]]
    assert meanings.asks_to_begin(said[0])
    assert meanings.asks_for_status(said[1])
    asked = rules.asked_in(said[2])
    assert asked is not None
    assert asked.what == "about_me"


def test_the_pictures_are_drawn_from_what_the_file_says_today() -> None:
    """Who changes the menu draws it anew (tools/draw_menus.py)."""
    spec = importlib.util.spec_from_file_location("draw_menus", ROOT / "tools" / "draw_menus.py")
    assert spec is not None
    assert spec.loader is not None
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    noted = (ROOT / "residents" / "data" / "menus" / "drawn_from.txt").read_text(encoding="ascii").strip()
    assert drawing.drawn_from() == noted
