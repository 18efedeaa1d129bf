"""Things that an operator declares in a TOML file, a table each: read, and what is wrong with them named."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from core.errors import InvalidInputError
from core.files import text_of


def tables_of(
    path: Path, name: str, *, types: Mapping[str, type], needed: Collection[str]
) -> list[tuple[str, dict[str, Any]]]:
    """The `[[name]]` tables of the file, each behind the words that say where it stands; every code is there once.

    Raises InvalidInputError where the file is no TOML or holds anything else, and where a setting is unknown, of
    another type or missing.
    """
    try:
        content = tomllib.loads(text_of(path))
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise InvalidInputError(f"{path} is no TOML: {fault}.") from fault
    entries = content.get(name)
    if set(content) != {name} or not isinstance(entries, list) or not entries:
        raise InvalidInputError(f"{path.name}: {name}s are written as [[{name}]], and nothing else.")
    found = [(f"{path.name}, {name} {number}", entry) for number, entry in enumerate(entries, 1)]
    first: dict[str, int] = {}
    for number, (where, entry) in enumerate(found, 1):
        _check(entry, where, name, types=types, needed=needed)
        if first.setdefault(entry["code"], number) != number:
            raise InvalidInputError(f"{where}: {name} {first[entry['code']]} has the code '{entry['code']}'.")
    return found


def _check(entry: object, where: str, name: str, *, types: Mapping[str, type], needed: Collection[str]) -> None:
    if not isinstance(entry, dict):
        raise InvalidInputError(f"{where}: {name}s are written as [[{name}]].")
    for key, content in entry.items():
        if key not in types:
            raise InvalidInputError(f"{where}: there is no setting '{key}' (known: {', '.join(types)}).")
        if type(content) is not types[key]:
            raise InvalidInputError(f"{where}: '{key}' must be of the type {types[key].__name__}.")
    for key in needed:
        if key not in entry:
            raise InvalidInputError(f"{where}: '{key}' is missing.")
