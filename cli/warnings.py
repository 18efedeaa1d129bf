"""`faonam warnings`: what others warn of, how their sources do, and the city's table that maps them to zones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from alerts.outside import declaring, evidence, mapping_csv, polling, queries, table, wire
from alerts.outside.declaring import NewSource
from alerts.outside.health import condition_of
from alerts.outside.sources import SourceKind
from cli.city import city_while_needed
from cli.declared import tables_of
from core import clock
from core.db import transaction
from core.errors import InvalidInputError
from core.files import text_of, whole_file

_TYPES: dict[str, type] = {
    "code": str, "name_th": str, "name_en": str, "kind": str, "period_s": int, "url": str, "options": dict,
    "is_enabled": bool, "extra_ca_file": str, "secret_env": str, "secret_header": str,
}  # fmt: skip
_NEEDED = ("code", "kind", "period_s")


def list_warnings() -> None:
    """Every outside warning that holds now is told, with its source, its age and what the city's table makes of it."""
    now = clock.now()
    with city_while_needed(), transaction() as session:
        rows = queries.current(session, now=now)
        zones = queries.zones_of(session, [row.id for row in rows])
        names = {source.id: source.code for source, _ in queries.sources(session)}
    if not rows:
        typer.echo("Nobody outside warns of anything now.")
        return
    shown = Table()
    for heading in ("id", "source", "age", "acts as", "level", "zones", "what"):
        shown.add_column(heading)
    for row in rows:
        shown.add_row(
            str(row.id), names[row.source_id], evidence.age(now - row.sent_at, "en"), row.acts_as, str(row.level),
            " ".join(zone.code for zone in zones[row.id]) or "-", evidence.headline(row, "en"),
        )
    Console().print(shown)


def list_sources() -> None:
    """Every source is told, with how it does."""
    with city_while_needed(), transaction() as session:
        found = queries.sources(session)
    shown = Table()
    for heading in ("source", "kind", "state", "since", "trouble"):
        shown.add_column(heading)
    now = clock.wall_now()
    for source, health in found:
        condition = condition_of(
            is_enabled=source.is_enabled, is_expected=source.kind != SourceKind.OFFICER, period_s=source.period_s,
            last_success_at=health.last_success_wall_at if health else None,
            failing_since_at=health.failing_since_wall_at if health else None, now=now,
        )  # fmt: skip
        since = f"{condition.since_wall_at:%Y-%m-%d %H:%M} UTC" if condition.since_wall_at else "-"
        shown.add_row(
            source.code, source.kind, condition.name, since, (health.trouble_detail if health else None) or "-"
        )
    Console().print(shown)


def add(path: Path) -> None:
    """The sources of a TOML file are declared; one that signs its calls is given a secret, which is shown this once.

    Raises InvalidInputError that names the source and the fault; nothing of the file is then declared.
    """
    declared = sources_of(path)
    secrets: dict[str, str] = {}
    with city_while_needed(), transaction() as session:
        signing = {source.code for source, _ in queries.sources(session) if source.signing_sealed is not None}
        for new in declared:
            if new.kind == SourceKind.WEBHOOK and new.code not in signing:
                secrets[new.code] = wire.new_secret()
            try:
                declaring.declare(session, _with_secret(new, secrets.get(new.code)), now=clock.wall_now())
            except InvalidInputError as fault:
                raise InvalidInputError(f"{path.name}, source {new.code}: {fault.detail}") from fault
    for new in declared:
        typer.echo(f"{new.code}: declared, {new.kind}")
        if new.code in secrets:
            typer.echo(f"  its secret, shown only now: {secrets[new.code]}")


def poll(code: str) -> bool:
    """The source was asked once, now, in this process; whether that was a success.

    Raises NotFoundError where there is no such source, InvalidInputError where it sends by itself or is switched off.
    """
    with city_while_needed():
        with transaction() as session:
            source_id = queries.source_by_code(session, code).id
        with transaction() as session:
            result = polling.ask(session, source_id)
    if result is None:
        raise InvalidInputError(f"The source {code} sends by itself or is switched off: it cannot be asked.")
    typer.echo(
        f"{code}: {result.new} new, {result.reissued} issued anew, {result.repeated} known already, "
        f"{result.ended} ended."
    )
    if result.detail:
        typer.echo(result.detail)
    return result.is_success


def export_table(path: Path) -> None:
    """The city's table stands in the CSV file, as it holds now."""
    with city_while_needed(), transaction() as session:
        version = queries.mapping_version(session)
        rows = queries.mapping_rows(session, version)
    with whole_file(path) as fresh:
        # A spreadsheet takes a file without the mark for one in its own old letters.
        fresh.write_text("\ufeff" + mapping_csv.written(rows), encoding="utf-8", newline="")
    typer.echo(f"{path}: version {version}, {len(rows)} rows")


def import_table(path: Path, note: str) -> None:
    """The CSV file is the table's newest version. Raises InvalidInputError that names row and column of a fault."""
    text = text_of(path)
    with city_while_needed(), transaction() as session:
        version = table.replace_table(session, text, by=None, note=note or path.name)
    typer.echo(f"{path.name}: the city's table has version {version}")


def sources_of(path: Path) -> list[NewSource]:
    """The `[[source]]` tables of a TOML file. Raises InvalidInputError that names what is missing or unknown."""
    return [_source_of(entry, path) for _, entry in tables_of(path, "source", types=_TYPES, needed=_NEEDED)]


def _source_of(entry: Mapping[str, Any], path: Path) -> NewSource:
    certificates = entry.get("extra_ca_file")
    return NewSource(
        code=entry["code"],
        name_th=entry.get("name_th") or entry.get("name_en") or entry["code"],
        name_en=entry.get("name_en") or entry.get("name_th") or entry["code"],
        kind=entry["kind"],
        period_s=entry["period_s"],
        url=entry.get("url"),
        options=entry.get("options", {}),
        is_enabled=entry.get("is_enabled", True),
        extra_ca_pem=None if certificates is None else text_of(path.parent / certificates),
        secret_env=entry.get("secret_env"),
        secret_header=entry.get("secret_header"),
    )


def _with_secret(new: NewSource, secret: str | None) -> NewSource:
    return new if secret is None else NewSource(**{**vars(new), "secret": secret})
