"""Draws the pictures of the menu under the chat from residents/data/menu.toml, by the browser that tests use.

    .venv/bin/python tools/draw_menus.py

Thai and Latin letters are Sarabun's (npm @fontsource/sarabun, SIL Open Font License), which the screens use too. It has
no Burmese letters: where no font of this machine has them either, the Burmese picture has symbols and English words,
while its bar and what a screen reader says are Burmese.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from residents import menus  # noqa: E402 - our own rooms are found from the root.

FONTS = ROOT / "web" / "node_modules" / "@fontsource" / "sarabun" / "files"
CHROMIUM = "/usr/bin/chromium"
OUT = ROOT / "residents" / "data" / "menus"
# Lucide's outlines (ISC licence), as the screens have them.
ICONS = {
    "report": "triangle-alert", "status": "clipboard-list", "call": "phone-call", "home": "house", "me": "user-round",
    "language": "languages",
}  # fmt: skip
LOOKS = {"call": ("#a31621", "#ffffff"), "report": ("#16243a", "#ffffff")}
PLAIN = ("#f6f7f5", "#0f1b2d")


def _face(subset: str, ranges: str) -> str:
    data = base64.b64encode((FONTS / f"sarabun-{subset}-700-normal.woff2").read_bytes()).decode()
    return (
        f"@font-face{{font-family:Sarabun;font-weight:700;src:url(data:font/woff2;base64,{data}) format('woff2');"
        f"unicode-range:{ranges}}}"
    )


def _icon(name: str) -> str:
    path = ROOT / "web" / "node_modules" / "@lucide" / "svelte" / "dist" / "icons" / f"{ICONS[name]}.svelte"
    outline = re.search(r"const iconData = (\{.*\});", path.read_text(encoding="utf-8"))
    nodes = json.loads(outline[1])["node"] if outline else []
    shapes = "".join(
        f"<{tag} " + " ".join(f'{key}="{value}"' for key, value in attributes.items()) + "/>"
        for tag, attributes in nodes
    )
    return (
        '<svg viewBox="0 0 24 24" width="240" height="240" fill="none" stroke="currentColor" stroke-width="1.75" '
        f'stroke-linecap="round" stroke-linejoin="round">{shapes}</svg>'
    )


def page(language: str) -> str:
    """The picture of a language as a page of exactly its size."""
    found = menus.described()
    shown = language if language != "my" or _has_burmese() else "en"
    cells = []
    for bounds, area in zip(menus.bounds_of(len(found["area"])), found["area"], strict=True):
        paper, ink = LOOKS.get(area["icon"], PLAIN)
        place = f"left:{bounds['x']}px;top:{bounds['y']}px;width:{bounds['width']}px;height:{bounds['height']}px"
        words = html.escape(area["label"][shown])
        cells.append(f'<div style="{place};background:{paper};color:{ink}">{_icon(area["icon"])}<b>{words}</b></div>')
    return (
        f'<!doctype html><html lang="{shown}"><meta charset="utf-8"><style>'
        f"{_face('thai', 'U+0E00-0E7F,U+200C-200D,U+25CC')}{_face('latin', 'U+0000-00FF,U+2013-2026')}"
        "*{box-sizing:border-box;margin:0}body{position:relative;overflow:hidden;font-family:Sarabun,sans-serif}"
        "div{position:absolute;display:flex;flex-direction:column;align-items:center;justify-content:center;gap:56px;"
        "border:3px solid #d5dbe1;padding:40px}"
        "b{font-size:92px;line-height:1.5;text-align:center;font-weight:700}</style>"
        f"<body style=\"width:{found['width']}px;height:{found['height']}px\">{''.join(cells)}</body></html>"
    )


def _has_burmese() -> bool:
    found = subprocess.run(["fc-list", ":lang=my"], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip())


def drawn_from() -> str:
    """The hash of all that the pictures are drawn from, but for fonts: a test finds those that are out of date."""
    sources = [ROOT / "residents" / "data" / "menu.toml", Path(__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def draw() -> None:
    """The pictures are drawn, and the hash of what from stands beside them."""
    found = menus.described()
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        sheet = browser.new_page(viewport={"width": found["width"], "height": found["height"]})
        for language in found["languages"]:
            sheet.set_content(page(language))
            sheet.evaluate("document.fonts.ready")
            picture = sheet.screenshot(type="png")
            (OUT / f"{language}.png").write_bytes(picture)
            print(f"{language}: {len(picture):,} bytes")
        browser.close()
    (OUT / "drawn_from.txt").write_text(drawn_from() + "\n", encoding="ascii")


if __name__ == "__main__":
    draw()
