"""The readers of addresses, options, filters and bodies: what they mean, and that no text breaks them."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import InvalidInputError, NotFoundError
from sensors.sensorthings import times
from sensors.sensorthings.errors import BodyError, NoSuchResourceError, QueryError
from sensors.sensorthings.expressions import Binary, Call, Junction, Literal, Path, Unary, filter_of, order_of
from sensors.sensorthings.model import ENTITIES, OBSERVATION, THING, Kind
from sensors.sensorthings.options import Step, address_of, options_of_query
from sensors.sensorthings.payloads import changes_of, content_of, draft_of

WORDS = st.lists(
    st.sampled_from([
        "result", "name", "Datastreams/Observations/result", "properties/a", "eq", "gt",
        "and", "or", "not", "add", "div",
        "(", ")", ",", "'", "'x'", "1", "1e309", "NaN", "-", "null", "true", "2020-01-01T00:00:00Z", "2020-13-01",
        "geography'POINT(1 2)'", "duration'P1D'", "now()", "year(", "substringof(", "$filter=", ";", "/",
        "@iot.id", "\x00",
    ]) | st.text(max_size=6),
    max_size=25,
).map(" ".join)


def test_and_binds_stronger_than_or_and_not_stronger_than_both() -> None:
    """Precedence is that of OData: or, and, not, comparisons, add, mul."""
    found = filter_of("a eq 1 or not b eq 2 and c add 2 mul 3 gt 4")
    assert isinstance(found, Junction)
    assert found.operator == "or"
    second = found.operands[1]
    assert isinstance(second, Junction)
    assert second.operator == "and"
    assert isinstance(second.operands[0], Unary)
    comparison = second.operands[1]
    assert isinstance(comparison, Binary)
    total = Binary("add", Path(("c",)), Binary("mul", Literal(Kind.NUMBER, 2.0), Literal(Kind.NUMBER, 3.0)))
    assert comparison.left == total


@pytest.mark.parametrize(("text", "kind", "value"), [
    ("'it''s'", Kind.TEXT, "it's"),
    ("'a or b'", Kind.TEXT, "a or b"),
    ("2.5e1", Kind.NUMBER, 25.0),
    ("true", Kind.BOOLEAN, True),
    ("null", Kind.NULL, None),
    ("2020-01-01T07:00:00+07:00", Kind.TIME, datetime(2020, 1, 1, tzinfo=UTC)),
    ("2020-01-01T07:00:00 07:00", Kind.TIME, datetime(2020, 1, 1, tzinfo=UTC)),
    ("2020-01-01T00:00:00Z/2020-01-02T00:00:00Z", Kind.PERIOD,
     (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC))),
    ("duration'PT90M'", Kind.DURATION, timedelta(minutes=90)),
    ("geography'POINT (30 10)'", Kind.SHAPE, "POINT (30 10)"),
])
def test_a_literal_is_read_as_what_it_is(text: str, kind: Kind, value: object) -> None:
    """Texts, numbers, times, periods, durations and shapes are told apart; a lost plus sign of an offset is found."""
    assert filter_of(f"a eq {text}") == Binary("eq", Path(("a",)), Literal(kind, value))


def test_functions_and_orders_are_read() -> None:
    """A function may stand alone as a condition; an order has several keys, each up or down."""
    assert filter_of("substringof('a', name)") == Call("substringof", (Literal(Kind.TEXT, "a"), Path(("name",))))
    assert [key.is_descending for key in order_of("Datastream/name desc,result asc, id")] == [True, False, False]


@pytest.mark.parametrize("text", [
    "", "a eq", "a eq 1 b", "(a eq 1", "a eq 1)", "a eq 'x", "a eq NaN eq INF", "a eq 1e309", "foo.bar(a) eq 1",
    "length() eq 1",
    "a eq 2020-13-01T00:00:00Z", "a eq duration'X'", "a eq 1;DROP TABLE thing", "(" * 300 + "1" + ")" * 300,
    "not " * 300 + "a", "a eq " + "1 add " * 300 + "1", " or ".join(["a eq 1"] * 700), "x" * 9000,
])
def test_what_is_no_filter_is_refused_with_a_sentence(text: str) -> None:
    """Malformed, endless and too deep filters raise the one error of questions."""
    with pytest.raises(QueryError) as fault:
        filter_of(text)
    assert fault.value.detail.endswith(".")


@given(WORDS)
@example("not" * 2000)
def test_no_filter_or_order_raises_anything_else(text: str) -> None:
    """Whatever a stranger writes as a filter or an order is read or refused."""
    for read in (filter_of, order_of):
        with contextlib.suppress(QueryError):
            read(text)


@given(
    WORDS, st.sampled_from(["$filter", "$expand", "$select", "$orderby", "$top", "$skip", "$count", "$skiptoken", "x"])
)
@example("Datastreams(" * 50, "$expand")
@example("Datastreams/Thing/" * 50, "$expand")
def test_no_question_raises_anything_else(text: str, name: str) -> None:
    """Whatever stands behind the question mark is read or refused."""
    for entity in ENTITIES.values():
        with contextlib.suppress(QueryError):
            options_of_query(f"{name}={text}", entity)


@given(st.text(max_size=60) | WORDS)
def test_no_address_raises_anything_else(path: str) -> None:
    """Whatever an address says leads somewhere, or is refused as unknown or malformed."""
    with contextlib.suppress(NotFoundError, InvalidInputError):
        address_of(path)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["2020-01-01T00:00:00Z", "application/geo+json"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "result", "Datastream", "Datastreams", "Locations", "location", "type", "coordinates",
                         "unitOfMeasurement", "@iot.id", "phenomenonTime", "properties", "encodingType", "time"])
        | st.text(max_size=5),
        inner, max_size=5),
    max_leaves=20,
)


@given(_JSON)
def test_no_body_raises_anything_else(content: object) -> None:
    """Whatever JSON a stranger sends describes an entity or is refused."""
    for entity in ENTITIES.values():
        for read in (draft_of, changes_of):
            with contextlib.suppress(InvalidInputError):
                read(entity, content_of(json.dumps(content).encode()))


@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b"1e309")
@example(b"NaN")
@example(b'"\\u0000"')
@example(b"1" * 5000)
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    """Bytes are storable JSON or are refused: no NaN, no infinity, no NUL, no endless nesting."""
    with contextlib.suppress(BodyError):
        json.dumps(content_of(body), allow_nan=False)


def test_an_address_leads_along_relations_to_a_property() -> None:
    """Steps with and without ids, a property with a way into its JSON, and the two endings."""
    found = address_of("Things(1)/Datastreams(2)/Observations")
    assert found.steps == (Step("Things", 1), Step("Datastreams", 2), Step("Observations"))
    assert address_of("Things(1)/properties/colour/$value").property == ("properties", "colour")
    assert address_of("Datastreams(2)/Thing/Locations/$ref").ending == "$ref"


@pytest.mark.parametrize("path", [
    "Nothing", "Things(1)/Nothing", "Things/Datastreams", "Things(1)/name/x", "Datastreams(1)/Thing(2)",
    "Things(1)/$value",
    "Things(99999999999999999999999)", "Things(-1)", "Things(1)/name/$ref", "", "Things(1)x",
])
def test_an_address_that_leads_nowhere_is_unknown(path: str) -> None:
    """Unknown names, ids out of range and properties of properties are 404, not 400."""
    with pytest.raises(NoSuchResourceError):
        address_of(path)


def test_options_inside_expand_are_read() -> None:
    """$expand nests with options of its own, and two ways through one relation become one."""
    found = options_of_query(
        "$expand=Datastreams($filter=name eq 'a;b(';$expand=Observations($top=1;$orderby=phenomenonTime desc)),"
        "Locations&$top=5&$count=true", THING,
    )
    assert (found.top, found.is_counted) == (5, True)
    streams = found.expand[0].options
    assert streams.expand[0].options.top == 1
    merged = options_of_query("$expand=Datastreams/Sensor,Datastreams/ObservedProperty", THING).expand
    assert [way.relation for way in merged[0].options.expand] == ["Sensor", "ObservedProperty"]


@pytest.mark.parametrize("query", [
    "$top=-1", "$top=x", "$skip=1.5", "$count=maybe", "$foo=1", "$top=1&$top=2", "$select=nothing", "$expand=Nothing",
    "$expand=Datastreams($foo=1)", "$expand=Datastreams(", "$resultFormat=CSV", "$filter=%FF", "$filter=name eq '%00'",
    "$expand=" + "Datastreams/Thing/" * 4 + "Datastreams",
])
def test_options_that_are_none_are_refused(query: str) -> None:
    """Unknown, repeated and malformed options are an error, never ignored."""
    with pytest.raises(QueryError):
        options_of_query(query, THING)


def test_times_are_written_in_utc_with_the_decimals_they_have() -> None:
    """What is read from any zone is written in UTC, and read again it is the same."""
    at = times.instant("2020-01-01T07:00:00.120+07:00")
    assert times.written(at) == "2020-01-01T00:00:00.12Z"
    assert times.instant(times.written(at)) == at
    hour = times.written_period(*times.period("2020-01-01T00:00:00Z/PT1H"))
    assert hour == "2020-01-01T00:00:00Z/2020-01-01T01:00:00Z"
    with pytest.raises(QueryError, match="ends before"):
        times.period("2020-01-02T00:00:00Z/2020-01-01T00:00:00Z")


@pytest.mark.parametrize(("value", "kept"), [(5, 5.0), (True, None), ("x", None), (2**60 + 1, None), ([1], None)])
def test_a_result_is_a_number_or_kept_as_it_came(value: object, kept: float | None) -> None:
    """Numbers go where readings are; texts, lists, truth and numbers too long for a float keep their JSON."""
    columns = draft_of(OBSERVATION, {"result": value, "Datastream": {"@iot.id": 1}}).columns
    assert columns["value"] == kept
    assert columns["result"] == (None if kept is not None else value)
