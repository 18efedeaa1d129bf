"""The description of the open data as OpenAPI 3.0, which the standard asks for; FastAPI writes 3.1."""

from __future__ import annotations

from typing import Any

from api.ogc.door import LARGEST_LIMIT

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"
# Features 1, requirements fc-limit-definition, fc-bbox-definition, fc-time-definition.
_DEFINED: dict[str, dict[str, Any]] = {
    "limit": {
        "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": 10},
        "style": "form", "explode": False,
    },
    "bbox": {
        "schema": {
            "type": "array", "items": {"type": "number"},
            "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        },
        "style": "form", "explode": False,
    },
    "datetime": {"schema": {"type": "string"}, "style": "form", "explode": False},
    "f": {"schema": {"type": "string"}, "style": "form", "explode": False},
}
_PROBLEM = {
    "description": "What went wrong (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}


def as_openapi_30(schema: dict[str, Any]) -> dict[str, Any]:
    """The description in the words of OpenAPI 3.0, its parameters as the standard defines them."""
    told: dict[str, Any] = _plain({**schema, "openapi": "3.0.3"})
    for path in told["paths"].values():
        for operation in path.values():
            operation["responses"] = {code: one for code, one in operation["responses"].items() if code != "422"}
            operation["responses"] |= {"400": _PROBLEM, "404": _PROBLEM, "503": _PROBLEM}
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query":
                    parameter.update(_DEFINED.get(parameter["name"], {}))
    for name in ("HTTPValidationError", "ValidationError"):
        told.get("components", {}).get("schemas", {}).pop(name, None)
    return told


def _plain(node: Any) -> Any:
    """The part without what 3.0 does not know: null as a type, constants, tuples, lists of examples."""
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items() if key not in {"examples", "propertyNames"}}
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    if "prefixItems" in plain:
        plain["items"] = {"anyOf": plain.pop("prefixItems")}
    choices = plain.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        plain.pop("anyOf")
        if len(rest) > 1:
            plain["anyOf"] = rest
        else:
            plain |= {"allOf": rest} if "$ref" in rest[0] else rest[0]
        plain["nullable"] = True
    return plain
