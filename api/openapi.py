"""The description of the API: every operation says that what goes wrong is a problem document."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from api.problems import MEDIA_TYPE


class FieldFault(BaseModel):
    """One field that cannot be used, and why."""

    field: str
    place: str = Field(alias="in")
    sentence: str


class Problem(BaseModel):
    """RFC 9457 problem document."""

    type: str = Field(examples=["urn:faonam:problem:conflict"])
    title: str
    title_th: str
    status: int
    detail: str = Field(description="A sentence about this case, for the person at the screen")
    instance: str = Field(description="The path that was asked for")
    facts: dict[str, Any] | None = None
    errors: list[FieldFault] | None = None


def operation_id(route: APIRoute) -> str:
    """The name of the endpoint's function, so that generated clients read well; unique in the whole API."""
    return route.name


class DescribedApi(FastAPI):
    """FastAPI whose description names our problem documents instead of its own validation errors."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; made once."""
        if self.openapi_schema is not None:
            return self.openapi_schema
        schema = super().openapi()
        parts = schema.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            parts.pop(name, None)
        described = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts.update(described.pop("$defs", {}))
        parts["Problem"] = described
        answer = {
            "description": "What went wrong",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for path in schema["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = answer
        return schema
