"""`faonam hooks`: partners who are told of incidents without asking."""

from __future__ import annotations

from typing import Annotated

import typer

hooks_app = typer.Typer(help="Partners who are told of incidents, as Traffy's webhooks look.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Whose key it is: see `faonam keys list`.")]


@hooks_app.command("add")
def add(
    name: Name, url: Annotated[str, typer.Argument(help="Where the partner listens: https, beyond this machine.")]
) -> None:
    """Tell the partner there from now on; what signs the calls is shown this once. Its key must be for traffy-read."""
    from cli import hooks

    hooks.add(name, url)


@hooks_app.command("list")
def list_hooks() -> None:
    """Name every partner that is told: where, what waits, and since when it takes nothing."""
    from cli import hooks

    hooks.list_hooks()


@hooks_app.command("resume")
def resume(name: Name) -> None:
    """Tell a paused partner again, first of all that happened meanwhile."""
    from cli import hooks

    hooks.resume(name)


@hooks_app.command("remove")
def remove(name: Name) -> None:
    """Tell the partner nothing any more; its address and secret are forgotten."""
    from cli import hooks

    hooks.remove(name)
