"""Categories at the command line: teach them from labelled reports, and look at the models that were learnt."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from cli.city import city_while_needed
from core import clock
from core.db import transaction
from core.progress import step
from incidents import queries, teaching
from incidents.category_models import CategoryModel
from incidents.understanding.child import Shares
from incidents.understanding.labelled import LabelledFile, read_labelled
from incidents.understood import active_model, understood

TOLD = 20
WHY = {
    "first": "It is the city's first model and is active.",
    "no_worse": "It is no worse than the model before, and is active.",
    "other_categories": "The city's categories are others than before; it is active.",
    "worse": "It is worse than the model before, which stays active.",
}


def train(path: Path | None) -> int:
    """A model was learnt, from the file's labelled reports too; how many rows of the file could not be used."""
    found: LabelledFile | None = None
    with city_while_needed(), transaction() as session:
        if path is not None:
            categories = queries.categories(session)
            names = {name: one.code for one in categories for name in (one.name_th, one.name_en, one.code)}
            found = read_labelled(path, names=names)
            _tell_of(found)
            texts = [row.labelled for row in found.rows]
            fresh = teaching.keep_examples(session, texts, source=path.name, now=clock.now())
            typer.echo(f"{fresh} labelled reports are new or labelled otherwise than before.")
        with step("learning"):
            taught = teaching.learn(session, now=clock.now())
        if taught.model is None:
            typer.echo(
                f"Nothing was learnt: {taught.held_out} new labelled reports are held out to judge by, and "
                f"{teaching.LEAST_HELD_OUT} are needed. They are kept until there are more."
            )
        else:
            learnt_from = f"Model {taught.model.id} has learnt from {taught.model.texts} labelled reports."
            typer.echo(f"{learnt_from} {WHY[taught.why]}")
            if taught.learnt is not None:
                _tell("the new model", taught.learnt.candidate, held_out=taught.held_out)
                _tell("the model before", taught.learnt.before, held_out=taught.held_out)
    return len(found.faults) if found is not None else 0


def show(text: str | None) -> None:
    """The models, newest first; with a text, what the active one makes of it."""
    with city_while_needed(), transaction() as session:
        models = session.scalars(sa.select(CategoryModel).order_by(CategoryModel.id.desc()).limit(TOLD)).all()
        table = Table(title="models of categories")
        for heading in ("model", "learnt (UTC)", "labelled reports", "held out", "first before / now", "active"):
            table.add_column(heading)
        for one in models:
            before, now = (one.figures.get(name) for name in ("before", "candidate"))
            judged = f"{before['first']:.3f} / {now['first']:.3f}" if before and now else "-"
            table.add_row(
                str(one.id), f"{one.trained_at:%Y-%m-%d %H:%M}", str(one.texts), str(one.held_out), judged,
                "yes" if one.is_active else "",
            )
        Console().print(table)
        if text is not None:
            for offer in understood(session, queries.categories(session), text, model=active_model(session)).offers:
                typer.echo(f"{offer.category_code}  {'' if offer.confidence is None else f'{offer.confidence:.2f}'}")


def _tell_of(found: LabelledFile) -> None:
    for fault in found.faults[:TOLD]:
        typer.echo(f"kept out: {fault}", err=True)
    if len(found.faults) > TOLD:
        typer.echo(f"and {len(found.faults) - TOLD} more rows.", err=True)
    for label, times in sorted(found.unknown_labels.items(), key=lambda one: -one[1])[:TOLD]:
        typer.echo(f"the label '{label[:60]}' is no category here ({times} times).", err=True)
    typer.echo(f"{len(found.rows)} labelled reports, {found.repeats} repeats, {len(found.faults)} rows kept out.")


def _tell(who: str, shares: Shares | None, *, held_out: int) -> None:
    if shares is not None:
        typer.echo(f"{who}: first {shares.first:.3f}, among three {shares.in_three:.3f} of {held_out} held-out reports")
