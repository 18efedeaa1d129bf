"""A bench that runs the house's processes runs them as the house does."""

from __future__ import annotations

from bench import intake
from cli import house


def test_the_intake_runs_the_houses_own_processes() -> None:
    """Each process that a report passes through has the command and the niceness that the house gives it."""
    of_the_house = {" ".join(one.command[len(house.FAONAM) :]): one.niceness for one in house.programs()}
    assert intake.PROGRAMS.items() <= of_the_house.items()
