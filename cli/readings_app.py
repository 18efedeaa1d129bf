"""`faonam feeds` and `faonam readings`: where readings come from, and what was refused of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

feeds_app = typer.Typer(help="Feeds: the sources that readings come from.", no_args_is_help=True)
readings_app = typer.Typer(help="What was refused of what gauges and others sent.", no_args_is_help=True)

BIGGEST_ID = 2**63 - 1


@feeds_app.command("list")
def list_feeds() -> None:
    """Tell how every feed does: last success, lag, error and next attempt."""
    from cli import feeds

    feeds.list_feeds()


@feeds_app.command("poll")
def poll_feed(code: Annotated[str, typer.Argument(help="The feed's code.")]) -> None:
    """Ask a feed now, whatever its turn; exits 1 where that fails."""
    from cli import feeds

    raise typer.Exit(0 if feeds.poll(code) else 1)


@feeds_app.command("add")
def add_feeds(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file: an array of tables named feed.")],
) -> None:
    """Declare feeds, or change them; one that sends by itself gets a key, which is shown once."""
    from cli import feeds

    feeds.add(path)


REASON = typer.Option(help="Only rows refused for this reason, such as wrong_unit.")
SINCE = typer.Option(help="Only rows received since then, such as 2026-11-21 or 2026-11-21T03:00Z; else Thai time.")


@readings_app.command("refused")
def list_refused(
    reason: Annotated[str | None, REASON] = None,
    since: Annotated[str | None, SINCE] = None,
    rows: Annotated[int, typer.Option(help="Also show so many of the rows that wait, newest first.", min=0)] = 0,
) -> None:
    """List what waits in quarantine, by reason."""
    from cli import readings

    readings.list_refused(reason=reason, since=since, rows=rows)


@readings_app.command("replay")
def replay_refused(
    reason: Annotated[str | None, REASON] = None,
    since: Annotated[str | None, SINCE] = None,
    row: Annotated[
        list[int] | None, typer.Option("--id", help="Only this row; may be said again.", min=1, max=BIGGEST_ID)
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            help="What a unit in the rows really is: cm=cm lets centimetres become the station's unit, cm=m says that "
            "they were metres all along."
        ),
    ] = None,
    vouch: Annotated[
        bool, typer.Option("--vouch", help="You vouch for these rows: without their station's key, and in time.")
    ] = False,
) -> None:
    """Try refused rows again, after what refused them was put right; what is taken is marked, twice is once."""
    from cli import readings

    readings.replay(reason=reason, since=since, ids=row, units=unit or [], is_vouched=vouch)
