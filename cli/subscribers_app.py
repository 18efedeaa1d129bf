"""`faonam subscribers`: institutions that are told of alerts by mail or webhook."""

from __future__ import annotations

from typing import Annotated

import typer

subscribers_app = typer.Typer(
    help="Institutions (schools, hospitals, radio) that are told of alerts.", no_args_is_help=True
)


@subscribers_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Who it is, as officers know it.")],
    kind: Annotated[str, typer.Argument(help="mail or webhook.")],
    address: Annotated[str, typer.Argument(help="The address of mail, or of the web: https, beyond this machine.")],
    language: Annotated[str, typer.Option(help="th, en, ms or my.")] = "th",
    area: Annotated[list[str] | None, typer.Option(help="Code of an area of the city; again for more.")] = None,
    exercises: Annotated[bool, typer.Option("--exercises", help="Tell it of exercises too.")] = False,
) -> None:
    """Tell the institution from the next alert on; what signs a webhook's calls is shown this once."""
    from cli import subscribers

    subscribers.add(name, kind, address, language=language, areas=area or [], takes_exercises=exercises)


@subscribers_app.command("list")
def list_subscribers() -> None:
    """Name every institution that is told: how, of what, and what keeps it from hearing."""
    from cli import subscribers

    subscribers.list_subscribers()


@subscribers_app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="As `faonam subscribers list` has it.")]) -> None:
    """Tell the institution nothing any more; its address is forgotten."""
    from cli import subscribers

    subscribers.remove(name)
