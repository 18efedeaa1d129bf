"""`faonam feeds`: how the sources of readings do, asking one now, and declaring more of them."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli.city import city_while_needed
from cli.declared import tables_of
from core import clock
from core.db import transaction
from core.errors import InvalidInputError, NotFoundError
from core.words import words
from sensors.feeds_store import actions, polling, queries
from sensors.feeds_store.actions import NewFeed
from sensors.feeds_store.changed import Declared, changes
from sensors.feeds_store.queries import FeedCard
from sensors.feeds_store.targets import check_targets

_NEEDED = ("code", "kind", "period_s", "streams")
_TYPES: Mapping[str, type] = {
    "code": str, "name_th": str, "name_en": str, "kind": str, "url": str, "period_s": int, "streams": list,
    "options": dict, "is_enabled": bool, "secret_env": str, "secret_header": str, "trust": str,
}
_TRUSTS = ("real", "derived", "simulated")


def list_feeds() -> None:
    """Every feed is told with its state, its lag and its trouble, those that need a look first."""
    with city_while_needed(), transaction() as session:
        cards = queries.cards(session, now=clock.now(), wall_now=clock.wall_now())
    if not cards:
        typer.echo(words("sensors", "feeds-none", language="en"))
        return
    table = Table()
    for heading in ("feed", "kind", "state", "how it does", "stored", "refused"):
        table.add_column(heading, justify="right" if heading in ("stored", "refused") else "left")
    for card in cards:
        table.add_row(
            card.code, card.kind, card.condition.value, _said(card), f"{card.rows_stored:,}", f"{card.rows_refused:,}"
        )
    Console().print(table)


def poll(code: str) -> bool:
    """The feed was asked once, now, in this process; whether that was a success. Its turn is counted from now on.

    Raises NotFoundError where there is no such feed, InvalidInputError where it sends by itself or is switched off.
    """
    with city_while_needed():
        with transaction() as session:
            spec = queries.spec_by_code(session, code)
        if spec is None:
            raise NotFoundError(f"There is no feed '{code}'. They are: faonam feeds list")
        with transaction() as session:
            result = polling.ask(session, spec.id)
        if result is None:
            raise InvalidInputError(f"The feed {code} sends by itself or is switched off: it cannot be asked.")
        with transaction() as session:
            cards = queries.cards(session, now=clock.now(), wall_now=clock.wall_now())
    typer.echo(
        f"{code}: {result.stored} stored, {result.repeated} known already, {result.refused} refused. "
        f"{_said(next(card for card in cards if card.code == code))}"
    )
    if result.detail:
        typer.echo(result.detail)
    return result.is_success


def add(path: Path) -> None:
    """The feeds of a TOML file are declared; one that sends is given a key, which is shown this once.

    Of each is told whether it is new, as it was, or what of it has changed.

    Raises InvalidInputError that names the feed and the fault; nothing of the file is then declared.
    """
    declared = feeds_of(path)
    with city_while_needed(), transaction() as session:
        before = queries.declared(session)
        known = {spec.code: spec for spec in queries.specs(session)}
        keys = {
            new.code: secrets.token_urlsafe(32)
            for new in declared
            if new.url is None and (new.code not in known or known[new.code].key_hash is None)
        }
        for new in declared:
            try:
                actions.declare_feed(session, dataclasses.replace(new, key=keys.get(new.code)))
                check_targets(session, new)
            except InvalidInputError as fault:
                raise InvalidInputError(f"{path.name}, feed {new.code}: {fault.detail}") from fault
        after = queries.declared(session)
    for new in declared:
        _tell_of(new.code, before.get(new.code), after[new.code])
        if new.code in keys:
            typer.echo(f"  its key, shown only now: {keys[new.code]}")


def _tell_of(code: str, before: Declared | None, after: Declared) -> None:
    if before is None:
        typer.echo(f"{code}: new, {after['kind']}, {len(after['streams'])} streams")
        return
    told = changes(before, after)
    typer.echo(f"{code}: {'changed' if told else 'unchanged'}")
    for change in told:
        typer.echo(f"  {change}")


def feeds_of(path: Path) -> list[NewFeed]:
    """The `[[feed]]` tables of a TOML file. Raises InvalidInputError that names what is missing or unknown."""
    return [_feed_of(entry, where) for where, entry in tables_of(path, "feed", types=_TYPES, needed=_NEEDED)]


def _feed_of(entry: Mapping[str, Any], where: str) -> NewFeed:
    if entry.get("trust", "real") not in _TRUSTS:
        raise InvalidInputError(f"{where}: 'trust' must be one of {', '.join(_TRUSTS)}.")
    return NewFeed(
        code=entry["code"],
        name_th=entry.get("name_th") or entry.get("name_en") or entry["code"],
        name_en=entry.get("name_en") or entry.get("name_th") or entry["code"],
        kind=entry["kind"],
        url=entry.get("url"),
        period_s=entry["period_s"],
        streams=_json(entry["streams"], where),
        options=_json(entry.get("options", {}), where),
        is_enabled=entry.get("is_enabled", True),
        secret_env=entry.get("secret_env"),
        secret_header=entry.get("secret_header"),
        key=None,
        trust=entry.get("trust", "real"),
        layer=None,
    )


def _json(content: object, where: str) -> Any:
    """TOML also has dates and infinities, which no declaration holds."""
    try:
        return json.loads(json.dumps(content, allow_nan=False))
    except (TypeError, ValueError):
        raise InvalidInputError(f"{where}: only texts, numbers, lists and tables are known here.") from None


def _said(card: FeedCard) -> str:
    return ". ".join(words("sensors", line.key, language="en", **line.slots) for line in card.lines)
