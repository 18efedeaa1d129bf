"""The flood picture at the command line: how well it agrees with surveyed high-water marks."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from core.errors import InvalidInputError
from core.progress import step
from core.settings import ROOT
from flood.marks import Skill
from flood.validation import SeasonFound, Validation
from gis.citypack.manifest import read_manifest

OPEN_DATA = ROOT.parent / "shared" / "data" / "cities"


def folder_of(city: str) -> Path:
    """The folder of a pack: itself, or that of a city of open data by its name. Raises InvalidInputError."""
    for folder in (Path(city), OPEN_DATA / city):
        if folder.is_dir():
            return folder
    known = sorted(folder.name for folder in OPEN_DATA.iterdir() if folder.is_dir()) if OPEN_DATA.is_dir() else []
    cities = f"cities of open data here: {', '.join(known)}" if known else f"and there are no open data in {OPEN_DATA}"
    raise InvalidInputError(f"There is no city pack '{city}': it is no folder ({cities}).")


def validate(city: str) -> None:
    """Each mark has been guessed without itself; a table, then one line of JSON; exits 1 where a bar does not hold."""
    from flood import validation

    manifest = read_manifest(folder_of(city))
    with step(f"high-water marks of {manifest.name_en}") as tell:
        found = validation.validate(manifest, tell)
    Console().print(_table(found))
    typer.echo(json.dumps(found.as_json(), ensure_ascii=False))
    raise typer.Exit(0 if found.holds else 1)


def _table(found: Validation) -> Table:
    table = Table(title=f"{found.city}: each mark guessed without itself", title_justify="left", caption_justify="left")
    for name in ("flood", "guess by", "RMSE m", "bias m", "in 90 %"):
        table.add_column(name, justify="left" if name in ("flood", "guess by") else "right")
    for flood in found.floods:
        _add_skill(table, f"{flood.event} ({flood.skill.marks})", flood.skill)
        table.add_row("", "mean of the others", f"{flood.mean_rmse_m:.3f}")
        table.add_row("", flood.inverse_distance_rule, f"{flood.inverse_distance_rmse_m:.3f}")
    if found.season is not None:
        _add_season(table, found.season)
    return table


def _add_skill(table: Table, event: str, skill: Skill) -> None:
    table.add_row(
        event, "other marks and ground", f"{skill.rmse_m:.3f}", f"{skill.bias_m:+.3f}", f"{skill.coverage_90:.0%}"
    )


def _add_season(table: Table, season: SeasonFound) -> None:
    _add_skill(table, f"normal ({season.skill.marks})", season.skill)
    table.caption = (
        f"Usual season: streets dry or ankle-deep around {season.ankle_or_dry} of {season.skill.marks} marks, "
        f"middle {season.median_depth_m:.2f} m, deepest {season.deepest_m:.2f} m."
    )
