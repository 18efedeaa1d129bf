"""Nowcasts in the house: fitted at night on good readings, made from the newest, verified, and hidden without skill."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import UnavailableError
from core.settings import ROOT
from gis.points import LonLat
from sensors import forecasts, nowcast_child, nowcast_jobs, nowcasting
from sensors.actions import NewStation, register_station
from sensors.nowcast.grid import Array, History
from sensors.nowcast_inputs import history_of
from sensors.nowcast_models import Nowcast, NowcastModel
from sensors.rulebook.keeping import keep_rule
from sensors.rulebook.models import WatchRuleChange
from tests.accounts import add_account

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
STEP = timedelta(minutes=30)
POINTS = 32 * 48
NEAR, FAR = LonLat(lon=100.0, lat=8.0), LonLat(lon=101.0, lat=8.0)


def station(code: str, place: LonLat, kind: Any = "gauge") -> NewStation:
    return NewStation(
        code=code, name_th="คลอง", name_en="Canal", kind=kind, place=place, bank_m_msl=2.5, bed_m_msl=-3.0,
        watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0, interval_s=1800, device_key=None, trust="simulated",
        layer=kind,
    )


def keep(session: Session, code: str, values: Array, *, until: datetime = NOW, flag: int = 1) -> None:
    """The values are the datastream's readings every half hour, the last one at `until`."""
    begun = until - (len(values) - 1) * STEP
    session.execute(
        sa.text(
            "INSERT INTO reading (datastream_id, observed_at, value, qc_flag, source, received_at, received_wall_at) "
            "SELECT d.id, :begun + (v.number - 1) * interval '30 minutes', v.value, :flag, 'test', :until, :until "
            "FROM datastream d, unnest(CAST(:values AS float8[])) WITH ORDINALITY AS v(value, number) "
            "WHERE d.code = :code"
        ),
        {"begun": begun, "until": until, "values": values.tolist(), "flag": flag, "code": code},
    )
    if flag != 1:
        return
    session.execute(
        sa.text(
            "INSERT INTO latest_reading (datastream_id, observed_at, value, qc_flag, good_observed_at, good_value, "
            "good_received_wall_at, first_observed_at) "
            "SELECT id, :until, :last, 1, :until, :last, :until, :begun FROM datastream WHERE code = :code "
            "ON CONFLICT (datastream_id) DO UPDATE SET good_observed_at = :until, good_value = :last"
        ),
        {"until": until, "last": float(values[-1]), "begun": begun, "code": code},
    )


def tide_and_rain(points: int) -> tuple[Array, Array]:
    """A tide of 40 cm that showers lift two hours after they fell, and the showers, mm in half an hour."""
    rng = np.random.default_rng(11)
    rain_mm = np.where(rng.random(points) < 0.03, rng.uniform(5.0, 30.0, points), 0.0)
    lifted = np.convolve(rain_mm, np.concatenate([np.zeros(4), 0.012 * np.exp(-np.arange(40) / 12.0)]))[:points]
    hours = np.arange(points) / 2.0
    level = 0.4 * np.sin(2.0 * np.pi * hours / 12.4206) + lifted + rng.normal(0.0, 0.005, points)
    return level, rain_mm


@dataclass
class House:
    """A session, and the datastreams of the gauges in it."""

    session: Session
    ids: dict[str, int]
    stations: dict[str, int]

    def forecast(self, code: str, *, now: datetime = NOW) -> forecasts.GaugeForecast:
        """What a gauge's newest forecast is at that time."""
        found = forecasts.forecast_of(self.session, self.stations[code], now=now)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def night(module_session: Session) -> House:
    """After the nightly fit: a tide with rain, steps that nothing foretells, and a gauge that is new."""
    session = module_session
    level, rain_mm = tide_and_rain(POINTS)
    walk = np.cumsum(np.random.default_rng(4).normal(0.0, 0.01, POINTS))
    places = {"tide": NEAR, "walk": FAR, "new": FAR}
    stations = {code: register_station(session, station(code, place)) for code, place in places.items()}
    register_station(session, station("rain", replace(NEAR, lat=8.05), "rain"))
    register_station(session, station("rain-far", replace(FAR, lat=12.0), "rain"))
    for code, values in {"tide": level, "walk": walk, "new": walk[:200], "rain": rain_mm}.items():
        keep(session, code, values)
    ids = {row.code: row.id for row in session.execute(sa.text("SELECT code, id FROM datastream"))}
    for code in ("tide", "walk"):
        nowcast_jobs.fit_nowcast.run(session, datastream_id=ids[code])
    return House(session, ids, stations)


@pytest.fixture
def house(night: House) -> Iterator[House]:
    """The same night for every test, whatever another did in it."""
    nested = night.session.begin_nested()
    yield night
    if nested.is_active:
        nested.rollback()
    night.session.expire_all()


def model_of(house: House, code: str) -> NowcastModel:
    return house.session.get_one(NowcastModel, house.ids[code])


def test_a_tide_with_rain_is_forecast_and_shown(house: House) -> None:
    """What the fit found better than persistence speaks from the newest reading on, with its doubt and its skill."""
    model = model_of(house, "tide")
    assert (model.reason, model.readings, model.step_s) == (None, POINTS, 1800.0)
    assert (model.data_from, model.data_to) == (NOW - (POINTS - 1) * STEP, NOW)
    assert {tuple(choice["rain"]) for choice in model.choices} == {("rain",), ()}
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    found = house.forecast("tide")
    assert (found.is_shown, found.reason, found.made_at, found.fitted_at) == (True, None, NOW, NOW)
    assert [horizon.hours for horizon in found.horizons] == [1.0, 3.0, 6.0]
    for horizon in found.horizons:
        assert horizon.at == NOW + timedelta(hours=horizon.hours)
        assert horizon.is_shown
        assert (horizon.why, horizon.nominal) == ((), 0.8)
        assert horizon.skill_rising is not None
        assert horizon.skill_rising > 0.3
        assert horizon.low_m_msl < horizon.level_m_msl < horizon.high_m_msl


def test_a_random_walk_is_never_shown(house: House) -> None:
    """Where nothing is better than persistence no model is kept, no forecast made, and the gauge says so."""
    model = model_of(house, "walk")
    assert (model.reason, model.document) == ("no_skill", None)
    assert {(choice["forecaster"], *choice["rain"]) for choice in model.choices} == {(None,)}  # Rain is 450 km away.
    assert house.ids["walk"] not in nowcasting.due(house.session, now=NOW, most=10)
    found = house.forecast("walk")
    assert (found.is_shown, found.reason, found.horizons) == (False, "no_skill", ())


def test_a_short_history_is_not_fitted(house: House) -> None:
    """A gauge of four days says that its history is too short, and the night passes it by."""
    assert nowcasting.with_history(house.session, now=NOW) == sorted([house.ids["tide"], house.ids["walk"]])
    assert house.forecast("new").reason == "too_short"
    model = nowcasting.fit(house.session, house.ids["new"], now=NOW)
    assert model is not None
    assert (model.reason, model.readings) == ("too_short", 200)


def test_the_night_fits_each_gauge_by_a_job_of_its_own(house: House) -> None:
    """One job per gauge that can be fitted, one at a time; what has been fitted twice is one model."""
    nowcast_jobs.fit_nowcasts.run(house.session)
    jobs = house.session.execute(
        sa.text("SELECT args, lock FROM procrastinate_jobs WHERE task_name = 'sensors.fit_nowcast'")
    ).all()
    assert {job.args["datastream_id"] for job in jobs} == {house.ids["tide"], house.ids["walk"]}
    assert {job.lock for job in jobs} == {"sensors.fit_nowcast"}


def test_a_rule_of_forecasts_hears_what_is_shown(house: House) -> None:
    """A level that the shown forecast reaches raises the rule that asks for it; told again it is no news."""
    author = add_account(house.session, "author", roles=["approver"])
    for code, stream in (("soon", "tide"), ("walking", "walk")):
        keep_rule(
            house.session, code,
            {
                "kind": "forecast_crossing", "streams": [stream], "watch": -9.0, "within_h": 6, "least_confidence": 0.8,
                "timing": {"readings_up": 1},
            },
            based_on_version=0, account=author, reason="a test",
        )
    for _ in range(2):
        nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
        nowcasting.make_forecast(house.session, house.ids["walk"], now=NOW)
    house.session.flush()
    changes = house.session.scalars(sa.select(WatchRuleChange)).all()
    assert [(change.rule_code, change.kind, change.to_state) for change in changes] == [("soon", "raised", 1)]


def test_without_rain_a_poorer_model_speaks_and_says_so(house: House) -> None:
    """Late rain leaves the model that never knew of it, with its own skill, or persistence, which is not shown."""
    house.session.execute(
        sa.text("DELETE FROM reading WHERE datastream_id = :id AND observed_at > :at"),
        {"id": house.ids["rain"], "at": NOW - timedelta(hours=5)},
    )
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    blind = {choice["horizon_h"]: choice for choice in model_of(house, "tide").choices if not choice["rain"]}
    found = house.forecast("tide")
    for horizon in found.horizons:
        assert any(code.startswith("missing:rain") for code in horizon.why)
        assert horizon.is_shown == (blind[horizon.hours]["forecaster"] is not None)
        assert horizon.skill_rising == (blind[horizon.hours]["skill_rising"] if horizon.is_shown else None)


def test_a_moment_unlike_all_that_was_fitted_on_shows_nothing_and_says_why(house: House) -> None:
    """In a cloudburst that the model never saw nothing of the gauge is shown, nor does the flood hear of it."""
    house.session.execute(
        sa.text("UPDATE reading SET value = 500 WHERE datastream_id = :id AND observed_at = :at"),
        {"id": house.ids["rain"], "at": NOW},
    )
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    found = house.forecast("tide")
    assert (found.is_shown, found.reason) == (False, "outside_experience")
    assert [(horizon.is_shown, horizon.why) for horizon in found.horizons] == [(False, ("outside_experience",))] * 3
    assert forecasts.expected_levels(house.session, at=NOW + timedelta(hours=2), now=NOW) == {}


def test_rain_gauges_may_come_and_go(house: House) -> None:
    """A model hears of the gauges that it was fitted with: a nearer one changes nothing, a gone one is missing."""
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    before = house.forecast("tide")
    register_station(house.session, station("rain-new", replace(NEAR, lat=8.01), "rain"))
    house.session.execute(sa.delete(Nowcast))
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    assert house.forecast("tide") == before
    house.session.execute(sa.text("DELETE FROM station WHERE code = 'rain'"))
    house.session.execute(sa.delete(Nowcast))
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    assert all("missing:rain" in " ".join(horizon.why) for horizon in house.forecast("tide").horizons)


def test_doubtful_readings_start_no_forecast(house: House) -> None:
    """A level that failed its tests is no origin: the forecast is the one from the last good level, to the bit."""
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    before = house.forecast("tide")
    later = NOW + STEP
    keep(house.session, "tide", np.array([99.0]), until=later, flag=4)
    assert house.ids["tide"] not in nowcasting.due(house.session, now=later, most=10)
    seen = history_of(house.session, house.ids["tide"], rain={}, after=NOW - timedelta(days=1), until=later)
    assert seen is not None
    assert float(np.nanmax(seen.level)) < 9.0
    nowcasting.make_forecast(house.session, house.ids["tide"], now=later)
    assert house.forecast("tide", now=later) == before


def test_a_forecast_is_made_when_levels_came_and_once(house: House) -> None:
    """Each beat forecasts from the newest level, once, and waits for the next; a silent gauge is left alone."""
    session, tide = house.session, house.ids["tide"]
    assert nowcasting.due(session, now=NOW, most=10) == [tide]
    nowcast_jobs.make_nowcasts.run(session)
    waiting = sa.text("SELECT args FROM procrastinate_jobs WHERE task_name = 'sensors.make_nowcast'")
    assert session.scalars(waiting).all() == [{"datastream_id": tide}]
    for _ in range(2):
        nowcast_jobs.make_nowcast.run(session, datastream_id=tide)
    count = sa.select(sa.func.count()).select_from(Nowcast)
    assert session.scalar(count) == 3
    assert nowcasting.due(session, now=NOW + timedelta(minutes=9), most=10) == []
    keep(session, "tide", np.array([0.1]), until=NOW + STEP)
    assert nowcasting.due(session, now=NOW + STEP, most=10) == [tide]
    assert nowcasting.due(session, now=NOW + timedelta(hours=2), most=10) == []


def test_an_old_forecast_is_not_shown(house: House) -> None:
    """After three intervals of silence the forecast stands there as stale, and the flood does not hear of it."""
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    fresh, old = NOW + timedelta(minutes=90), NOW + timedelta(minutes=91)
    assert house.forecast("tide", now=fresh).is_shown
    assert (house.forecast("tide", now=old).is_shown, house.forecast("tide", now=old).reason) == (False, "stale")
    at = NOW + timedelta(hours=3)
    assert set(forecasts.expected_levels(house.session, at=at, now=fresh)) == {house.stations["tide"]}
    assert forecasts.expected_levels(house.session, at=at, now=old) == {}


def test_levels_are_expected_between_the_horizons_that_may_be_shown(house: House) -> None:
    """Two hours on lies half way between one and three; where the later one may not be shown nothing is expected."""
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    one, three, _ = house.forecast("tide").horizons
    at = NOW + timedelta(hours=2)
    expected = forecasts.expected_levels(house.session, at=at, now=NOW)[house.stations["tide"]]
    assert expected.level_m_msl == pytest.approx((one.level_m_msl + three.level_m_msl) / 2.0)
    assert expected.high_m_msl == pytest.approx((one.high_m_msl + three.high_m_msl) / 2.0)
    assert expected.forecaster == three.forecaster
    house.session.execute(sa.update(Nowcast).where(Nowcast.horizon_h == 3.0).values(is_shown=False))
    assert forecasts.expected_levels(house.session, at=at, now=NOW) == {}


def test_what_came_stands_beside_what_was_said(house: House) -> None:
    """Each forecast gets the good level of its time, and the running skill is that of the forecasts that were shown."""
    session, tide = house.session, house.ids["tide"]
    nowcasting.make_forecast(session, tide, now=NOW)
    nowcast_jobs.verify_nowcasts.run(session)
    assert session.scalars(sa.select(Nowcast.came_m_msl)).all() == [None, None, None]
    truth = house.forecast("tide").horizons[0].level_m_msl + 0.01
    keep(session, "tide", np.array([5.0, truth]), until=NOW + 2 * STEP)
    assert nowcasting.verify(session, now=NOW + 2 * STEP) == 1
    assert nowcasting.verify(session, now=NOW + 2 * STEP) == 0
    row = session.scalars(sa.select(Nowcast).where(Nowcast.horizon_h == 1.0)).one()
    assert row.came_m_msl == truth
    near, far = house.forecast("tide").horizons[:2]
    assert (near.verified, far.verified, far.verified_skill) == (1, 0, None)
    assert near.verified_skill == pytest.approx(1.0 - 0.01**2 / (row.origin_m_msl - truth) ** 2)


def test_old_forecasts_are_forgotten(house: House) -> None:
    """Thirty days are kept, for the running skill."""
    nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW)
    assert nowcasting.forget(house.session, now=NOW + timedelta(days=30)) == 0
    assert nowcasting.forget(house.session, now=NOW + timedelta(days=30, seconds=1)) == 3


def test_a_model_of_another_version_is_let_go(house: House) -> None:
    """A document that can no longer be read is no forecast and no crash: the gauge waits for the next night."""
    model = model_of(house, "tide")
    model.document = json.dumps({"version": 0})
    house.session.flush()
    assert nowcasting.make_forecast(house.session, house.ids["tide"], now=NOW) is None
    assert (model.reason, model.document, house.forecast("tide").reason) == ("not_fitted", None, "not_fitted")


def test_a_station_that_is_gone_is_not_fitted(house: House) -> None:
    """A job for a datastream that was removed in the meantime does nothing."""
    assert nowcasting.fit(house.session, 10**6, now=NOW) is None
    assert forecasts.forecast_of(house.session, 10**6, now=NOW) is None


def named(name: str) -> History:
    return History(0.0, 900.0, np.zeros(3), np.ones(3, dtype=np.bool_), rain_mm={name: np.array([0.0, np.nan, 1.0])})


def test_any_name_gets_to_the_process_that_fits() -> None:
    """A code with a slash, a dot or Thai letters names its rain there as here."""
    for name in ("a/b", "../c", "ฝน"):
        there = nowcast_child._unpacked(nowcast_child._packed(named(name)))
        np.testing.assert_array_equal(there.rain_mm[name], named(name).rain_mm[name])


def test_who_forecasts_loads_no_scikit_learn() -> None:
    """Only the process that fits pays for it: workers with every job of the room, and the forecasts, do without."""
    loaded = "import sys, sensors.tasks, sensors.nowcasting; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, check=False).returncode == 0


def test_a_fit_that_lasts_is_ended() -> None:
    """Its time is bounded: whoever waits is told, and the process is gone."""
    with pytest.raises(UnavailableError, match=r"more than 0\.05 s"):
        nowcast_child.learn_aside(named("r"), within_s=0.05)


def test_a_fit_that_fails_is_told() -> None:
    """What the process says last is the reason, no silence."""
    with pytest.raises(UnavailableError, match=r"A fit failed: .+"):
        nowcast_child.learn_aside(History(0.0, 900.0, np.zeros(0), np.zeros(0, dtype=np.bool_)))
