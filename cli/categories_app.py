"""`faonam categories`: what residents' words are about, taught and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

categories_app = typer.Typer(help="What residents' words are about: teach it, and look.", no_args_is_help=True)


@categories_app.command("train")
def train_categories(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="Labelled reports: a CSV with a column text and a column labels (or types), several by commas; a "
            "label is a category's code or name, or one of Traffy Fondue's. They stay and teach every later model.",
        ),
    ] = None,
) -> None:
    """Teach the categories now; active only where it is no worse. Exits 1 where a row of the file was kept out."""
    from cli import categories

    raise typer.Exit(1 if categories.train(path) else 0)


@categories_app.command("show")
def show_categories(
    text: Annotated[str | None, typer.Argument(help="Also say what these words are about.")] = None,
) -> None:
    """Show the models that were learnt, and which is active."""
    from cli import categories

    categories.show(text)
