"""LINE's own OpenAPI contract as schemas that really refuse: discriminators expanded, `nullable` translated.

The contract's bases (`Message`, `Action`, `FlexComponent`, …) name a discriminator without `oneOf`, so a plain reading
accepts a text message without text. Each base X becomes X__base, and X a choice by its discriminator; the variants
point at X__base, or they would loop (see OAI/OpenAPI-Specification#2141). Beyond the contract, a request is refused
for a property that it does not know.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from core.settings import ROOT

FOLDER = ROOT.parent / "shared" / "data" / "line"
CONTRACT = FOLDER / "messaging-api.yml"
FILES = ("messaging-api", "manage-audience", "insight", "liff", "channel-access-token")
METHODS = frozenset({"get", "post", "put", "delete"})
_REF = "#/components/schemas/"
# Their maxLength counts code points, LINE counts letters as read (a Thai mark is free): they are checked by hand.
_COUNTED_BY_HAND = {"RichMenuRequest": ("name", "chatBarText"), "RichMenuResponse": ("name", "chatBarText")}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_CLOSED = frozenset({"unevaluatedProperties", "additionalProperties"})
_WIDTHS = {"int32": 31, "int64": 63}


@dataclass(frozen=True)
class Fault:
    """One error of a request body: LINE's wording and the property's path, such as `messages[0].text`."""

    message: str
    property: str


@dataclass(frozen=True)
class Clause:
    """One operation of the contract: what it takes and what it answers. Validators are made when first asked for."""

    method: str
    path: str
    name: str
    operation: Mapping[str, Any]
    shared_parameters: tuple[Mapping[str, Any], ...]
    schemas: Mapping[str, Any]

    @property
    def is_on_data_host(self) -> bool:
        """LINE serves it from its host for content."""
        return any("api-data" in server["url"] for server in self.operation.get("servers", ()))

    @property
    def statuses(self) -> frozenset[int]:
        """The statuses that the contract declares."""
        return frozenset(int(status) for status in self.operation["responses"])

    @functools.cached_property
    def body(self) -> Any:
        """The validator of the request body; None where it takes none or raw bytes."""
        content = self.operation.get("requestBody", {}).get("content", {})
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            if kind in content:
                return self._validator(_plain(content[kind]["schema"], frozenset()), is_request=True)
        return None

    @functools.cached_property
    def parameters(self) -> Mapping[str, tuple[Mapping[str, Any], Any]]:
        """Each query or header parameter with its validator."""
        every = [*self.operation.get("parameters", ()), *self.shared_parameters]
        return {
            p["name"]: (p, self._validator(_plain(p["schema"], frozenset()), is_request=True))
            for p in every
            if p["in"] == "query"
        }

    def answer(self, status: int) -> Any:
        """The validator of the answer with this status; None where the contract gives none."""
        content = self.operation["responses"].get(str(status), {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        return None if schema is None else self._validator(_plain(schema, frozenset()), is_request=False)

    def _validator(self, schema: Any, *, is_request: bool) -> Any:
        parts = expanded(dict(self.schemas), is_closed=is_request)
        whole = {"$schema": _DIALECT, "allOf": [schema], "components": {"schemas": parts}}
        return jsonschema_rs.validator_for(whole, validate_formats=True)


def expanded(schemas: dict[str, Any], *, is_closed: bool = True) -> dict[str, Any]:
    """The schemas with every discriminated base replaced by a choice among its variants.

    Where `is_closed`, no object takes a property that the contract does not know.
    """
    bases = {name: schema for name, schema in schemas.items() if "discriminator" in schema}
    plain = {name: _plain(schema, frozenset(bases)) for name, schema in schemas.items()}
    for name in _COUNTED_BY_HAND.keys() & plain.keys():
        for counted in _COUNTED_BY_HAND[name]:
            plain[name]["properties"][counted].pop("maxLength", None)
    values = {
        (ref.removeprefix(_REF), base["discriminator"]["propertyName"]): value
        for base in bases.values()
        for value, ref in base["discriminator"]["mapping"].items()
    }
    for (name, by), value in values.items():
        plain[name]["allOf"] = [*plain[name].get("allOf", []), {"properties": {by: {"const": value}}}]
    if is_closed:
        for name in plain.keys() - bases.keys():
            _close(plain[name])
    for name, base in bases.items():
        by = base["discriminator"]["propertyName"]
        mapping = base["discriminator"]["mapping"]
        plain[f"{name}__base"] = plain[name]
        plain[name] = {
            "type": "object",
            "required": [by],
            "properties": {by: {"enum": list(mapping)}},
            "allOf": [
                {"if": {"required": [by], "properties": {by: {"const": value}}}, "then": {"$ref": variant}}
                for value, variant in mapping.items()
            ],
        }
    return plain


def _close(schema: dict[str, Any]) -> None:
    is_object = schema.get("type") == "object" or "allOf" in schema or "properties" in schema
    if is_object and "additionalProperties" not in schema:
        schema["unevaluatedProperties"] = False


def _plain(node: Any, bases: frozenset[str]) -> Any:
    if isinstance(node, list):
        return [_plain(item, bases) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: _plain(value, bases) for key, value in node.items() if key not in {"discriminator", "nullable"}}
    if "allOf" in out:
        out["allOf"] = [_base_of(part, bases) for part in out["allOf"]]
    width = _WIDTHS.get(str(node.get("format"))) if node.get("type") == "integer" else None
    if width is not None:
        out = {"minimum": -(2**width), "maximum": 2**width - 1} | out
    if node.get("nullable") is True and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
        if "enum" in out:
            out["enum"] = [*out["enum"], None]
    return out


def _base_of(part: Any, bases: frozenset[str]) -> Any:
    name = part.get("$ref", "").removeprefix(_REF) if isinstance(part, dict) else ""
    return {"$ref": f"{_REF}{name}__base"} if name in bases else part


@functools.cache
def clauses(folder: Path = FOLDER) -> Mapping[tuple[str, str], Clause]:
    """Every operation of LINE's contract by method and path; none where the contract is not at hand."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[tuple[str, str], Clause] = {}
    for name in FILES:
        file = folder / f"{name}.yml"
        if not file.exists():
            continue
        document = yaml.load(file.read_bytes(), Loader=loader)  # noqa: S506 - both loaders are the safe ones.
        for path, operations in document["paths"].items():
            shared = tuple(operations.get("parameters", ()))
            for method in METHODS & operations.keys():
                operation = operations[method]
                found[method.upper(), path] = Clause(
                    method=method.upper(), path=path, name=operation["operationId"], operation=operation,
                    shared_parameters=shared, schemas=document["components"]["schemas"],
                )
    return found


def body_faults(clause: Clause | None, body: Any) -> list[Fault]:
    """What LINE's contract holds against a request body; nothing where the contract is not at hand."""
    if clause is None or clause.body is None:
        return []
    return _without_echoes(list(clause.body.iter_errors(body)))


def _without_echoes(errors: list[Any]) -> list[Fault]:
    """A branch that fails leaves its properties "unknown" to the object around it: only true strangers are told."""
    real = [tuple(error.instance_path) for error in errors if error.kind.name not in _CLOSED]
    return [
        _fault(error)
        for error in errors
        if error.kind.name not in _CLOSED
        or not any(path[: len(error.instance_path)] == tuple(error.instance_path) for path in real)
    ]


def query_faults(clause: Clause | None, query: Mapping[str, list[str]]) -> list[Fault]:
    """What LINE's contract holds against the query's parameters."""
    if clause is None:
        return []
    found: list[Fault] = []
    for name, (parameter, validator) in clause.parameters.items():
        given = query.get(name)
        if not given:
            if parameter.get("required"):
                found.append(Fault("May not be empty", name))
            continue
        try:
            value = _typed(parameter["schema"], given)
        except ValueError:
            found.append(Fault("Must be a number", name))
            continue
        found += [Fault(_fault(error).message, name) for error in validator.iter_errors(value)]
    return found


def _typed(schema: Mapping[str, Any], given: list[str]) -> Any:
    match schema.get("type"):
        case "integer":
            return int(given[-1])
        case "boolean":
            return {"true": True, "false": False}.get(given[-1].lower(), given[-1])
        case "array":
            return [part for value in given for part in value.split(",")]
    return given[-1]


def _fault(error: Any) -> Fault:
    path = property_path(error.instance_path)
    kind = error.kind.name
    if kind == "required":
        return Fault("May not be empty", f"{path}.{error.kind.property}" if path else error.kind.property)
    if kind in {"maxItems", "minItems"}:
        return Fault(f"Size must be between {_bounds(error)}", path)
    if kind == "enum":
        return Fault(f"Must be one of the following values: {error.kind.options}", path)
    if kind in _CLOSED:
        name = _first_unknown(error)
        return Fault("Unknown property", f"{path}.{name}" if path else name)
    return Fault(error.message[:200], path)


def _first_unknown(error: Any) -> str:
    named = re.search(r"'([^']*)'", error.message)
    return named[1] if named else ""


def _bounds(error: Any) -> str:
    return "1 and the limit of this property" if error.kind.name == "minItems" else f"0 and {error.kind.limit}"


def property_path(parts: list[str | int]) -> str:
    """`["messages", 0, "text"]` as LINE writes it: `messages[0].text`."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
