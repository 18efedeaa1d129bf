"""What officers do with rules: write a version, retire a rule. Versions are only added; each has who, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from core import clock
from core.errors import ConflictError, InvalidInputError, NotFoundError
from sensors.models import Datastream
from sensors.rulebook.book import newest_version
from sensors.rulebook.models import WatchRule, WatchRuleState
from sensors.rulebook.standing import Standing
from sensors.watch.documents import Kind, Rule, level_code, parse_rule
from staff.rules import AccountRef

MOST_RULES = 5000
LONGEST_REASON = 500
# Writers of rules wait for each other: who reads a version number may count on its being the newest.
_ONE_WRITER = sa.text("LOCK TABLE watch_rule IN SHARE ROW EXCLUSIVE MODE")


@dataclass(frozen=True)
class Kept:
    """A version that counts from now on; `keeps_state` where it goes on from where the version before it stood."""

    rule: Rule
    keeps_state: bool


def keep_rule(
    session: Session, code: str, document: Mapping[str, Any], *, based_on_version: int, account: AccountRef, reason: str
) -> Kept:
    """This is the newest version of the rule, and it counts from the next reading on.

    A version of the same kind for the same datastreams goes on from where the rule stands: what was raised stays
    raised, and the new levels and times decide what comes next. Any other begins at normal. Raises InvalidInputError
    that names the field, ConflictError where another version than `based_on_version` is the newest (0: none counts).
    """
    why = _reason(reason)
    session.execute(_ONE_WRITER)
    newest = _newest(session, code, based_on_version=based_on_version)
    rule = parse_rule({**document, "code": code, "version": (newest.version if newest is not None else 0) + 1})
    check_streams(session, rule)
    if newest is None and (session.scalar(sa.select(sa.func.count(sa.distinct(WatchRule.code)))) or 0) >= MOST_RULES:
        raise ConflictError(f"There are {MOST_RULES} rules already.")
    before = newest.document if newest is not None and newest.is_active else None
    _add(session, rule, {**document, "code": code, "version": rule.version}, account=account, reason=why)
    keeps_state = _begin(session, rule, before=before)
    detail = {"version": rule.version, "reason": why, "keeps_state": keeps_state}
    staff.actions.record(session, account=account, action="rule.kept", subject=f"rule:{code}", detail=detail)
    return Kept(rule, keeps_state)


def retire_rule(session: Session, code: str, *, based_on_version: int, account: AccountRef, reason: str) -> int:
    """The rule counts no more, by a version that says so; returns its number.

    A gauge's level rule gives way to the station's thresholds. Where the rule stood is forgotten and no all-clear is
    told: nobody has measured one; the audit log keeps what it said last. Raises NotFoundError, ConflictError.
    """
    why = _reason(reason)
    session.execute(_ONE_WRITER)
    newest = _newest(session, code, based_on_version=based_on_version)
    if newest is None:
        raise NotFoundError(f"There is no rule '{code}'.")
    if not newest.is_active:
        raise ConflictError(f"The rule '{code}' is retired already.")
    version = newest.version + 1
    session.add(
        WatchRule(
            code=code, version=version, document={**newest.document, "version": version}, is_active=False,
            valid_from_at=clock.now(), made_by=account.id, reason=why,
        )
    )
    stood = session.scalar(
        sa.delete(WatchRuleState).where(WatchRuleState.rule_code == code).returning(WatchRuleState.state)
    )
    detail = {"version": version, "reason": why, "stood_at": stood}
    staff.actions.record(session, account=account, action="rule.retired", subject=f"rule:{code}", detail=detail)
    return version


def check_streams(session: Session, rule: Rule) -> None:
    """The house knows every datastream that the rule names, and it measures what such a rule is about.

    Raises InvalidInputError that names the field.
    """
    named = {*rule.inputs, *([rule.about] if rule.about else [])}
    found = session.execute(
        sa.select(Datastream.code, Datastream.observed_property).where(
            Datastream.code.in_(named), Datastream.station_id.is_not(None)
        )
    )
    known = {row.code: row.observed_property for row in found}
    for field, streams in (("streams", rule.streams), ("witnesses", rule.witnesses), ("about", [rule.about or ""])):
        for stream in streams:
            if stream and stream not in known:
                raise InvalidInputError(f"The field '{field}' names '{stream}', but there is no such datastream.")
    wanted = {Kind.RAIN_SUM: "rainfall", Kind.SILENCE: None}.get(rule.kind, "water_level")
    for stream in rule.inputs:
        if wanted is not None and known[stream] != wanted:
            raise InvalidInputError(
                f"The field 'streams' names '{stream}', which measures {known[stream]}: "
                f"a rule of the kind '{rule.kind}' needs {wanted}."
            )


def _reason(given: str) -> str:
    why = given.strip()
    if not why or len(why) > LONGEST_REASON:
        raise InvalidInputError(f"The field 'reason' must say in 1 to {LONGEST_REASON} letters why.")
    return why


def _newest(session: Session, code: str, *, based_on_version: int) -> WatchRule | None:
    newest = newest_version(session, code)
    version = newest.version if newest is not None else 0
    # Where the newest says that the rule is retired, who looked has seen none.
    is_seen = based_on_version == version or (newest is not None and not newest.is_active and based_on_version == 0)
    if not is_seen:
        raise ConflictError(
            f"The rule '{code}' is at version {version}, not {based_on_version}: somebody has changed it. Look again."
        )
    return newest


def _add(session: Session, rule: Rule, document: dict[str, Any], *, account: AccountRef, reason: str) -> None:
    session.add(
        WatchRule(
            code=rule.code, version=rule.version, document=document, is_active=True, valid_from_at=clock.now(),
            made_by=account.id, reason=reason,
        )
    )
    session.flush()


def _begin(session: Session, rule: Rule, *, before: Mapping[str, Any] | None) -> bool:
    """The rule stands somewhere; True where that is where it stood. A gauge's level stands with its stream's memory."""
    if rule.code == level_code(rule.streams[0]):
        return True
    if before is not None and (before["kind"], before["streams"]) == (rule.kind, list(rule.streams)):
        return True
    session.execute(sa.delete(WatchRuleState).where(WatchRuleState.rule_code == rule.code))
    fresh = Standing()
    session.add(
        WatchRuleState(
            rule_code=rule.code, rule_version=rule.version, state=int(fresh.state.state), since_at=None,
            condition=int(fresh.state.condition), document=fresh.document(),
        )
    )
    session.flush()
    return False
