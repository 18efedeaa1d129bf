"""What the API process is made of, what its answers carry, and how it refuses to start."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api import security, server, static
from core.errors import SetupError

HEAVY = ("cv2", "rasterio", "geopandas", "sklearn", "numba", "folium", "pyflwdir", "scipy", "pandas")


def test_the_api_imports_no_heavy_library() -> None:
    """The API starts in a second and stays small; arrays are worked on in processes of their own."""
    code = f"import sys, api.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_answer_says_what_a_browser_may_do(browser: TestClient) -> None:
    """No frames, no foreign scripts, no guessing of types, nothing of the API kept in caches."""
    headers = browser.get("/api/v1/clock").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"].split("style-src")[0]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_the_stand_in_is_reachable_only_while_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A city on the real LINE has no demo phone, and its pages may talk to nobody else."""
    from core.settings import settings

    assert "connect-src 'self' http://127.0.0.1:8001" in security.content_security_policy()
    monkeypatch.setenv("LINE_LIVE", "true")
    monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", "token")
    monkeypatch.setenv("LINE_API_BASE_URL", "https://line.example")
    settings.cache_clear()
    try:
        assert "connect-src 'self';" in security.content_security_policy()
    finally:
        settings.cache_clear()


def test_health_and_openapi_are_there(browser: TestClient) -> None:
    """Supervisors ask /healthz and /readyz, other systems read the description."""
    assert browser.get("/healthz").json() == {"status": "ok"}
    assert browser.get("/readyz").json() == {"status": "ok"}
    described = browser.get("/api/v1/openapi.json").json()
    operations = [one for path in described["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names)), "two endpoints share a name"
    for one in operations:
        assert one["responses"]["default"]["content"]["application/problem+json"]
    assert "HTTPValidationError" not in str(described)


def test_screens_are_served_and_nothing_beside_them(
    browser: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are always asked for again, hashed assets never; no path leads out of the build."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<p>console</p>")
    (dist / "crew").mkdir()
    (dist / "crew" / "index.html").write_text("<p>crew</p>")
    (dist / "assets" / "app-1a2b.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr(static, "DIST", dist)
    console = browser.get("/")
    assert (console.text, console.headers["cache-control"]) == ("<p>console</p>", "no-cache")
    assert browser.get("/crew").text == "<p>crew</p>"
    assert "immutable" in browser.get("/assets/app-1a2b.js").headers["cache-control"]
    for outside in ("/..%2fsecret", "/assets/../../secret", "/%2e%2e/secret", "/assets/none.js"):
        assert browser.get(outside).status_code == 404, outside


def test_missing_screens_are_said_plainly(browser: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a build the page says so, in Thai and English."""
    monkeypatch.setattr(static, "DIST", tmp_path / "dist")
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "web/dist" in answer.text


def test_a_port_in_use_is_one_sentence() -> None:
    """Who starts it twice reads what to do."""
    taken = server.listening_socket("127.0.0.1", 0)
    with taken, pytest.raises(SetupError, match="FAONAM_API_PORT"):
        server.listening_socket("127.0.0.1", taken.getsockname()[1])


def test_a_database_that_is_away_is_one_sentence(database: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API does not start half: it says that the database does not answer."""
    from core import db

    server.check_database()
    nowhere = sa.create_engine("postgresql+psycopg:///none?host=/nonexistent")
    monkeypatch.setattr(db, "engine", lambda: nowhere)
    with pytest.raises(SetupError, match="does not answer"):
        server.check_database()


def test_a_hundred_screens_at_once_do_not_lock_each_other_out(served: Any) -> None:
    """Requests that hold a connection always find a thread to go on; the others wait their turn."""
    with ThreadPoolExecutor(max_workers=50) as pool:
        answers = list(pool.map(lambda _: served.client.get("/api/v1/session").status_code, range(100)))
    assert answers == [200] * 100
