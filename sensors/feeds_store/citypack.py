"""How a city pack brings feeds: a layer without shapes, one row a feed; its series and options are JSON in a cell."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from gis.citypack.findings import shown
from gis.citypack.layers import Column, LayerKind, LayerRows, Names, Row, RowFault, refuse_faulty, register
from sensors.feeds_store.actions import NewFeed, check_declared, declare_feed, remove_other_feeds
from sensors.feeds_store.spec import LONGEST_PERIOD_S, SHORTEST_PERIOD_S
from sensors.feeds_store.targets import known_datastreams, unknown_targets
from sensors.payloads import SaidTwiceError, said_once

DATASTREAMS = "datastreams"


def _feed_faults(row: Row) -> Iterator[RowFault]:
    try:
        check_declared(_feed_of(row, layer="", trust=""))
    except InvalidInputError as fault:
        yield RowFault(fault.detail)


def _target_faults(row: Row, known: Collection[str]) -> Iterator[RowFault]:
    for cause in unknown_targets(_feed_of(row, layer="", trust=""), known):
        yield RowFault(f"it {cause}", "streams")


def _load_feeds(session: Session, rows: LayerRows) -> int:
    kept = []
    for row in rows.rows:
        try:
            kept.append(declare_feed(session, _feed_of(row, layer=rows.layer.name, trust=rows.layer.trust)))
        except InvalidInputError as fault:
            raise InvalidInputError(f"Layer {rows.layer.name}, row {row.number}: {fault.detail}") from fault
    # Once more: the gauges may have been refused where they were loaded.
    known = known_datastreams(session)
    refuse_faulty(rows, lambda row: _target_faults(row, known))
    remove_other_feeds(session, layer=rows.layer.name, keep=kept)
    return len(kept)


def _feed_of(row: Row, *, layer: str, trust: str) -> NewFeed:
    fields = row.fields
    is_enabled = fields.get("is_enabled")
    return NewFeed(
        code=fields["code"],
        name_th=fields.get("name_th") or fields.get("name_en") or fields["code"],
        name_en=fields.get("name_en") or fields.get("name_th") or fields["code"],
        kind=fields["kind"],
        url=fields.get("url") or None,
        period_s=fields["period_s"],
        streams=_json(fields["streams"], "streams"),
        options=_json(fields.get("options") or "{}", "options"),
        is_enabled=True if is_enabled is None else is_enabled,
        secret_env=fields.get("secret_env") or None,
        secret_header=fields.get("secret_header") or None,
        key=fields.get("key") or None,
        trust=trust,
        layer=layer,
    )


def _json(text: str, column: str) -> object:
    try:
        content: object = json.loads(text, object_pairs_hook=said_once)
    except SaidTwiceError as fault:
        raise InvalidInputError(f"Column '{column}' says {shown(fault.name)} twice; one of them is meant.") from None
    except (ValueError, RecursionError):
        raise InvalidInputError(f"Column '{column}' is not JSON.") from None
    return content


FEEDS = register(
    LayerKind(
        kind="feeds",
        columns={
            "code": Column(required=True, unique=True),
            "name_th": Column(),
            "name_en": Column(),
            "kind": Column(required=True),
            "url": Column(),
            "period_s": Column(required=True, type=int, least=SHORTEST_PERIOD_S, most=LONGEST_PERIOD_S),
            "streams": Column(required=True),
            "options": Column(),
            "is_enabled": Column(type=bool),
            "secret_env": Column(),
            "secret_header": Column(),
            "key": Column(),
        },
        geometry=None,
        load=_load_feeds,
        judge=_feed_faults,
        names=Names(what=DATASTREAMS, stored=known_datastreams, judge=_target_faults),
    )
)
