"""A city's own words: drafted by one person, reviewed by another, and only then used. Versions only grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from alerts import linter, queries, templates
from alerts.errors import SamePersonError, TemplateError
from alerts.linter import Finding
from alerts.models import AlertTemplate, AlertVocabulary
from alerts.models_texts import FIRST_OF_CITY, TemplateVersion
from alerts.templates import AlertText, Facts, Named, Template, Wording
from core import clock
from core.errors import ConflictError, NotFoundError
from core.words import words as say
from staff.rules import AccountRef

# Any number that no other lock of ours uses: one draft at a time, so that versions are counted once.
_DRAFT_LOCK = 0xFA0_7E475
_SAMPLE_AHEAD = timedelta(hours=2)


def sample_facts(session: Session, *, now: datetime) -> Facts:
    """Facts that every template can be filled with: the city's own name and two of its zones where it has them."""
    rows = session.execute(
        sa.text("SELECT name_th, name_en FROM zone WHERE NOT is_retired AND name_th <> '' ORDER BY code LIMIT 2")
    ).all()
    zones = tuple(Named(th=row.name_th, en=row.name_en) for row in rows)
    return Facts(
        municipality=queries.city(session).name,
        zones=zones or (Named(th="ชุมชนตัวอย่าง", en="Example community"),),
        depth_class=2,
        at=now,
        shelter=Named(th="โรงเรียนตัวอย่าง", en="Example school"),
        expected_at=now + _SAMPLE_AHEAD,
    )


def previews(template: Template, words: Wording, facts: Facts) -> dict[str, AlertText]:
    """The template as residents would read it: `observed`, and `expected` where that differs."""
    vocabulary = words.vocabularies[template.language]
    seen = templates.filled(template, replace(facts, is_observed=True), vocabulary)
    coming = templates.filled(template, replace(facts, is_observed=False), vocabulary)
    return {"observed": seen} if seen == coming else {"observed": seen, "expected": coming}


def versions(session: Session) -> Sequence[TemplateVersion]:
    """The city's own versions, newest first, drafts too."""
    return session.scalars(sa.select(TemplateVersion).order_by(TemplateVersion.version.desc())).all()


def version(session: Session, number: int) -> TemplateVersion:
    """One of the city's own versions; raises NotFoundError."""
    found = session.get(TemplateVersion, number)
    if found is None:
        raise NotFoundError(f"The city has no version {number} of the alerts' words.")
    return found


def draft(
    session: Session,
    *,
    changed: Sequence[Template],
    words: Mapping[str, Mapping[str, object]],
    note: str,
    by: AccountRef,
) -> tuple[TemplateVersion, list[Finding]]:
    """A new version waits for review: what is used now, with these templates and words changed; and what warns of it.

    Raises TemplateError with every sentence where the linter finds an error, or where nothing was changed.
    """
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_DRAFT_LOCK)))
    basis = queries.current_wording(session)
    new = _changed(basis, changed, words)
    found = linter.of_wording(new, sample_facts(session, now=clock.now()))
    linter.refuse_errors(found)
    newest = session.scalar(sa.select(sa.func.max(TemplateVersion.version)))
    number = FIRST_OF_CITY if newest is None else newest + 1
    row = TemplateVersion(version=number, based_on=basis.version, note=note, drafted_by=by.id, drafted_at=clock.now())
    session.add(row)
    session.add_all(AlertTemplate(version=number, **vars(one)) for one in new.templates.values())
    session.add_all(
        AlertVocabulary(version=number, language=language, words=vars(vocabulary))
        for language, vocabulary in new.vocabularies.items()
    )
    session.flush()
    _record(session, row, by=by, action="alert_words.drafted", based_on=basis.version, changed=len(changed))
    return row, found


def tried(
    session: Session, *, changed: Sequence[Template], words: Mapping[str, Mapping[str, object]]
) -> Wording:
    """What is used now with these templates and words changed, as a draft would hold it; nothing is kept.

    Raises TemplateError where nothing was changed, or what was changed is no text of ours.
    """
    return _changed(queries.current_wording(session), changed, words)


def _changed(basis: Wording, changed: Sequence[Template], words: Mapping[str, Mapping[str, object]]) -> Wording:
    unknown = [one.key for one in changed if one.key not in basis.templates]
    if unknown:
        raise TemplateError(f"There is no template of {unknown[0][0]} level {unknown[0][1]} in {unknown[0][2]}.")
    if any(language not in templates.LANGUAGES for language in words):
        raise TemplateError("There are words in a language that residents cannot choose.")
    new = Wording(
        version=basis.version,
        templates={**basis.templates, **{one.key: one for one in changed}},
        vocabularies={
            language: templates.vocabulary(language, {**vars(vocabulary), **words.get(language, {})})
            for language, vocabulary in basis.vocabularies.items()
        },
    )
    if new == basis:
        raise TemplateError("Nothing differs from the words that are used now.")
    return new


def review(session: Session, number: int, by: AccountRef) -> TemplateVersion:
    """The version is used from the next proposal on; twice by the same person is once.

    Raises SamePersonError where `by` drafted it, ConflictError where a newer version is used or the words that it is
    based on are no longer those that are used.
    """
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_DRAFT_LOCK)))
    row = version(session, number)
    if row.reviewed_by == by.id:
        return row
    if row.drafted_by == by.id:
        said, said_th = (
            say("alerts", "own-words-reviewed", language=language, version=str(number)) for language in ("en", "th")
        )
        raise SamePersonError(said, detail_th=said_th)
    if row.reviewed_by is not None:
        raise ConflictError(f"Version {number} of the words has been reviewed already.")
    current = queries.current_wording(session).version
    if current != row.based_on:
        said, said_th = (
            say(
                "alerts", "words-outdated", language=language, version=str(number), basis=str(row.based_on),
                used=str(current),
            )
            for language in ("en", "th")
        )
        raise ConflictError(said, detail_th=said_th)
    row.reviewed_by, row.reviewed_at = by.id, clock.now()
    session.flush()
    _record(session, row, by=by, action="alert_words.reviewed", based_on=row.based_on)
    return row


def _record(session: Session, row: TemplateVersion, *, by: AccountRef, action: str, **detail: object) -> None:
    staff.actions.record(session, account=by, action=action, subject=f"alert_words:{row.version}", detail=dict(detail))
