"""Questions answered: one statement for a page, one more for each level of $expand, whatever the number of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from sensors.models import LatestReading
from sensors.sensorthings import newest, paging, rendering
from sensors.sensorthings.columns import Source, Sql, is_child, target
from sensors.sensorthings.conditions import Scope, condition
from sensors.sensorthings.errors import NoSuchResourceError, QueryError
from sensors.sensorthings.model import COLLECTIONS, OBSERVATION, Entity, Kind
from sensors.sensorthings.options import Address, Expand, Options

LONGEST_ANSWER_S = 20
MOST_EXPANDED = 50_000  # Rows of one level: a page of things with all their observations must not fill the memory.
_LATEST = LatestReading.__table__
# What lists of children are joined to: the ids that a statement is given as `parents`.
_PARENTS = (
    sa.func.unnest(sa.bindparam("parents", type_=sa.ARRAY(sa.BigInteger)))
    .table_valued("id")
    .render_derived(name="parents")
)
Row = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where an address leads: to one entity, or to a collection, maybe that of a parent by a relation."""

    entity: Entity
    id: int | None = None
    parent: Entity | None = None
    parent_id: int | None = None
    relation: str | None = None


@dataclass(frozen=True)
class _Statement:
    """A collection's rows and what they are ordered by, without limits; `matching` are its conditions but the token."""

    source: Source
    scope: Scope
    keys: list[paging.Key]
    matching: list[Sql]


@contextlib.contextmanager
def _asking(session: Session) -> Iterator[None]:
    session.execute(sa.text(f"SET LOCAL statement_timeout = '{LONGEST_ANSWER_S}s'"))
    try:
        yield
    except sa.exc.DBAPIError as fault:
        if isinstance(fault.orig, psycopg.errors.QueryCanceled):
            raise QueryError("That takes too long: ask for less.") from None
        if isinstance(fault, sa.exc.DataError | sa.exc.InternalError):
            raise QueryError("The question does not fit the data: a number, time or shape is out of range.") from None
        raise


@dataclass(frozen=True)
class Reader:
    """Reads entities in one transaction; `base` is the absolute address of the service's root, `now` the time."""

    session: Session
    base: str
    now: datetime

    def place(self, address: Address) -> Place:
        """Where the address leads. Raises NoSuchResourceError where one of its entities does not exist."""
        first = address.steps[0]
        found = Place(COLLECTIONS[first.name])
        if first.id is not None:
            found = self._checked(found, first.id)
        for step in address.steps[1:]:
            if found.id is None:
                raise NoSuchResourceError(f"{step.name} follows one entity, not a collection.")
            found = self._onwards(found, step.name, step.id)
        return found

    def _onwards(self, place: Place, relation: str, id_: int | None) -> Place:
        entity = target(place.entity, relation)
        if place.entity.relations[relation].is_many:
            many = Place(entity, parent=place.entity, parent_id=place.id, relation=relation)
            return many if id_ is None else self._checked(many, id_)
        source = Source(place.entity)
        one = self.session.scalar(sa.select(source.foreign_key(relation)).where(source.id == place.id))
        if one is None:
            raise NoSuchResourceError(f"This {place.entity.name} has no {relation}.")
        return Place(entity, id=one, parent=place.entity, parent_id=place.id, relation=relation)

    def _checked(self, place: Place, id_: int) -> Place:
        source = Source(place.entity)
        conditions = [source.id == sa.literal(id_, sa.BigInteger), *_belongs(source, place)]
        if self.session.scalar(sa.select(source.id).where(*conditions)) is None:
            raise NoSuchResourceError(f"There is no {place.entity.name} {id_} here.")
        return replace(place, id=id_)

    def one(self, place: Place, options: Options) -> dict[str, Any]:
        """The one entity of the place with what $select and $expand ask. Raises NoSuchResourceError."""
        refused = set(options.raw) - {"$select", "$expand"}
        if refused:
            raise QueryError(f"{sorted(refused)[0]} is for collections; this is one {place.entity.name}.")
        source = Source(place.entity)
        form = rendering.form_of(place.entity, options)
        query = sa.select(*_columns(source, form, options)).where(source.id == place.id)
        with _asking(self.session):
            rows = self._rows(query)
            if not rows:
                raise NoSuchResourceError(f"There is no {place.entity.name} {place.id}.")
            return self._written(rows, form, options)[0]

    def property(self, place: Place, name: str) -> Any:
        """The property's value; None where it is absent."""
        options = Options(select=(name,), raw={"$select": name})
        return self.one(place, options)[name]

    def page(self, place: Place, options: Options, *, address: str) -> dict[str, Any]:
        """One page of the collection as the standard writes it; `address` is that of the collection, for its links."""
        statement = self._statement(place.entity, options, place=place)
        form = rendering.form_of(place.entity, options)
        with _asking(self.session):
            behind = None if options.token is None else paging.after(statement.keys, options.token)
            rows = self._rows(_limited(statement, form, options, behind))
            content: dict[str, Any] = {}
            if options.is_counted:
                content["@iot.count"] = self.session.scalar(_counting(statement))
            shown = rows[: options.top]
            if len(rows) > options.top > 0:  # From a page of nothing no way leads on.
                ending = rendering.ending_of(options, shown=len(shown))
                token = _token(options, shown[-1] if shown else None, _key_names(statement))
                content["@iot.nextLink"] = f"{address}{ending}{token}"
            if options.is_data_array:
                content["value"] = rendering.data_arrays(shown, form, base=self.base)
            else:
                content["value"] = self._written(shown, form, options)
        return content

    def rows(self, entity: Entity, ids: Collection[int]) -> dict[int, Row]:
        """Those of the entities that are there and shown, whole; an observation with its datastream's id too."""
        source = Source(entity)
        options = Options(is_data_array=entity is OBSERVATION)
        query = sa.select(*_columns(source, rendering.form_of(entity, options), options))
        query = query.where(_is_one_of(source, ids), *_belongs(source, Place(entity)))
        return {row["id"]: row for row in self._rows(query)}

    def those_at(self, address: Address, ids: Collection[int]) -> set[int]:
        """Those of the ids, of entities that are there, that the address leads to; none where it leads nowhere."""
        try:
            place = self.place(address)
        except NoSuchResourceError:
            return set()
        if place.id is not None:
            return {place.id} & set(ids)
        if place.parent is None:
            return set(ids)
        source = Source(place.entity)
        return set(self.session.scalars(sa.select(source.id).where(_is_one_of(source, ids), *_belongs(source, place))))

    def references(self, place: Place, options: Options, *, address: str) -> dict[str, Any]:
        """The addresses of the place's entities alone."""
        if place.id is not None:
            return {"@iot.selfLink": rendering.link(self.base, place.entity, place.id)}
        return self.page(place, replace(options, select=("@iot.selfLink",), expand=()), address=address)

    def _statement(self, entity: Entity, options: Options, *, place: Place) -> _Statement:
        source = Source(entity)
        scope = Scope(source, now=self.now)
        matching = _belongs(source, place)
        if options.filter is not None:
            matching.append(self._filtered(options, scope))
        keys = paging.keys_of(options.order, scope, parent=place.parent)
        return _Statement(source, scope, keys, matching)

    def _filtered(self, options: Options, scope: Scope) -> Sql:
        assumed = options.filter
        if assumed is None:
            return sa.true()
        apart = Scope(Source(scope.source.entity), now=self.now)
        matches = condition(assumed, apart)
        if not apart.reaches_many:
            return condition(assumed, scope)
        return scope.source.id.in_(sa.select(apart.source.id).select_from(apart.from_clause).where(matches))

    def _rows(self, query: sa.Executable, values: dict[str, Any] | None = None) -> list[Row]:
        result = self.session.execute(query, values)
        names = list(result.keys())
        return [dict(zip(names, row, strict=True)) for row in result.all()]

    def _written(self, rows: Sequence[Row], form: rendering.Form, options: Options) -> list[dict[str, Any]]:
        contents = rendering.all_written(rows, form, base=self.base)
        for expand in options.expand:
            if newest.is_value_alone(form.entity, expand):
                self._expand_newest(rows, contents, form.entity, expand)
            elif form.entity.relations[expand.relation].is_many:
                self._expand_many(rows, contents, form.entity, expand)
            else:
                self._expand_one(rows, contents, form.entity, expand)
        return contents

    def _expand_one(
        self, rows: Sequence[Row], contents: list[dict[str, Any]], entity: Entity, expand: Expand
    ) -> None:
        child = Source(target(entity, expand.relation))
        ids = sorted({row[f"_{expand.relation}"] for row in rows} - {None})
        form = rendering.expanded_form_of(child.entity, expand.options)
        scope = Scope(child, now=self.now)
        wanted = [child.id == sa.func.any(sa.literal(ids, sa.ARRAY(sa.BigInteger)))]
        if expand.options.filter is not None:
            wanted.append(self._filtered(expand.options, scope))
        query = sa.select(*_columns(child, form, expand.options)).select_from(scope.from_clause).where(*wanted)
        found = self._rows(query)
        by_id = dict(zip((row["id"] for row in found), self._written(found, form, expand.options), strict=True))
        for row, content in zip(rows, contents, strict=True):
            content[expand.relation] = by_id.get(row[f"_{expand.relation}"])

    def _expand_newest(
        self, rows: Sequence[Row], contents: list[dict[str, Any]], entity: Entity, expand: Expand
    ) -> None:
        by_id = {row["id"]: content for row, content in zip(rows, contents, strict=True)}
        found = newest.kept(self.session, by_id, now=self.now)
        newest.write(by_id, found, expand.options, base=self.base)
        others = [row for row in rows if row["id"] not in found] if len(found) < len(by_id) else []
        self._expand_many(others, [by_id[row["id"]] for row in others], entity, expand)

    def _expand_many(
        self, rows: Sequence[Row], contents: list[dict[str, Any]], entity: Entity, expand: Expand
    ) -> None:
        options, ids = expand.options, [row["id"] for row in rows]
        if not ids:
            return
        place = Place(target(entity, expand.relation), parent=entity, relation=expand.relation)
        statement = self._statement(place.entity, options, place=place)
        statement.matching.append(is_child(entity, _PARENTS.c.id, expand.relation, statement.source))
        form = rendering.expanded_form_of(place.entity, options)
        top = min(options.top, max(1, MOST_EXPANDED // len(ids)))
        found = self._looked_up(ids, statement, form, replace(options, top=top), entity=entity)
        written = self._written(found, form, options)
        counts = self._counts(ids, statement) if options.is_counted else {}
        grouped: dict[int, list[int]] = {}
        for index, row in enumerate(found):
            grouped.setdefault(row["_parent"], []).append(index)
        lengths = {min(top, len(mine)) for mine in grouped.values()}
        endings = {shown: rendering.ending_of(options, shown=shown) for shown in lengths}
        keys = _key_names(statement)
        name = expand.relation
        begun, next_name = f"{self.base}/{entity.collection}", f"{name}@iot.nextLink"
        tokens: dict[tuple[Any, ...], str] = {}  # Many gauges speak at the same moment: the same keys, the same word.
        for row, content in zip(rows, contents, strict=True):
            mine = grouped.get(row["id"], [])
            shown = mine[:top]
            if options.is_counted:
                content[f"{name}@iot.count"] = counts[row["id"]]
            content[name] = [written[index] for index in shown]
            if top and (len(mine) > top or (mine and found[mine[0]].get("_has_more"))):
                last = found[shown[-1]] if shown else None
                behind = () if last is None else tuple([last[key] for key in keys])
                if (token := tokens.get(behind)) is None:
                    token = tokens[behind] = _token(options, last, keys)
                content[next_name] = f"{begun}({row['id']})/{name}{endings[len(shown)]}{token}"

    def _looked_up(
        self, ids: Sequence[int], statement: _Statement, form: rendering.Form, options: Options, *, entity: Entity
    ) -> list[Row]:
        if entity.name == "Datastream" and newest.is_alone(options):
            # The newest reading's time is kept: from it on there is one partition to look into, not every day's.
            statement.matching.append(statement.source["observed_at"] >= _LATEST.c.observed_at)
            inner = _limited(statement, form, options, None).lateral("child")
            has_more = (_LATEST.c.first_observed_at < inner.c["_k0"]).label("_has_more")
            query = sa.select(_PARENTS.c.id.label("_parent"), inner, has_more).select_from(
                _PARENTS.join(_LATEST, _LATEST.c.datastream_id == _PARENTS.c.id).join(inner, sa.true())
            )
        else:
            inner = _limited(statement, form, options, None).lateral("child")
            query = sa.select(_PARENTS.c.id.label("_parent"), inner).select_from(_PARENTS.join(inner, sa.true()))
        return self._rows(query, {"parents": ids})

    def _counts(self, ids: Sequence[int], statement: _Statement) -> dict[int, int]:
        inner = _counting(statement).lateral("counted")
        query = sa.select(_PARENTS.c.id, inner).select_from(_PARENTS.join(inner, sa.true()))
        rows = self.session.execute(query, {"parents": ids})
        return {row[0]: row[1] for row in rows}


def _is_one_of(source: Source, ids: Collection[int]) -> Sql:
    return source.id == sa.func.any(sa.literal(sorted(ids), sa.ARRAY(sa.BigInteger)))


def _belongs(source: Source, place: Place) -> list[Sql]:
    """What makes a row one of the place's: of its parent, or at least shown at all."""
    if place.parent is not None and place.parent_id is not None and place.relation is not None:
        return [is_child(place.parent, sa.literal(place.parent_id, sa.BigInteger), place.relation, source)]
    shown = source.is_shown() if place.parent is None else None
    return [] if shown is None else [shown]


def _columns(source: Source, form: rendering.Form, options: Options) -> list[Sql]:
    columns: list[Sql] = [source.id.label("id")]
    for name in form.properties:
        typed = source.property(name)
        if typed.kind is Kind.SHAPE and typed.json is not None:
            columns.append(typed.json.label(name))
            continue
        columns.append(typed.sql.label(name))
        if typed.kind is Kind.PERIOD:
            columns.append((sa.null() if typed.end is None else typed.end).label(f"{name}_end"))
        if typed.kind is Kind.ANY and typed.json is not None:
            columns.append(typed.json.label(f"{name}_json"))
    relations = source.entity.relations
    wanted = [expand.relation for expand in options.expand if not relations[expand.relation].is_many]
    if options.is_data_array and "Datastream" not in wanted:
        wanted.append("Datastream")
    return [*columns, *(source.foreign_key(name).label(f"_{name}") for name in wanted)]


def _limited(
    statement: _Statement, form: rendering.Form, options: Options, behind: Sql | None
) -> sa.Select[Any]:
    keys = [key.sql.label(name) for name, key in zip(_key_names(statement), statement.keys, strict=True)]
    query = sa.select(*_columns(statement.source, form, options), *keys).select_from(statement.scope.from_clause)
    query = query.where(*statement.matching).order_by(*(key.ordered() for key in statement.keys))
    query = query.limit(options.top + 1)
    return query.offset(options.skip or None) if behind is None else query.where(behind)


def _counting(statement: _Statement) -> sa.Select[Any]:
    return sa.select(sa.func.count().label("n")).select_from(statement.scope.from_clause).where(*statement.matching)


def _key_names(statement: _Statement) -> list[str]:
    """What the statement's keys are called among the columns of its rows."""
    return [f"_k{index}" for index in range(len(statement.keys))]


def _token(options: Options, last: Row | None, keys: Sequence[str]) -> str:
    """What the next page goes on behind: the last row shown, or where this page began when it shows none."""
    if last is None:
        return rendering.quoted(options.token or "")
    return paging.token_of([last[key] for key in keys])
