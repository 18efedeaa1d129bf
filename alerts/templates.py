"""The words of alerts: templates with slots, checked when they are read, filled when an alert is proposed.

Only the slots vary; the words were written and approved in peacetime. LINE notifications show `alt`, so it carries
level, place and action as well.
"""

from __future__ import annotations

import functools
import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from babel.dates import get_month_names

from alerts.errors import TemplateError

LANGUAGES = ("th", "en", "ms", "my")
NEEDED_LANGUAGES = ("th", "en")
ALL_CLEAR = 0
LEVELS = (ALL_CLEAR, 1, 2, 3)
SLOTS = frozenset({"municipality", "place", "zones", "depth", "time", "shelter", "phone"})
NEEDED_SLOTS: Mapping[str, frozenset[str]] = {
    "title": frozenset({"place"}),
    "situation": frozenset({"municipality", "zones", "time"}),
    "action": frozenset({"phone"}),
    "alt": frozenset({"place"}),
}
# LINE takes 1,500 UTF-16 units of alternative text (assumed), a phone's lock screen shows about 100 of them.
LIMITS = {"title": 80, "situation": 400, "action": 600, "alt": 200}
# What an officer writes: a title, and what one reads on a phone without scrolling much.
OWN_LIMITS = {"title": 80, "body": 1000}
# Thailand keeps UTC+7 all year.
THAI_TIME = timezone(timedelta(hours=7))
BUDDHIST_YEARS = 543
PLACES_IN_TITLE = 2
ZONES_IN_TEXT = 20


@dataclass(frozen=True)
class Template:
    """One level in one language; every text may hold slots."""

    level: int
    language: str
    title: str
    situation: str
    action: str
    alt: str


@dataclass(frozen=True)
class Vocabulary:
    """The words of one language that fill slots and label buttons. `level` and `depth` are listed by number from 0."""

    level: tuple[str, ...]
    depth: tuple[str, ...]
    comma: str
    last_joint: str
    more: str
    no_shelter: str
    phone: str
    safe: str
    help: str
    simulated: str


@dataclass(frozen=True)
class Wording:
    """All templates and vocabularies of one version."""

    version: int
    templates: Mapping[tuple[int, str], Template]
    vocabularies: Mapping[str, Vocabulary]


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
    """What an alert has to say. `depth_class`: 0 unknown, 1 ankle … 4 above the waist; no `shelter` if none is dry."""

    municipality: Named
    zones: tuple[Named, ...]
    depth_class: int
    at: datetime
    shelter: Named | None


@dataclass(frozen=True)
class AlertText:
    """What residents of one language read."""

    title: str
    situation: str
    action: str
    alt: str

    @property
    def body(self) -> str:
        """What happened, then what to do."""
        return f"{self.situation}\n{self.action}"

    def as_json(self) -> dict[str, str]:
        """Plain values for the alert's `texts`."""
        return {**asdict(self), "body": self.body}


def text_of(stored: Mapping[str, str]) -> AlertText:
    """An AlertText again from what `as_json` gave."""
    return AlertText(**{key: stored[key] for key in ("title", "situation", "action", "alt")})


def slots_in(text: str) -> set[str]:
    """The names of a text's slots; raises TemplateError for braces that do not fit."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as exc:
        raise TemplateError(f"The template text '{text[:40]}…' has braces that do not fit: {exc}.") from exc


def check_template(template: Template) -> None:
    """The template can be filled for every alert; raises TemplateError naming level, language, text and cause."""
    where = f"Template of level {template.level} in {template.language}"
    if template.level not in LEVELS or template.language not in LANGUAGES:
        raise TemplateError(f"{where}: there is no such level or language.")
    for part, limit in LIMITS.items():
        text = getattr(template, part)
        if not text.strip():
            raise TemplateError(f"{where}: '{part}' is empty.")
        if len(text) > limit:
            raise TemplateError(f"{where}: '{part}' has {len(text)} characters, {limit} at most.")
        unknown, missing = slots_in(text) - SLOTS, NEEDED_SLOTS[part] - slots_in(text)
        if unknown:
            raise TemplateError(f"{where}: '{part}' has the unknown slot {{{sorted(unknown)[0]}}}.")
        if missing:
            raise TemplateError(f"{where}: '{part}' lacks the slot {{{sorted(missing)[0]}}}.")
    if template.level >= 2 and "shelter" not in slots_in(template.action):
        raise TemplateError(f"{where}: 'action' lacks the slot {{shelter}}; who must leave needs to know where to.")


def _vocabulary(language: str, values: Mapping[str, Any]) -> Vocabulary:
    fields = Vocabulary.__dataclass_fields__
    missing = [name for name in fields if not values.get(name)]
    if missing:
        raise TemplateError(f"The words of {language} lack '{missing[0]}'.")
    lists = {name: tuple(values[name]) for name in ("level", "depth")}
    if len(lists["level"]) != 4 or len(lists["depth"]) != 5:
        raise TemplateError(f"The words of {language} need 4 levels and 5 depths.")
    return Vocabulary(**{name: lists.get(name, values[name]) for name in fields})


def wording(*, version: int, templates: Sequence[Mapping[str, Any]], words: Mapping[str, Mapping[str, Any]]) -> Wording:
    """All words of a version, checked; raises TemplateError where one is missing or cannot be filled."""
    known = {(t["level"], t["language"]): Template(**t) for t in templates}
    for template in known.values():
        check_template(template)
    vocabularies = {language: _vocabulary(language, values) for language, values in words.items()}
    for language in {*NEEDED_LANGUAGES, *(language for _, language in known)}:
        if language not in vocabularies:
            raise TemplateError(f"There are no words in {language}.")
        for level in LEVELS:
            if (level, language) not in known:
                raise TemplateError(f"There is no template of level {level} in {language}.")
    return Wording(version=version, templates=known, vocabularies=vocabularies)


@functools.cache
def shipped() -> Wording:
    """The words that come with Faonam, from `alerts/data/templates.toml`."""
    found = tomllib.loads((Path(__file__).parent / "data" / "templates.toml").read_text(encoding="utf-8"))
    return wording(version=found["version"], templates=found["template"], words=found["words"])


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


def _slots(facts: Facts, language: str, words: Vocabulary) -> dict[str, str]:
    names = [zone.in_language(language) for zone in facts.zones]
    return {
        "municipality": facts.municipality.in_language(language),
        "place": joined(names, words=words, most=PLACES_IN_TITLE),
        "zones": joined(names, words=words, most=ZONES_IN_TEXT),
        "depth": words.depth[facts.depth_class],
        "time": moment(facts.at, language),
        "shelter": facts.shelter.in_language(language) if facts.shelter else words.no_shelter,
        "phone": words.phone,
    }


def _filled(level: int, language: str, facts: Facts, words: Wording) -> AlertText:
    template = words.templates[level, language]
    slots = _slots(facts, language, words.vocabularies[language])
    for name, value in slots.items():
        if not value.strip():
            raise TemplateError(f"Template of level {level} in {language}: nothing to put into the slot {{{name}}}.")
    return AlertText(
        title=template.title.format(**slots),
        situation=template.situation.format(**slots),
        action=template.action.format(**slots),
        alt=template.alt.format(**slots),
    )


def _both(first: AlertText, second: AlertText) -> AlertText:
    return AlertText(
        title=f"{first.title}\n{second.title}",
        situation=f"{first.situation}\n{second.situation}",
        action=f"{first.action}\n{second.action}",
        alt=f"{first.alt} / {second.alt}",
    )


def rendered(level: int, facts: Facts, words: Wording) -> dict[str, AlertText]:
    """The texts of an alert by language, every slot filled; English with Thai below where a language has no template.

    Raises TemplateError where a slot would stay empty.
    """
    texts = {lang: _filled(level, lang, facts, words) for lang in LANGUAGES if (level, lang) in words.templates}
    fallback = _both(texts["en"], texts["th"])
    return {language: texts.get(language, fallback) for language in LANGUAGES}


def own(words: Mapping[str, Mapping[str, str]]) -> dict[str, AlertText]:
    """An officer's own words (`title`, `body`) by language; who reads another one gets English, else Thai.

    Raises TemplateError where the Thai words or a part of them are missing, or are longer than a message takes.
    """
    for language, parts in words.items():
        for part, limit in OWN_LIMITS.items():
            text = parts.get(part, "").strip()
            if language not in LANGUAGES or not text:
                raise TemplateError(f"The words in '{language}' lack '{part}'.")
            if len(text) > limit:
                raise TemplateError(f"The words in '{language}': '{part}' has {len(text)} characters, {limit} at most.")
    if "th" not in words:
        raise TemplateError("The words are missing in Thai.")
    found = {
        language: AlertText(title=parts["title"].strip(), situation=parts["body"].strip(), action="",
                            alt=parts["title"].strip())
        for language, parts in words.items()
    }
    fallback = found.get("en", found["th"])
    return {language: found.get(language, fallback) for language in LANGUAGES}
