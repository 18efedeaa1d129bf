"""One form for the many spellings of a Thai name, in Python and in SQL alike."""

from __future__ import annotations

import unicodedata

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gis.gazetteer.normal import ABBREVIATIONS, sound, thai_normal

_THAI = st.characters(min_codepoint=0x0E01, max_codepoint=0x0E5B)
_WRITTEN_SHORT = st.sampled_from(
    ["ถ.", "ซ.", "ต.", "อ.", "จ.", "ม.", "ม", "ซ", "ต ", "รร.", "รพ", "รพ.สต.", "ร.ร.", "ร.พ", "ชช.", "ร", "ช", "พ",
     "หมู่ที่", "กทม.", ".", " ", "/", "5", "๕", "\u0e4d", "\u0e32", "เ", "\u200b", "\u0e49", "K", "e\u0301", "ทน.", "บ."]
)
# Letters of both Unicode versions: those of the oldest that is in use are in all later ones.
_ANY = st.characters(exclude_characters="\x00", exclude_categories=("Cs", "Cn"), max_codepoint=0xFFFF)
_TEXT = st.lists(st.one_of(_THAI, _WRITTEN_SHORT, _WRITTEN_SHORT, _ANY), max_size=25).map("".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(_TEXT, min_size=20, max_size=20))
def test_the_twins_in_python_and_sql_agree(session: Session, texts: list[str]) -> None:
    """What one side stores is found by what the other asks, whatever people type."""
    rows = "unnest(CAST(:texts AS text[])) WITH ORDINALITY AS t(one, n)"
    asked = sa.text(f"SELECT thai_normal(one) FROM {rows} ORDER BY n")  # noqa: S608 - our own words.
    assert [thai_normal(text) for text in texts] == list(session.scalars(asked, {"texts": texts}))


@settings(max_examples=500)
@given(text=_TEXT)
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    """A stored form can be normalised again without being lost."""
    once = thai_normal(text)
    assert thai_normal(once) == once


@given(text=st.text(_THAI, max_size=30))
def test_the_order_in_which_marks_were_typed_does_not_matter(text: str) -> None:
    """Text that looks the same is the same."""
    assert thai_normal(unicodedata.normalize("NFD", text)) == thai_normal(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("คลองท่าใหญ่", "คลอง ท่า ไหญ่"),
        ("น\u0e4d\u0e49า", "น้ำ"),
        ("เเม่น้ำ", "แม่น้ำ"),
        ("ซ.๕", "ซอย 5"),
        ("ถ. ราชดำเนิน", "ถนนราชดำเนิน"),
        ("อยู่ต.คลัง อ.เมือง", "อยู่ตำบลคลังอำเภอเมือง"),
        ("ร.ร.อนุบาล", "โรงเรียนอนุบาล"),
        ("หน้ารพ.มหาราช", "หน้าโรงพยาบาล มหาราช"),
        ("รพ มหาราช", "โรงพยาบาลมหาราช"),
        ("ม.3", "หมู่ 3"),
        ("ตลาด\u200bแขก", "ตลาดแขก"),
        ("Soi  KAROME 12", "soi karome 12"),
    ],
)
def test_spellings_of_one_name_have_one_form(one: str, other: str) -> None:
    """Tone marks, ใ and ไ, gaps, digits and abbreviations tell no places apart."""
    assert thai_normal(one) == thai_normal(other)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ร.ต.อ.สมชาย", "รตอสมชาย"),
        ("ทนไม่ไหว", "ทนไมไหว"),
        ("ราชดำเนิน 24 5 คน", "ราชดำเนิน24 5คน"),
        ("123/45", "123/45"),
        ("5 กม.3", "5กม3"),
    ],
)
def test_what_is_no_abbreviation_stays(text: str, kept: str) -> None:
    """A policeman's rank is no sub-district, and two numbers stay two."""
    assert thai_normal(text) == kept


def test_every_abbreviation_is_written_out_in_normal_form() -> None:
    """A word that is put in is one that would not be changed again."""
    assert [word for _, word in ABBREVIATIONS if thai_normal(word) != word and len(word) > 2] == []


@given(text=_TEXT)
def test_the_form_of_sounds_is_letter_for_letter(text: str) -> None:
    """A place in the one form is the same place in the other."""
    normal = thai_normal(text)
    assert len(sound(normal)) == len(normal)
