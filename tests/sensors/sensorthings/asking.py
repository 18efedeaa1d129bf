"""A client of SensorThings over HTTP, for tests."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

ROOT = "/sta/v1.1"


class Sta:
    """A client: addresses below the service's root, JSON in and out."""

    def __init__(self, http: TestClient) -> None:
        self.http = http

    def get(self, path: str, *, status: int = 200, **params: str) -> Any:
        """The JSON at the address; its status must be the one given."""
        answer = self.http.get(self._url(path), params={f"${name}": value for name, value in params.items()} or None)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def send(self, method: str, path: str, body: Any = None, *, status: int, **headers: str) -> Any:
        """What the change was answered with; its status must be the one given."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.request(method, self._url(path), json=body, headers=named)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any, *, status: int = 201, **headers: str) -> Any:
        """The entity that was created."""
        return self.send("POST", path, body, status=status, **headers)

    @staticmethod
    def _url(path: str) -> str:
        return path if path.startswith("http") else f"{ROOT}/{path}"

    def ids(self, path: str, **params: str) -> list[int]:
        """The ids of a page, in its order."""
        return [one["@iot.id"] for one in self.get(path, status=200, **params)["value"]]

    def pages(self, path: str, **params: str) -> list[Any]:
        """Every entity, by following the links to further pages."""
        page = self.get(path, status=200, **params)
        found = list(page["value"])
        while "@iot.nextLink" in page:
            page = self.get(page["@iot.nextLink"])
            found += page["value"]
        return found
