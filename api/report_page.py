"""The pages of the form for those without LINE, as HTML that needs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from api.static import DIST
from core.words import words
from incidents import cards
from incidents.exchange.arrivals import PHOTOS_AT_MOST
from incidents.exchange.open311_answers import Service, group_of

_PLACE = '<main id="report"></main>'
_SHELL = f"""<!doctype html><html lang="th"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>เฝ้าน้ำ · แจ้งเหตุ</title><body>{_PLACE}</body></html>"""
EMERGENCY_NUMBERS = ("1669", "191", "199")


@dataclass(frozen=True)
class Page:
    """What every page says of the city, and in which language."""

    city_name: str
    is_simulated: bool
    language: str

    def say(self, key: str, **slots: str | int) -> str:
        """A text of the form, ready to stand in HTML."""
        return escape(words("incidents", f"report-{key}", language=self.language, **slots))


def whole(page: Page, content: str) -> str:
    """The content in the built page, with its styles and map; in a bare one where the screens were not built."""
    built = DIST / "report.html"
    shell = built.read_text(encoding="utf-8") if built.is_file() else _SHELL
    other = "th" if page.language == "en" else "en"
    simulated = f'<p class="notice">{page.say("simulated")}</p>' if page.is_simulated else ""
    top = (
        f'<div class="top"><h1>{page.say("title", city=page.city_name)}</h1>'
        f'<a class="btn" href="?lang={other}" lang="{other}">{page.say("other-language")}</a></div>{simulated}'
    )
    return shell.replace('<html lang="th">', f'<html lang="{page.language}">', 1).replace(
        _PLACE, f'<main id="report">{top}{content}</main>', 1
    )


def _call(page: Page) -> str:
    numbers = " ".join(f'<a href="tel:{number}">{number}</a>' for number in EMERGENCY_NUMBERS)
    return f'<p class="call">{page.say("emergency")}<br>{numbers}</p>'


def form(
    page: Page, services: Sequence[Service], *, stamp: str, given: Mapping[str, str], faults: Sequence[str] = ()
) -> str:
    """The empty form, or what was filled in with what is amiss."""

    def value(name: str) -> str:
        return escape(given.get(name, ""), quote=True)

    def described(name: str) -> str:
        is_wrong = any(fault.split("-")[0] == name for fault in faults)
        return f' aria-describedby="{name}-hint"{" aria-invalid=true" if is_wrong else ""}'

    private = " checked" if given.get("private") else ""
    at_photo = " checked" if given.get("at_photo") else ""
    return f"""{_call(page)}{_faults(page, faults)}
<form method="post" action="/report?lang={page.language}" enctype="multipart/form-data">
<input type="hidden" name="stamp" value="{escape(stamp, quote=True)}">
<input type="hidden" name="lat" value="{value("lat")}"><input type="hidden" name="long" value="{value("long")}">
<label for="category">{page.say("category")}</label>
<select id="category" name="category" required>{_options(page, services, chosen=given.get("category", ""))}</select>
<label for="text">{page.say("text")}</label>
<textarea id="text" name="text" maxlength="4000" required{described("text")}>{value("text")}</textarea>
<p class="hint" id="text-hint">{page.say("text-hint")}</p>
<fieldset><legend>{page.say("place")}</legend>
<label for="address">{page.say("address")}</label>
<input id="address" name="address" maxlength="500" value="{value("address")}"{described("address")}>
<p class="hint" id="address-hint">{page.say("address-hint")}</p>
<div id="spot-map" hidden><p>{page.say("map")}</p></div></fieldset>
<label for="photos">{page.say("photos", most=PHOTOS_AT_MOST)}</label>
<input id="photos" name="photos" type="file" accept="image/jpeg,image/png" multiple>
<label class="choice" for="at-photo"><input id="at-photo" name="at_photo" type="checkbox" value="1"{at_photo}
aria-describedby="at-photo-hint"> {page.say("at-photo")}</label>
<p class="hint" id="at-photo-hint">{page.say("at-photo-hint")}</p>
<label for="phone">{page.say("phone")}</label>
<input id="phone" name="phone" type="tel" autocomplete="tel" value="{value("phone")}"{described("phone")}>
<p class="hint" id="phone-hint">{page.say("phone-hint")}</p>
<label class="choice" for="private"><input id="private" name="private" type="checkbox" value="1"{private}
aria-describedby="private-hint"> {page.say("private")}</label>
<p class="hint" id="private-hint">{page.say("private-hint")}</p>
<div class="left-empty" aria-hidden="true"><label for="website">{page.say("website")}</label>
<input id="website" name="website" tabindex="-1" autocomplete="off"></div>
<button class="btn primary" type="submit">{page.say("send")}</button>
</form>"""


def _options(page: Page, services: Sequence[Service], *, chosen: str) -> str:
    groups: dict[str, list[Service]] = {}
    for service in services:
        groups.setdefault(group_of(service.group), []).append(service)
    parts = [f'<option value="">{page.say("category-none")}</option>']
    for group, members in groups.items():
        name = words("incidents", f"open311-group-{group}", language=page.language)
        parts.append(f'<optgroup label="{escape(name, quote=True)}">')
        for one in members:
            selected = " selected" if one.code == chosen else ""
            label = escape(one.name_en if page.language == "en" else one.name_th)
            parts.append(f'<option value="{escape(one.code, quote=True)}"{selected}>{label}</option>')
        parts.append("</optgroup>")
    return "".join(parts)


def _faults(page: Page, faults: Sequence[str]) -> str:
    if not faults:
        return ""
    sentences = "".join(f"<li>{page.say(f'fault-{fault}')}</li>" for fault in faults)
    return f'<div class="faults" role="alert"><p>{page.say("faults")}</p><ul>{sentences}</ul></div>'


@dataclass(frozen=True)
class Followed:
    """A report as its reporter sees it: nothing of it is personal."""

    number: str
    category: str
    state: str
    promised_at: datetime
    report_count: int
    refused_pictures: int
    steps: Sequence[tuple[str, datetime]]


def follow(page: Page, followed: Followed) -> str:
    """Number, state and history of a report, and what to keep to come back."""
    steps = "".join(
        f"<dt>{escape(cards.moment(at, page.language))}</dt><dd>{_state(page, state)}</dd>"
        for state, at in followed.steps
    )
    notes = []
    if followed.report_count > 1:
        notes.append(page.say("joined", count=followed.report_count))
    if followed.refused_pictures:
        notes.append(page.say("photos-refused", count=followed.refused_pictures))
    notes.append(page.say("promised", promised=cards.moment(followed.promised_at, page.language)))
    said = "".join(f"<p>{note}</p>" for note in notes)
    return f"""<h2>{page.say("taken")}</h2>
<p>{page.say("number")}</p><p class="number" data-testid="report-number">{escape(followed.number)}</p>
<p>{escape(followed.category)} · {page.say("status")}: <strong>{_state(page, followed.state)}</strong></p>{said}
<p class="notice">{page.say("follow")}</p>
<h2>{page.say("history")}</h2><dl>{steps}</dl>{_call(page)}
<p><a class="btn" href="/report?lang={page.language}">{page.say("another")}</a></p>"""


def _state(page: Page, state: str) -> str:
    known = ("new", "accepted", "in_progress", "done", "closed", "rejected", "reopened", "merged", "sent_on")
    key = f"open311-state-{state}" if state in known else "open311-state-other"
    return escape(words("incidents", key, language=page.language))


def unknown(page: Page) -> str:
    """There is no report under that link."""
    return f"""<p class="faults">{page.say("unknown")}</p>
<p><a class="btn" href="/report?lang={page.language}">{page.say("another")}</a></p>"""
