"""Forms of questions and answers that clients of the standard rely on (18-088, clauses 9.2 and 9.3)."""

from __future__ import annotations

from urllib.parse import quote_plus

import pytest

from tests.sensors.sensorthings.asking import ROOT, Sta
from tests.sensors.sensorthings.conftest import datastream, thing

LISTS = {"list": [8, 9], "lists": [[1, 2], [3, 4]], "things": [{"name": "a"}, {"name": "b"}]}


@pytest.fixture
def listed(sta: Sta) -> Sta:
    """A service with one thing that has lists in its properties, and one observation of each kind of result."""
    results = [{"result": result} for result in (5, 1.5, True, "text", {"a": [1]}, None)]
    sta.post("Things", thing(properties=LISTS, Datastreams=[datastream(Observations=results)]))
    return sta


@pytest.mark.parametrize("path", ["", "Things", "Things(1)", "Things(1)/name", "Things(9)", "Things?$top=x", "Nothing"])
def test_head_says_what_get_would(listed: Sta, path: str) -> None:
    """HEAD has the status and headers of GET, and no body."""
    head, get = (listed.http.request(method, f"{ROOT}/{path}") for method in ("HEAD", "GET"))
    assert head.status_code == get.status_code
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize(("option", "status"), [
    ("$search=x", 501), ("$format=json", 501), ("$apply=x", 501), ("$foo=x", 400), ("cache=1", 200),
])
def test_options_that_are_not_built_say_so(listed: Sta, option: str, status: int) -> None:
    """A system query option of OData that is not built is 501, others 400; without a $ it is the client's own."""
    assert listed.http.get(f"{ROOT}/Things?{option}").status_code == status


def test_an_option_may_be_encoded_whole(listed: Sta) -> None:
    """The sign between an option's name and its value may be percent-encoded too."""
    answer = listed.http.get(f"{ROOT}/Observations?{quote_plus('$filter=result eq 5 or result eq 1.5')}&%24top=1")
    assert [one["result"] for one in answer.json()["value"]] == [5]


@pytest.mark.parametrize(("question", "count"), [
    ("Datastream/id eq '1'", 6), ("'1' eq Datastream/@iot.id", 6), ("Datastream/id eq '2'", 0),
    ("Datastream/id eq 'FOI_1'", 0), ("Datastream/id ne 'FOI_1'", 6), ("id gt '3'", 3),
])
def test_an_id_may_stand_in_quotes(listed: Sta, question: str, count: int) -> None:
    """Ids are numbers here; a client that does not know may put one in quotes, as the standard's examples do."""
    assert len(listed.ids("Observations", filter=question)) == count


@pytest.mark.parametrize(("id_", "text"), [(1, "5"), (2, "1.5"), (3, "true"), (4, "text")])
def test_the_value_of_a_primitive_is_plain_text(listed: Sta, id_: int, text: str) -> None:
    """$value gives numbers, truth and words as they are, in text/plain; objects stay JSON."""
    answer = listed.http.get(f"{ROOT}/Observations({id_})/result/$value")
    assert (answer.text, answer.headers["content-type"].partition(";")[0]) == (text, "text/plain")
    assert listed.get("Observations(5)/result/$value") == {"a": [1]}
    assert listed.http.get(f"{ROOT}/Observations(6)/result/$value").status_code == 204


@pytest.mark.parametrize(("path", "found"), [
    ("list[1]", {"list[1]": 9}), ("lists[1][0]", {"lists[1][0]": 3}), ("things[1]/name", {"name": "b"}),
    ("lists[0]", {"lists[0]": [1, 2]}),
])
def test_a_path_leads_into_lists(listed: Sta, path: str, found: object) -> None:
    """`[n]` is the place in a list, from 0 on, in addresses and in filters; where nothing is there it is 404."""
    assert listed.get(f"Things(1)/properties/{path}") == found
    for nothing in ("list[2]", "list[x]", "nothing[0]", "list[0][0]", "things/name"):
        listed.get(f"Things(1)/properties/{nothing}", status=404)


@pytest.mark.parametrize(("question", "ids"), [
    ("properties/list[1] eq 9", [1]), ("properties/lists[1][0] lt 3", []), ("properties/things[0]/name eq 'a'", [1]),
    ("properties/list[7] eq 9", []),
])
def test_a_filter_leads_into_lists(listed: Sta, question: str, ids: list[int]) -> None:
    """A value inside a list is compared as any other; what is not there is not found."""
    assert listed.ids("Things", filter=question) == ids
    listed.get("Things", filter="Datastreams[0]/name eq 'D'", status=400)


def test_periods_are_ordered_by_their_end_where_they_start_together(sta: Sta) -> None:
    """Of two datastreams that began together the one that ended first comes first, page by page as well."""
    def observed(*days: int) -> list[dict[str, object]]:
        return [{"result": 1, "phenomenonTime": f"2020-01-{day:02}T00:00:00Z"} for day in days]

    late, soon = observed(1, 9), observed(1, 2)
    streams = [datastream(name="late", Observations=late), datastream(name="soon", Observations=soon)]
    sta.post("Things", thing(Datastreams=[*streams, datastream(name="never")]))
    found = sta.pages("Datastreams", orderby="phenomenonTime", top="1")
    assert [one["name"] for one in found] == ["never", "soon", "late"]
    found = sta.pages("Datastreams", orderby="phenomenonTime desc", top="1")
    assert [one["name"] for one in found] == ["late", "soon", "never"]
