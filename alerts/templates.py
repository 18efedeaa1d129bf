"""The words of alerts: templates with slots, checked when they are read, filled when an alert is proposed. Pure.

Only the slots vary; the words were written and approved in peacetime. LINE notifications show `alt`, so it carries
city, level, place and action as well. What is wrong with words, `alerts.linter` says.
"""

from __future__ import annotations

import functools
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from babel.dates import get_month_names

from alerts.errors import TemplateError
from alerts.rules import THAI_TIME

LANGUAGES = ("th", "en", "ms", "my")
FLOOD = "flood"
HAZARDS = (FLOOD, "flash_flood", "dam_release", "tide", "storm")
ALL_CLEAR = 0
LEVELS = (ALL_CLEAR, 1, 2, 3)
# From this level on the words say whether something is seen or expected, and where to go.
WARNING = 2
PARTS = ("title", "situation", "expected", "action", "alt")
SLOTS = frozenset({"municipality", "place", "zones", "depth", "time", "by", "shelter", "phone"})
NEEDED_SLOTS: Mapping[str, frozenset[str]] = {
    "title": frozenset({"place"}),
    "situation": frozenset({"municipality", "zones", "time"}),
    "expected": frozenset({"municipality", "zones", "time"}),
    "action": frozenset({"phone"}),
    "alt": frozenset({"municipality", "place"}),
}
# In letters as a reader counts them. WEA's long message has 360; a phone's lock screen shows about 100 of them.
LIMITS = {"title": 120, "situation": 400, "expected": 400, "action": 600, "alt": 360}
# What an officer writes: a title, and what one reads on a phone without scrolling much.
OWN_LIMITS = {"title": 80, "body": 1000}
BUDDHIST_YEARS = 543
PLACES_IN_TITLE = 2
ZONES_IN_TEXT = 20


@dataclass(frozen=True)
class Template:
    """One hazard and level in one language; every text may hold slots.

    `situation` says what is seen, `expected` what will come; both are the same where it makes no difference.
    """

    hazard: str
    level: int
    language: str
    title: str
    situation: str
    expected: str
    action: str
    alt: str

    @property
    def key(self) -> tuple[str, int, str]:
        """Which one of a version it is."""
        return self.hazard, self.level, self.language


@dataclass(frozen=True)
class Vocabulary:
    """The words of one language that fill slots and label buttons.

    `level` (of floods), `depth` and each hazard's `label` are listed by number from 0; `phones` are (number, label).
    """

    level: tuple[str, ...]
    label: Mapping[str, tuple[str, ...]]
    depth: tuple[str, ...]
    comma: str
    last_joint: str
    more: str
    by: str
    soon: str
    no_shelter: str
    phone: str
    phones: tuple[tuple[str, str], ...]
    safe: str
    help: str
    can_help: str
    simulated: str


@dataclass(frozen=True)
class Wording:
    """All templates (by hazard, level, language) and vocabularies of one version."""

    version: int
    templates: Mapping[tuple[str, int, str], Template]
    vocabularies: Mapping[str, Vocabulary]

    def label(self, hazard: str, level: int, language: str) -> str:
        """The words for a hazard's level, such as "Flood danger"; for a hazard of no template, the flood's."""
        words = self.vocabularies[language]
        return words.label.get(hazard, words.level)[level]


@dataclass(frozen=True)
class Named:
    """Something with a Thai and an English name."""

    th: str
    en: str

    def in_language(self, language: str) -> str:
        """The Thai name in Thai, the English one in every other language; whichever there is when one is empty."""
        first, second = (self.th, self.en) if language == "th" else (self.en, self.th)
        return first or second


@dataclass(frozen=True)
class Facts:
    """What an alert has to say. `depth_class`: 0 unknown, 1 ankle … 4 above the waist; no `shelter` if none is dry.

    `is_observed` says that somebody or something sees it now; otherwise it is expected, by `expected_at` where known.
    """

    municipality: Named
    zones: tuple[Named, ...]
    depth_class: int
    at: datetime
    shelter: Named | None
    is_observed: bool = True
    expected_at: datetime | None = None


@dataclass(frozen=True)
class AlertText:
    """What residents of one language read. `city` and `time` stand on the card by themselves."""

    title: str
    situation: str
    action: str
    alt: str
    city: str = ""
    time: str = ""

    @property
    def body(self) -> str:
        """What happened, then what to do."""
        return f"{self.situation}\n{self.action}"

    def as_json(self) -> dict[str, str]:
        """Plain values for the alert's `texts`."""
        return {**asdict(self), "body": self.body}


def text_of(stored: Mapping[str, str]) -> AlertText:
    """An AlertText again from what `as_json` gave."""
    return AlertText(**{key: stored[key] for key in AlertText.__dataclass_fields__ if key in stored})


def slots_in(text: str) -> set[str]:
    """The names of a text's slots; raises TemplateError for braces that do not fit."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as exc:
        raise TemplateError(f"The template text '{text[:40]}…' has braces that do not fit: {exc}.") from exc


def check_template(template: Template) -> None:
    """The template can be filled for every alert; raises TemplateError naming hazard, level, language, text, cause.

    This is the least: what makes words good is the linter's to say.
    """
    where = f"Template of {template.hazard} level {template.level} in {template.language}"
    if template.level not in LEVELS or template.language not in LANGUAGES or template.hazard not in HAZARDS:
        raise TemplateError(f"{where}: there is no such hazard, level or language.")
    for part in PARTS:
        text = getattr(template, part)
        if not text.strip():
            raise TemplateError(f"{where}: '{part}' is empty.")
        unknown, missing = slots_in(text) - SLOTS, NEEDED_SLOTS[part] - slots_in(text)
        if unknown:
            raise TemplateError(f"{where}: '{part}' has the unknown slot {{{sorted(unknown)[0]}}}.")
        if missing:
            raise TemplateError(f"{where}: '{part}' lacks the slot {{{sorted(missing)[0]}}}.")
    if template.level < WARNING:
        return
    if "shelter" not in slots_in(template.action):
        raise TemplateError(f"{where}: 'action' lacks the slot {{shelter}}; who must leave needs to know where to.")
    if "by" not in slots_in(template.expected):
        raise TemplateError(f"{where}: 'expected' lacks the slot {{by}}; who is to act needs to know until when.")


def vocabulary(language: str, values: Mapping[str, Any]) -> Vocabulary:
    """The words of a language; raises TemplateError where one is missing."""
    fields = Vocabulary.__dataclass_fields__
    missing = [name for name in fields if not values.get(name)]
    if missing:
        raise TemplateError(f"The words of {language} lack '{missing[0]}'.")
    labels = {hazard: tuple(labels) for hazard, labels in values["label"].items()}
    if any(len(labels.get(hazard, ())) != len(LEVELS) for hazard in HAZARDS):
        raise TemplateError(f"The words of {language} need 4 labels for each hazard.")
    if len(values["level"]) != len(LEVELS) or len(values["depth"]) != 5:
        raise TemplateError(f"The words of {language} need 4 levels and 5 depths.")
    found = {
        "level": tuple(values["level"]),
        "depth": tuple(values["depth"]),
        "label": labels,
        "phones": tuple((str(number), str(label)) for number, label in values["phones"]),
    }
    return Vocabulary(**{name: found.get(name, values[name]) for name in fields})


def wording(*, version: int, templates: Sequence[Template], words: Mapping[str, Mapping[str, Any]]) -> Wording:
    """All words of a version, checked; raises TemplateError where one is missing or cannot be filled."""
    known = {template.key: template for template in templates}
    for template in known.values():
        check_template(template)
    for language in LANGUAGES:
        if language not in words:
            raise TemplateError(f"There are no words in {language}.")
        for hazard in HAZARDS:
            for level in LEVELS:
                if (hazard, level, language) not in known:
                    raise TemplateError(f"There is no template of {hazard} level {level} in {language}.")
    vocabularies = {language: vocabulary(language, words[language]) for language in LANGUAGES}
    return Wording(version=version, templates=known, vocabularies=vocabularies)


def _put_together(book: Mapping[str, Any], language: str) -> Iterator[Template]:
    """Every hazard and level of a language, as whole texts with slots."""
    pattern = book[language]
    for hazard in HAZARDS:
        label, says = book["words"][language]["label"][hazard], pattern[hazard]
        do = pattern[says["do"]]
        for level in LEVELS:
            expected = says["expected"][level - WARNING] if level >= WARNING else says["situation"][level]
            # Patterns hold both what is put in here and slots that stay, so nothing is formatted yet.
            put_in = {"{label}": label[level], "{short}": do["short"][level]}
            yield Template(
                hazard=hazard,
                level=level,
                language=language,
                title=_with(pattern["title"], put_in),
                situation=_with(pattern["situation"], {"{news}": says["situation"][level]}),
                expected=_with(pattern["situation"], {"{news}": expected}),
                action=do["action"][level],
                alt=_with(pattern["alt"], put_in),
            )


def _with(text: str, put_in: Mapping[str, str]) -> str:
    for mark, value in put_in.items():
        text = text.replace(mark, value)
    return text


@functools.cache
def _book() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "data" / "templates.toml").read_text(encoding="utf-8"))


@functools.cache
def shipped() -> Wording:
    """The words that come with Faonam; raises TemplateError where one is missing or cannot be filled."""
    book = _book()
    templates = [template for language in LANGUAGES for template in _put_together(book, language)]
    return wording(version=book["version"], templates=templates, words=book["words"])


@functools.cache
def action_words(language: str) -> tuple[str, ...]:
    """Words of a language that tell people what to do, for the linter."""
    return tuple(_book()["lint"][language])


def joined(names: Sequence[str], *, words: Vocabulary, most: int) -> str:
    """The names as one phrase; those beyond `most` are counted."""
    if len(names) > most:
        return words.comma.join(names[:most]) + words.more.format(n=len(names) - most)
    if len(names) < 2:
        return "".join(names)
    return words.comma.join(names[:-1]) + words.last_joint + names[-1]


def moment(at: datetime, language: str) -> str:
    """A time as people of that language read it, in Thai time; Thai with the Buddhist year."""
    local = at.astimezone(THAI_TIME)
    month = get_month_names("abbreviated", locale=language)[local.month]
    clock = f"{local:%H:%M}"
    if language == "th":
        return f"{local.day} {month} {local.year + BUDDHIST_YEARS} {clock} น."
    return f"{local.day} {month} {local.year} {clock}"


def _by(facts: Facts, language: str, words: Vocabulary) -> str:
    if facts.expected_at is None:
        return words.soon
    return words.by.format(time=moment(facts.expected_at, language))


def slots_of(facts: Facts, language: str, words: Vocabulary) -> dict[str, str]:
    """What fills each slot in a language."""
    names = [zone.in_language(language) for zone in facts.zones]
    return {
        "municipality": facts.municipality.in_language(language),
        "place": joined(names, words=words, most=PLACES_IN_TITLE),
        "zones": joined(names, words=words, most=ZONES_IN_TEXT),
        "depth": words.depth[facts.depth_class],
        "time": moment(facts.at, language),
        "by": _by(facts, language, words),
        "shelter": facts.shelter.in_language(language) if facts.shelter else words.no_shelter,
        "phone": words.phone,
    }


def filled(template: Template, facts: Facts, words: Vocabulary) -> AlertText:
    """The template with every slot filled; raises TemplateError where one would stay empty."""
    slots = slots_of(facts, template.language, words)
    for name, value in slots.items():
        if not value.strip():
            raise TemplateError(
                f"Template of {template.hazard} level {template.level} in {template.language}: "
                f"nothing to put into the slot {{{name}}}."
            )
    return AlertText(
        title=template.title.format(**slots),
        situation=(template.situation if facts.is_observed else template.expected).format(**slots),
        action=template.action.format(**slots),
        alt=template.alt.format(**slots),
        city=slots["municipality"],
        time=slots["time"],
    )


def rendered(level: int, facts: Facts, words: Wording, *, hazard: str = FLOOD) -> dict[str, AlertText]:
    """The texts of an alert by language, every slot filled.

    Raises TemplateError where a slot would stay empty, or for a hazard without templates.
    """
    if hazard not in HAZARDS:
        raise TemplateError(f"There are no templates for the hazard '{hazard}'.")
    return {
        language: filled(words.templates[hazard, level, language], facts, words.vocabularies[language])
        for language in LANGUAGES
    }


def own(words: Mapping[str, Mapping[str, str]], facts: Facts) -> dict[str, AlertText]:
    """An officer's own words (`title`, `body`) by language; who reads another one gets English, else Thai.

    The notification names the city first, as every other does. Raises TemplateError where the Thai words or a part of
    them are missing; what is too long, the linter says.
    """
    for language, parts in words.items():
        for part in ("title", "body"):
            if language not in LANGUAGES or not parts.get(part, "").strip():
                raise TemplateError(f"The words in '{language}' lack '{part}'.")
    if "th" not in words:
        raise TemplateError("The words are missing in Thai.")
    found = {language: _own(parts, facts, language) for language, parts in words.items()}
    fallback = found.get("en", found["th"])
    return {language: found.get(language, fallback) for language in LANGUAGES}


def _own(parts: Mapping[str, str], facts: Facts, language: str) -> AlertText:
    city, title = facts.municipality.in_language(language), parts["title"].strip()
    return AlertText(
        title=title,
        situation=parts["body"].strip(),
        action="",
        alt=title if title.startswith(city) else f"{city}: {title}",
        city=city,
        time=moment(facts.at, language),
    )
