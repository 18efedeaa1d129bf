"""JSON Patch (RFC 6902) on a document of plain values. Pure; no input raises anything but BodyError."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from sensors.sensorthings.errors import BodyError

MOST_OPERATIONS = 200
MOST_COPIED = 100_000
Json = Any


def patched(document: Json, operations: Json) -> Json:
    """The document after all the operations, in their order; the one given stays as it is. Raises BodyError."""
    if not isinstance(operations, list) or len(operations) > MOST_OPERATIONS:
        raise BodyError(f"A JSON Patch is a list of at most {MOST_OPERATIONS} operations.")
    after = copy.deepcopy(document)
    for operation in operations:
        if not isinstance(operation, dict) or operation.get("op") not in _OPERATIONS:
            raise BodyError(f"An operation of a JSON Patch has an 'op' of {', '.join(sorted(_OPERATIONS))}.")
        after = _OPERATIONS[operation["op"]](after, operation)
        if len(str(after)) > MOST_COPIED:
            raise BodyError("The JSON Patch makes the document too large.")
    return after


def _pointer(operation: dict[str, Json], name: str = "path") -> list[str]:
    said = operation.get(name)
    if not isinstance(said, str) or (said and not said.startswith("/")) or re.search("~(?![01])", said):
        raise BodyError(f"The '{name}' of an operation is a JSON Pointer such as /properties/colour.")
    return [part.replace("~1", "/").replace("~0", "~") for part in said.split("/")[1:]]


def _value(operation: dict[str, Json]) -> Json:
    if "value" not in operation:
        raise BodyError(f"The operation '{operation['op']}' has no value.")
    return copy.deepcopy(operation["value"])


def _index(parent: list[Json], key: str, *, last: int) -> int:
    if not re.fullmatch(r"0|[1-9]\d{0,6}", key, re.ASCII) or int(key) > last:
        raise BodyError(f"There is no place '{key[:40]}' in a list of {len(parent)}.")
    return int(key)


def _at(document: Json, pointer: list[str]) -> Json:
    for key in pointer:
        if isinstance(document, list):
            document = document[_index(document, key, last=len(document) - 1)]
        elif isinstance(document, dict) and key in document:
            document = document[key]
        else:
            raise BodyError(f"There is nothing at '/{'/'.join(pointer)[:80]}'.")
    return document


def _put(document: Json, pointer: list[str], value: Json) -> Json:
    if not pointer:
        return value
    parent, key = _at(document, pointer[:-1]), pointer[-1]
    if isinstance(parent, list):
        parent.insert(len(parent) if key == "-" else _index(parent, key, last=len(parent)), value)
    elif isinstance(parent, dict):
        parent[key] = value
    else:
        raise BodyError(f"Nothing can be added at '/{'/'.join(pointer)[:80]}'.")
    return document


def _taken(document: Json, pointer: list[str]) -> Json:
    if not pointer:
        raise BodyError("The whole document cannot be removed.")
    value = _at(document, pointer)
    parent = _at(document, pointer[:-1])
    if isinstance(parent, list):
        del parent[int(pointer[-1])]
    else:
        del parent[pointer[-1]]
    return value


def _add(document: Json, operation: dict[str, Json]) -> Json:
    return _put(document, _pointer(operation), _value(operation))


def _remove(document: Json, operation: dict[str, Json]) -> Json:
    _taken(document, _pointer(operation))
    return document


def _replace(document: Json, operation: dict[str, Json]) -> Json:
    pointer = _pointer(operation)
    if pointer:
        _taken(document, pointer)
    return _put(document, pointer, _value(operation))


def _move(document: Json, operation: dict[str, Json]) -> Json:
    start, end = _pointer(operation, "from"), _pointer(operation)
    if end[: len(start)] == start and end != start:
        raise BodyError("A value cannot be moved into itself.")
    return _put(document, end, _taken(document, start))


def _copy(document: Json, operation: dict[str, Json]) -> Json:
    return _put(document, _pointer(operation), copy.deepcopy(_at(document, _pointer(operation, "from"))))


def _test(document: Json, operation: dict[str, Json]) -> Json:
    if not _same(_at(document, _pointer(operation)), _value(operation)):
        raise BodyError("A test of the JSON Patch does not hold; nothing was changed.")
    return document


def _same(one: Json, other: Json) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


_OPERATIONS: dict[str, Callable[[Json, dict[str, Json]], Json]] = {
    "add": _add, "remove": _remove, "replace": _replace, "move": _move, "copy": _copy, "test": _test,
}
