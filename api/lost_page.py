"""What a person reads at an address that leads nowhere: both languages, and the ways on. Plain HTML without script."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from core.words import words

_LOOK = (
    ":root{color-scheme:light dark}*{box-sizing:border-box}body{margin:0;background:#f6f7f5;color:#0f1b2d;"
    "font:1.1rem/1.6 Sarabun,Garuda,'Noto Sans Thai',sans-serif}main{max-width:40rem;margin:0 auto;padding:32px 16px}"
    "h1{font-size:1.5rem;line-height:1.4;margin:0 0 8px}p{margin:0 0 16px}a{color:#155a9c;display:inline-block;"
    "min-height:48px;padding:10px 14px;border:1px solid currentColor;border-radius:8px;font-weight:600;"
    "text-decoration:none;margin:0 8px 8px 0}section{margin-bottom:28px}"
    "@media(prefers-color-scheme:dark){body{background:#0d1624;color:#e8eef6}a{color:#7db9f2}}"
)
_STYLE = base64.b64encode(hashlib.sha256(_LOOK.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE}'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}
# People's pages: the same address with a slash at its end is meant for the page.
PAGES = frozenset({"city", "crew", "liff", "phone", "report", "t"})


def is_for_a_person(path: str, *, accept: str) -> bool:
    """Whoever asks would rather have a page than a problem document: a browser that was given an address."""
    return "text/html" in accept and not path.startswith("/api/")


def page_meant(path: str) -> str | None:
    """The address of one of the people's pages that was written with slashes at its end, else None."""
    meant = path.strip("/")
    is_page = path.endswith("/") and meant.partition("/")[0] in PAGES
    return f"/{meant}" if is_page else None


def answer(path: str) -> Response:
    """The page that was meant, or the sentence that there is none."""
    meant = page_meant(path)
    if meant is not None:
        return RedirectResponse(meant, status_code=308)
    return HTMLResponse(_whole(), status_code=404, headers=HEADERS)


def _whole() -> str:
    parts = "".join(
        f'<section lang="{tongue}"><h1>{_say("title", tongue)}</h1><p>{_say("what", tongue)}</p>'
        f'<a href="/city">{_say("water", tongue)}</a><a href="/city#reports">{_say("reports", tongue)}</a>'
        f'<a href="/report?lang={tongue}">{_say("report", tongue)}</a></section>'
        for tongue in ("th", "en")
    )
    return f"""<!doctype html><html lang="th"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>{_say("title", "th")}</title><link rel="icon" href="/favicon.svg" type="image/svg+xml">
<style>{_LOOK}</style></head><body><main>{parts}</main></body></html>"""


def _say(key: str, language: str) -> str:
    return escape(words("api", f"lost-{key}", language=language))
