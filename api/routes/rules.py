"""Rules of the watch: which count, who wrote them and why, what one would have changed, a new version, retirement."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from core.errors import NotFoundError
from core.words import LANGUAGES, words
from sensors.rulebook import doubting, keeping, queries, trying
from sensors.rules import Flag
from sensors.watch.documents import LONGEST_TEXT, Rule, parse_rule
from sensors.watch.dry_run import Trial
from sensors.watch.signals import Reading
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["sensors"])

Officer = Annotated[AccountRef, Depends(needs("officer", "approver", "dispatcher", "admin"))]
Author = Annotated[AccountRef, Depends(needs("approver", "admin"))]
Code = Annotated[str, Path(max_length=LONGEST_TEXT)]
# A year of the Buddhist era is no time of a reading.
OLDEST_AT, NEWEST_AT = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
At = Annotated[AwareDatetime, Field(ge=OLDEST_AT, le=NEWEST_AT)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class RuleView(BaseModel):
    """One version of a rule. Version 0 is the level rule of a station's thresholds, which nobody wrote.

    `state` (0 normal to 3 danger), `since_at` and `condition` (0 heard, 1 late, 2 lost, 3 untrusted) say where the rule
    stands now. `is_followed` is false where it is retired, or cannot be read.
    """

    code: str
    version: int
    kind: str
    document: dict[str, Any]
    is_active: bool
    is_followed: bool
    valid_from_at: datetime | None
    made_by: str | None
    reason: str | None
    state: int | None
    since_at: datetime | None
    condition: int | None


class StreamView(BaseModel):
    """A datastream that rules may name."""

    code: str
    gauge_id: int
    name: dict[str, str]
    unit: str
    observed_property: str


class Rules(BaseModel):
    """The rules that count now, by code, and the datastreams that rules may name."""

    rules: list[RuleView]
    streams: list[StreamView]


class ChangeView(BaseModel):
    """A change by a rule. `kind` as in the watch: raised, lowered, eased, ended, repeated, lost, …"""

    at: datetime
    kind: str
    from_state: int
    to_state: int
    condition: int
    is_announced: bool
    value: float | None
    version: int | None = None


class RuleHistory(BaseModel):
    """All versions of a rule, newest first, and the last things that it changed."""

    code: str
    versions: list[RuleView]
    changes: list[ChangeView]


class NewVersion(BaseModel):
    """A rule's next version. `based_on_version` is the one that was looked at, 0 where there was none."""

    document: dict[str, Any]
    based_on_version: int = Field(ge=0, le=2**31 - 2)
    reason: str = Field(max_length=keeping.LONGEST_REASON)


class Retirement(BaseModel):
    """Why a rule is to count no more, by whoever looked at `based_on_version`."""

    based_on_version: int = Field(ge=1, le=2**31 - 2)
    reason: str = Field(max_length=keeping.LONGEST_REASON)


class WarningView(BaseModel):
    """What is doubtful about a rule: a stable `code`, the field of the document, and the sentence in both languages.

    `needs_confirmation` is false of what is only worth knowing. The API keeps a rule with either.
    """

    code: str
    field: str
    text: dict[str, str]
    needs_confirmation: bool


class KeptVersion(BaseModel):
    """A version that counts now; `keeps_state` where it goes on from where the rule stood."""

    code: str
    version: int
    keeps_state: bool
    warnings: list[WarningView]


class RetiredVersion(BaseModel):
    """The version by which a rule is retired."""

    code: str
    version: int


class GivenReading(BaseModel):
    """A reading of the caller's, with its QARTOD flag."""

    stream: str
    at: At
    value: Number | None
    flag: Flag = Flag.GOOD


class DryRun(BaseModel):
    """A rule, and what to try it on: `readings`, or what is stored from `since` to `until`."""

    document: dict[str, Any]
    readings: list[GivenReading] | None = Field(default=None, max_length=trying.MOST_READINGS)
    since: At | None = None
    until: At | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> DryRun:
        if (self.readings is None) == (self.since is None and self.until is None):
            raise ValueError("give either 'readings', or 'since' and 'until'")
        if self.readings is None and (self.since is None or self.until is None):
            raise ValueError("'since' and 'until' are needed both")
        return self


class PointView(BaseModel):
    """What the rule saw at one time, in its own measure (a level, a rise, a sum, a count)."""

    at: datetime
    value: float


class SpanView(BaseModel):
    """From the first to the last of readings that came without a break."""

    from_at: datetime
    to_at: datetime


class DryRunOut(BaseModel):
    """What the rule would have changed. `naive_crossings` is how often what the readings reach changes by itself.

    `points` are for a picture: of many readings the lowest and the highest of each stretch. Outside of `heard` there
    was silence, which says nothing of the water.
    """

    changes: list[ChangeView]
    state_changes: int
    announced: int
    naive_crossings: int
    readings: int
    points: list[PointView]
    heard: list[SpanView]
    warnings: list[WarningView]


@router.get("/rules", summary="The rules that count now")
def list_rules(session: SessionDep, account: CurrentAccount) -> Rules:
    """Officers' rules, and the thresholds (version 0) of each gauge whose level has no other rule."""
    streams = [
        StreamView(
            code=one.code, gauge_id=one.station_id, name={"th": one.name_th, "en": one.name_en}, unit=one.unit,
            observed_property=one.observed_property,
        )
        for one in queries.rule_streams(session)
    ]
    return Rules(rules=[_view(card) for card in queries.current_rules(session)], streams=streams)


@router.post("/rules/dry-run", summary="What a rule would have changed")
def try_rule(body: DryRun, session: SessionDep, account: Officer) -> DryRunOut:
    """These readings, this rule: these changes, by the machine that runs in service; nothing is kept."""
    rule = parse_rule({"code": "dry-run", **body.document, "version": 1})
    if body.readings is not None:
        readings = [Reading(stream=one.stream, at=one.at, value=one.value, flag=one.flag) for one in body.readings]
        told = trying.try_on(rule, readings)
        return _tried(told, len(readings), _warnings(session, rule, told))
    assert body.since is not None  # noqa: S101  The model has looked; this only tells the type.
    assert body.until is not None  # noqa: S101  As above.
    told, count = trying.try_on_record(session, rule, since=body.since, until=body.until)
    return _tried(told, count, _warnings(session, rule, told))


@router.post("/rules/{code:path}/retire", summary="Retire a rule")
def retire_rule(code: Code, body: Retirement, session: SessionDep, account: Author) -> RetiredVersion:
    """The rule counts no more; a gauge's level goes back to its thresholds. No all-clear is told."""
    version = keeping.retire_rule(
        session, code, based_on_version=body.based_on_version, account=account, reason=body.reason
    )
    return RetiredVersion(code=code, version=version)


@router.get("/rules/{code:path}", summary="A rule's versions and changes")
def get_rule(code: Code, session: SessionDep, account: CurrentAccount) -> RuleHistory:
    """Who wrote which version, when and why, and what the rule has changed."""
    versions = queries.versions_of(session, code)
    if not versions:
        raise NotFoundError(f"There is no rule '{code}'.")
    changes = [
        ChangeView(
            at=one.observed_at, kind=one.kind, from_state=one.from_state, to_state=one.to_state,
            condition=one.condition, is_announced=one.is_announced, value=one.value, version=one.rule_version,
        )
        for one in queries.last_changes(session, code)
    ]
    return RuleHistory(code=code, versions=[_view(card) for card in versions], changes=changes)


@router.put("/rules/{code:path}", summary="A new version of a rule")
def keep_rule(code: Code, body: NewVersion, session: SessionDep, account: Author) -> KeptVersion:
    """The version counts from the next reading on; the ones before it stay as they were written."""
    kept = keeping.keep_rule(
        session, code, body.document, based_on_version=body.based_on_version, account=account, reason=body.reason
    )
    doubts = doubting.warnings_of_rule(kept.rule, queries.canals_of(session, kept.rule.inputs))
    return KeptVersion(
        code=code, version=kept.rule.version, keeps_state=kept.keeps_state,
        warnings=[_warning(one) for one in doubts],
    )


def _view(card: queries.RuleCard) -> RuleView:
    return RuleView(**asdict(card))


def _warnings(session: SessionDep, rule: Rule, told: Trial) -> list[WarningView]:
    by_itself = doubting.warnings_of_rule(rule, queries.canals_of(session, rule.inputs))
    return [_warning(one) for one in (*by_itself, *doubting.warnings_of_trial(rule, told))]


def _warning(doubt: doubting.RuleWarning) -> WarningView:
    digits = {"readings": 0}
    figures = {name: f"{value:,.{digits.get(name, 2)}f}" for name, value in doubt.figures.items()}
    text = {}
    for tongue in LANGUAGES:
        level = words("api", f"rule-level-{doubt.level.name.lower()}", language=tongue) if doubt.level else ""
        unit = words("api", f"rule-unit-{doubt.unit}", language=tongue)
        text[tongue] = words("api", f"rule-warning-{doubt.doubt}", language=tongue, level=level, unit=unit, **figures)
    return WarningView(
        code=str(doubt.doubt), field=doubt.path, text=text, needs_confirmation=doubt.needs_confirmation
    )


def _tried(told: Trial, readings: int, warnings: list[WarningView]) -> DryRunOut:
    return DryRunOut(
        changes=[
            ChangeView(
                at=one.at, kind=str(one.kind), from_state=int(one.from_state), to_state=int(one.to_state),
                condition=int(one.condition), is_announced=one.is_announced, value=one.value,
            )
            for one in told.changes
        ],
        state_changes=trying.changes_of_state(told),
        announced=sum(one.is_announced for one in told.changes),
        naive_crossings=told.naive_crossings,
        readings=readings,
        points=[PointView(at=one.at, value=one.value) for one in trying.picture_points(told)],
        heard=[SpanView(from_at=one.from_at, to_at=one.to_at) for one in trying.heard_spans(told)],
        warnings=warnings,
    )
