"""Institutions that are told of alerts: added, looked at and removed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

import typer

from alerts.channels import subscribers
from cli.city import city_while_needed
from core.db import transaction
from incidents.exchange import hook_client


def add(
    name: str, kind: str, address: str, *, language: str, areas: Sequence[str], takes_exercises: bool
) -> None:
    """The institution is told from the next alert on; what signs a webhook's calls is shown this once.

    Raises what `alerts.channels.subscribers.add` raises.
    """
    with city_while_needed(), transaction() as session:
        added = subscribers.add(
            session, name=name, kind=kind, address=address, client=hook_client.configured(), language=language,
            area_codes=areas, takes_exercises=takes_exercises,
        )
    typer.echo(f"{name}: is told of alerts from now on")
    if added.secret is not None:
        typer.echo(f"  what signs the calls (Standard Webhooks), shown only now: {added.secret}")


def list_subscribers() -> None:
    """Every institution that is told: how, of what, and what keeps it from hearing."""
    with city_while_needed(), transaction() as session:
        found = subscribers.subscribers(session)
    if not found:
        typer.echo("No institution is told. Add one with: faonam subscribers add NAME mail office@school.example")
        return
    for one in found:
        where = ", ".join(one.area_codes) or "everywhere"
        drills = ", exercises too" if one.takes_exercises else ""
        typer.echo(f"{one.name}: {one.kind} to {one.shown}, in {one.language}, {where}{drills}")
        told = f"last told {one.told_wall_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if one.told_wall_at else "never told"
        fault = f"; newest: {one.fault}" if one.fault else ""
        typer.echo(f"  {told}, {one.waiting} waiting{fault}")


def remove(name: str) -> None:
    """The institution is told nothing any more; its address is forgotten. Raises NotFoundError."""
    with city_while_needed(), transaction() as session:
        subscribers.remove(session, subscribers.id_of(session, name))
    typer.echo(f"{name}: is told nothing any more")
