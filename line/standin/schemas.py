"""LINE's own OpenAPI contract as schemas that really refuse: discriminators expanded, `nullable` translated.

The contract's bases (`Message`, `Action`, `FlexComponent`, …) name a discriminator without `oneOf`, so a plain reading
accepts a text message without text. Each base X becomes X__base, and X a choice by its discriminator; the variants
point at X__base, or they would loop (see OAI/OpenAPI-Specification#2141).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from core.settings import ROOT

CONTRACT = ROOT.parent / "shared" / "data" / "line" / "messaging-api.yml"
REQUESTS = {"multicast": "MulticastRequest", "push": "PushMessageRequest", "reply": "ReplyMessageRequest"}
_REF = "#/components/schemas/"


@dataclass(frozen=True)
class Fault:
    """One error of a request body: LINE's wording and the property's path, such as `messages[0].text`."""

    message: str
    property: str


def expanded(schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas with every discriminated base replaced by a choice among its variants."""
    bases = {name: schema for name, schema in schemas.items() if "discriminator" in schema}
    plain = {name: _plain(schema, frozenset(bases)) for name, schema in schemas.items()}
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


def _plain(node: Any, bases: frozenset[str]) -> Any:
    if isinstance(node, list):
        return [_plain(item, bases) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: _plain(value, bases) for key, value in node.items() if key not in {"discriminator", "nullable"}}
    if "allOf" in out:
        out["allOf"] = [_base_of(part, bases) for part in out["allOf"]]
    if node.get("nullable") is True and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
    return out


def _base_of(part: Any, bases: frozenset[str]) -> Any:
    name = part.get("$ref", "").removeprefix(_REF) if isinstance(part, dict) else ""
    return {"$ref": f"{_REF}{name}__base"} if name in bases else part


@functools.cache
def _validators(contract: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(contract.read_bytes(), Loader=loader)  # noqa: S506 - both loaders are the safe ones.
    components = {"schemas": expanded(document["components"]["schemas"])}
    return {
        kind: jsonschema_rs.validator_for(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": _REF + name,
                "components": components,
            }
        )
        for kind, name in REQUESTS.items()
    }


def faults(kind: str, body: dict[str, Any], *, contract: Path = CONTRACT) -> list[Fault]:
    """What LINE's contract holds against a request body of this kind; nothing where the contract is not at hand."""
    if not contract.exists():
        return []
    return [_fault(error) for error in _validators(contract)[kind].iter_errors(body)]


def _fault(error: Any) -> Fault:
    path = property_path(error.instance_path)
    kind = error.kind.name
    if kind == "required":
        return Fault("May not be empty", f"{path}.{error.kind.property}" if path else error.kind.property)
    if kind in {"maxItems", "minItems"}:
        return Fault(f"Size must be between {_bounds(error)}", path)
    if kind == "enum":
        return Fault(f"Must be one of the following values: {error.kind.options}", path)
    return Fault(error.message[:200], path)


def _bounds(error: Any) -> str:
    return "1 and the limit of this property" if error.kind.name == "minItems" else f"0 and {error.kind.limit}"


def property_path(parts: list[str | int]) -> str:
    """`["messages", 0, "text"]` as LINE writes it: `messages[0].text`."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
