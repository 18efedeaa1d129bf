"""Levels of a past flood from its marks: guessed without themselves, with an honest error, better than plain rules."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer

from cli import flood as flood_command
from core.errors import InvalidInputError
from flood import marks
from flood.marks import Streets
from gis.citypack.manifest import read_manifest
from gis.citypack.survey import surveyed_points
from gis.errors import CityPackError
from gis.terrain.kriging import Belief, Samples, Spread, guess_at, spread_of

NAKHON = flood_command.OPEN_DATA / "nakhon-si-thammarat"


def plain_streets(rng: np.random.Generator, count: int = 400) -> Streets:
    x_m, y_m = rng.uniform(0, 5000, (2, count))
    return Streets(x_m, y_m, 1.3 + 0.4 * np.sin(x_m / 900) + rng.normal(0, 0.05, count))


def drawn_marks(rng: np.random.Generator, streets: Streets, spread: Spread, count: int) -> marks.Marks:
    """Marks of a flood that is what the guess believes floods to be: a drift, a smooth part, a local part."""
    x_m, y_m = rng.uniform(0, 5000, (2, count))
    ground_m = streets.ground_m(x_m, y_m)
    apart_m = np.hypot(x_m[:, None] - x_m, y_m[:, None] - y_m)
    scaled = np.sqrt(3) * apart_m / spread.reach_m
    smooth = spread.smooth_m**2 * (1 + scaled) * np.exp(-scaled) + spread.local_m**2 * np.eye(count)
    level_m = 1.0 + 0.5 * ground_m + np.linalg.cholesky(smooth + 1e-9 * np.eye(count)) @ rng.standard_normal(count)
    return marks.marks_of(x_m=x_m, y_m=y_m, level_m=level_m, streets=streets)


def test_without_local_differences_a_sample_is_met_exactly() -> None:
    """Where levels hold for their place and nothing else, the surface goes through every one of them."""
    rng = np.random.default_rng(1)
    samples = Samples(*rng.uniform(0, 3000, (2, 12)), rng.normal(1.5, 0.3, 12), rng.normal(1.2, 0.2, (12, 1)))
    guess = guess_at(
        samples, Spread(0.3, 800.0, 1e-4), x_m=samples.x_m, y_m=samples.y_m, drift=samples.drift
    )
    assert np.allclose(guess.level_m, samples.level_m, atol=1e-4)
    assert guess.sigma_m.max() < 0.01


def test_doubt_grows_away_from_the_marks() -> None:
    """The farther from every mark, the less is claimed; never less doubt than the local part."""
    samples = Samples(np.arange(5) * 100.0, np.zeros(5), np.full(5, 1.5), np.linspace(1.0, 1.4, 5)[:, None])
    x_m = np.array([200.0, 1000.0, 4000.0])
    guess = guess_at(
        samples, Spread(0.3, 1000.0, 0.1), x_m=x_m, y_m=np.zeros(3), drift=np.full((3, 1), 1.2)
    )
    assert (np.diff(guess.sigma_m) > 0).all()
    assert (guess.sigma_m >= 0.1).all()
    assert np.allclose(guess.level_m, 1.5)


def test_a_left_out_mark_says_nothing_of_itself() -> None:
    """However wrong a mark is, its own guess stays the same: not even the spread is learned from it."""
    rng = np.random.default_rng(2)
    seen = drawn_marks(rng, plain_streets(rng), Spread(0.3, 1500.0, 0.1), 8)
    level_m = seen.level_m.copy()
    level_m[3] += 5.0
    other = marks.Marks(seen.x_m, seen.y_m, level_m, seen.ground_m)
    assert marks.left_out(seen).level_m[3] == pytest.approx(marks.left_out(other).level_m[3])
    assert marks.left_out(seen).level_m[2] != pytest.approx(marks.left_out(other).level_m[2])


def test_the_90_percent_interval_holds_nine_of_ten() -> None:
    """Over many floods drawn as believed, the share of levels inside their interval is what the interval says."""
    rng, inside, count = np.random.default_rng(3), 0, 0
    spread = Spread(0.3, 2000.0, 0.15)
    for _ in range(60):
        seen = drawn_marks(rng, plain_streets(rng), spread, 16)
        samples = seen.as_samples()
        for number in range(16):
            others = samples.without(number)
            guess = guess_at(
                others, spread, x_m=samples.x_m[[number]], y_m=samples.y_m[[number]], drift=samples.drift[[number]]
            )
            inside += abs(guess.level_m[0] - seen.level_m[number]) <= marks.Z90 * guess.sigma_m[0]
            count += 1
    assert 0.87 < inside / count < 0.93


def test_the_spread_is_found_again() -> None:
    """Enough levels move the belief: twice the smooth part and a fifth of the local part are told apart."""
    rng = np.random.default_rng(4)
    streets = plain_streets(rng)
    belief = Belief(Spread(0.3, 2000.0, 0.15), factor=float(np.e))
    found = spread_of(drawn_marks(rng, streets, Spread(0.6, 1200.0, 0.03), 120).as_samples(), belief)
    assert 0.4 < found.smooth_m < 0.9
    assert found.local_m < 0.08


def test_plain_rules_are_what_they_say() -> None:
    """The mean leaves the mark out; inverse distance with one neighbour is the nearest mark, with all it has all."""
    seen = marks.Marks(
        np.array([0.0, 10.0, 100.0, 200.0, 400.0]), np.zeros(5), np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.ones(5)
    )
    assert marks.mean_rule_m(seen).tolist() == [3.5, 3.25, 3.0, 2.75, 2.5]
    nearest = marks.inverse_distance_rule_m(seen, power=2.0, neighbours=1)
    assert nearest.tolist() == [2.0, 1.0, 2.0, 3.0, 4.0]
    far = marks.inverse_distance_rule_m(seen, power=1e-9, neighbours=None)
    assert np.allclose(far, marks.mean_rule_m(seen))


def test_ground_is_that_of_the_streets_around() -> None:
    """One wheel rut does not make the ground; where no street is near, the nearest ones speak."""
    streets = Streets(np.array([0.0, 10.0, 20.0, 5000.0]), np.zeros(4), np.array([1.0, 1.1, 0.2, 3.0]))
    assert streets.ground_m(np.array([5.0]), np.array([0.0])).tolist() == [1.0]
    assert streets.street_m(np.array([21.0, 900.0]), np.zeros(2)).tolist()[0] == 0.2
    assert np.isnan(streets.street_m(np.array([900.0]), np.zeros(1))[0])


def test_too_few_marks_are_refused() -> None:
    """Four marks cannot be left out one by one and still say anything; the sentence says how many are needed."""
    streets = Streets(np.zeros(3), np.zeros(3), np.ones(3))
    with pytest.raises(InvalidInputError, match=r"4 high-water marks.*at least 5"):
        marks.marks_of(x_m=np.arange(4.0), y_m=np.zeros(4), level_m=np.ones(4), streets=streets)


def write_pack(folder: Path, marks_lines: list[str], *, with_streets: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    layer = '[[layer]]\nname = "{0}"\nkind = "{0}"\nfile = "{0}.csv"\nsource = "t"\nlicence = "CC0"\ntrust = "real"\n'
    kinds = ["flood_marks", *(["road_levels"] if with_streets else [])]
    (folder / "city.toml").write_text(
        'format = "faonam-city/1"\nslug = "t"\nname_th = "ท"\nname_en = "T"\n'
        'datum = "m above mean sea level"\n' + "".join(map(layer.format, kinds)),
        encoding="utf-8",
    )
    (folder / "flood_marks.csv").write_text("\n".join(["lon,lat,level_m_msl,event", *marks_lines]), encoding="utf-8")
    streets = [f"{100.0 + n / 1000:.4f},{8.4 + n % 7 / 1000:.4f},{1.0 + n % 5 / 10:.2f}," for n in range(40)]
    (folder / "road_levels.csv").write_text("\n".join(["lon,lat,level_m_msl,event", *streets]), encoding="utf-8")
    return folder


def test_bad_marks_name_file_row_and_cause(tmp_path: Path) -> None:
    """A level that is no number names its row; a pack without streets says which layer is missing."""
    bad = write_pack(tmp_path / "bad", ["100.01,8.41,1.5,pabuk", "100.02,8.41,high,pabuk"])
    with pytest.raises(CityPackError, match=r"flood_marks.csv, row 3, column level_m_msl: 'high' is not a number"):
        surveyed_points(read_manifest(bad), "flood_marks")
    bare = read_manifest(write_pack(tmp_path / "bare", ["100.01,8.41,1.5,pabuk"], with_streets=False))
    with pytest.raises(CityPackError, match="no layer of the kind 'road_levels'"):
        surveyed_points(bare, "road_levels")


def test_marks_of_the_usual_season_alone_test_nothing(tmp_path: Path) -> None:
    """Without a flood there is nothing to validate, and the command says so."""
    folder = write_pack(tmp_path / "calm", [f"{100.01 + n / 500},8.41,1.2,normal" for n in range(6)])
    with pytest.raises(InvalidInputError, match="speak of no flood"):
        flood_command.validate(str(folder))


def told(tmp_path: Path, marks_lines: list[str], *, streets: list[str] | None = None) -> str:
    """The sentence with which a pack of these marks is refused."""
    folder = write_pack(tmp_path / "bad", marks_lines)
    if streets is not None:
        (folder / "road_levels.csv").write_text("\n".join(["lon,lat,level_m_msl,event", *streets]), encoding="utf-8")
    with pytest.raises(InvalidInputError) as refused:
        flood_command.validate(str(folder))
    return refused.value.detail


GOOD = [f"{100.01 + n / 500:.3f},{8.40 + n % 3 / 500:.3f},{1.2 + n % 4 / 10:.1f},pabuk" for n in range(8)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["100.01,8.40,1.5,pabuk"] * 8, "Marks of 'pabuk': There are 8 high-water marks of this flood, at 1 places"),
        ([*GOOD, "100.02,8.41,900,pabuk"], "flood_marks.csv, row 10: the mark says 900 m, but the streets around it"),
        ([line.replace("pabuk", "") for line in GOOD], "8 of 8 marks do not say of which flood they are"),
        ([*GOOD, "101.50,8.41,1.5,pabuk"], "The nearest surveyed street lies 1"),
        ([*GOOD, *(line.replace("pabuk", "normal") for line in GOOD[:2])], "Marks of 'normal': There are 2"),
        ([*GOOD, "100.02,8.41,NaN,pabuk"], "flood_marks.csv, row 10, column level_m_msl: 'NaN' is not a number"),
    ],
)
def test_marks_that_tell_nothing_are_named(tmp_path: Path, lines: list[str], said: str) -> None:
    """At one place, of another zero, of no flood, far away: which flood or row, and why; no algebra on the screen."""
    assert said in told(tmp_path, lines)


def test_a_twin_does_not_vouch_for_a_mark(tmp_path: Path) -> None:
    """Two marks on one wall are left out together: each guessed from the other, all would seem to be known."""
    rng = np.random.default_rng(5)
    streets = plain_streets(rng)
    seen = drawn_marks(rng, streets, Spread(0.3, 1500.0, 0.15), 8)
    twice = marks.Marks(*(np.concatenate([v, v]) for v in (seen.x_m, seen.y_m, seen.level_m, seen.ground_m)))
    error_m = marks.left_out(twice).level_m - twice.level_m
    assert marks.rmse_m(error_m) > 0.05


def test_streets_of_one_height_are_no_reason_to_stop(tmp_path: Path) -> None:
    """Where the ground is the same everywhere it explains nothing: the marks are guessed without it."""
    rng = np.random.default_rng(6)
    flat = Streets(*rng.uniform(0, 5000, (2, 50)), np.full(50, 1.0))
    x_m, y_m = rng.uniform(0, 5000, (2, 8))
    seen = marks.marks_of(x_m=x_m, y_m=y_m, level_m=rng.normal(1.5, 0.2, 8), streets=flat)
    assert np.isfinite(marks.left_out(seen).level_m).all()


def test_a_survey_across_two_utm_zones_is_one_city(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Marks east of 102 degrees and streets west of it are measured in one system, and found beside each other."""
    folder = write_pack(tmp_path / "edge", [line.replace("100.0", "102.0") for line in GOOD])
    streets = [f"{101.98 + n / 1000:.4f},{8.4 + n % 7 / 1000:.4f},{1.0 + n % 5 / 10:.2f}," for n in range(40)]
    (folder / "road_levels.csv").write_text("\n".join(["lon,lat,level_m_msl,event", *streets]), encoding="utf-8")
    assert surveyed_points(read_manifest(folder), "road_levels").srid == 32647
    assert surveyed_points(read_manifest(folder), "flood_marks").srid == 32648
    with pytest.raises(typer.Exit):
        flood_command.validate(str(folder))
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["floods"][0]["skill"]["marks"] == 8


@pytest.mark.skipif(not NAKHON.is_dir(), reason="the open data of Nakhon Si Thammarat is not beside the project")
def test_the_pabuk_marks_are_guessed_better_than_by_plain_rules(capsys: pytest.CaptureFixture[str]) -> None:
    """RMSE at most 0.25 m and below mean and inverse distance, bias at most 0.08 m, 80 to 97 % inside."""
    with pytest.raises(typer.Exit) as left:
        flood_command.validate("nakhon-si-thammarat")
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    pabuk, skill = found["floods"][0], found["floods"][0]["skill"]
    assert skill["marks"] >= 20
    assert skill["rmse_m"] <= 0.25
    assert skill["rmse_m"] < min(pabuk["mean_rmse_m"], pabuk["inverse_distance_rmse_m"])
    assert abs(skill["bias_m"]) <= 0.08
    assert 0.80 <= skill["coverage_90"] <= 0.97
    assert found["season"]["ankle_share"] >= 0.9
    assert left.value.exit_code == 0
