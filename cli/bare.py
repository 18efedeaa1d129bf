"""`--json` without a file, for a command that can print a line of JSON and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

NO_FILE = Path("-")


class BareJson(TyperCommand):
    """Beside `--alerts`, `--json` may stand alone: it is `NO_FILE` then."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As every command, once each `--json` has a value."""
        return super().parse_args(ctx, with_named_json(args) if "--alerts" in args else args)


def with_named_json(args: Sequence[str]) -> list[str]:
    """The arguments, with `NO_FILE` behind a `--json` that no value follows."""
    named: list[str] = []
    for one, next_one in zip(args, [*args[1:], "--"], strict=True):
        named += [one, str(NO_FILE)] if one == "--json" and next_one.startswith("-") else [one]
    return named
