"""A search through everything that the house keeps: every column of every table, whatever is sealed, and every file."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from sqlalchemy.orm import Session

from core import sealing

_COLUMNS = sa.text("""
    SELECT c.table_schema, c.table_name, c.column_name, c.udt_name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
      AND c.table_name <> 'spatial_ref_sys'
    ORDER BY 1, 2, c.ordinal_position
""")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_SHAPES = {"geometry", "geography"}
# A degree's 1e-6 is 11 cm.
_SAME_DEG = 1e-6


def columns(session: Session) -> list[tuple[str, str, str]]:
    """Every column of every table as (quoted table, quoted column, type)."""
    return [(f'"{schema}"."{table}"', f'"{column}"', kind) for schema, table, column, kind in session.execute(_COLUMNS)]


def traces(session: Session, *, words: list[str], raw: list[bytes], lon: float, lat: float) -> list[str]:
    """Where in the database one of these words, bytes or this place can be found, as `table.column: what`."""
    found: list[str] = []
    for table, column, kind in columns(session):
        name = f"{table}.{column}"
        if kind in _SHAPES:
            near = sa.text(
                f"SELECT count(*) FROM {table} t, ST_DumpPoints(t.{column}::geometry) d "  # noqa: S608 - from the catalogue.
                f"WHERE ST_DWithin(d.geom, ST_SetSRID(ST_MakePoint(:lon, :lat), ST_SRID(d.geom)), :same)"
            )
            if session.scalar(near, {"lon": lon, "lat": lat, "same": _SAME_DEG}):
                found.append(f"{name}: the place")
            continue
        values = session.scalars(sa.text(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"))  # noqa: S608 - as above.
        for value in values:
            found += [f"{name}: {what}" for what in _in_value(value, words, raw, lon, lat)]
    return sorted(set(found))


def _in_value(value: Any, words: list[str], raw: list[bytes], lon: float, lat: float) -> Iterator[str]:
    if isinstance(value, float):
        if min(abs(value - lon), abs(value - lat)) < _SAME_DEG:
            yield "a coordinate"
        return
    for text in _readings(value):
        for word in words:
            if word.lower() in text.lower():
                yield word
    blob = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    for one in raw:
        if one in blob or one.hex().encode() in blob:
            yield "bytes"


def _readings(value: Any) -> Iterator[str]:
    """The value as text, opened where it is sealed, with what is sealed inside it opened too."""
    if isinstance(value, bytes | memoryview):
        text = bytes(value).decode("utf-8", "replace")
        opened = _opened(bytes(value))
        if opened is not None:
            text += "\n" + opened
    elif isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value)
    yield text
    for match in _BASE64.finditer(text):
        try:
            opened = _opened(base64.b64decode(match[0], validate=True))
        except (binascii.Error, ValueError):
            continue
        if opened is not None:
            yield opened


def _opened(sealed: bytes) -> str | None:
    if len(sealed) < 28:
        return None
    try:
        return sealing.unseal(sealed)
    except (InvalidTag, UnicodeDecodeError):
        return None


def traces_in_files(folder: Path, *, words: list[str], raw: list[bytes]) -> list[str]:
    """The files below the data folder that hold one of these words or bytes, or are named by one.

    PostgreSQL's own are left out: it overwrites the rows of yesterday in its own time.
    """
    wanted = [word.encode() for word in words] + raw
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
        and path.relative_to(folder).parts[0] != "pg"
        and (any(one in path.read_bytes() for one in wanted) or any(word in path.name for word in words))
    )
