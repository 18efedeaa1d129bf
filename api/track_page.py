"""The page on which everybody follows an incident by its number: plain HTML without script, for LINE's browser too."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from html import escape

from api.report_page import EMERGENCY_NUMBERS, Page
from core.words import words
from incidents import cards, rules
from incidents.public_queries import Tracked

# Its own letters and colours, so that nothing else has to be fetched.
_LOOK = (
    ":root{color-scheme:light dark;--ink:#0f1b2d;--soft:#465468;--paper:#f6f7f5;--panel:#fff;--line:#d5dbe1;"
    "--link:#155a9c;--good:#116149;--bad:#b3162c;--note:#fdf3cf;--note-ink:#5c4a0b}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8eef6;--soft:#a9b6c6;--paper:#0d1624;--panel:#172335;"
    "--line:#2b3a50;--link:#7db9f2;--good:#5fd0a8;--bad:#ff8a97;--note:#3d3310;--note-ink:#f6e3a1}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);"
    "font:1.1rem/1.6 Sarabun,Garuda,'Noto Sans Thai',sans-serif}"
    "header{background:#0f1b2d;color:#f6f7f5}header div,main{max-width:40rem;margin:0 auto;padding:12px 16px}"
    "header div{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:4px 12px}"
    "header p{margin:0}header a{color:inherit;padding:10px 4px}main{display:grid;gap:14px;padding-bottom:40px}"
    "h1,h2,p,dl,dd,ol{margin:0}h1{font-size:1.5rem;line-height:1.4}h2{font-size:1.2rem}a{color:var(--link)}"
    ".card{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:14px 16px}"
    ".state{font-size:1.7rem;font-weight:700;line-height:1.4}.soft,dt,time{color:var(--soft);font-size:1rem}"
    "dl{display:grid;gap:10px;margin-top:12px}dd{font-weight:600;overflow-wrap:anywhere}"
    ".good{color:var(--good)}.bad{color:var(--bad)}"
    "ol{list-style:none;padding:4px 0 0 7px}"
    "li{border-left:3px solid var(--line);padding:0 0 14px 16px;position:relative}"
    "li::before{content:'';position:absolute;left:-8px;top:8px;width:13px;height:13px;border-radius:50%;"
    "background:var(--panel);border:3px solid var(--soft)}li:last-child::before{background:var(--ink);"
    "border-color:var(--ink)}li:last-child{border-color:transparent;padding-bottom:0}li strong,li time{display:block}"
    ".note{background:var(--note);color:var(--note-ink);border-radius:8px;padding:10px 14px}.note a{color:inherit}"
    ".ways{display:flex;flex-wrap:wrap;gap:10px}.ways a,.call a{display:inline-block;min-height:48px;padding:10px 14px;"
    "border:1px solid currentColor;border-radius:8px;font-weight:600;text-decoration:none}"
    ".call a{border:0;text-decoration:underline;padding:10px 12px}"
)
# No script, no frame, nothing from elsewhere; the one style is named by what it is.
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_LOOK.encode()).digest()).decode()}'",
        "img-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    )
)


def tracking(page: Page, found: Tracked, *, now: datetime) -> str:
    """What, where, whose, until when, and every state that it has been in."""
    is_english = page.language == "en"
    category = found.category_en if is_english else found.category_th
    place = (found.place_en if is_english else found.place_th) or _say(page, "where-unknown")
    agency = (found.agency_en if is_english else found.agency_th) or _say(page, "agency-none")
    merged = ""
    if not f"{found.asked}-".startswith(f"{found.number}-"):
        merged = f'<p class="note">{_text(page, "merged", asked=found.asked, number=found.number)}</p>'
    return _whole(
        page,
        title=_say(page, "title", number=found.number),
        content=f"""<h1>{escape(category)}</h1>
<p class="soft">{_text(page, "title", number=found.number)}</p>{merged}
<section class="card" aria-labelledby="now"><h2 id="now">{_text(page, "now")}</h2>
<p class="state" data-testid="track-state" data-state="{escape(found.state)}">{_state(page, found.state)}</p>
<dl><div><dt>{_text(page, "where")}</dt><dd>{escape(place)}</dd></div>
<div><dt>{_text(page, "agency")}</dt><dd>{escape(agency)}</dd></div>
<div><dt>{_text(page, "reported")}</dt><dd>{_moment(page, found.opened_at)}</dd></div>
<div><dt>{_text(page, "promise")}</dt><dd>{_promise(page, found, now=now)}</dd></div></dl></section>
<p data-testid="track-people">{_text(page, "people", count=found.people)}</p>
<section class="card" aria-labelledby="steps"><h2 id="steps">{_text(page, "history")}</h2>
<ol>{_steps(page, found)}</ol></section>
<p class="soft">{_text(page, "privacy")}</p>""",
    )


def nothing_public(page: Page) -> str:
    """The one sentence for a number that nobody has and for one that is not everybody's to see."""
    title = _say(page, "unknown-title")
    return _whole(page, title=title, content=f"<h1>{escape(title)}</h1><p>{_text(page, 'unknown')}</p>")


def _say(page: Page, key: str, **slots: str | int) -> str:
    return words("incidents", f"public-{key}", language=page.language, **slots)


def _text(page: Page, key: str, **slots: str | int) -> str:
    return escape(_say(page, key, **slots))


def _moment(page: Page, at: datetime) -> str:
    return f'<time datetime="{at.isoformat(timespec="seconds")}">{escape(cards.moment(at, page.language))}</time>'


def _state(page: Page, state: str) -> str:
    return _text(page, f"state-{state if state in rules.STATES else 'other'}")


def _promise(page: Page, found: Tracked, *, now: datetime) -> str:
    """Kept or broken where that is known, late where it still goes on, else until when it is.

    Of what ended undone there is no promise to have kept.
    """
    promised = cards.moment(found.promised_at, page.language)
    if found.ended_at is not None and found.is_promise_kept is None:
        key, look = "promise-undone", "open"
    elif found.ended_at is not None:
        key, look = ("promise-kept", "good") if found.is_promise_kept else ("promise-broken", "bad")
    elif found.is_promise_kept is False or now > found.promised_at:
        key, look = "promise-late", "bad"
    else:
        key, look = "promise-until", "open"
    sign = {"good": "✓ ", "bad": "✗ "}.get(look, "")
    said = f"{sign}{_text(page, key, at=promised)}"
    return f'<span class="{look}" data-testid="track-promise" data-promise="{key}">{said}</span>'


def _steps(page: Page, found: Tracked) -> str:
    is_english = page.language == "en"
    rows = []
    for step in found.steps:
        agency = step.agency_en if is_english else step.agency_th
        rows.append(
            f"<li><strong>{_state(page, step.state)}</strong>{_moment(page, step.at)}<span>{escape(agency)}</span></li>"
        )
    return "".join(rows)


def _whole(page: Page, *, title: str, content: str) -> str:
    other = "th" if page.language == "en" else "en"
    simulated = f'<p class="note">{_text(page, "simulated")}</p>' if page.is_simulated else ""
    calls = " ".join(f'<a href="tel:{number}">{number}</a>' for number in EMERGENCY_NUMBERS)
    return f"""<!doctype html><html lang="{page.language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex, nofollow">
<title>{escape(title)} · {escape(page.city_name)}</title><link rel="icon" href="/favicon.svg" type="image/svg+xml">
<style>{_LOOK}</style></head><body><header><div><p>{_text(page, "of", city=page.city_name)}</p>
<a href="?lang={other}" lang="{other}">{_text(page, "other-language")}</a></div></header>
<main>{simulated}{content}
<p class="note call">{_text(page, "emergency")}<br>{calls}</p>
<p class="ways"><a href="/city#reports">{_text(page, "map")}</a>
<a href="/report?lang={page.language}">{_text(page, "report")}</a></p></main></body></html>"""
