"""Keys of partners: made, named, revoked. And what an operator sends to Traffy and takes from there by hand."""

from __future__ import annotations

from collections.abc import Collection

import typer
from rich.console import Console
from rich.table import Table

from cli.city import city_while_needed
from core.db import transaction
from core.errors import NotFoundError, SetupError
from incidents.exchange import keys, queries, traffy_actions
from incidents.exchange.traffy_client import TraffyClient, configured


def add(name: str, *, scopes: Collection[str], agency_code: str | None, per_minute: int) -> None:
    """The key is made and shown this once; of it only a hash is kept."""
    with city_while_needed(), transaction() as session:
        key = keys.make_key(session, name=name, scopes=scopes, agency_code=agency_code, per_minute=per_minute)
    typer.echo(f"{name}: for {', '.join(sorted(scopes))}, {per_minute} times a minute")
    typer.echo(f"  its key, shown only now: {key}")


def list_keys() -> None:
    """Every key with what it is for; the kinds of doors are named where there is none yet."""
    with city_while_needed(), transaction() as session:
        found = queries.keys(session)
    if not found:
        typer.echo(f"There are no keys yet. Make one with: faonam keys add NAME --scope {'|'.join(keys.SCOPES)}")
        return
    table = Table()
    for heading in ("name", "for", "agency", "a minute", "since", "revoked"):
        table.add_column(heading)
    for key in found:
        revoked = f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
        table.add_row(
            key.name, ", ".join(key.scopes), key.agency_code or "", str(key.per_minute), f"{key.made_at:%Y-%m-%d}",
            revoked,
        )
    Console().print(table)


def revoke(name: str) -> None:
    """The key opens nothing any more."""
    with city_while_needed(), transaction() as session:
        keys.revoke_key(session, name)
    typer.echo(f"{name}: revoked")


def _traffy() -> TraffyClient:
    client = configured()
    if client is None:
        raise SetupError("This city has no account at Traffy: set TRAFFY_URL, TRAFFY_USER and TRAFFY_PASSWORD.")
    return client


def send_to_traffy(number: str) -> None:
    """The incident is at Traffy; its ticket there is told. Raises NotFoundError, SetupError and Traffy's errors."""
    client = _traffy()
    with city_while_needed(), transaction() as session:
        incident_id = queries.incident_of_request(session, number)
        if incident_id is None:
            raise NotFoundError(f"There is no incident {number}.")
        ticket_id = traffy_actions.send_out(session, client, incident_id)
    typer.echo(f"{number}: {ticket_id} at Traffy")


def pull_from_traffy(duration: str) -> None:
    """What moved at Traffy is here; what could not be used is told."""
    client = _traffy()
    with city_while_needed(), transaction() as session:
        pulled = traffy_actions.pull(session, client, duration=duration)
    typer.echo(f"{pulled.taken} taken, {pulled.moved} moved, {len(pulled.findings)} could not be used")
    for finding in pulled.findings:
        typer.echo(f"  {finding}")
    if pulled.was_cut:
        typer.echo("  Traffy stopped at 5,000 rows: older ones are missing.")
