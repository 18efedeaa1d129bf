"""What is different when a feed is declared again, in words for whoever declares it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

# What a declaration says of a feed; of its key nothing is ever told.
DECLARED = (
    "name_th", "name_en", "kind", "url", "period_s", "streams", "options", "is_enabled", "secret_env",
    "secret_header", "trust",
)
MOST_CHARS = 80
Declared = Mapping[str, Any]


def changes(before: Declared, after: Declared) -> list[str]:
    """What differs between two declarations of a feed: one sentence each, from the old to the new.

    Of an address only the host is told: what comes behind it may be a secret of the source.
    """
    return [change for name in DECLARED if before[name] != after[name] for change in _of(name, before, after)]


def _of(name: str, before: Declared, after: Declared) -> Iterator[str]:
    old, new = before[name], after[name]
    if name == "url":
        yield _of_address(old, new)
    elif name == "streams":
        yield from _of_streams(old, new)
    elif name == "options":
        for option in sorted({*old, *new}):
            if old.get(option) != new.get(option):
                yield f"options.{option}: {_shown(old.get(option))} → {_shown(new.get(option))}"
    else:
        yield f"{name}: {_shown(old)} → {_shown(new)}"


def _of_address(old: str | None, new: str | None) -> str:
    if old is not None and new is not None and _host(old) == _host(new):
        return f"url: another address at {_host(new)}"
    return f"url: {_host(old)} → {_host(new)}"


def _host(url: str | None) -> str:
    """Scheme, host and port, without what may be a secret."""
    if url is None:
        return "none"
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _of_streams(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[str]:
    before, after = _by_name(old), _by_name(new)
    for name in before | after:
        if name not in before:
            yield f"stream {name}: new, fills {after[name].get('datastream')}"
        elif name not in after:
            yield f"stream {name}: gone, filled {before[name].get('datastream')}"
        else:
            for key in sorted({*before[name], *after[name]}):
                if before[name].get(key) != after[name].get(key):
                    yield f"stream {name}, {key}: {_shown(before[name].get(key))} → {_shown(after[name].get(key))}"
    if before == after:
        yield "streams: in another order"


def _by_name(streams: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(one["stream"]): one for one in streams}


def _shown(value: object) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}…"
