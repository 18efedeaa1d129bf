"""Messages grown from LINE's contract: valid ones of every type, and mutants of them; both from a seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

REF = "#/components/schemas/"
DEPTH = 7
# What the contract leaves open and LINE asks for all the same.
ALWAYS = {
    "uri", "text", "data", "label", "linkUri", "action", "body", "items", "bounds", "clipboardText", "mode",
    "richMenuAliasId", "area", "originalContentUrl", "previewImageUrl", "productId", "emojiId", "index", "externalLink",
    "angle", "startColor", "endColor",
}
NEVER = {"quickReply", "contents@FlexText"}
COUNTS = {
    ("ButtonsTemplate", "actions"): (1, 4),
    ("ConfirmTemplate", "actions"): (2, 2),
    ("CarouselColumn", "actions"): (1, 3),
    ("CarouselTemplate", "columns"): (1, 10),
    ("ImageCarouselTemplate", "columns"): (1, 10),
    ("FlexCarousel", "contents"): (1, 3),
    ("FlexBox", "contents"): (0, 3),
    ("QuickReply", "items"): (1, 13),
    ("TextMessage", "emojis"): (0, 2),
}
WORDS = ["น้ำท่วม", "ยกของขึ้นที่สูง", "Water is rising 🌊", "ไปศูนย์พักพิง", "1669"]
STRINGS = {
    "userId": ["U" + "0" * 32], "label": ["แจ้งเหตุ", "ตกลง"], "name": ["เทศบาล"], "data": ["a=1", "report:skip"],
    "uri": ["https://example.com/a", "tel:1669", "line://nv/location"], "richMenuAliasId": ["second"],
    "initial": ["2026-11-28"], "max": ["2026-12-31"], "min": ["2026-01-01"], "aspectRatio": ["1:1", "20:13"],
    "imageAspectRatio": ["rectangle", "square"], "imageSize": ["cover", "contain"], "angle": ["0deg", "90deg"],
    "deliveryTag": ["tag"], "centerPosition": ["50%"], "displayText": WORDS, "desktop": ["https://example.com/"],
}


class Garden:
    """The contract's schemas, from which messages grow."""

    def __init__(self, contract: Path, *, seed: int) -> None:
        self.schemas: dict[str, Any] = yaml.safe_load(contract.read_text())["components"]["schemas"]
        self.random = random.Random(seed)
        self.types = self.schemas["Message"]["discriminator"]["mapping"]
        self.strict = jsonschema_rs.validator_for(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": f"{REF}ValidateMessageRequest",
                "components": {"schemas": self._expanded()},
            }
        )

    def _expanded(self) -> dict[str, Any]:
        """The expansion as facts about LINE describe it, written apart from the stand-in's own."""
        out = copy.deepcopy(self.schemas)
        bases = {name for name, schema in out.items() if "discriminator" in schema}
        for schema in out.values():
            for part in schema.get("allOf", ()):
                name = part.get("$ref", "").removeprefix(REF)
                if name in bases:
                    part["$ref"] = f"{REF}{name}__base"
        for name in bases:
            base = out[name]
            by, mapping = base["discriminator"]["propertyName"], base["discriminator"]["mapping"]
            out[f"{name}__base"] = {key: value for key, value in base.items() if key != "discriminator"}
            choice: dict[str, Any] = {"required": [by], "properties": {by: {"enum": list(mapping)}}, "allOf": []}
            for value, variant in mapping.items():
                condition = {"properties": {by: {"const": value}}, "required": [by]}
                choice["allOf"].append({"if": condition, "then": {"$ref": variant}})
            out[name] = choice
        return out

    def message(self, kind: str) -> dict[str, Any]:
        """A valid message of this type."""
        name = self.types[kind].removeprefix(REF)
        message = self._grow_variant(name, "type", kind, 0)
        if self.random.random() < 0.3:
            message["quickReply"] = self._grow("QuickReply", 1)
        return message

    def _grow(self, name: str, depth: int) -> Any:
        schema = self.schemas[name]
        if "discriminator" not in schema:
            return self._value(schema, name, name, depth)
        mapping = schema["discriminator"]["mapping"]
        kinds = list(mapping)
        if name == "FlexComponent" and depth >= DEPTH - 2:
            kinds = ["text", "separator", "filler"]
        elif name == "FlexComponent":
            kinds = [kind for kind in kinds if kind not in {"span", "video"}]
        if name == "FlexContainer":
            kinds = ["bubble", "carousel"]
        kind = self.random.choice(kinds)
        return self._grow_variant(mapping[kind].removeprefix(REF), schema["discriminator"]["propertyName"], kind, depth)

    def _grow_variant(self, name: str, by: str, kind: str, depth: int) -> dict[str, Any]:
        return self._value(self.schemas[name], name, name, depth) | {by: kind}

    def _merged(self, schema: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
        properties, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
        for part in schema.get("allOf", ()):
            whole = self.schemas[part["$ref"].removeprefix(REF)] if "$ref" in part else part
            more, needed = self._merged(whole)
            properties, required = more | properties, required | needed
        return properties, required

    def _value(self, schema: dict[str, Any], owner: str, name: str, depth: int) -> Any:
        if "$ref" in schema:
            target = schema["$ref"].removeprefix(REF)
            mapped = next(
                (
                    (base["discriminator"]["propertyName"], kind)
                    for base in self.schemas.values()
                    for kind, ref in base.get("discriminator", {}).get("mapping", {}).items()
                    if ref == schema["$ref"]
                ),
                None,
            )
            return self._grow_variant(target, *mapped, depth) if mapped else self._grow(target, depth)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        if "properties" in schema or "allOf" in schema:
            return self._object(schema, owner, depth)
        match schema.get("type"):
            case "array":
                least, most = COUNTS.get((owner, name), (schema.get("minItems", 0), min(3, schema.get("maxItems", 3))))
                return [
                    self._value(schema["items"], owner, name, depth + 1)
                    for _ in range(self.random.randint(least, most))
                ]
            case "integer":
                return self.random.randint(max(0, schema.get("minimum", 0)), min(1000, schema.get("maximum", 1000)))
            case "number":
                return round(self.random.uniform(-89, 89), 5)
            case "boolean":
                return self.random.random() < 0.5
            case "object":
                return {"area": self._grow("SubstitutionObject", depth + 1)} if "additionalProperties" in schema else {}
        return self._string(schema, name)

    def _object(self, schema: dict[str, Any], owner: str, depth: int) -> dict[str, Any]:
        properties, required = self._merged(schema)
        out: dict[str, Any] = {}
        for name, part in properties.items():
            is_needed = name in required or name in ALWAYS
            is_left_out = name in NEVER or f"{name}@{owner}" in NEVER or depth > DEPTH
            if is_needed or (not is_left_out and self.random.random() < 0.3):
                out[name] = self._value(part, owner, name, depth + 1)
        return out

    def _string(self, schema: dict[str, Any], name: str) -> str:
        if name in STRINGS:
            return self.random.choice(STRINGS[name])
        if schema.get("format") == "uri" or name.endswith(("Url", "Uri")):
            return "https://example.com/a.jpg"
        if "olor" in name:
            return self.random.choice(["#112233", "#aabbccdd"])
        if name.endswith("Id") or name == "quoteToken":
            return str(self.random.randint(1, 10**9))
        if name in {"text", "altText", "title", "address", "clipboardText", "fillInText"}:
            return self.random.choice(WORDS)
        return "md"

    def grown(self, name: str) -> Any:
        """A value that fits this schema of the contract."""
        return self._grow(name, 0)

    def changed(self, value: dict[str, Any]) -> dict[str, Any]:
        """A copy of the value with one to three changes, which may or may not fit."""
        return self._mutated(value)

    def mutants(self, message: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
        """So many changed copies of the message that the expanded contract refuses."""
        found = tried = 0
        while found < count and tried < 40 * count:
            tried += 1
            mutant = self._mutated(message)
            if not self.strict.is_valid({"messages": [mutant]}):
                found += 1
                yield mutant

    def _mutated(self, message: dict[str, Any]) -> dict[str, Any]:
        mutant = copy.deepcopy(message)
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            places = list(_places(mutant))
            if not places:
                break
            holder, key = self.random.choice(places)
            change = self.random.choice(["drop", "type", "kind", "long", "many", "none", "number", "twist"])
            self._change(holder, key, change)
        return mutant

    def _change(self, holder: Any, key: Any, change: str) -> None:
        value = holder[key]
        match change:
            case "drop" if isinstance(holder, dict):
                del holder[key]
            case "type":
                strangers = [7, "x", True, [], {}, ["x"], {"x": 1}, 1.5]
                holder[key] = self.random.choice([s for s in strangers if type(s) is not type(value)])
            case "kind" if isinstance(value, str):
                holder[key] = self.random.choice(["diagonal", "TEXT", "", value + "x", "box", "bubble", "uri"])
            case "long" if isinstance(value, str):
                holder[key] = value + "ย" * self.random.choice([20, 300, 1100, 5001])
            case "many" if isinstance(value, list) and value:
                holder[key] = value * 15
            case "none":
                holder[key] = None
            case "number" if isinstance(value, int | float):
                holder[key] = self.random.choice([-1, 1e9, "7", 3.7])
            case "twist":
                holder[key] = [value] if isinstance(value, dict) else {"value": value}


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    keys = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(keys):
        yield node, key
        yield from _places(value)
