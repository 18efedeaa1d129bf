"""Words become terms, terms find articles, and silence is kept where no article answers."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from answers.bm25 import K1, B, Counted, Index, Vocabulary
from answers.cutting import cut
from answers.hearing import heard, kind_of
from answers.index import Base, Text
from answers.rules import Candidate, is_answer
from answers.wording import FILE, as_listed, asks, beginning, shipped, tells_of_something_broken, terms_of
from demo.articles import article_columns
from incidents.classify import normalise


def _counted(vocabulary: Vocabulary, terms: Sequence[str]) -> Counted:
    times = Counter(terms)
    return vocabulary.counted(tuple(times), np.array(list(times.values()), dtype=np.float32))


def test_the_shipped_words_are_read_and_no_word_means_two_things() -> None:
    """A word in two lines of `same` would mean what the later one says, silently."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line.startswith("  [")]
    words = [normalise(word) for line in lines for word in line.strip(" [],").replace('"', "").split(", ")]
    assert sorted(set(words)) == sorted(words)
    assert shipped().same


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("รถขยะมาวันไหนครับ", "รถ\u200bขยะ มา วันไหน คะ"),
        ("จ่ายภาษีที่ดินที่ไหน", "ชำระภาษีที่ดินที่ไหนครับ"),
        ("Which day is TRASH collected?", "when is garbage collection"),
    ],
)
def test_the_same_question_has_the_same_terms(text: str, same: str) -> None:
    """Courtesy, invisible letters, gaps, capitals and synonyms change nothing of what is looked for."""
    assert set(terms_of(text)) - {"วัน", "day"} == set(terms_of(same)) - {"วัน", "day"}


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    """100,000 letters cost no more than a long message does."""
    began_s = time.perf_counter()
    assert terms_of("เก็บขยะวันไหน" + "ก" * 100_000)[0] == "เก็บขยะ"
    assert kind_of("น้ำ?" * 25_000) == "long"
    assert time.perf_counter() - began_s < 2.0


@pytest.mark.parametrize("text", ["", "\u200b\u200b", "?", "😀", "ครับ", " \n"])
def test_what_holds_no_word_finds_nothing(text: str) -> None:
    """Nothing is looked for where nothing is asked."""
    vocabulary = Vocabulary()
    index = Index(vocabulary, [_counted(vocabulary, ["ขยะ"])])
    assert index.search(terms_of(text), most=3) == []


def test_scores_are_those_of_bm25() -> None:
    """The score is the formula's, with term frequency, length and rarity."""
    vocabulary = Vocabulary()
    texts = [["a", "a", "b"], ["b", "c"], ["c"]]
    index = Index(vocabulary, [_counted(vocabulary, text) for text in texts])
    best = index.search(["a", "b"], most=3)[0]

    def part(tf: float, held_in: int) -> float:
        weight = math.log(1 + (3 - held_in + 0.5) / (held_in + 0.5))
        return weight * tf / (K1 * ((1 - B) + B * 3 / 2) + tf)

    assert best.place == 0
    assert best.score == pytest.approx(part(2, 1) + part(1, 2), rel=1e-5)
    assert best.share == pytest.approx(1.0)


def test_a_word_that_nobody_wrote_of_counts_against_an_answer() -> None:
    """Half of a question is not the question: the share falls by words that stand in no article."""
    vocabulary = Vocabulary()
    index = Index(vocabulary, [_counted(vocabulary, ["ภาษี", "ที่ดิน"]), _counted(vocabulary, ["ขยะ"])])
    assert index.search(["ภาษี"], most=1)[0].share == pytest.approx(1.0)
    assert index.search(["ภาษี", "รถยนต์"], most=1)[0].share < 0.65


def test_an_index_outlives_a_vocabulary_that_grew() -> None:
    """Who still searches the older index, while a newer one is made, is not disturbed by its terms."""
    vocabulary = Vocabulary()
    index = Index(vocabulary, [_counted(vocabulary, ["ขยะ"])])
    _counted(vocabulary, ["ภาษี"])
    assert [one.place for one in index.search(["ขยะ", "ภาษี"], most=3)] == [0]
    assert index.search(["ภาษี"], most=3) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("เทศบาลเปิดกี่โมงครับ", "question"),
        ("เวลาทำการเทศบาล", "topic"),
        ("น้ำท่วมถนนหน้าบ้าน", "report"),
        ("ถังขยะล้นหน้าบ้าน", "report"),
        ("ทำไมรถขยะไม่มาเก็บสามวันแล้ว", "broken"),
        ("ระดับน้ำตอนนี้ดูได้ที่ไหน", "question"),
        ("ประชุมครั้งแรกเรื่องเกี่ยวกับผู้พิการ", "topic"),
        ("when is the city hall open", "question"),
        ("why has nobody collected the garbage", "broken"),
    ],
)
def test_questions_are_told_from_reports(text: str, kind: str) -> None:
    """A question asks; a report names what is wrong, also where it asks; short words count only as words."""
    assert kind_of(text) == kind


def test_a_question_needs_most_of_its_words_and_a_clear_first() -> None:
    """A wrong answer costs more than a hand-over: too little of the question, or two matters alike, is silence."""
    sure = Candidate("a", 5.0, 0.8)
    assert is_answer([sure, Candidate("b", 3.0, 0.5)], kind="question")
    assert not is_answer([Candidate("a", 5.0, 0.6)], kind="question")
    assert not is_answer([sure, Candidate("b", 4.9, 0.8)], kind="question")
    assert is_answer([sure, Candidate("a", 4.9, 0.8)], kind="question")
    assert not is_answer([sure], kind="broken")
    assert not is_answer([Candidate("a", 5.0, 1.0)], kind="report")
    assert not is_answer([], kind="question")


def test_what_an_article_lists_as_asked_is_answered_however_close_another_comes() -> None:
    """Who wrote it has said that it answers this; where two matters list it, a person chooses between them."""
    listed, near = Candidate("a", 5.0, 1.0, is_listed=True), Candidate("b", 4.9, 1.0)
    assert is_answer([listed, near], kind="question")
    assert not is_answer([listed, Candidate("b", 4.9, 1.0, is_listed=True)], kind="question")
    assert not is_answer([listed, near], kind="broken")
    assert not is_answer([listed, near], kind="report")


def test_a_question_is_listed_by_its_words_in_any_order_but_never_by_one_word_alone() -> None:
    """What an article lists is found without courtesy and order; of one word nobody knows what is asked about it."""
    assert as_listed(terms_of("เทศบาลเปิดกี่โมงคะ")) == as_listed(terms_of("กี่โมงเทศบาลเปิด"))
    assert as_listed(terms_of("สระว่ายน้ำเปิดกี่โมง")) != as_listed(terms_of("เทศบาลเปิดกี่โมง"))
    assert as_listed(terms_of("น้ำท่วมทำยังไง")) is None


def test_a_listed_question_changes_no_score() -> None:
    """What marks a question as listed has no worth: the article is as long and as like as without it."""
    with_it = cut(title="ขยะ", asked_as=["รถขยะมาวันไหน"], short_answer="จันทร์", body="")
    worth = dict(zip(with_it.terms, with_it.times.tolist(), strict=True))
    marks = [term for term in worth if term.startswith("=")]
    assert marks == ["=วัน เก็บขยะ"]
    assert worth[marks[0]] == 0
    vocabulary = Vocabulary()
    plain = [_counted(vocabulary, ["ขยะ", "วัน"]), _counted(vocabulary, ["บัตร"])]
    marked = vocabulary.counted(("ขยะ", "วัน", "=ขยะ วัน"), np.array([1, 1, 0], dtype=np.float32))
    before = Index(vocabulary, plain).search(["ขยะ", "วัน"], most=3)
    index = Index(vocabulary, [marked, plain[1]])
    assert index.search(["ขยะ", "วัน"], most=3) == before
    assert index.holding("=ขยะ วัน") == {0}
    assert index.holding("=บัตร") == frozenset()


def test_every_article_of_the_demo_answers_what_it_alone_lists() -> None:
    """No question that one article of the demo lists is left to an officer because another comes close."""
    columns = article_columns()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    vocabulary, texts, listing = Vocabulary(), list[Text](), defaultdict[str, set[str]](set)
    for number, row in enumerate(row for row in rows if not row["valid_until"]):
        asked_as = row["asked_as"].split("|")
        one = cut(title=row["title"], asked_as=asked_as, short_answer=row["short_answer"], body=row["body"])
        counted = vocabulary.counted(one.terms, one.times)
        texts.append(Text(number, row["matter"], row["language"], None, False, counted))
        for asked in asked_as:
            listing[as_listed(terms_of(asked)) or ""].add(row["matter"])
    base = Base(vocabulary, texts, today=date(2026, 11, 21))
    plain = {
        (asked, row["matter"]) for row in rows for asked in row["asked_as"].split("|")
        if kind_of(asked) == "question" and listing[as_listed(terms_of(asked)) or ""] == {row["matter"]}
    }
    said = {(asked, matter): heard(base, asked, kind="question").answer for asked, matter in plain}
    assert ("เทศบาลเปิดกี่โมง", "office-hours") in said
    assert [asked for (asked, matter), hit in said.items() if hit is None or hit.candidate.code != matter] == []


def test_asking_and_breaking_are_words_not_letters() -> None:
    """กี่ in เกี่ยว asks nothing, ดับ in ระดับ is no lamp that went out."""
    assert not asks(beginning("เกี่ยวกับงานวัด"))
    assert asks(beginning("กี่บาท"))
    assert not tells_of_something_broken(beginning("ระดับน้ำ"))
    assert tells_of_something_broken(beginning("ไฟดับ"))
