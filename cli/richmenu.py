"""`faonam richmenu`: the menu under the chat, at LINE or at the stand-in, as the city's file describes it."""

from __future__ import annotations

import typer

from core import db
from core.progress import console
from residents import menus


def put() -> None:
    """LINE has the menus of `residents/data/menu.toml`; says for each language what was done."""
    with db.transaction() as session:
        changes = menus.put_at_line(session)
    for change in changes:
        said = f"made, linked to {change.linked} residents" if change.is_new else "as it was"
        console.print(f"menu {change.language}: {said}", highlight=False)


def add_to(app: typer.Typer) -> None:
    """`faonam richmenu` is a command of the app."""
    app.command("richmenu", help="Make the menu under the chat at LINE, or renew it; again changes nothing.")(put)
