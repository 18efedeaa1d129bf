"""Levels one, three and six hours ahead on two real networks, judged against "it stays as it is".

The last 30 % of each network's span is held out (`bench.gauges`). Who may be shown is chosen on what is earlier and
then left alone; the models are fitted again at the beginning of each held-out week, on all that was known by then.
What counts is what was shown: moments outside a model's experience are left out, and their share is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table
from scipy.stats import binom

from bench.gauges import Network, calder, jakarta
from bench.measure import OURS, Result, rounded, take_turns, timed
from core.errors import SetupError
from core.progress import console, step
from core.settings import ROOT
from sensors.nowcast.choice import LEAST_SHARE, Choice, choose, fit_chosen
from sensors.nowcast.doubt import NOMINALS
from sensors.nowcast.fitted import HORIZONS_H, STILL, Fitted, ways_of
from sensors.nowcast.forecast import PERSISTENCE
from sensors.nowcast.grid import HOUR_S, History, history
from sensors.nowcast.nightly import FORECASTERS
from sensors.nowcast.skill import DAY_S, Judged, Score, crossings, judge, score

HOLD_S = HOUR_S  # Jakarta reports every 10 to 30 minutes, 99 in 100 within 2 hours.
WEEK_DAYS = 7
LEAST_ROWS = 50  # Fewer held-out origins judge nothing; how many gauges and horizons that are is printed.
ROUNDS = 21
POINTS = 5.0
# Where the first official alarm (Siaga 3) begins, mm.
THRESHOLDS = {"PS. Katulampa (Hulu)": 810.0, "PS. Depok": 2010.0, "PA. Manggarai": 7510.0, "P.A. Karet": 4510.0}


@dataclass(frozen=True)
class _Target:
    network: Network
    gauge: str
    whole: History
    split: int

    @property
    def early(self) -> History:
        return self.whole.between(0, self.split)

    @property
    def edges(self) -> tuple[int, ...]:
        """Where the held-out weeks begin, and the end; days beyond the last whole week belong to it."""
        week = round(WEEK_DAYS * DAY_S / self.whole.step_s)
        weeks = max(1, (len(self.whole) - self.split) // week)
        return (*(self.split + week * number for number in range(weeks)), len(self.whole))


@dataclass(frozen=True)
class _Row:
    """One gauge and horizon: who was chosen (persistence: nobody) and how each did before and in the held-out weeks.

    `judged` are the held-out moments at which the chosen one spoke. One that speaks too seldom is not shown, but what
    it says is judged all the same.
    """

    target: _Target
    horizon_h: float
    chosen: str
    before: dict[str, Score]
    after: dict[str, Score]
    judged: Judged

    @property
    def is_spoken(self) -> bool:
        return self.chosen != PERSISTENCE and len(self.judged) >= LEAST_ROWS

    @property
    def is_shown(self) -> bool:
        return self.is_spoken and self.after[self.chosen].share >= LEAST_SHARE

    def as_json(self) -> dict[str, object]:
        rising = self.judged.where(self.judged.is_rising)
        return {
            "gauge": f"{self.target.network.name}: {self.target.gauge}",
            "horizon_h": self.horizon_h,
            "chosen": self.chosen,
            "origins": len(self.judged),
            "share_held_out": {name: _shares(one) for name, one in self.after.items()},
            "skill_before": {name: _both(one) for name, one in self.before.items()},
            "skill_held_out": {name: _both(one) for name, one in self.after.items()},
            "covers_80_90": [rounded(self.judged.coverage(0.8)), rounded(self.judged.coverage(0.9))],
            "covers_80_90_rising": [rounded(rising.coverage(0.8)), rounded(rising.coverage(0.9))],
        }


@dataclass(frozen=True)
class _Week:
    network: str
    week: int
    horizon_h: float
    nominal: float
    covered: float
    origins: int

    @property
    def off_points(self) -> float:
        return abs(self.covered - self.nominal) * 100

    @property
    def off_by_chance(self) -> float:
        """How often a band that is right would be off all the same, were the origins independent of each other."""
        counts = np.arange(self.origins + 1)
        is_off = np.abs(counts / self.origins - self.nominal) * 100 > POINTS
        return float(binom.pmf(counts, self.origins, self.nominal)[is_off].sum())


def measure(*, seed: int) -> Result:
    """Every gauge and horizon of both networks; the seconds are those of one forecast of three horizons."""
    rows: list[_Row] = []
    choices = {}
    with step("choosing on the earlier part and judging the held-out weeks") as tell:
        targets = list(_targets())
        for number, target in enumerate(targets):
            tell(f"{target.gauge}, {number + 1} of {len(targets)}")
            chosen = choose(target.early, FORECASTERS, ways=ways_of(target.early)[:1], horizons_h=HORIZONS_H)
            choices[target.gauge] = chosen
            rows.extend(_rows(target, chosen))
    console.print(_skill_table("skill over persistence in the held-out weeks, all / rising", rows, _held_out))
    console.print(_skill_table("the same in rolling origins before, by which was chosen", rows, _before))
    console.print(_shown_table(rows))
    for line in _crossed(rows):
        console.print(line)
    first = next(target for target in targets if target.gauge == "Mytholmroyd")
    fitted = fit_chosen(first.early, choices[first.gauge], FORECASTERS)
    with step("one forecast of three horizons, a week after the fit") as tell:
        recent = first.whole.between(first.split - first.whole.steps(24.0), first.edges[1])
        ours = take_turns({OURS: timed(lambda: _forecast(fitted, recent))}, rounds=ROUNDS, tell=tell)[OURS]
    facts = {
        "gauges": len(targets),
        "rows": [row.as_json() for row in rows],
        "weeks": [asdict(week) for week in _weeks(rows)],
        "all_weeks": _all_weeks(rows),
        "seed": seed,
    }
    not_judged = len(targets) * len(HORIZONS_H) - len(rows)
    figures = {**_figures(rows), "not_judged": float(not_judged)}
    most = {"shown_below_zero": 0.0, "weeks_off_5_points": 0.0}
    return Result("nowcast", facts, ours, {}, {}, figures, most, {"shown": 1.0})


def _targets() -> Iterator[_Target]:
    place = ROOT.parent / "shared" / "data" / "sensors"
    if not place.is_dir():
        raise SetupError("This bench needs the recorded levels beside the project (shared/data/sensors).")
    for network in (calder(place / "calder_ea"), jakarta(place / "jakarta_bpbd")):
        for gauge, readings in network.levels.items():
            above = {name: network.levels[name] for name in network.above.get(gauge, ())}
            whole = history(readings, rain=network.rain, upstream=above, hold_s=HOLD_S)
            split = int(np.searchsorted(whole.times_s, network.held_out_from.timestamp()))
            yield _Target(network, gauge, whole, split)


def _forecast(fitted: Fitted, recent: History) -> object:
    return fitted.predict(recent, HORIZONS_H)


def _rows(target: _Target, choices: Sequence[Choice]) -> Iterator[_Row]:
    for choice in choices:
        held_out = {}
        for forecaster in (*FORECASTERS, STILL):
            judged = judge(
                forecaster, target.whole, inputs=choice.inputs, horizon_h=choice.horizon_h, edges=target.edges
            )
            if judged is not None and len(judged) >= LEAST_ROWS:
                held_out[forecaster.name] = judged
        name = choice.forecaster or PERSISTENCE
        if name not in held_out:
            continue
        after = {one: score(judged) for one, judged in held_out.items() if one != PERSISTENCE}
        yield _Row(target, choice.horizon_h, name, dict(choice.scores), after, held_out[name].inside)


def _figures(rows: Sequence[_Row]) -> dict[str, float]:
    shown = [row for row in rows if row.is_shown]
    skills = [row.after[row.chosen] for row in shown]
    spoken = [row.after[row.chosen] for row in rows if row.is_spoken]
    weeks = _weeks(rows)
    off = [abs(row.judged.coverage(nominal) - nominal) * 100 for row in shown for nominal in NOMINALS]
    rising = [row.judged.where(row.judged.is_rising) for row in shown]
    return {
        "shown": float(len(shown)),
        "not_shown": float(len(rows) - len(shown)),
        "too_seldom": float(sum(row.chosen != PERSISTENCE for row in rows) - len(shown)),
        "moments_shown": rounded(_mean([one.share for one in skills])),
        "rising_moments_shown": rounded(_mean([one.rising_share for one in skills])),
        "shown_below_zero": float(sum(one.skill < 0.0 for one in spoken)),
        "shown_below_zero_rising": float(sum(one.rising_skill < 0.0 for one in spoken)),
        "least_skill_shown": rounded(min((one.skill for one in spoken), default=0.0)),
        "median_skill_shown": rounded(float(np.median([one.skill for one in skills] or [0.0]))),
        "median_rising_skill_shown": rounded(float(np.median([one.rising_skill for one in skills] or [0.0]))),
        "weeks_off_5_points": float(sum(week.off_points > POINTS for week in weeks)),
        "weeks_off_by_chance": rounded(sum(week.off_by_chance for week in weeks)),
        "shown_intervals_off_5_points": float(sum(one > POINTS for one in off)),
        "shown_intervals": float(len(off)),
        "rising_covered_80": rounded(_mean([one.coverage(0.8) for one in rising])),
        "rising_covered_90": rounded(_mean([one.coverage(0.9) for one in rising])),
    }


def _mean(numbers: Sequence[float]) -> float:
    known = [number for number in numbers if np.isfinite(number)]
    return float(np.mean(known)) if known else 0.0


def _weeks(rows: Sequence[_Row]) -> list[_Week]:
    """The coverage of the shown intervals by network, held-out week, horizon and nominal, all gauges together."""
    found: dict[tuple[str, int, float, float], list[tuple[float, int]]] = {}
    for row in rows:
        if not row.is_shown:
            continue
        starts_s = row.target.whole.times_s[list(row.target.edges[:-1])]
        week_of = np.searchsorted(starts_s, row.judged.times_s, side="right")
        for week in np.unique(week_of):
            part = row.judged.where(week_of == week)
            for nominal in NOMINALS:
                key = (row.target.network.name, int(week), row.horizon_h, nominal)
                found.setdefault(key, []).append((part.coverage(nominal), len(part)))
    weeks = []
    for key, parts in sorted(found.items()):
        origins = sum(number for _, number in parts)
        covered = sum(share * number for share, number in parts) / origins
        weeks.append(_Week(*key, covered=rounded(covered), origins=origins))
    return weeks


def _all_weeks(rows: Sequence[_Row]) -> list[dict[str, float]]:
    """The coverage by horizon and nominal over all gauges and held-out weeks: told beside the bar, which is by week."""
    found = []
    for horizon_h in HORIZONS_H:
        shown = [row.judged for row in rows if row.is_shown and row.horizon_h == horizon_h]
        origins = sum(len(judged) for judged in shown)
        for nominal in NOMINALS if origins else ():
            covered = sum(judged.coverage(nominal) * len(judged) for judged in shown) / origins
            found.append(
                {"horizon_h": horizon_h, "nominal": nominal, "covered": rounded(covered), "origins": float(origins)}
            )
    return found


def _skill_table(title: str, rows: Sequence[_Row], of: Callable[[_Row], Mapping[str, Score]]) -> Table:
    table = _narrow_table(title, "h", "chosen", *(one.name for one in FORECASTERS))
    for row in rows:
        chosen = row.chosen if row.is_shown else "not shown"
        pairs = (_pair(of(row).get(one.name)) for one in FORECASTERS)
        table.add_row(row.target.gauge, f"{row.horizon_h:g}", chosen, *pairs)
    return table


def _shown_table(rows: Sequence[_Row]) -> Table:
    table = _narrow_table("shown", "h", "chosen", "moments", "covers 80/90", "rising 80/90")
    for row in rows:
        if not row.is_shown:
            continue
        rising = row.judged.where(row.judged.is_rising)
        share = f"{row.after[row.chosen].share:.2f}"
        covers = (f"{judged.coverage(0.8):.2f} {judged.coverage(0.9):.2f}" for judged in (row.judged, rising))
        table.add_row(row.target.gauge, f"{row.horizon_h:g}", row.chosen, share, *covers)
    return table


def _narrow_table(title: str, *names: str) -> Table:
    table = Table(title=title, box=None, padding=(0, 1), title_justify="left")  # Whole in a terminal of 80 columns.
    table.add_column("gauge", no_wrap=True, max_width=22, overflow="ellipsis")
    for name in names:
        table.add_column(name, no_wrap=True)
    return table


def _held_out(row: _Row) -> Mapping[str, Score]:
    return row.after


def _before(row: _Row) -> Mapping[str, Score]:
    return row.before


def _both(found: Score) -> list[float]:
    return [rounded(found.skill), rounded(found.rising_skill)]


def _shares(found: Score) -> list[float]:
    return [rounded(found.share), rounded(found.rising_share)]


def _pair(found: Score | None) -> str:
    return "" if found is None else f"{found.skill:+.2f} {found.rising_skill:+.2f}"


def _crossed(rows: Sequence[_Row]) -> Iterator[str]:
    for row in rows:
        if row.target.gauge not in THRESHOLDS or not row.is_shown:
            continue
        found = crossings(row.judged, THRESHOLDS[row.target.gauge])
        yield (
            f"{row.target.gauge}, {row.horizon_h:g} h, first alarm: {found.hits} origins forewarned, "
            f"{found.misses} missed, {found.false_alarms} false"
        )
