"""`faonam events`: floods of the past, looked back at from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.readings_app import BIGGEST_ID

events_app = typer.Typer(help="Events: what became of zones, whom they reached, the report.", no_args_is_help=True)

EVENT = typer.Argument(help="The event's number, as `events list` shows it.", min=1, max=BIGGEST_ID)
LANGUAGE = typer.Option(help="th or en.")


@events_app.command("list")
def list_events(limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=500)] = 20) -> None:
    """List the events, the newest first."""
    from cli import events

    events.list_events(limit=limit)


@events_app.command("show")
def show_event(
    event: Annotated[int, EVENT], language: Annotated[str, LANGUAGE] = "en",
) -> None:
    """Show what became of each zone, whom the messages reached, and what happened in order."""
    from cli import events

    events.show(event, language=language)


@events_app.command("report")
def report_event(
    event: Annotated[int, EVENT],
    out: Annotated[Path, typer.Option(help="The HTML file to write; print it with any browser.")],
    language: Annotated[str, LANGUAGE] = "th",
) -> None:
    """Write the printable report as one HTML file that needs no network and names nobody."""
    from cli import events

    events.report(event, out, language=language)


@events_app.command("replay")
def replay_event(
    event: Annotated[int, EVENT],
    policy_version: Annotated[
        int | None, typer.Option(help="Under which version of the policy; default: the newest.", min=1, max=2**31 - 1)
    ] = None,
) -> None:
    """Play the event's stored pictures through today's rules: a table of what would differ, then one JSON line."""
    from cli import events

    events.replay(event, policy_version=policy_version)
