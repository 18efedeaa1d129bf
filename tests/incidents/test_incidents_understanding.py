"""Understanding: texts become numbers, numbers guesses; models are taught, judged, kept as numbers and replaced."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.orm import Session

import staff.models  # noqa: F401 - tables of other rooms name accounts.
from core.db import Base
from core.errors import InvalidInputError, NotFoundError
from incidents import catalogue, queries, teaching
from incidents.category_models import CategoryModel
from incidents.classify import Lexicon
from incidents.models import Report
from incidents.understanding.child import Learnt, Lesson, Shares, learn_aside, learnt
from incidents.understanding.features import MOST_LETTERS, Reader
from incidents.understanding.labelled import labels_of_others, read_labelled
from incidents.understanding.model import Understanding
from incidents.understanding.sayings import Labelled, made_up, shipped_sayings
from incidents.understanding.stored import as_json, from_json
from incidents.understood import active_model, correct_category, understood

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

HOME = (99.960, 8.430)
NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
WORDS = {one.code: one.words for one in catalogue.shipped().file.category}
NAMES = {code: code for code in WORDS}


@pytest.fixture(scope="module")
def first() -> Learnt:
    """What a city without any labelled report learns, in a process of its own as at set-up."""
    return learn_aside(Lesson(WORDS, [], [], None))


@pytest.fixture(scope="module")
def understanding(first: Learnt) -> Understanding:
    weights = from_json(first.document)
    return Understanding(Reader(weights.codes, Lexicon(WORDS)), weights)


def test_every_category_has_sayings_and_every_label_of_others_a_category() -> None:
    """The shipped files speak of the 24 categories and of nothing else."""
    assert set(shipped_sayings().category) == set(WORDS)
    assert {code for codes in labels_of_others().values() for code in codes} <= set(WORDS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ไฟหน้าปากซอยดับมาหลายคืนเดินกลับบ้านมืดมากเลยค่ะ", "street_light"),
        ("ที่บ้านไฟดับตั้งแต่เที่ยงยังไม่มาเลย", "power_line"),
        ("น้ำปาไม่ไหลมา 2 วันแล้ว อาบน้ำไม่ได้", "water_supply"),
        ("น้ำเข้าบ้านแล้วครับ ยกของไม่ทัน", "flooded_home"),
        ("ฝนตกทีไรถนนหน้าโรงเรียนท่วมทุกที", "flooded_road"),
        ("ฝาท่อหน้าร้านหาย คนเกือบตก", "drain"),
        ("หมาไล่กัดเด็กในซอย", "animals"),
        ("ข้างบ้านเปิดเพลงดังถึงตีสอง", "noise"),
        ("มีคนเอารถมาจอดขวางหน้าบ้านออกไม่ได้", "obstruction"),
        ("รถขยะไม่มาเก็บสองอาทิตย์แล้ว", "waste"),
    ],
)
def test_a_city_without_a_labelled_report_understands_plain_sentences(
    understanding: Understanding, text: str, code: str
) -> None:
    """Lexicon and sayings of our own are enough to begin with."""
    assert understanding.guesses(text)[0].category_code == code


def test_three_are_guessed_each_less_sure_than_the_one_before(understanding: Understanding) -> None:
    """Confidence is a share, and falls from guess to guess."""
    shares = [guess.confidence for guess in understanding.guesses("ต้นไม้ล้มทับสายไฟ ไฟดับ ขวางถนน")]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert 0 <= shares[-1] <= shares[0] <= 1


@pytest.mark.parametrize("text", ["", " \n", "555", "!!!", "\u200b\u200b", "\ud800", "ก", "😀" * 3])
def test_what_holds_no_words_is_guessed_nothing_or_taken_without_harm(understanding: Understanding, text: str) -> None:
    """Nothing that can be typed breaks the guessing."""
    assert len(understanding.guesses(text)) in {0, 3}


def test_of_a_very_long_text_the_beginning_is_read(understanding: Understanding) -> None:
    """A text of 100,000 letters costs no more than its first 1,500."""
    text = "ขยะล้นถังไม่มีใครมาเก็บ " * 5000
    assert understanding.guesses(text)[0].category_code == "waste"
    assert understanding.guesses(text) == understanding.guesses(text[: 2 * MOST_LETTERS])


def test_a_model_is_numbers_that_read_back_to_the_same_guesses(understanding: Understanding) -> None:
    """The document holds no text, and loses nothing that changes a guess."""
    again = from_json(as_json(understanding.weights))
    for text in ("ท่อตัน", "ไฟทางดับสามดวง", "a tree fell on the road"):
        one, other = understanding.guesses(text), Understanding(understanding.reader, again).guesses(text)
        assert [g.category_code for g in one] == [g.category_code for g in other]
        assert [g.confidence for g in one] == pytest.approx([g.confidence for g in other], abs=0.02)


@pytest.mark.parametrize(
    "change", [{"version": 9}, {"bias": [1.0]}, {"places": "%%"}, {"places": "AAAA"}, {"codes": []}]
)
def test_what_is_no_model_is_refused(first: Learnt, change: dict[str, object]) -> None:
    """Another version, or numbers that do not fit, are told of, and never half read."""
    with pytest.raises(InvalidInputError):
        from_json(json.dumps({**json.loads(first.document), **change}))


def test_made_up_texts_are_the_same_for_the_same_seed() -> None:
    """Learning twice from the same sayings learns the same."""
    assert made_up(count=50, codes=WORDS, seed=1) == made_up(count=50, codes=WORDS, seed=1)
    assert made_up(count=50, codes=WORDS, seed=1) != made_up(count=50, codes=WORDS, seed=2)


def test_labels_teach() -> None:
    """A word that no lexicon has is learnt from labelled texts."""
    texts = [Labelled(f"พบปลั๊กแป้วหลุดตรงจุดที่ {number} ข้างศาลา", ("bridge",)) for number in range(40)]
    found = learnt(Lesson(WORDS, texts, [], None))
    weights = from_json(found.document)
    guesses = Understanding(Reader(weights.codes, Lexicon(WORDS)), weights).guesses("ปลั๊กแป้วหลุดอีกแล้ว")
    assert guesses[0].category_code == "bridge"


def test_who_only_guesses_loads_no_learning_library() -> None:
    """Guessing needs numpy alone: neither scikit-learn nor scipy nor pandas is loaded."""
    code = (
        "import sys, incidents.understood, incidents.talk;"
        "print([name for name in ('sklearn', 'scipy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ── Labelled files ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_bad_rows_of_a_labelled_file_are_named_and_kept_out(tmp_path: Path) -> None:
    """File, row, field and cause stand with every row that is kept out; the others are used."""
    file = tmp_path / "old.csv"
    file.write_text(
        "text,labels\nท่อตัน,drain\n,drain\nไฟดับ,\nอะไร,ดวงจันทร์\nท่อ ตัน,\"น้ำท่วม,drain\"\n", encoding="utf-8"
    )
    found = read_labelled(file, names=NAMES)
    assert [(row.labelled.text, row.labelled.codes) for row in found.rows] == [
        ("ท่อตัน", ("drain", "flooded_road", "flooded_home"))
    ]
    assert [(fault.file, fault.row, fault.field) for fault in found.faults] == [
        ("old.csv", 3, "text"), ("old.csv", 4, "labels"), ("old.csv", 5, "labels")
    ]
    assert found.repeats == 1
    assert found.unknown_labels == {"ดวงจันทร์": 1}


def test_a_table_as_traffy_writes_it_is_read(tmp_path: Path) -> None:
    """Columns comment and type, labels in braces, and gaps by tabs."""
    file = tmp_path / "traffy.tsv"
    file.write_text("comment\ttype\nทางเท้าพัง\t{ทางเท้า,ถนน}\n", encoding="utf-8")
    assert read_labelled(file, names=NAMES).rows[0].labelled == Labelled("ทางเท้าพัง", ("footpath", "road"))


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"text,labels\n\"never closed", b"\xff\xfe\xff", b"PK\x03\x04\x81\x82\x83\xff"]
)
def test_what_is_no_labelled_table_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    """A file without the columns, in unknown letters or broken is refused by name, never with a traceback."""
    file = tmp_path / "broken.csv"
    file.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"broken\.csv"):
        read_labelled(file, names=NAMES)


def test_a_table_of_thai_windows_is_read(tmp_path: Path) -> None:
    """Excel in Thai saves code page 874."""
    file = tmp_path / "excel.csv"
    file.write_bytes("text,types\r\nท่อตัน,ท่อระบายน้ำ\r\n".encode("cp874"))
    assert read_labelled(file, names=NAMES).rows[0].labelled == Labelled("ท่อตัน", ("drain",))


# ── In the city ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _active(session: Session) -> CategoryModel:
    return session.execute(sa.select(CategoryModel).where(CategoryModel.is_active)).scalar_one()


def test_the_report_says_what_was_offered_by_which_model_and_what_was_tapped(malee: Talker) -> None:
    """Model version, the three offers with confidence, and the tap stand on the report."""
    session = malee.session
    teaching.learn_first(session, now=NOW)
    [asked] = malee.say("ไฟทางหน้าบ้านดับสองดวง มืดมาก")
    labels = [item["action"]["label"] for item in asked["quickReply"]["items"]]
    assert labels[0] == "ไฟส่องสว่าง"
    malee.tap_label(asked, labels[1])
    [confirm] = malee.pin(*HOME)
    malee.tap_label(confirm, "ยืนยัน")
    report = session.execute(sa.select(Report)).scalar_one()
    assert report.category_model_id == _active(session).id
    assert report.offered is not None
    codes = [code for code, _ in report.offered["guesses"]]
    assert codes[0] == "street_light"
    assert report.category_code == codes[1]
    assert all(0 <= share <= 1 for _, share in report.offered["guesses"])


def test_models_and_migrations_agree(database: sa.Engine) -> None:
    """The tables of understanding are the same in the models and in the database."""
    ours = {"category_model", "category_example", "category_correction"}

    def is_ours(thing: sa.schema.SchemaItem, name: str | None, kind: str, reflected: bool, other: object) -> bool:
        table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
        return table in ours or (kind == "column" and name in {"offered", "category_model_id"})

    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    assert differences == []


def test_without_a_model_words_alone_are_offered(town: Session) -> None:
    """A city whose model is not there, or cannot be read, still offers what its words say."""
    categories = queries.categories(town)
    offer = understood(town, categories, "ท่อระบายน้ำตัน", model=active_model(town))
    assert (offer.model_id, offer.codes[0]) == (None, "drain")
    town.add(CategoryModel(trained_at=NOW, texts=0, held_out=0, figures={"codes": []}, is_active=True, document="{}"))
    town.flush()
    assert understood(town, categories, "ท่อระบายน้ำตัน", model=active_model(town)).codes[0] == "drain"


def test_the_first_model_is_learnt_once(town: Session) -> None:
    """Setting a city up again leaves its model alone."""
    model = teaching.learn_first(town, now=NOW)
    assert model is not None
    assert model.is_active
    assert teaching.learn_first(town, now=NOW) is None


def test_few_new_labels_teach_nothing_yet(town: Session) -> None:
    """A model that could not be judged is not learnt; the texts wait."""
    teaching.learn_first(town, now=NOW)
    teaching.keep_examples(town, [Labelled("ท่อตัน", ("drain",))], source="a.csv", now=NOW + timedelta(hours=1))
    taught = teaching.learn(town, now=NOW + timedelta(hours=2))
    assert (taught.model, taught.why) == (None, "too_few")


def test_a_better_model_takes_over(town: Session) -> None:
    """New labels are learnt where held-out ones agree, and the model before gives its place and its weights up."""
    teaching.learn_first(town, now=NOW)
    before = _active(town).id
    odd = [Labelled(f"แจ้งแป้วหลุดตรงจุดที่ {number}", ("bridge",)) for number in range(1200, 1350)]
    assert teaching.keep_examples(town, odd, source="a.csv", now=NOW + timedelta(hours=1)) == 150
    assert teaching.keep_examples(town, odd, source="a.csv", now=NOW + timedelta(hours=1)) == 0
    better = teaching.learn(town, now=NOW + timedelta(hours=2))
    assert better.model is not None
    assert (better.why, _active(town).id) == ("no_worse", better.model.id)
    assert better.model.id != before
    assert better.learnt is not None
    assert better.learnt.candidate == Shares(1.0, 1.0)
    old = town.get_one(CategoryModel, before)
    assert (old.is_active, old.document) == (False, None)


@pytest.mark.parametrize(
    ("candidate", "before", "why"),
    [
        (Shares(0.8, 0.9), Shares(0.8, 0.9), "no_worse"),
        (Shares(0.8, 0.9), Shares(0.7, 0.95), "no_worse"),
        (Shares(0.7, 0.9), Shares(0.8, 0.9), "worse"),
        (Shares(0.8, 0.9), Shares(0.8, 0.95), "worse"),
        (Shares(0.1, 0.1), None, "no_worse"),
    ],
)
def test_a_model_that_finds_fewer_held_out_reports_is_worse(
    candidate: Shares, before: Shares | None, why: str
) -> None:
    """What is judged is the first guess, then the three; nothing is worse than a model that cannot be read."""
    assert teaching.verdict(Learnt("{}", candidate, before)) == why


def test_an_officers_word_counts_before_the_tap(malee: Talker) -> None:
    """What an officer corrected is what is learnt, the newest word last; unknown reports and categories are refused."""
    session = malee.session
    [asked] = malee.say("ไฟทางหน้าบ้านดับสองดวง")
    malee.tap_label(asked, asked["quickReply"]["items"][0]["action"]["label"])
    [confirm] = malee.pin(*HOME)
    malee.tap_label(confirm, "ยืนยัน")
    report_id = session.execute(sa.select(Report.id)).scalar_one()
    for code, minutes in (("waste", 1), ("power_line", 2)):
        at = NOW + timedelta(minutes=minutes)
        correct_category(session, report_id=report_id, category_code=code, corrected_by="officer", now=at)
    _, fresh = teaching.labelled_texts(session, since=None)
    assert [one.codes for one in fresh] == [("power_line",)]
    with pytest.raises(NotFoundError):
        correct_category(session, report_id=report_id, category_code="moon", corrected_by="officer", now=NOW)
    with pytest.raises(NotFoundError):
        correct_category(session, report_id=10**9, category_code="waste", corrected_by="officer", now=NOW)
