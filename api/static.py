"""The built screens, from web/dist: pages are asked for again each time, assets with a hash in their name never."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from api import lost_page, security
from api.security import standin_url
from core.errors import NotFoundError
from core.settings import ROOT

DIST = ROOT / "web" / "dist"

router = APIRouter(include_in_schema=False)

_MISSING = """<!doctype html><html lang="th"><meta charset="utf-8"><title>Faonam เฝ้าน้ำ</title>
<body style="font-family:sans-serif;max-width:40rem;margin:4rem auto;line-height:1.6">
<h1>Faonam เฝ้าน้ำ</h1><p>ระบบทำงานแล้ว แต่ยังไม่ได้สร้างหน้าจอ (ไม่พบ web/dist)</p>
<p>The system runs, but its screens have not been built: web/dist is missing. Run the set-up again to build them.</p>
</body></html>"""


def _file_in_dist(path: str) -> Path | None:
    """The file of that path inside web/dist, or None; a path that leads outside is no file."""
    target = (DIST / path).resolve()
    return target if target.is_relative_to(DIST.resolve()) and target.is_file() else None


def _page(name: str) -> Response:
    for path in (f"{name}.html", f"{name}/index.html"):
        found = _file_in_dist(path)
        if found is not None:
            return FileResponse(found, headers={"Cache-Control": "no-cache"})
    if DIST.is_dir():
        raise NotFoundError(f"The screen '{name}' was not built.")
    return HTMLResponse(_MISSING, status_code=503)


@router.get("/")
def console() -> Response:
    """The officers' console."""
    return _page("index")


@router.get("/crew")
def crew() -> Response:
    """The crew's list of jobs."""
    return _page("crew")


@router.get("/city")
def city() -> Response:
    """The public's page."""
    return _page("city")


@router.get("/liff")
def liff() -> Response:
    """A resident's own page inside LINE."""
    page = _page("liff")
    page.headers["Content-Security-Policy"] = security.liff_page_policy()
    return page


@router.get("/phone")
def phone() -> Response:
    """A resident's LINE, for the demo; only where messages go to the stand-in."""
    if standin_url() is None:
        raise NotFoundError("This city is connected to the real LINE, so there is no demo phone.")
    return _page("phone")


@router.get("/{path:path}")
def asset(path: str, request: Request) -> Response:
    """A file of the build: styles, scripts, fonts, the crew's service worker; a person who is lost is told the way."""
    found = _file_in_dist(path)
    if found is None and lost_page.is_for_a_person(
        request.url.path, accept=request.headers.get("accept", "")
    ):
        return lost_page.answer(request.url.path)
    if found is None:
        raise NotFoundError(f"There is nothing at /{path}.")
    has_hash = path.startswith("assets/")
    return FileResponse(
        found, headers={"Cache-Control": "public, max-age=31536000, immutable" if has_hash else "no-cache"}
    )
