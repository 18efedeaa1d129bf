"""What is wrong with the words of an alert, rule by rule. Pure: texts in, findings out.

An error refuses the words, a warning is shown beside them. Each finding names its rule, language and text; its sentence
for officers is the locale text `lint-<rule>`. Lengths are counted in letters as a reader sees them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alerts import templates
from alerts.errors import TemplateError
from alerts.templates import Facts, Named, Template, Vocabulary, Wording
from core.words import words
from line.rules import LABEL_LIMIT_GRAPHEMES, graphemes

CITY_WITHIN = 40
NEEDED_IN_NEWS = "th"
# Abbreviations that are always written so; longer runs of capitals read as shouting.
_CAPITALS = re.compile(r"[A-Z]{4,}")
_KNOWN_CAPITALS = frozenset({"LINE", "DDPM", "GISTDA", "UTC"})
_EXERCISE_MARK = re.compile(r"^\s*\[[^\]]*\]")
_LINK = re.compile(r"(?:https?://|www\.|(?:line\.me|lin\.ee|bit\.ly|goo\.gl)/)\S*", re.IGNORECASE)
_GREGORIAN, _BUDDHIST = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)"), re.compile(r"(?<!\d)25\d\d(?!\d)")
_OTHER_DIGITS = re.compile("[\u0e50-\u0e59\u1040-\u1049\u0660-\u0669\u06f0-\u06f9]")
_SCRIPTS = {
    "thai": re.compile("[\u0e01-\u0e3a\u0e40-\u0e4e]"),
    "burmese": re.compile("[\u1000-\u103f\u104a-\u104f]"),
    # Names and abbreviations are Latin in every language; a sentence is three words in a row.
    "latin": re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,}){2,}"),
}
_FOREIGN = {"th": ("burmese", "latin"), "en": ("thai", "burmese"), "ms": ("thai", "burmese"), "my": ("thai", "latin")}
# Small words that only one of the two languages in Latin letters has.
_SMALL_WORDS = {
    "en": frozenset({"the", "and", "your", "with", "from", "please", "water", "is", "are"}),
    "ms": frozenset({"dan", "yang", "untuk", "anda", "jangan", "dengan", "sila", "di", "ke"}),
}
_SMALL_WORDS_MEAN_A_SENTENCE = 2
_SLOT = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; `where` names the template (hazard and level) or is empty."""

    rule: str
    is_error: bool
    language: str
    part: str
    values: tuple[tuple[str, str | int], ...] = ()
    where: str = ""

    def sentence(self, language: str) -> str:
        """What is wrong, as an officer reads it."""
        return words("alerts", f"lint-{self.rule}", language=language, part=self.part, **dict(self.values))


def _error(rule: str, language: str, part: str, **values: str | int) -> Finding:
    return Finding(rule, is_error=True, language=language, part=part, values=tuple(values.items()))


def _warning(rule: str, language: str, part: str, **values: str | int) -> Finding:
    return Finding(rule, is_error=False, language=language, part=part, values=tuple(values.items()))


# ── Rules about any text ──────────────────────────────────────────────────────────────────────────────────────────────


def has_action(text: str, language: str) -> bool:
    """The text tells people to do something, in words."""
    low = text.lower()
    if language in {"en", "ms"}:
        return any(re.search(rf"\b{re.escape(word)}", low) for word in templates.action_words(language))
    return any(word in low for word in templates.action_words(language))


def _of_links(text: str, language: str, part: str) -> Iterator[Finding]:
    found = list(_LINK.finditer(text))
    if not found:
        return
    if not has_action(text[: found[0].start()], language):
        yield _error("link-alone", language, part)
    if _LINK.sub("", text[found[0].start() :]).strip(" \n.)"):
        yield _error("link-not-last", language, part)


def _of_years(text: str, language: str, part: str) -> Iterator[Finding]:
    wrong = (_GREGORIAN if language == "th" else _BUDDHIST).search(text)
    if wrong:
        yield _error("gregorian-year" if language == "th" else "buddhist-year", language, part, year=wrong[0])


def _of_mixture(text: str, language: str, part: str) -> Iterator[Finding]:
    plain = _LINK.sub("", text)
    for script in _FOREIGN[language]:
        found = _SCRIPTS[script].search(plain)
        if found:
            yield _error("mixed-languages", language, part, words=found[0])
            return
    for other in {"en", "ms"} - {language}:
        if language not in _SMALL_WORDS:
            continue
        small = [word for word in re.findall(r"[a-z]+", plain.lower()) if word in _SMALL_WORDS[other]]
        own = [word for word in re.findall(r"[a-z]+", plain.lower()) if word in _SMALL_WORDS[language]]
        if len(set(small)) >= _SMALL_WORDS_MEAN_A_SENTENCE and len(small) > len(own):
            yield _error("mixed-languages", language, part, words=" ".join(sorted(set(small))))


def _of_shouting(text: str, language: str, part: str) -> Iterator[Finding]:
    plain = _LINK.sub("", _EXERCISE_MARK.sub("", text))
    for run in _CAPITALS.findall(plain):
        if run not in _KNOWN_CAPITALS:
            yield _error("shouting", language, part, words=run)
            break
    if re.search(r"[!！]\s*[!！]", plain):
        yield _warning("exclamations", language, part)


def of_text(text: str, language: str, part: str, *, limit: int) -> list[Finding]:
    """What is wrong with one text that residents read, whatever it is about."""
    if not text.strip():
        return [_error("empty", language, part)]
    found = list(_of_links(text, language, part))
    length = graphemes(text)
    if length > limit:
        found.append(_error("too-long", language, part, length=length, limit=limit))
    if _OTHER_DIGITS.search(text):
        found.append(_error("digits", language, part))
    return [
        *found,
        *_of_years(text, language, part),
        *_of_mixture(text, language, part),
        *_of_shouting(text, language, part),
    ]


def names_city_first(text: str, city: str) -> bool:
    """The municipality is named whole among the first 40 letters; a longer name begins the text."""
    plain = _EXERCISE_MARK.sub("", text).lstrip()
    start = plain.find(city)
    return start == 0 or (start > 0 and graphemes(plain[: start + len(city)]) <= CITY_WITHIN)


# ── Templates ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_slots(template: Template) -> Iterator[Finding]:
    for part in templates.PARTS:
        text, language = getattr(template, part), template.language
        try:
            slots = templates.slots_in(text)
        except TemplateError:
            yield _error("braces", language, part)
            continue
        for slot in sorted(slots - templates.SLOTS):
            yield _error("unknown-slot", language, part, slot=slot)
        needed = set(templates.NEEDED_SLOTS[part])
        if template.level >= templates.WARNING:
            needed |= {"action": {"shelter"}, "expected": {"by"}}.get(part, set())
        for slot in sorted(needed - slots):
            yield _error(f"no-{slot}", language, part)


def _of_parts(template: Template, label: str, facts: Facts, vocabulary: Vocabulary) -> Iterator[Finding]:
    language = template.language
    texts = templates.filled(template, facts, vocabulary)
    expected = templates.filled(template, replace(facts, is_observed=False), vocabulary)
    by_part = {**vars(texts), "expected": expected.situation}
    for part in templates.PARTS:
        # The words alone are looked at for mixtures, years and shouting; names that fill the slots are as they are.
        yield from of_text(_SLOT.sub("…", getattr(template, part)), language, part, limit=templates.LIMITS[part])
        length, limit = graphemes(by_part[part]), templates.LIMITS[part]
        if length > limit:
            yield _error("too-long", language, part, length=length, limit=limit)
    for part in ("situation", "expected", "alt"):
        if not names_city_first(by_part[part], texts.city):
            yield _error("city-first", language, part, limit=CITY_WITHIN)
    for part in ("title", "alt"):
        if label.lower() not in by_part[part].lower():
            yield _error("no-level", language, part, label=label)
    for part in ("action", "alt"):
        if not has_action(_SLOT.sub(" ", getattr(template, part)), language):
            yield _error("no-action", language, part)


def of_template(template: Template, vocabulary: Vocabulary, facts: Facts) -> list[Finding]:
    """What is wrong with one template, as it stands and filled with these facts."""
    where = f"{template.hazard}/{template.level}"
    empty = [_error("empty", template.language, p) for p in templates.PARTS if not getattr(template, p).strip()]
    found = [*empty, *_of_slots(template)]
    if not found:
        label = vocabulary.label[template.hazard][template.level]
        found = list(_of_parts(template, label, facts, vocabulary))
    return [replace(finding, where=where) for finding in dict.fromkeys(found)]


def of_vocabulary(language: str, vocabulary: Vocabulary) -> list[Finding]:
    """What is wrong with the words that label buttons and name numbers to call."""
    labels = (vocabulary.safe, vocabulary.help, vocabulary.can_help, *(label for _, label in vocabulary.phones))
    found = [
        _error("label-too-long", language, "words", label=label, limit=LABEL_LIMIT_GRAPHEMES)
        for label in labels
        if graphemes(label) > LABEL_LIMIT_GRAPHEMES
    ]
    wrong = [number for number, _ in vocabulary.phones if not re.fullmatch(r"\+?\d{3,12}", number)]
    found += [_error("phone-number", language, "words", number=number) for number in wrong]
    unsaid = [number for number, _ in vocabulary.phones if number not in vocabulary.phone]
    return [*found, *(_error("phone-unsaid", language, "words", number=number) for number in unsaid)]


def of_templates(found: Sequence[Template], vocabularies: Mapping[str, Vocabulary], facts: Facts) -> list[Finding]:
    """What is wrong with all words of a version: each template, what is missing, what two languages have in common."""
    known = {template.key: template for template in found}
    findings = [
        finding for template in found for finding in of_template(template, vocabularies[template.language], facts)
    ]
    for language in templates.LANGUAGES:
        findings += of_vocabulary(language, vocabularies[language])
    for hazard in templates.HAZARDS:
        for level in templates.LEVELS:
            where = f"{hazard}/{level}"
            of_level = {
                language: known[hazard, level, language]
                for language in templates.LANGUAGES
                if (hazard, level, language) in known
            }
            missing = [language for language in templates.LANGUAGES if language not in of_level]
            findings += [replace(_error("no-language", language, "title"), where=where) for language in missing]
            findings += [replace(one, where=where) for one in _of_twins(of_level)]
    return findings


def _of_twins(of_level: Mapping[str, Template]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for language, template in of_level.items():
        if template.action in seen:
            yield _error("same-text", language, "action", other=seen[template.action])
        seen[template.action] = language


def of_wording(wording: Wording, facts: Facts) -> list[Finding]:
    """What is wrong with the words of one version."""
    return of_templates(list(wording.templates.values()), wording.vocabularies, facts)


# ── News in an officer's own words ────────────────────────────────────────────────────────────────────────────────────


def of_news(texts: Mapping[str, Mapping[str, str]], municipality: Named) -> list[Finding]:
    """What is wrong with an officer's own words, `{language: {title, body}}`; Thai is needed, others are missed."""
    unknown = [language for language in texts if language not in templates.LANGUAGES]
    found = [_error("unknown-language", language, "title") for language in unknown]
    for language in templates.LANGUAGES:
        if language not in texts:
            mark = _error if language == NEEDED_IN_NEWS else _warning
            found.append(mark("no-language", language, "title"))
            continue
        found += _of_news_in(texts[language], language, municipality.in_language(language))
    bodies = [
        (language, texts[language].get("body", "").strip()) for language in templates.LANGUAGES if language in texts
    ]
    for index, (language, body) in enumerate(bodies):
        twins = [other for other, same in bodies[:index] if same == body and body]
        found += [_error("same-text", language, "body", other=other) for other in twins[:1]]
    return found


def _of_news_in(text: Mapping[str, str], language: str, city: str) -> Iterator[Finding]:
    title, body = text.get("title", ""), text.get("body", "")
    yield from of_text(title, language, "title", limit=templates.OWN_LIMITS["title"])
    yield from of_text(body, language, "body", limit=templates.OWN_LIMITS["body"])
    if title.strip() and body.strip():
        # The card shows the city above the title; in a notification title and body follow each other.
        if not names_city_first(title, city) and not names_city_first(body, city):
            yield _warning("city-first", language, "title", limit=CITY_WITHIN)
        if not has_action(f"{title}\n{body}", language):
            yield _warning("no-action", language, "body")
        if not re.search(r"\d{1,2}[:.]\d\d|\d{4}", title + body):
            yield _warning("no-time", language, "body")
        if not re.search(r"(?<!\d)\d[\d -]{1,14}\d(?!\d)", body):
            yield _warning("no-phone", language, "body")


# ── What follows ──────────────────────────────────────────────────────────────────────────────────────────────────────


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that refuse the words."""
    return [finding for finding in findings if finding.is_error]


def refuse_errors(findings: Iterable[Finding]) -> None:
    """Raises TemplateError with the sentences of every error in English and Thai, the first of them as its own."""
    wrong = errors(findings)
    if not wrong:
        return
    told, told_th = (
        [f"{finding.where} {finding.language}: {finding.sentence(language)}".strip() for finding in wrong]
        for language in ("en", "th")
    )
    raise TemplateError(told[0], detail_th=told_th[0], findings=told[:50], findings_th=told_th[:50])
