"""OGC API Features Part 1 (17-069r4): every requirement of Core, GeoJSON and OpenAPI 3.0 that /ogc declares."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from core.db import transaction
from tests.api.test_api_public import CITY

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CORE, GEOJSON, OAS30 = (
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson", "oas30")
)
REQUIREMENTS: dict[str, Callable[[Api], None]] = {}
FILL = """
WITH l AS (
    INSERT INTO layer (name, kind, source, licence, dated, trust, row_count, version, imported_at, legend)
    VALUES ('roads', 'roads', 'a test', 'CC0', '2026-01-01', 'simulated', 0, 1, now(), '{}') RETURNING id
), r AS (
    INSERT INTO road (layer_id, code, name_th, name_en, class, is_bridge, geom, length_m)
    SELECT l.id, 'r' || n, 'ถนน ' || n, '', 'primary', false,
        ST_SetSRID(ST_MakeLine(ST_MakePoint(100 + n * 0.001, 8), ST_MakePoint(100 + n * 0.001, 8.001)), 4326), 110
    FROM l, generate_series(1, 25) n
), far AS (
    INSERT INTO facility (layer_id, code, kind, name_th, name_en, geom)
    SELECT l.id, code, 'school', code, code, ST_SetSRID(ST_MakePoint(lon, 8), 4326)
    FROM l, (VALUES ('east', 179.5), ('west', -179.5), ('middle', 100.0)) AS f (code, lon)
), run AS (
    INSERT INTO flood_run (computed_at, valid_at, computed_wall_at, method, levels, wall_s, confidence)
    SELECT at, at, at, 'canal-network', '{}', 0.1, 1
    FROM (VALUES (timestamptz '2026-11-20T03:00:00Z'), ('2026-11-21T03:00:00Z')) AS runs (at) RETURNING id
)
INSERT INTO flood_polygon (run_id, depth_class, geom)
SELECT run.id, depth_class, ST_Multi(ST_MakeEnvelope(100, 8, 100.01, 8.01, 4326))
FROM run, generate_series(1, 2) depth_class
"""


class Api:
    """A reader of /ogc."""

    def __init__(self, client: TestClient) -> None:
        """It reads through this browser, in which nobody is signed in."""
        self.client = client

    def get(self, path: str = "", status: int = 200, **parameters: str) -> dict[str, Any]:
        """The JSON at a path, answered with this status."""
        answer = self.client.get(f"/ogc/{path}", params=parameters)
        assert answer.status_code == status, answer.text
        assert not answer.text.startswith("Traceback")
        found: dict[str, Any] = answer.json()
        return found

    def items(self, collection: str = "roads", **parameters: str) -> dict[str, Any]:
        """A page of features."""
        return self.get(f"collections/{collection}/items", **parameters)

    def codes(self, collection: str, **parameters: str) -> set[str]:
        """The codes of the features that match."""
        return {one["properties"]["code"] for one in self.items(collection, **parameters)["features"]}

    def parameter(self, name: str) -> dict[str, Any]:
        """How the description defines a parameter of the items."""
        operation = self.get("api")["paths"]["/collections/{collectionId}/items"]["get"]
        return next(one for one in operation["parameters"] if one["name"] == name)


def requirement(name: str) -> Callable[[Callable[[Api], None]], Callable[[Api], None]]:
    """The function proves the requirement of this name."""

    def add(proof: Callable[[Api], None]) -> Callable[[Api], None]:
        REQUIREMENTS[name] = proof
        return proof

    return add


@pytest.fixture
def api(browser: TestClient) -> Api:
    """The open data of a city with 25 roads, three places around the globe and two pictures of the flood."""
    with transaction() as session:
        session.execute(sa.text(CITY))
        session.execute(sa.text(FILL))
    return Api(browser)


def rels(document: dict[str, Any]) -> dict[str, str]:
    """The links of a document by their relation."""
    return {link["rel"]: link["href"] for link in document["links"]}


def follow(api: Api, href: str) -> Any:
    """What stands at a link of ours."""
    answer = api.client.get(href)
    assert answer.status_code == 200, href
    return answer


# --- core: the pages above the data --------------------------------------------------------------------------------


@requirement("/req/core/root-op")
def root_op(api: Api) -> None:
    """The landing page answers GET at the root."""
    api.get()


@requirement("/req/core/root-success")
def root_success(api: Api) -> None:
    """It links the description, the conformance and the data, and every link leads somewhere."""
    links = rels(api.get())
    assert {"service-desc", "conformance", "data", "self"} <= set(links)
    for href in links.values():
        assert href.startswith("http://testserver/ogc/")
        follow(api, href)


@requirement("/req/core/api-definition-op")
def api_definition_op(api: Api) -> None:
    """The link `service-desc` leads to the description."""
    follow(api, rels(api.get())["service-desc"])


@requirement("/req/core/api-definition-success")
def api_definition_success(api: Api) -> None:
    """It has the media type that its link says."""
    link = next(one for one in api.get()["links"] if one["rel"] == "service-desc")
    assert follow(api, link["href"]).headers["content-type"] == link["type"]


@requirement("/req/core/conformance-op")
def conformance_op(api: Api) -> None:
    """The declaration is at /conformance."""
    api.get("conformance")


@requirement("/req/core/conformance-success")
def conformance_success(api: Api) -> None:
    """It lists classes as addresses, no page of HTML among them."""
    classes = api.get("conformance")["conformsTo"]
    assert {CORE, GEOJSON, OAS30} <= set(classes)
    assert not any(one.endswith("/html") for one in classes)


@requirement("/req/core/http")
def http(api: Api) -> None:
    """HTTP 1.1: HEAD is GET without its body, other methods are refused, unknown addresses are 404."""
    assert api.client.head("/ogc/collections").content == b""
    assert api.client.post("/ogc/collections").status_code == 405
    assert api.get("nothing-here", status=404)["title"]


@requirement("/req/core/query-param-unknown")
def query_param_unknown(api: Api) -> None:
    """A parameter that the description does not have is a 400, at every address."""
    for path in ("", "conformance", "api", "collections", "collections/roads", "collections/roads/items",
                 "collections/roads/items/1", "collections/roads/queryables"):
        assert "'colour'" in api.get(path, status=400, colour="red")["detail"]


@requirement("/req/core/query-param-invalid")
def query_param_invalid(api: Api) -> None:
    """A value that the description does not allow is a 400 that says why."""
    for name, value in (("limit", "0"), ("limit", "many"), ("limit", "-1"), ("offset", "-1"), ("bbox", "1,2,3"),
                        ("bbox", "a,b,c,d"), ("bbox", "0,9,1,8"), ("bbox", "nan,0,1,1"), ("datetime", "yesterday"),
                        ("datetime", "2026-11-21T03:00:00"), ("datetime", "a/b/c"), ("datetime", "../.."),
                        ("datetime", "2026-11-21T00:00:00Z/2026-11-20T00:00:00Z"), ("f", "html"), ("sortby", "secret")):
        told = api.get("collections/roads/items", status=400, **{name: value})
        assert told["type"].startswith("urn:faonam:problem:"), (name, value)
        assert told["detail"]


@requirement("/req/core/crs84")
def crs84(api: Api) -> None:
    """Coordinates are longitude, latitude."""
    assert api.items("facilities", code="middle")["features"][0]["geometry"]["coordinates"] == [100.0, 8.0]


# --- core: collections ---------------------------------------------------------------------------------------------


@requirement("/req/core/fc-md-op")
def fc_md_op(api: Api) -> None:
    """The collections are at /collections."""
    api.get("collections")


@requirement("/req/core/fc-md-success")
def fc_md_success(api: Api) -> None:
    """They have links and a list."""
    assert set(api.get("collections")) == {"links", "collections"}


@requirement("/req/core/fc-md-links")
def fc_md_links(api: Api) -> None:
    """The list links itself, with a type on every link."""
    told = api.get("collections")
    assert rels(told)["self"].endswith("/ogc/collections")
    assert all(link["rel"] and link["type"] for link in told["links"])


@requirement("/req/core/fc-md-items")
def fc_md_items(api: Api) -> None:
    """Every collection with features is in the list."""
    assert {"roads", "facilities", "flood_polygons"} <= {one["id"] for one in api.get("collections")["collections"]}


@requirement("/req/core/fc-md-items-links")
def fc_md_items_links(api: Api) -> None:
    """Each of them links its features as GeoJSON."""
    for one in api.get("collections")["collections"]:
        link = next(link for link in one["links"] if link["rel"] == "items")
        assert link["type"] == "application/geo+json"
        assert follow(api, link["href"]).headers["content-type"] == "application/geo+json"


@requirement("/req/core/fc-md-extent")
def fc_md_extent(api: Api) -> None:
    """Its extent holds all its features, in space and in time."""
    extent = {one["id"]: one.get("extent", {}) for one in api.get("collections")["collections"]}
    assert extent["facilities"]["spatial"]["bbox"] == [[-179.5, 8.0, 179.5, 8.0]]
    first, last = (datetime.fromisoformat(at) for at in extent["flood_polygons"]["temporal"]["interval"][0])
    assert (first, last) == (datetime(2026, 11, 21, 3, tzinfo=UTC), datetime(2026, 11, 21, 3, tzinfo=UTC))


@requirement("/req/core/sfc-md-op")
def sfc_md_op(api: Api) -> None:
    """Each collection has its own page; one that is not there is a 404."""
    api.get("collections/roads")
    assert "no collection" in api.get("collections/home", status=404)["detail"]


@requirement("/req/core/sfc-md-success")
def sfc_md_success(api: Api) -> None:
    """The page says the same as the list."""
    listed = {one["id"]: one for one in api.get("collections")["collections"]}
    for name, one in listed.items():
        assert api.get(f"collections/{name}") == one


# --- core: features ------------------------------------------------------------------------------------------------


@requirement("/req/core/fc-op")
def fc_op(api: Api) -> None:
    """The features of each collection are at /items."""
    for one in api.get("collections")["collections"]:
        api.items(one["id"])


@requirement("/req/core/fc-limit-definition")
def fc_limit_definition(api: Api) -> None:
    """limit is an integer from 1 to the largest, with a default."""
    defined = api.parameter("limit")
    assert (defined["in"], defined["required"], defined["style"], defined["explode"]) == ("query", False, "form", False)
    assert defined["schema"] == {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10}


@requirement("/req/core/fc-limit-response-1")
def fc_limit_response(api: Api) -> None:
    """No more features than asked for; the default without; asking beyond the largest is no error."""
    assert len(api.items(limit="3")["features"]) == 3
    assert len(api.items()["features"]) == 10
    assert len(api.items(limit="99999999")["features"]) == 25


@requirement("/req/core/fc-bbox-definition")
def fc_bbox_definition(api: Api) -> None:
    """bbox is an array of 4 or 6 numbers."""
    defined = api.parameter("bbox")
    assert (defined["in"], defined["required"], defined["style"], defined["explode"]) == ("query", False, "form", False)
    assert defined["schema"] == {
        "type": "array", "items": {"type": "number"},
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
    }


@requirement("/req/core/fc-bbox-response")
def fc_bbox_response(api: Api) -> None:
    """Only what meets the box, edges included; heights do not matter; a box may cross the antimeridian."""
    assert api.codes("facilities", bbox="99,7,101,9") == {"middle"}
    assert api.codes("facilities", bbox="99,7,-50,101,9,50") == {"middle"}
    assert api.codes("facilities", bbox="179,7,-179,9") == {"east", "west"}
    assert api.codes("facilities", bbox="100,8,100,8") == {"middle"}
    assert api.codes("facilities", bbox="0,0,1,1") == set()


@requirement("/req/core/fc-time-definition")
def fc_time_definition(api: Api) -> None:
    """datetime is a string."""
    defined = api.parameter("datetime")
    assert (defined["in"], defined["required"], defined["style"], defined["explode"]) == ("query", False, "form", False)
    assert defined["schema"] == {"type": "string"}


@requirement("/req/core/fc-time-response")
def fc_time_response(api: Api) -> None:
    """Only what meets the time, both ends included; open ends; features without a time always match."""

    def matched(at: str) -> int:
        return int(api.items("flood_polygons", datetime=at)["numberMatched"])

    assert matched("2026-11-21T03:00:00Z") == 2
    assert matched("2026-11-21T10:00:00+07:00") == 2
    assert matched("2026-11-21") == 2
    assert matched("2026-11-20T03:00:00Z/2026-11-21T03:00:00Z") == 2
    assert matched("../2026-11-20T12:00:00Z") == matched("/2026-11-20T12:00:00Z") == 0
    assert matched("2026-11-20T12:00:00Z/..") == 2
    assert matched("2025-01-01T00:00:00Z") == 0
    assert api.items("roads", datetime="2025-01-01T00:00:00Z")["numberMatched"] == 25


@requirement("/req/core/fc-response")
def fc_response(api: Api) -> None:
    """All conditions hold together, also those on properties."""
    assert api.codes("roads", bbox="100.0005,7,100.0035,9", code="r2") == {"r2"}


@requirement("/req/core/fc-links")
def fc_links(api: Api) -> None:
    """A page links itself and the next; the pages together hold every feature once; the last links no next."""
    codes: list[str] = []
    page = api.items(limit="10")
    for _ in range(3):
        codes += [one["properties"]["code"] for one in page["features"]]
        assert "limit=10" in rels(page)["self"]
        if "next" in rels(page):
            page = follow(api, rels(page)["next"]).json()
    assert "next" not in rels(page)
    assert sorted(codes) == sorted(f"r{n}" for n in range(1, 26))


@requirement("/req/core/fc-rel-type")
def fc_rel_type(api: Api) -> None:
    """Every link has a relation and a type."""
    assert all(link["rel"] and link["type"] for link in api.items()["links"])


@requirement("/req/core/fc-timeStamp")
def fc_time_stamp(api: Api) -> None:
    """A page says when it was made, UTC."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", api.items()["timeStamp"])


@requirement("/req/core/fc-numberMatched")
def fc_number_matched(api: Api) -> None:
    """A page says how many features match, without the limit."""
    assert api.items(limit="2")["numberMatched"] == 25


@requirement("/req/core/fc-numberReturned")
def fc_number_returned(api: Api) -> None:
    """A page says how many features it holds."""
    page = api.items(limit="10", offset="20")
    assert page["numberReturned"] == len(page["features"]) == 5


@requirement("/req/core/f-op")
def f_op(api: Api) -> None:
    """Each feature is at its id; another id is a 404."""
    feature_id = api.items()["features"][0]["id"]
    assert api.get(f"collections/roads/items/{feature_id}")["id"] == feature_id
    api.get("collections/roads/items/999999999", status=404)
    api.get("collections/roads/items/none", status=404)


@requirement("/req/core/f-success")
def f_success(api: Api) -> None:
    """It is the same feature as in the page."""
    one = api.items()["features"][0]
    alone = api.get(f"collections/roads/items/{one['id']}")
    assert {name: alone[name] for name in ("id", "geometry", "properties")} == {
        name: one[name] for name in ("id", "geometry", "properties")
    }


@requirement("/req/core/f-links")
def f_links(api: Api) -> None:
    """It links itself and its collection."""
    one = api.get(f"collections/roads/items/{api.items()['features'][0]['id']}")
    assert {"self", "collection"} <= set(rels(one))
    for href in rels(one).values():
        follow(api, href)


# --- GeoJSON and OpenAPI -------------------------------------------------------------------------------------------


@requirement("/req/geojson/definition")
def geojson_definition(api: Api) -> None:
    """Features and collections of them come as application/geo+json, also to who asks for it."""
    for accept in ("application/geo+json", "*/*", "application/json"):
        answer = api.client.get("/ogc/collections/roads/items", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/geo+json"


@requirement("/req/geojson/content")
def geojson_content(api: Api) -> None:
    """The page is a FeatureCollection of Features with links; no member `crs`."""
    page = api.items()
    assert page["type"] == "FeatureCollection"
    assert "crs" not in page
    for one in page["features"]:
        assert one["type"] == "Feature"
        assert one["geometry"]["type"] == "LineString"
        assert isinstance(one["properties"], dict)


@requirement("/req/oas30/oas-definition-1")
def oas_definition_json(api: Api) -> None:
    """The description is JSON with the media type of OpenAPI 3.0."""
    answer = api.client.get("/ogc/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"


@requirement("/req/oas30/oas-definition-2")
def oas_definition_valid(api: Api) -> None:
    """It is OpenAPI 3.0: none of the words of 3.1, every reference leads somewhere, every operation answers."""
    told = api.get("api")
    assert told["openapi"].startswith("3.0.")
    schemas = told.get("components", {}).get("schemas", {})

    def look(node: Any) -> None:
        if isinstance(node, dict):
            assert not {"const", "prefixItems", "examples"} & set(node)
            assert node.get("type") != "null"
            if "$ref" in node:
                assert node["$ref"].rsplit("/", 1)[1] in schemas
        for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            look(part)

    look(told)
    assert told["info"]["title"]
    assert told["servers"] == [{"url": "http://testserver/ogc"}]


@requirement("/req/oas30/oas-impl")
def oas_impl(api: Api) -> None:
    """Every address that the description names is there."""
    fill = {"collectionId": "roads", "itemId": str(api.items()["features"][0]["id"]), "z": "12", "x": "3185",
            "y": "1956", "tileMatrixSetId": "WebMercatorQuad"}
    for path in api.get("api")["paths"]:
        assert api.client.get("/ogc" + path.format(**fill)).status_code == 200, path


@requirement("/req/oas30/completeness")
def oas_completeness(api: Api) -> None:
    """Every operation names what it answers and its path's parameters."""
    for path, operations in api.get("api")["paths"].items():
        named = {one["name"] for one in operations["get"].get("parameters", []) if one["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
        assert "200" in operations["get"]["responses"]


@requirement("/req/oas30/exceptions-codes")
def oas_exceptions(api: Api) -> None:
    """Every operation names the errors that it may answer with."""
    for operations in api.get("api")["paths"].values():
        assert {"400", "404"} <= set(operations["get"]["responses"])


@requirement("/req/oas30/security")
def oas_security(api: Api) -> None:
    """Nothing here asks for a sign-in, and the description names none."""
    told = api.get("api")
    assert "security" not in told
    assert not told.get("components", {}).get("securitySchemes")


def test_every_requirement_that_is_declared_holds(api: Api, subtests: pytest.Subtests) -> None:
    """Each requirement of the declared classes is proved by name."""
    assert len(REQUIREMENTS) == 42
    for name, proof in REQUIREMENTS.items():
        with subtests.test(name):
            proof(api)
