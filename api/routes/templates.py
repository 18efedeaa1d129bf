"""The words of alerts: what is used, as residents would read it, and a city's own versions with their review."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from alerts import linter, queries, versions
from alerts.linter import Finding
from alerts.models_texts import TemplateVersion
from alerts.templates import Facts, Template, Wording
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from core import clock
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, prefix="/alert-templates", tags=["alerts"])

Writer = Annotated[AccountRef, Depends(needs("approver", "admin"))]
Officer = Annotated[AccountRef, Depends(needs("officer", "approver", "admin"))]
Language = Literal["th", "en", "ms", "my"]
Text = Annotated[str, Field(max_length=2000)]


class Words(BaseModel):
    """One hazard and level in one language, with slots in braces."""

    model_config = ConfigDict(extra="forbid")

    hazard: Literal["flood", "flash_flood", "dam_release", "tide", "storm"]
    level: int = Field(ge=0, le=3)
    language: Language
    title: Text
    situation: Text
    expected: Text
    action: Text
    alt: Text


class FindingOut(BaseModel):
    """What is wrong with words: an error refuses them, a warning is only shown."""

    rule: str
    is_error: bool
    language: str
    part: str
    where: str
    sentence: dict[str, str]


class FilledWords(Words):
    """A template and, filled with sample facts, what residents would read where it is seen or only expected."""

    previews: dict[str, dict[str, str]]


class VersionOut(BaseModel):
    """A city's own version; it is used once somebody else than its author has reviewed it."""

    version: int
    based_on: int
    note: str
    drafted_by: str
    drafted_at: datetime
    reviewed_by: str | None
    reviewed_at: datetime | None


class WordsOut(BaseModel):
    """One version of all words, and what the linter finds."""

    version: int
    is_used: bool
    templates: list[FilledWords]
    findings: list[FindingOut]


class VersionsOut(BaseModel):
    """Which version is used, and the city's own, newest first."""

    used: int
    versions: list[VersionOut]
    words: WordsOut


class OwnWords(BaseModel):
    """Words of a language that fill slots and label buttons; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    phone: str | None = Field(default=None, max_length=200, description="The numbers to call, as texts say them")
    phones: list[tuple[str, str]] | None = Field(default=None, min_length=1, max_length=3, description="number, label")
    safe: str | None = None
    help: str | None = None
    can_help: str | None = None
    no_shelter: str | None = Field(default=None, max_length=200)
    soon: str | None = Field(default=None, max_length=100)


class Changes(BaseModel):
    """The templates that differ from what is used now, and words (button labels, numbers to call) by language."""

    model_config = ConfigDict(extra="forbid")

    templates: list[Words] = Field(default_factory=list, max_length=200)
    words: dict[Language, OwnWords] = Field(default_factory=dict)


class Draft(Changes):
    """Changes that are to be kept, and why."""

    note: str = Field(min_length=1, max_length=500, pattern=r"\S")


class TrialOut(BaseModel):
    """Changes that are not kept: what the linter finds, and each changed text without an error as it would be read."""

    is_fit: bool
    templates: list[FilledWords]
    findings: list[FindingOut]


class DraftOut(BaseModel):
    """The new version, waiting for another person's review."""

    version: VersionOut
    findings: list[FindingOut]


class NewsText(BaseModel):
    """An officer's own words in one language."""

    title: str = Field(max_length=500)
    body: str = Field(max_length=5000)


class NewsTexts(BaseModel):
    """An officer's own words by language; Thai is needed."""

    texts: dict[str, NewsText] = Field(min_length=1, max_length=8)


class FindingsOut(BaseModel):
    """What is wrong with the words; without an error they can be sent."""

    is_fit: bool
    findings: list[FindingOut]


def _findings(found: Iterable[Finding]) -> list[FindingOut]:
    return [
        FindingOut(
            rule=one.rule,
            is_error=one.is_error,
            language=one.language,
            part=one.part,
            where=one.where,
            sentence={"th": one.sentence("th"), "en": one.sentence("en")},
        )
        for one in found
    ]


def _versions(session: SessionDep, rows: Iterable[TemplateVersion]) -> list[VersionOut]:
    found = list(rows)
    ids = {who for row in found for who in (row.drafted_by, row.reviewed_by) if who is not None}
    names = queries.account_names(session, ids)
    return [
        VersionOut(
            version=row.version,
            based_on=row.based_on,
            note=row.note,
            drafted_by=names[row.drafted_by],
            drafted_at=row.drafted_at,
            reviewed_by=names[row.reviewed_by] if row.reviewed_by is not None else None,
            reviewed_at=row.reviewed_at,
        )
        for row in found
    ]


def _filled(template: Template, words: Wording, facts: Facts) -> FilledWords:
    shown = versions.previews(template, words, facts)
    return FilledWords(**vars(template), previews={kind: text.as_json() for kind, text in shown.items()})


def _words(session: SessionDep, number: int | None) -> WordsOut:
    used = queries.current_wording(session)
    words = used if number is None else queries.wording(session, number)
    facts = versions.sample_facts(session, now=clock.now())
    return WordsOut(
        version=words.version,
        is_used=words.version == used.version,
        templates=[_filled(template, words, facts) for template in words.templates.values()],
        findings=_findings(linter.of_wording(words, facts)),
    )


@router.get("", summary="The words of alerts that are used now, and the city's versions")
def list_templates(session: SessionDep, account: CurrentAccount) -> VersionsOut:
    """Each template as it stands and as residents would read it."""
    words = _words(session, None)
    return VersionsOut(used=words.version, versions=_versions(session, versions.versions(session)), words=words)


@router.get("/{version}", summary="One version of the words")
def read_templates(version: int, session: SessionDep, account: CurrentAccount) -> WordsOut:
    """A draft too, so that its reviewer sees every text."""
    return _words(session, version)


@router.post("", summary="Draft a version of the words", status_code=201)
def draft_templates(given: Draft, session: SessionDep, account: Writer) -> DraftOut:
    """It waits for another person's review; 422 with every sentence where the linter finds an error."""
    row, found = versions.draft(
        session,
        changed=[Template(**one.model_dump()) for one in given.templates],
        words={language: own.model_dump(exclude_none=True) for language, own in given.words.items()},
        note=given.note.strip(),
        by=account,
    )
    return DraftOut(version=_versions(session, [row])[0], findings=_findings(found))


@router.post("/trial", summary="Try changed words without keeping them")
def try_templates(given: Changes, session: SessionDep, account: Writer) -> TrialOut:
    """Every finding before anything is drafted; 422 where nothing differs from what is used now."""
    changed = [Template(**one.model_dump()) for one in given.templates]
    own = {str(language): words.model_dump(exclude_none=True) for language, words in given.words.items()}
    words = versions.tried(session, changed=changed, words=own)
    facts = versions.sample_facts(session, now=clock.now())
    found = linter.of_wording(words, facts)
    unfit = {(one.where, one.language) for one in linter.errors(found)}
    fit = [one for one in changed if (f"{one.hazard}/{one.level}", one.language) not in unfit]
    return TrialOut(
        is_fit=not unfit, templates=[_filled(one, words, facts) for one in fit], findings=_findings(found)
    )


@router.post("/{version}/review", summary="Review a version of the words")
def review_templates(version: int, session: SessionDep, account: Writer) -> VersionOut:
    """From the next proposal on these words are used; 409 where the author asks."""
    return _versions(session, [versions.review(session, version, account)])[0]


@router.post("/check", summary="Check an officer's own words")
def check_news(given: NewsTexts, session: SessionDep, account: Officer) -> FindingsOut:
    """Nothing is kept; what is wrong is said."""
    texts = {language: text.model_dump() for language, text in given.texts.items()}
    found = linter.of_news(texts, queries.city(session).name)
    return FindingsOut(is_fit=not linter.errors(found), findings=_findings(found))
