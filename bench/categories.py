"""What a resident's words are about: a report's label first, among the first three, and how sure the guess was.

The public complaints beside the project (`../shared/data/complaints`), or a file of your own (`--data`), its distinct
texts in five folds, and taught by the earlier half and tried on the later; also by place, west and east. Beside it, on
the same folds: the lexicon alone, and letters and words alone. What nobody's labels taught, the model that a new city
begins with, is tried on all of it. Labels of other systems are ours by `incidents/data/labels.toml`; a text whose
labels are all none of ours is left out and counted.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from bench.measure import Limit, Result, Timing, check, rounded
from core.errors import SetupError
from core.progress import console, step
from core.settings import ROOT
from incidents import catalogue
from incidents.classify import Lexicon
from incidents.understanding.child import first_weights
from incidents.understanding.features import Reader
from incidents.understanding.labelled import LabelledFile, read_labelled
from incidents.understanding.learning import Read, learn, read
from incidents.understanding.model import OFFERED, Understanding, Weights
from incidents.understanding.sayings import Labelled, made_up
from incidents.understanding.segments import words_of
from incidents.understanding.stored import as_json, from_json

COMPLAINTS = ROOT.parent / "shared" / "data" / "complaints" / "traffy_bangkok_2023-05.csv"
FOLDS = 5
BINS = 10
MADE_UP = 1500
TIMED = 300
LIMIT_S = 0.003
BARS = {"first": 0.92, "in_three": 0.985}
MOST_ECE = 0.05


@dataclass(frozen=True)
class _Tried:
    """For each text that was tried: the three guesses, how sure the first was, and what it is of."""

    guessed: tuple[tuple[str, ...], ...]
    sure: tuple[float, ...]
    right: tuple[frozenset[str], ...]

    def __add__(self, other: _Tried) -> _Tried:
        return _Tried(self.guessed + other.guessed, self.sure + other.sure, self.right + other.right)

    def first(self, code: str | None = None) -> float:
        return self._share(1, code)

    def in_three(self, code: str | None = None) -> float:
        return self._share(OFFERED, code)

    def count(self, code: str) -> int:
        return sum(code in right for right in self.right)

    @property
    def calibration_error(self) -> float:
        """The mean distance of sureness from truth in ten bins of sureness, by how many fall into each."""
        sure = np.array(self.sure)
        pairs = zip(self.guessed, self.right, strict=True)
        hit = np.array([bool(right.intersection(three[:1])) for three, right in pairs])
        bins = np.minimum((sure * BINS).astype(int), BINS - 1)
        return float(sum(abs((sure[bins == one] - hit[bins == one]).sum()) for one in range(BINS)) / len(sure))

    def _share(self, places: int, code: str | None) -> float:
        hits = [
            bool(right.intersection(three[:places]))
            for three, right in zip(self.guessed, self.right, strict=True) if code is None or code in right
        ]
        return sum(hits) / len(hits) if hits else float("nan")


NOTHING = _Tried((), (), ())


@dataclass(frozen=True)
class _Side:
    """One way of guessing: its reader, and what it reads of the texts and of the made-up ones."""

    reader: Reader
    texts: Read
    made_up: Read

    def taught_by(self, chosen: Sequence[int]) -> Weights:
        return learn(self.texts.only(chosen), self.made_up, codes=self.reader.codes)

    def tried(self, weights: Weights, chosen: Sequence[int]) -> _Tried:
        guesses = [weights.guesses(self.texts.features[at]) for at in chosen]
        return _Tried(
            tuple(tuple(guess.category_code for guess in three) for three in guesses),
            tuple(three[0].confidence for three in guesses),
            tuple(_right(self.texts, self.reader, at) for at in chosen),
        )


def measure(*, seed: int, data: Path | None = None) -> Result:
    """The shares of right guesses, and the seconds from a text to its three guesses, one text at a time."""
    found = _read(data or COMPLAINTS)
    texts = [row.labelled for row in found.rows]
    lexicon = Lexicon({one.code: one.words for one in catalogue.shipped().file.category})
    codes = tuple(one.code for one in catalogue.shipped().file.category)
    with step("reading the texts") as tell:
        own = made_up(count=MADE_UP, codes=codes, seed=seed)
        sides: dict[str, _Side] = {}
        for name, reader in {"ours": Reader(codes, lexicon), "model_only": Reader(codes, None)}.items():
            tell(name)
            sides[name] = _Side(reader, read(texts, reader), read(own, reader))
    everything = range(len(texts))
    splits = _splits(found, seed=seed)
    tried: dict[str, dict[str, _Tried]] = {}
    with step("teaching and trying") as tell:
        for split, pairs in splits.items():
            tried[split] = {"ours": NOTHING, "lexicon_only": NOTHING, "model_only": NOTHING}
            for number, (taught, kept) in enumerate(pairs, start=1):
                tell(f"{split}, {number} of {len(pairs)}")
                check(not set(taught) & set(kept), "a text that was taught is tried.")
                for name, side in sides.items():
                    tried[split][name] += side.tried(side.taught_by(taught), kept)
                tried[split]["lexicon_only"] += _by_lexicon(lexicon, texts, sides["ours"], kept)
        ours = sides["ours"]
        tried["by made-up texts only"] = {"ours": ours.tried(first_weights(ours.reader), everything)}
        if data is not None and data.resolve() != COMPLAINTS.resolve() and COMPLAINTS.exists():
            tell("taught by the public complaints")
            tried["taught by the public complaints"] = {"ours": _by_complaints(ours, texts)}
    console.print(_by_category(tried["five folds"]))
    console.print(_by_split(tried))
    weights = from_json(as_json(ours.taught_by(everything)))
    seconds = _seconds(Understanding(ours.reader, weights), [text.text for text in texts[:TIMED]])
    return _result(found, tried, seconds, seed=seed)


def _read(path: Path) -> LabelledFile:
    if not path.exists():
        raise SetupError(f"{path.name} is not there: give a CSV of texts and labels with --data.")
    found = read_labelled(path, names={c.code: c.code for c in catalogue.shipped().file.category}
                          | {c.name_th: c.code for c in catalogue.shipped().file.category})
    if len(found.rows) < 10 * FOLDS:
        raise SetupError(f"{path.name} has {len(found.rows)} labelled texts; {10 * FOLDS} are needed.")
    if found.faults:
        console.print(f"{len(found.faults)} rows are left out, the first: {found.faults[0]}")
    return found


def _splits(found: LabelledFile, *, seed: int) -> dict[str, list[tuple[list[int], list[int]]]]:
    order = list(range(len(found.rows)))
    random.Random(seed).shuffle(order)  # noqa: S311 - Folds are no secret.
    folds = [order[number::FOLDS] for number in range(FOLDS)]
    splits = {"five folds": [(sorted(set(order) - set(fold)), sorted(fold)) for fold in folds]}
    for name, values in {
        "earlier, later": [row.created_at.timestamp() if row.created_at else None for row in found.rows],
        "west, east": [row.lon for row in found.rows],
    }.items():
        if None not in values:
            ranked = sorted(range(len(values)), key=lambda at: (values[at], at))
            half = len(ranked) // 2
            splits[name] = [(ranked[:half], ranked[half:])]
    return splits


def _by_lexicon(lexicon: Lexicon, texts: Sequence[Labelled], side: _Side, kept: Sequence[int]) -> _Tried:
    three = [tuple(match.category_code for match in lexicon.top(texts[at].text)) for at in kept]
    return _Tried(tuple(three), tuple(0.0 for _ in three), tuple(_right(side.texts, side.reader, at) for at in kept))


def _by_complaints(side: _Side, texts: Sequence[Labelled]) -> _Tried:
    here = {text.text for text in texts}
    others = [row.labelled for row in _read(COMPLAINTS).rows if row.labelled.text not in here]
    weights = learn(read(others, side.reader), side.made_up, codes=side.reader.codes)
    return side.tried(weights, range(len(texts)))


def _right(texts: Read, reader: Reader, at: int) -> frozenset[str]:
    return frozenset(code for code, is_so in zip(reader.codes, texts.is_of[at], strict=True) if is_so)


def _seconds(understanding: Understanding, texts: Sequence[str]) -> Timing:
    understanding.guesses(texts[0])
    seconds = []
    for text in texts:
        words_of.cache_clear()  # A message that comes in has not been cut into words before.
        began_s = time.perf_counter()
        understanding.guesses(text)
        seconds.append(time.perf_counter() - began_s)
    return Timing(tuple(seconds))


def _by_category(tried: Mapping[str, _Tried]) -> Table:
    table = Table(title="five folds, by category: one of the report's labels first / among three")
    for heading in ("category", "texts", *tried):
        table.add_column(heading, justify="left" if heading == "category" else "right")
    ours = tried["ours"]
    for code in sorted(set().union(*ours.right), key=lambda one: -ours.count(one)):
        shares = (f"{side.first(code):.3f} / {side.in_three(code):.3f}" for side in tried.values())
        table.add_row(code, str(ours.count(code)), *shares)
    return table


def _by_split(tried: Mapping[str, Mapping[str, _Tried]]) -> Table:
    table = Table(title="first / among three; calibration error of the first")
    for heading in ("taught and tried", "ours", "lexicon_only", "model_only", "error"):
        table.add_column(heading)
    for split, sides in tried.items():
        shares = [f"{one.first():.3f} / {one.in_three():.3f}" if (one := sides.get(name)) else "-"
                  for name in ("ours", "lexicon_only", "model_only")]
        table.add_row(split, *shares, f"{sides['ours'].calibration_error:.3f}")
    return table


def _result(
    found: LabelledFile, tried: Mapping[str, Mapping[str, _Tried]], seconds: Timing, *, seed: int
) -> Result:
    figures: dict[str, float] = {}
    least: dict[str, float] = {}
    most: dict[str, float] = {}
    for split, sides in tried.items():
        prefix = split.replace(", ", "_").replace(" ", "_").replace("-", "_")
        for name, one in sides.items():
            own = prefix if name == "ours" else f"{prefix}_{name}"
            figures |= {f"{own}_first": rounded(one.first()), f"{own}_in_three": rounded(one.in_three())}
        figures[f"{prefix}_calibration_error"] = rounded(sides["ours"].calibration_error)
        if split in {"five folds", "earlier, later"}:
            least |= {f"{prefix}_{name}": bar for name, bar in BARS.items()}
            most[f"{prefix}_calibration_error"] = MOST_ECE
    ours = tried["five folds"]["ours"]
    facts = {
        "texts": len(found.rows), "repeats": found.repeats, "rows_left_out": len(found.faults),
        "labels_of_nothing_here": dict(found.unknown_labels), "seed": seed,
        "by_category": {
            code: [ours.count(code), rounded(ours.first(code)), rounded(ours.in_three(code))]
            for code in sorted(set().union(*ours.right))
        },
    }
    return Result("categories", facts, seconds, {"limit": Limit(LIMIT_S)}, {"limit": 1.0}, figures, most, least)
