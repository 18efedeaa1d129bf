"""`faonam keys` and `faonam traffy`: who else reports and reads."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

traffy_app = typer.Typer(help="Traffy Fondue: what goes to and fro.", no_args_is_help=True)
keys_app = typer.Typer(help="Keys of partners who report and read through open doors.", no_args_is_help=True)


@traffy_app.command("send")
def send_to_traffy(number: Annotated[str, typer.Argument(help="The incident's number, such as 2569-000123.")]) -> None:
    """Send an incident to Traffy; one that is there already is not sent again."""
    from cli import keys

    keys.send_to_traffy(number)


@traffy_app.command("pull")
def pull_from_traffy(
    duration: Annotated[Literal["today", "3days", "all"], typer.Option(help="What moved since when.")] = "3days",
) -> None:
    """Take what webhooks missed; nobody at Traffy is told."""
    from cli import keys

    keys.pull_from_traffy(duration)


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it is for, may be said again; default: open311.")
    ] = None,
    agency: Annotated[str | None, typer.Option(help="Only incidents of this agency are changed by it.")] = None,
    per_minute: Annotated[int, typer.Option(help="How often a minute it may be used.", min=1, max=100_000)] = 60,
) -> None:
    """Make a key; it is shown this once."""
    from cli import keys

    keys.add(name, scopes=scope or ["open311"], agency_code=agency, per_minute=per_minute)


@keys_app.command("list")
def list_keys() -> None:
    """Name every key, what it is for, and whether it was revoked."""
    from cli import keys

    keys.list_keys()


@keys_app.command("revoke")
def revoke_key(name: Annotated[str, typer.Argument(help="Whose key it is.")]) -> None:
    """Let a key open nothing any more."""
    from cli import keys

    keys.revoke(name)
