"""Partners who are told of incidents without asking: registered by hand, looked at, taken up again."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from cli.city import city_while_needed
from core.db import transaction
from incidents.exchange import hook_client, hook_queries, hooks


def add(name: str, url: str) -> None:
    """The partner is told there from now on; what signs the calls is shown this once.

    Raises NotFoundError, KeyRefusedError, ConflictError, InvalidInputError and SetupError.
    """
    with city_while_needed(), transaction() as session:
        secret = hooks.register(session, name=name, url=url, client=hook_client.configured())
    typer.echo(f"{name}: is told of what happens from now on")
    typer.echo(f"  what signs the calls (Standard Webhooks), shown only now: {secret}")


def list_hooks() -> None:
    """Every partner that is told: where, what waits, and since when it takes nothing."""
    with city_while_needed(), transaction() as session:
        found = hook_queries.hooks(session)
    if not found:
        typer.echo("No partner is told. Register one with: faonam hooks add NAME https://…")
        return
    for one in found:
        state = f"paused: {one.fault}" if one.paused_wall_at else one.fault or "well"
        agency = f", of {one.agency_code}" if one.agency_code else ""
        typer.echo(f"{one.name}{agency}, at {one.host}: {state}; {one.waiting} waiting, {one.refused} refused")
        if one.failing_since_wall_at:
            typer.echo(f"  failing since {_moment(one.failing_since_wall_at)}, {one.failures} times")
        if one.told_wall_at:
            typer.echo(f"  last told {_moment(one.told_wall_at)}")


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def resume(name: str) -> None:
    """A paused partner is told again, first of all that happened meanwhile. Raises NotFoundError."""
    with city_while_needed(), transaction() as session:
        hooks.resume(session, name)
    typer.echo(f"{name}: is told again")


def remove(name: str) -> None:
    """The partner is told nothing any more; its address and secret are forgotten. Raises NotFoundError."""
    with city_while_needed(), transaction() as session:
        hooks.remove(session, name)
    typer.echo(f"{name}: is told nothing any more")
