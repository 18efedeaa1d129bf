"""Each requirement of 18-088 that the service's root claims, by its name, against a service over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from sensors.sensorthings.model import COLLECTIONS, ENTITIES
from sensors.sensorthings.service import CONFORMANCE
from tests.sensors.sensorthings.conftest import PLACE, PROPERTY, SENSOR, Sta, datastream, thing

COVERED: dict[str, list[str]] = {}
_REQ = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
Test = Callable[..., None]
OBSERVED = {
    "result": 1.5, "phenomenonTime": "2020-01-01T00:00:00Z/2020-01-01T01:00:00Z", "resultTime": "2020-01-01T02:00:00Z",
    "resultQuality": {"by": "eye"}, "validTime": "2020-01-01T00:00:00Z/2020-02-01T00:00:00Z", "parameters": {"a": 1},
    "FeatureOfInterest": {"name": "F", "description": "f", "encodingType": "application/geo+json",
                          "feature": {"type": "Point", "coordinates": [100.6, 7.6]}, "properties": {"f": 1}},
}


def requires(*names: str) -> Callable[[Test], Test]:
    """The test holds these requirements."""

    def note(test: Test) -> Test:
        for name in names:
            COVERED.setdefault(f"{_REQ}{name}", []).append(test.__name__)
        return test

    return note


@pytest.fixture
def whole(sta: Sta) -> dict[str, int]:
    """The ids of one entity of each kind, made by one deep insert, by the entity's name."""
    body = thing(Datastreams=[datastream(Observations=[OBSERVED], properties={"d": 1})])
    body["Locations"] = [PLACE | {"properties": {"l": 1}}]
    ids = {"Thing": sta.post("Things", body)["@iot.id"]}
    for name, path in {
        "Location": "Things({Thing})/Locations", "HistoricalLocation": "Things({Thing})/HistoricalLocations",
        "Datastream": "Things({Thing})/Datastreams", "Observation": "Datastreams({Datastream})/Observations",
    }.items():
        ids[name] = sta.ids(path.format(**ids))[0]
    for name, path in {
        "Sensor": "Datastreams({Datastream})/Sensor", "ObservedProperty": "Datastreams({Datastream})/ObservedProperty",
        "FeatureOfInterest": "Observations({Observation})/FeatureOfInterest",
    }.items():
        ids[name] = sta.get(path.format(**ids))["@iot.id"]
    return ids


def _path(entity: str, ids: dict[str, int]) -> str:
    return f"{ENTITIES[entity].collection}({ids[entity]})"


_KEBAB = {name: re.sub("(?<!^)(?=[A-Z])", "-", name).lower() for name in ENTITIES}


@requires(*(f"datamodel/{name}/{part}" for name in _KEBAB.values() for part in ("properties", "relations")))
@requires("datamodel/entity-control-information/common-control-information")
@pytest.mark.parametrize("name", list(ENTITIES))
def test_an_entity_has_all_its_properties_and_relations(sta: Sta, whole: dict[str, int], name: str) -> None:
    """Every property that was sent comes back, every relation has its link, and each link leads somewhere."""
    entity, content = ENTITIES[name], sta.get(_path(name, whole))
    without = {"Sensor": {"properties"}, "ObservedProperty": {"properties"}}.get(name, set())
    assert set(entity.properties) - set(content) == without
    assert content["@iot.id"] == whole[name]
    assert content["@iot.selfLink"].endswith(f"/sta/v1.1/{_path(name, whole)}")
    assert sta.get(content["@iot.selfLink"]) == content
    for relation in entity.relations.values():
        found = sta.get(content[f"{relation.name}@iot.navigationLink"])
        ids = [one["@iot.id"] for one in found["value"]] if relation.is_many else [found["@iot.id"]]
        assert ids == [whole[relation.target]]


@requires("datamodel/observation/properties", "datamodel/datastream/properties")
def test_what_was_observed_comes_back_as_it_was_sent(sta: Sta, whole: dict[str, int]) -> None:
    """Times, quality and parameters keep their value; the datastream's times and area cover its observations."""
    content = sta.get(_path("Observation", whole))
    assert {name: content[name] for name in OBSERVED if name != "FeatureOfInterest"} == {
        name: value for name, value in OBSERVED.items() if name != "FeatureOfInterest"
    }
    stream = sta.get(_path("Datastream", whole))
    assert stream["phenomenonTime"] == OBSERVED["phenomenonTime"]
    assert stream["resultTime"] == "2020-01-01T02:00:00Z/2020-01-01T02:00:00Z"
    assert stream["observedArea"] == {"type": "Point", "coordinates": [100.6, 7.6]}


@requires("resource-path/resource-path-to-entities")
def test_addresses_lead_to_collections_entities_properties_and_references(sta: Sta, whole: dict[str, int]) -> None:
    """The usual forms of 18-088, clause 9.2: sets, entities, properties, raw values, relations and their references."""
    root = sta.get("")
    assert {one["name"] for one in root["value"]} == set(COLLECTIONS)
    assert root["serverSettings"]["conformance"][: len(CONFORMANCE)] == list(CONFORMANCE)
    for one in root["value"]:
        assert len(sta.get(one["url"])["value"]) == 1
    here = _path("Thing", whole)
    assert sta.get(f"{here}/name") == {"name": "T"}
    assert sta.http.get(f"/sta/v1.1/{here}/name/$value").text == "T"
    assert sta.get(f"{here}/properties/size") == {"size": 3}
    assert sta.http.get(f"/sta/v1.1/{_path('Sensor', whole)}/properties").status_code == 204
    deep = f"{here}/Datastreams({whole['Datastream']})/Observations({whole['Observation']})/FeatureOfInterest/name"
    assert sta.get(deep) == {"name": "F"}
    streams = sta.get(f"{here}/Datastreams/$ref")["value"]
    assert [list(one) for one in streams] == [["@iot.selfLink"]]
    assert sta.get(streams[0]["@iot.selfLink"])["name"] == "D"


@requires("request-data/status-code", "request-data/query-status-code")
@pytest.mark.parametrize(("path", "status"), [
    ("Nothing", 404), ("Things(99)", 404), ("Things(0)", 404), ("Things(1)/Nothing", 404), ("Things('a')", 404),
    ("Things(99999999999999999999)", 404), ("Things?$filter=nothing eq 1", 400), ("Things?$orderby=nothing", 400),
    ("Things?$top=-1", 400), ("Things?$foo=1", 400), ("Things?$filter=name eq", 400), ("Things?$expand=Nothing", 400),
    ("Things?$select=nothing", 400), ("Things?$skiptoken=abc", 400), ("Things(1)?$filter=name eq 'T'", 400),
    ("Things?$orderby=Datastreams/name", 400), ("Things?$filter=name gt 1 gt 2", 400), ("Things?$filter=name", 400),
    ("Things?$filter=year(name) eq 1", 400), ("Datastreams(99)/Observations", 404), ("Things(1)/Datastreams(99)", 404),
])
def test_what_cannot_be_answered_says_so(sta: Sta, whole: dict[str, int], path: str, status: int) -> None:
    """Unknown is 404 and malformed 400, each as JSON with a code and a sentence."""
    assert whole["Thing"] == 1
    said = sta.get(path, status=status)
    assert said["code"] == status
    assert said["message"].endswith(".")


@pytest.fixture
def series(sta: Sta) -> int:
    """A datastream with the results 0 to 9 of ten days from 2020-01-01 on; returns its id."""
    observations = [
        {"result": n, "phenomenonTime": f"2020-01-{n + 1:02}T0{n}:30:15.25Z",
         "parameters": {"n": n, "even": n % 2 == 0}}
        for n in range(10)
    ]
    body = thing(Datastreams=[datastream(Observations=observations), datastream(name="other")])
    return sta.ids(f"Things({sta.post('Things', body)['@iot.id']})/Datastreams", filter="name eq 'D'")[0]


@requires("request-data/filter", "request-data/built-in-filter-operations", "request-data/built-in-query-functions")
@pytest.mark.parametrize(("question", "results"), [
    ("result eq 3", [3]), ("result ne 3 and result lt 5", [0, 1, 2, 4]), ("result ge 8 or result le 1", [0, 1, 8, 9]),
    ("not (result gt 2)", [0, 1, 2]), ("result add 1 eq 3", [2]), ("result sub 1 eq 3", [4]),
    ("result mul 2 eq 6", [3]), ("result div 2 eq 2.5", [5]), ("result mod 4 eq 3", [3, 7]), ("-result eq -9", [9]),
    ("result div 0 eq 1", []), ("result eq '3'", [3]), ("result eq null", []),
    ("phenomenonTime lt 2020-01-03T00:00:00Z", [0, 1]), ("phenomenonTime ge 2020-01-09T00:00:00+07:00", [8, 9]),
    ("phenomenonTime eq 2020-01-01T00:30:15.25Z", [0]),
    ("phenomenonTime lt '2020-01-03T00:00:00Z'", [0, 1]), ("date(phenomenonTime) eq date('2020-01-05T01:00:00Z')", [4]),
    ("phenomenonTime lt 2020-01-02T00:00:00Z add duration'P1D'", [0, 1]),
    ("year(phenomenonTime) eq 2020 and month(phenomenonTime) eq 1 and day(phenomenonTime) eq 4", [3]),
    ("hour(phenomenonTime) eq 5", [5]), ("minute(phenomenonTime) eq 30 and result eq 1", [1]),
    ("second(phenomenonTime) eq 15 and result eq 1", [1]),
    ("fractionalseconds(phenomenonTime) eq 0.25 and result eq 1", [1]),
    ("date(phenomenonTime) eq 2020-01-05", [4]), ("time(phenomenonTime) lt 01:00:00", [0]),
    ("totaloffsetminutes(phenomenonTime) eq 0 and result eq 1", [1]), ("phenomenonTime gt now()", []),
    ("phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime() and result eq 1", [1]),
    ("round(result div 4) eq 2", [6, 7, 8, 9]), ("floor(result div 4) eq 2", [8, 9]),
    ("ceiling(result div 4) eq 1", [1, 2, 3, 4]),
    ("parameters/n gt 7", [8, 9]), ("parameters/even and parameters/n lt 3", [0, 2]),
    ("parameters/even eq false and result lt 4", [1, 3]),
    ("Datastream/Thing/name eq 'T' and result eq 1", [1]), ("Datastream/Sensor/name eq 'nobody'", []),
    ("Datastream/unitOfMeasurement/symbol eq 'm' and result eq 1", [1]),
    ("geo.distance(FeatureOfInterest/feature, geography'POINT(100.5 7.5)') lt 0.1 and result eq 2", [2]),
    ("id gt 0 and result eq 2", [2]), ("resultTime eq null and result eq 2", [2]),
])
def test_observations_are_found_by_what_they_are(sta: Sta, series: int, question: str, results: list[int]) -> None:
    """Comparisons, logic, arithmetic, times, mathematics and JSON choose the observations that they describe."""
    found = sta.get(f"Datastreams({series})/Observations", filter=question)["value"]
    assert [one["result"] for one in found] == results


_SQUARE = "geography'POLYGON((100 7,101 7,101 8,100 8,100 7))'"


@requires("request-data/built-in-query-functions")
@pytest.mark.parametrize(("question", "is_found"), [
    ("substringof('mai', name)", True), ("contains(name, 'xx')", False), ("endswith(name, 'main')", True),
    ("startswith(name, 'Khlong')", True), ("length(name) eq 12", True), ("indexof(name, 'main') eq 8", True),
    ("substring(name, 8) eq 'main'", True), ("substring(name, 0, 6) eq 'Khlong'", True),
    ("tolower(name) eq 'khlong, main'", True), ("toupper(name) eq 'KHLONG, MAIN'", True),
    ("trim(concat(' ', concat(name, ' '))) eq name", True), ("name eq 'O''Brien; DROP TABLE thing --'", False),
    (f"st_within(location, {_SQUARE})", True), (f"geo.intersects(location, {_SQUARE})", True),
    (f"st_intersects(location, {_SQUARE})", True), (f"st_disjoint(location, {_SQUARE})", False),
    (f"st_contains({_SQUARE}, location)", True), ("st_equals(location, geography'POINT(100.5 7.5)')", True),
    (f"st_touches(location, {_SQUARE})", False), (f"st_overlaps(location, {_SQUARE})", False),
    (f"st_crosses(location, {_SQUARE})", False), (f"st_relate(location, {_SQUARE}, 'T********')", True),
    ("geo.length(geography'LINESTRING(0 0,0 2)') eq 2", True), ("location/type eq 'Point'", True),
    ("Things/Datastreams/ObservedProperty/name eq 'Level'", True), ("Things/name eq 'nobody'", False),
    ("properties/none eq 'x'", False),
])
def test_locations_are_found_by_words_and_by_space(sta: Sta, question: str, is_found: bool) -> None:
    """Text and spatial functions choose the locations that they describe; SQL in a text is a text."""
    sta.post("Things", thing(Locations=[PLACE | {"name": "Khlong, main"}]))
    assert bool(sta.get("Locations", filter=question)["value"]) is is_found


@requires("request-data/orderby", "request-data/order", "request-data/top", "request-data/skip", "request-data/count")
def test_a_collection_is_ordered_then_skipped_then_cut(sta: Sta, series: int) -> None:
    """$filter comes first, then $count, $orderby, $skip and $top; the count is of all that matches."""
    path = f"Datastreams({series})/Observations"
    page = sta.get(path, filter="result gt 3", orderby="parameters/even,result desc", skip="1", top="3", count="true")
    assert page["@iot.count"] == 6
    assert [one["result"] for one in page["value"]] == [7, 5, 8]
    assert "@iot.count" not in sta.get(path)
    assert sta.ids(path, top="0") == []
    assert [one["name"] for one in sta.get("Datastreams", orderby="Thing/name,name desc")["value"]] == ["other", "D"]


@requires("request-data/select")
def test_only_what_was_selected_is_shown(sta: Sta, series: int) -> None:
    """$select leaves the properties it names, at the top and inside $expand."""
    page = sta.get(f"Datastreams({series})/Observations", select="result,resultTime", top="1")
    assert page["value"] == [{"result": 0, "resultTime": None}]
    things = sta.get("Things", select="name", expand="Datastreams($select=name,Thing;$orderby=name)")["value"]
    assert list(things[0]) == ["name", "Datastreams"]
    assert list(things[0]["Datastreams"][0]) == ["name", "Thing@iot.navigationLink"]


@requires("request-data/expand")
def test_relations_are_expanded_with_options_of_their_own(sta: Sta, series: int) -> None:
    """$expand nests, filters, orders, cuts, skips and counts at each level; cut lists say where they go on."""
    observations = "Observations($orderby=result desc;$skip=1;$top=2;$count=true)"
    question = f"Datastreams($filter=name eq 'D';$expand={observations},Sensor)"
    one = sta.get("Things", expand=f"{question},Locations")["value"][0]
    stream = one["Datastreams"][0]
    assert [seen["result"] for seen in stream["Observations"]] == [8, 7]
    assert stream["Observations@iot.count"] == 10
    assert (stream["Sensor"]["name"], one["Locations"][0]["name"]) == ("S", "Pier")
    assert [seen["result"] for seen in sta.pages(stream["Observations@iot.nextLink"])] == [6, 5, 4, 3, 2, 1, 0]
    newest = sta.get("Datastreams", expand="Observations($top=1;$orderby=phenomenonTime desc)", orderby="id")["value"]
    assert [[seen["result"] for seen in one["Observations"]] for one in newest] == [[9], []]
    assert "$skip=1" in newest[0]["Observations@iot.nextLink"]
    assert "Observations@iot.nextLink" not in newest[1]
    assert sta.get(f"Datastreams({series})", expand="Thing/Locations")["Thing"]["Locations"][0]["name"] == "Pier"


@requires("request-data/pagination")
@pytest.mark.parametrize(
    "order", ["result", "result desc", "phenomenonTime desc", "parameters/even desc,id", "resultTime", "id"]
)
def test_every_row_comes_once_while_rows_arrive(sta: Sta, series: int, order: str) -> None:
    """The links to further pages give every row once, whatever the order, also when others come meanwhile."""
    path = f"Datastreams({series})/Observations"
    page = sta.get(path, orderby=order, top="3")
    seen = [one["@iot.id"] for one in page["value"]]
    before = set(sta.ids(path))
    while "@iot.nextLink" in page:
        sta.post(path, {"result": 0, "phenomenonTime": "2020-01-05T00:00:00Z"})
        page = sta.get(page["@iot.nextLink"])
        seen += [one["@iot.id"] for one in page["value"]]
        assert len(seen) < 50
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


@requires("create-update-delete/create-entity", "create-update-delete/link-to-existing-entities")
def test_an_entity_is_created_with_links_to_others(sta: Sta, whole: dict[str, int]) -> None:
    """201, the address in Location, the entity as body; links by @iot.id or by the address posted to."""
    body = datastream(Thing={"@iot.id": whole["Thing"]}, Sensor={"@iot.id": whole["Sensor"]}, name="linked")
    answer = sta.http.post("/sta/v1.1/Datastreams", json=body)
    assert answer.status_code == 201
    assert sta.get(answer.headers["Location"]) == answer.json()
    sta.post(f"{_path('Thing', whole)}/Datastreams", datastream(name="second"))
    names = [one["name"] for one in sta.get(f"{_path('Thing', whole)}/Datastreams")["value"]]
    assert names == ["D", "linked", "second"]
    minimal = sta.http.post("/sta/v1.1/Sensors", json=SENSOR, headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")


@requires("create-update-delete/create-entity", "create-update-delete/deep-insert-status-code")
@pytest.mark.parametrize(("collection", "body"), [
    ("Things", {"name": "T"}), ("Things", []), ("Things", {"name": 1, "description": "d"}),
    ("Things", thing(colour="red")),
    ("Datastreams", datastream()), ("Datastreams", datastream(Thing={"@iot.id": 99})),
    ("Datastreams", datastream(Thing={"@iot.id": "x"})),
    ("Observations", {"result": 1}), ("Observations", {"result": 1, "Datastream": {"@iot.id": 99}}),
    ("Locations", PLACE | {"location": {"type": "Point"}}), ("Locations", PLACE | {"location": "here"}),
    ("HistoricalLocations", {"time": "yesterday"}), ("Sensors", SENSOR | {"properties": "x"}),
    ("Things", thing(Datastreams=[{"name": "half"}])), ("Things", thing(Datastreams={"name": "no list"})),
    ("ObservedProperties", PROPERTY | {"name": "\x00"}),
])
def test_a_body_that_does_not_fit_leaves_nothing(sta: Sta, collection: str, body: Any) -> None:
    """Missing, mistyped and unknown properties are 400 with a sentence, and nothing of a deep insert stays."""
    assert sta.post(collection, body, status=400)["message"].endswith(".")
    for name in COLLECTIONS:
        assert sta.ids(name) == []


@requires("create-update-delete/deep-insert")
def test_a_deep_insert_makes_all_of_it(sta: Sta) -> None:
    """One body makes a thing, its place, its datastreams, their sensors and observations, in any direction."""
    streams = [datastream(Observations=[{"result": 1}, {"result": 2}])]
    sta.post("Locations", PLACE | {"Things": [{"name": "T", "description": "t", "Datastreams": streams}]})
    counts = {name: len(sta.ids(name)) for name in COLLECTIONS}
    assert counts == {"Things": 1, "Locations": 1, "HistoricalLocations": 1, "Datastreams": 1, "Sensors": 1,
                      "ObservedProperties": 1, "Observations": 2, "FeaturesOfInterest": 1}
    assert sta.get("FeaturesOfInterest")["value"][0]["feature"] == PLACE["location"]


@requires("create-update-delete/update-entity")
def test_a_patch_changes_what_it_says_and_nothing_else(sta: Sta, whole: dict[str, int]) -> None:
    """200 with the entity; other properties stay, relations are moved by @iot.id, and what is read back is taken."""
    here = _path("Thing", whole)
    before = sta.get(here)
    after = sta.send("PATCH", here, {"name": "renamed"}, status=200)
    assert after == before | {"name": "renamed"} == sta.get(here)
    assert sta.send("PATCH", here, after, status=200) == after
    sensor = sta.post("Sensors", SENSOR | {"name": "newer"})["@iot.id"]
    sta.send("PATCH", _path("Datastream", whole), {"Sensor": {"@iot.id": sensor}}, status=200)
    assert sta.get(f"{_path('Datastream', whole)}/Sensor/name") == {"name": "newer"}
    said = {"phenomenonTime": "1999-01-01T00:00:00Z", "result": "x"}
    moved = sta.send("PATCH", _path("Observation", whole), said, status=200)
    assert (moved["@iot.id"], moved["result"]) == (whole["Observation"], "x")
    assert sta.get(_path("Datastream", whole))["phenomenonTime"].startswith("1999-01-01T00:00:00Z/")
    sta.send("PATCH", here, {"name": None}, status=400)
    sta.send("PATCH", here, {"Datastreams": [datastream()]}, status=400)
    sta.send("PATCH", "Things(99)", {"name": "x"}, status=404)
    sta.send("PATCH", "Things", {"name": "x"}, status=405)


@requires("create-update-delete/update-entity-put")
def test_a_put_leaves_only_what_it_says(sta: Sta, whole: dict[str, int]) -> None:
    """Properties that a PUT does not say are gone, what an entity must have must be said; relations stay."""
    here = _path("Thing", whole)
    after = sta.send("PUT", here, {"name": "n", "description": "d"}, status=200)
    assert "properties" not in after
    assert sta.ids(f"{here}/Datastreams") == [whole["Datastream"]]
    sta.send("PUT", here, {"name": "n"}, status=400)


@requires("create-update-delete/update-entity-jsonpatch")
def test_a_json_patch_changes_by_operations(sta: Sta, whole: dict[str, int]) -> None:
    """Each operation of RFC 6902 works on the entity's properties; one that fails undoes all."""
    here, kind = _path("Thing", whole), "application/json-patch+json"
    operations = [
        {"op": "test", "path": "/properties/colour", "value": "red"},
        {"op": "replace", "path": "/name", "value": "patched"},
        {"op": "add", "path": "/properties/list", "value": [1, 3]},
        {"op": "add", "path": "/properties/list/1", "value": 2},
        {"op": "copy", "from": "/properties/list/0", "path": "/properties/list/-"},
        {"op": "move", "from": "/properties/size", "path": "/properties/a~1b"},
        {"op": "remove", "path": "/properties/colour"},
    ]
    after = sta.send("PATCH", here, operations, status=200, Content_Type=kind)
    assert (after["name"], after["properties"]) == ("patched", {"list": [1, 2, 3, 1], "a/b": 3})
    for wrong in (
        [{"op": "replace", "path": "/name", "value": "x"}, {"op": "test", "path": "/description", "value": "no"}],
        [{"op": "remove", "path": "/nothing"}], [{"op": "fly"}], {"name": "x"}, [{"op": "remove", "path": "/name"}],
        [{"op": "add", "path": "/colour", "value": 1}], [{"op": "replace", "path": "", "value": []}],
        [{"op": "move", "from": "/properties", "path": "/properties/a"}],
    ):
        sta.send("PATCH", here, wrong, status=400, Content_Type=kind)
    assert sta.get(here) == after


@requires("create-update-delete/delete-entity")
@pytest.mark.parametrize(("name", "gone"), [
    ("Thing", {"Thing", "HistoricalLocation", "Datastream", "Observation"}),
    ("Location", {"Location", "HistoricalLocation"}),
    ("HistoricalLocation", {"HistoricalLocation"}),
    ("Datastream", {"Datastream", "Observation"}),
    ("Sensor", {"Sensor", "Datastream", "Observation"}),
    ("ObservedProperty", {"ObservedProperty", "Datastream", "Observation"}),
    ("Observation", {"Observation"}),
    ("FeatureOfInterest", {"FeatureOfInterest", "Observation"}),
])
def test_what_cannot_be_without_the_deleted_goes_too(
    sta: Sta, whole: dict[str, int], name: str, gone: set[str]
) -> None:
    """The integrity constraints of 18-088, table 25: an entity takes along what depends on it, and nothing else."""
    sta.send("DELETE", _path(name, whole), status=200)
    for other, entity in ENTITIES.items():
        assert sta.ids(entity.collection) == ([] if other in gone else [whole[other]])
    sta.send("DELETE", _path(name, whole), status=404)
    if "Datastream" not in gone:
        stream = sta.get(_path("Datastream", whole))
        assert ("phenomenonTime" in stream) == ("Observation" not in gone)


@requires("create-update-delete/historical-location-auto-creation")
@requires("create-update-delete/historical-location-manual-creation")
def test_a_thing_that_moves_remembers_where_it_was(sta: Sta, whole: dict[str, int]) -> None:
    """Each change of a thing's locations makes a HistoricalLocation; one that is newest moves the thing."""
    here = _path("Thing", whole)
    second = sta.post(f"{here}/Locations", PLACE | {"name": "second"})["@iot.id"]
    assert sta.ids(f"{here}/Locations") == [second]
    sta.send("PATCH", here, {"Locations": [{"@iot.id": whole["Location"]}]}, status=200)
    history = sta.get(f"{here}/HistoricalLocations", expand="Locations", orderby="id")["value"]
    assert [one["Locations"][0]["@iot.id"] for one in history] == [whole["Location"], second, whole["Location"]]
    for time, now_at in (("1990-01-01T00:00:00Z", whole["Location"]), ("2090-01-01T00:00:00Z", second)):
        body = {"time": time, "Thing": {"@iot.id": whole["Thing"]}, "Locations": [{"@iot.id": second}]}
        sta.post("HistoricalLocations", body)
        assert sta.ids(f"{here}/Locations") == [now_at]


@requires("data-array/data-array")
def test_arrays_of_observations_go_out_and_come_in(sta: Sta, series: int) -> None:
    """$resultFormat=dataArray gives rows; CreateObservations answers each row by its address or "error"."""
    path = f"Datastreams({series})/Observations"
    block = sta.get(path, resultFormat="dataArray", select="id,result", top="2")["value"][0]
    assert block["components"] == ["id", "result"]
    assert [row[1] for row in block["dataArray"]] == [0, 1]
    assert block["Datastream@iot.navigationLink"].endswith(f"Datastreams({series})")
    feature = sta.ids("FeaturesOfInterest")[0]
    rows = [["2021-01-01T00:00:00Z", 5, feature], ["never", 6, feature], ["2021-01-01T00:00:00Z", "text", feature], [1]]
    body = [
        {"Datastream": {"@iot.id": series}, "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
         "dataArray@iot.count": 4, "dataArray": rows},
        {"Datastream": {"@iot.id": 99}, "components": ["result"], "dataArray": [[1]]},
    ]
    answers = sta.post("CreateObservations", body)
    assert [answer == "error" for answer in answers] == [False, True, False, True, True]
    assert sta.get(answers[0])["result"] == 5
    assert sta.get(answers[2])["result"] == "text"
    sta.post("CreateObservations", [{"components": [], "dataArray": []}], status=400)
