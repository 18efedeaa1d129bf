"""`faonam warnings …`: what others warn of, their sources, and the city's table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

warnings_app = typer.Typer(help="Warnings of others: weather service, national networks, other systems, telephone.",
                           no_args_is_help=True)  # fmt: skip
FILE = typer.Argument(metavar="FILE", help="A CSV file in UTF-8.")


@warnings_app.command("list")
def list_warnings() -> None:
    """List what others warn of now, and what the city's table makes of it."""
    from cli import warnings

    warnings.list_warnings()


@warnings_app.command("sources")
def list_sources() -> None:
    """Tell how every source does: working, silent or failing, and since when."""
    from cli import warnings

    warnings.list_sources()


@warnings_app.command("add")
def add_sources(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file: an array of tables named source.")],
) -> None:
    """Declare sources, or change them; one that signs its calls gets a secret, which is shown once."""
    from cli import warnings

    warnings.add(path)


@warnings_app.command("poll")
def poll_source(code: Annotated[str, typer.Argument(help="The source's code.")]) -> None:
    """Ask a source now, whatever its turn; exits 1 where that fails."""
    from cli import warnings

    raise typer.Exit(0 if warnings.poll(code) else 1)


@warnings_app.command("export")
def export_table(path: Annotated[Path, FILE]) -> None:
    """Write the city's table as CSV: which warning is for which zones, at which level, as context or as a proposal."""
    from cli import warnings

    warnings.export_table(path)


@warnings_app.command("import")
def import_table(path: Annotated[Path, FILE], note: Annotated[str, typer.Option(help="Why it changes.")] = "") -> None:
    """Take a CSV file as the newest version of the city's table; a fault is told with its row and changes nothing."""
    from cli import warnings

    warnings.import_table(path, note)
