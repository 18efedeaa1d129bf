"""The `homes` layer of a city pack: members of the city's LINE account and where they live."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, sealing
from core.db import driver_connection
from core.errors import InvalidInputError
from gis.citypack.layers import Column, LayerKind, LayerRows, Row, RowFault, register
from residents import rules

_COLUMNS = {
    "member_id": Column(required=True, unique=True),
    "language": Column(),
    "is_vulnerable": Column(type=bool),
    "community_code": Column(),
}
_PEOPLE = """
    INSERT INTO resident (line_user_hash, line_user_sealed, language, consented_at, consent_version, is_reachable,
                          joined_at, trust)
    SELECT line_user_hash, line_user_sealed, language, :at, :consent_version, true, :at, :trust FROM {incoming}
    ON CONFLICT (line_user_hash) DO NOTHING
"""
# A home that a resident has set stays; one of an earlier import makes room.
_OLD_HOMES = "DELETE FROM home WHERE label = :label"
# Who has no home is settled before the first is written: a plan that looks it up for each row would, where statistics
# still say that nobody lives here, read all the homes that it has just written again and again.
_HOMES = """
    WITH without_home AS MATERIALIZED (SELECT id FROM resident EXCEPT SELECT resident_id FROM home)
    INSERT INTO home (resident_id, geom, area_id, is_vulnerable, label)
    SELECT resident.id, ST_SetSRID(ST_MakePoint(incoming.lon, incoming.lat), 4326), area.id, incoming.is_vulnerable,
           :label
    FROM {incoming} incoming
    JOIN resident ON resident.line_user_hash = incoming.line_user_hash
    JOIN without_home ON without_home.id = resident.id
    LEFT JOIN area ON area.kind = 'community' AND area.code = incoming.community_code
"""


def load_homes(session: Session, rows: LayerRows) -> int:
    """The layer's members are residents with a home each, instead of those of its last import; how many there are.

    LINE ids are sealed and hashed on the way in. The city vouches for the consent of those it imports:
    `consent_version` says from which layer. Raises InvalidInputError that names the row of a member id or a language
    that cannot be used.
    """
    _check(rows)
    incoming = f"home_incoming_{uuid.uuid4().hex[:8]}"
    _copy(session, rows, incoming)
    label = f"import:{rows.layer.name}"
    at: datetime = clock.now()
    facts = {"at": at, "consent_version": label, "trust": rows.layer.trust, "label": label}
    session.execute(sa.text(_PEOPLE.format(incoming=incoming)), facts)
    session.execute(sa.text(_OLD_HOMES), facts)
    # Without this a first import is planned as if nobody lived here, and joins row by row.
    session.execute(sa.text(f"ANALYZE {incoming}, resident"))
    session.execute(sa.text(_HOMES.format(incoming=incoming)), facts)
    session.execute(sa.text(f"DROP TABLE {incoming}"))
    return session.scalar(sa.text("SELECT count(*) FROM home WHERE label = :label"), facts) or 0


def _check(rows: LayerRows) -> None:
    # By column: to make rows of 44,000 members would take as long as to check them.
    for number, member_id, language in zip(
        rows.numbers, rows.column("member_id"), rows.column("language"), strict=True
    ):
        for fault in _faults(member_id, language):
            raise InvalidInputError(f"{rows.layer.file}, row {number}, column {fault.column}: {fault.cause}")


def _home_faults(row: Row) -> Iterator[RowFault]:
    return _faults(row.fields["member_id"], row.fields.get("language"))


def _faults(member_id: object, language: str | None) -> Iterator[RowFault]:
    if not rules.LINE_USER_ID.fullmatch(str(member_id)):
        yield RowFault("it must be U and 32 hexadecimal digits, as LINE gives it.", "member_id")
    if language and language not in rules.LANGUAGES:
        yield RowFault(f"'{language}' is none of {', '.join(rules.LANGUAGES)}.", "language")


def _copy(session: Session, rows: LayerRows, incoming: str) -> None:
    session.execute(
        sa.text(
            f"CREATE TEMPORARY TABLE {incoming} (line_user_hash bytea, line_user_sealed bytea, language text,"
            " is_vulnerable boolean, community_code text, lon double precision, lat double precision) ON COMMIT DROP"
        )
    )
    members = zip(
        rows.column("member_id"),
        rows.column("language"),
        rows.column("is_vulnerable"),
        rows.column("community_code"),
        rows.lonlats().tolist(),
        strict=True,
    )
    statement = f"COPY {incoming} FROM STDIN (FORMAT binary)"
    with driver_connection(session).cursor().copy(statement) as copy:
        copy.set_types(["bytea", "bytea", "text", "bool", "text", "float8", "float8"])
        for member_id, language, is_vulnerable, community_code, (lon, lat) in members:
            hashed, sealed = sealing.fingerprint(member_id), sealing.seal(member_id)
            copy.write_row((hashed, sealed, language or "th", bool(is_vulnerable), community_code, lon, lat))


HOMES = register(
    LayerKind(kind="homes", columns=_COLUMNS, geometry="Point", load=load_homes, judge=_home_faults)
)
