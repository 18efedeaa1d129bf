"""Refused readings at the command line: what waits in quarantine and why, and trying it again."""

from __future__ import annotations

import dataclasses
import getpass
import json
from datetime import datetime, timedelta, timezone

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import sensors.sensorthings.posted  # noqa: F401 - takes its messages again.
from cli.city import city_while_needed
from core.db import transaction
from core.errors import InvalidInputError
from sensors import quarantine, retrying
from sensors.actions import Operator, replay_refused, replay_vouched
from sensors.models import ReadingRefused
from sensors.quarantine import Choice
from sensors.retrying import Tried

THAI_TIME = timezone(timedelta(hours=7))
SHOWN_CHARS = 100


def list_refused(*, reason: str | None, since: str | None, rows: int) -> None:
    """A table of the reasons, and one of the newest rows that wait where `rows` asks for some; nothing is changed."""
    choice = choice_of(reason=reason, since=since, ids=None)
    with city_while_needed(), transaction() as session:
        counts = quarantine.counts(session, choice)
        still = dataclasses.replace(choice, still_waits=True)
        waiting = quarantine.page(session, still, before_id=None, limit=rows) if rows else []
    if not counts:
        typer.echo("Nothing is in quarantine.")
        return
    Console().print(_reasons(counts))
    if waiting:
        Console().print(_rows(waiting))


def replay(*, reason: str | None, since: str | None, ids: list[int] | None, units: list[str], is_vouched: bool) -> None:
    """The chosen rows have been tried again; a sentence says how many were taken, and why the others were not."""
    choice = choice_of(reason=reason, since=since, ids=ids)
    meant = retrying.units_of(units)
    by = Operator(f"{getpass.getuser()} (command line)")
    try_again = replay_vouched if is_vouched else replay_refused

    def try_some(some: Choice) -> Tried:
        with transaction() as session:
            return try_again(session, some, units=meant, by=by)

    with city_while_needed():
        told = retrying.all_of(try_some, choice)
    typer.echo(f"{told.taken} of {told.rows} rows were taken.")
    for still, count in sorted(told.still_refused.items(), key=lambda one: (-one[1], one[0])):
        typer.echo(f"{count} stay refused: {quarantine.words_of(still, language='en')} ({still}).")


def choice_of(*, reason: str | None, since: str | None, ids: list[int] | None) -> Choice:
    """Which rows are meant. Raises InvalidInputError for a reason or a time that is none."""
    return Choice(
        reason=None if reason is None else quarantine.checked_reason(reason),
        ids=tuple(ids) if ids else None,
        since=None if since is None else _time(since),
    )


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo is not None else at.replace(tzinfo=THAI_TIME)
    except ValueError:
        raise InvalidInputError(f"'{text[:60]}' is no time such as 2026-11-21 or 2026-11-21T03:00Z.") from None


def _reasons(counts: list[quarantine.ReasonCount]) -> Table:
    table = Table("why", "reason", "wait", "taken later", "newest (Thai time, UTC+7)")
    for one in counts:
        newest = f"{one.newest_at.astimezone(THAI_TIME):%Y-%m-%d %H:%M}"
        said = quarantine.words_of(one.reason, language="en")
        table.add_row(said, Text(one.reason), str(one.waiting), str(one.replayed), newest)
    return table


def _rows(rows: list[ReadingRefused]) -> Table:
    table = Table("id", "received (Thai time, UTC+7)", "by", "reason", "what it says")
    for row in rows:
        received = f"{row.received_at.astimezone(THAI_TIME):%Y-%m-%d %H:%M:%S}"
        said = row.raw.get("text") or json.dumps(row.raw, ensure_ascii=False)
        # As text: what a stranger sent is no markup of ours, and moves no terminal.
        plain = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(said))
        table.add_row(str(row.id), received, Text(row.source), Text(row.reason), Text(plain[:SHOWN_CHARS]))
    return table
