"""What residents read about their membership."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.words import words
from line import identity, messages
from residents import rules
from residents.queries import Community

LINE_BUTTONS = 13


def say(key: str, language: str, **slots: str) -> str:
    """A text of this room in the resident's language, Thai where it has none."""
    return words("residents", key, language=language, **slots)


def _home_button(language: str) -> dict[str, Any]:
    label = say("label-home", language)
    return messages.postback(label, "home:ask", display_text=label)


def _language_button(language: str) -> dict[str, Any]:
    label = say("label-language", language)
    return messages.postback(label, "language:ask", display_text=label)


def _consent_button(language: str) -> dict[str, Any]:
    label = say("label-agree", language)
    return messages.postback(label, f"consent:give:{rules.CONSENT_VERSION}", display_text=label)


def welcome(language: str) -> dict[str, Any]:
    """The first words to a new friend, with consent, home and language one tap away."""
    label = say("label-consent", language)
    ask = messages.postback(label, "consent:ask", display_text=label)
    buttons = (ask, _home_button(language), _language_button(language))
    return messages.text(say("welcome", language), quick=messages.quick_reply(*buttons))


def consent_thanks(language: str) -> dict[str, Any]:
    """Thanks for the consent; the home is next."""
    quick = messages.quick_reply(_home_button(language), _language_button(language))
    return messages.text(say("consent-thanks", language), quick=quick)


def consent_withdrawn(language: str) -> dict[str, Any]:
    """What withdrawing the consent has done."""
    return messages.text(say("consent-withdrawn", language))


def ask_home(language: str) -> dict[str, Any]:
    """The question for the home, with the map one tap away."""
    quick = messages.quick_reply(messages.ask_location(say("label-pin", language)))
    return messages.text(say("home-ask", language), quick=quick)


def home_saved(language: str, community: str | None) -> dict[str, Any]:
    """The home is saved; with the community's name where there is one."""
    if community is None:
        return messages.text(say("home-saved", language))
    return messages.text(say("home-saved-in", language, community=community))


def home_outside(language: str) -> dict[str, Any]:
    """The place is outside the city; asks again."""
    quick = messages.quick_reply(messages.ask_location(say("label-pin", language)))
    return messages.text(say("home-outside", language), quick=quick)


def shown_consent(purpose: str, language: str) -> str:
    """The text that asks for this consent."""
    return say(f"consent-{purpose}", language)


def ask_consent(language: str) -> dict[str, Any]:
    """The text that a yes is given to, with the yes one tap away."""
    quick = messages.quick_reply(_consent_button(language))
    return messages.text(shown_consent("warnings", language), quick=quick)


def consent_again(language: str) -> dict[str, Any]:
    """The changed text, with yes and no one tap away."""
    no = say("label-consent-withdraw", language)
    quick = messages.quick_reply(_consent_button(language), messages.postback(no, "consent:withdraw", display_text=no))
    body = f"{say('consent-again', language)}\n\n{shown_consent('warnings', language)}"
    return messages.text(body, quick=quick)


@dataclass(frozen=True)
class AboutMe:
    """What the card about oneself says."""

    number: int
    has_consented: bool
    homes: int
    is_identity_checked: bool
    groups: Sequence[str]


def about_me(language: str, me: AboutMe) -> dict[str, Any]:
    """What the city knows of the resident in short, with the copy, the page, the home and the end one tap away."""
    body = words(
        "residents", "me", language=language, number=str(me.number), homes=me.homes,
        consent="yes" if me.has_consented else "no", identity="yes" if me.is_identity_checked else "no",
        groups=", ".join(me.groups) or say("me-no-groups", language),
    )
    export, erase, page = say("label-export", language), say("label-erase", language), say("label-page", language)
    quick = messages.quick_reply(
        messages.open_uri(page, identity.page_url()),
        messages.postback(export, "me:export", display_text=export),
        _home_button(language),
        _language_button(language),
        messages.postback(erase, "me:erase", display_text=erase),
    )
    return messages.text(messages.cut(body, limit_utf16=2000), quick=quick)


def export_ready(language: str, link: str) -> dict[str, Any]:
    """The link to everything about the resident."""
    quick = messages.quick_reply(messages.open_uri(say("label-open-export", language), link))
    return messages.text(f"{say('export-ready', language)}\n{link}", quick=quick)


def ask_erasure(language: str) -> dict[str, Any]:
    """What deleting everything means, with yes and no one tap away."""
    yes, no = say("label-erase-yes", language), say("label-erase-no", language)
    quick = messages.quick_reply(
        messages.postback(yes, "me:erase-yes", display_text=yes), messages.postback(no, "me:erase-no", display_text=no)
    )
    return messages.text(say("erase-ask", language), quick=quick)


def farewell(language: str, receipt: str) -> dict[str, Any]:
    """Everything is deleted; the receipt says so to the city."""
    return messages.text(say("farewell", language, receipt=receipt))


def _named(area: Community, language: str) -> str:
    return area.name_th if language == "th" or not area.name_en else area.name_en


def _area_buttons(language: str, areas: Sequence[Community], *, verb: str) -> list[messages.Action]:
    labels = [(area.id, messages.cut_label(_named(area, language))) for area in areas]
    return [messages.postback(label, f"{verb}:{area_id}", display_text=label) for area_id, label in labels]


def choose_area(language: str, areas: Sequence[Community], *, mine: Sequence[Community]) -> dict[str, Any]:
    """The areas that may be followed, as many as LINE shows buttons; all of them are on the resident's page."""
    offered = [area for area in areas if area not in mine][: LINE_BUTTONS - 1]
    page = messages.open_uri(say("label-page", language), identity.page_url())
    quick = messages.quick_reply(*_area_buttons(language, offered, verb="watch"), page)
    return messages.text(f"{say('area-choose', language)}\n{_followed(language, mine)}", quick=quick)


def following(language: str, mine: Sequence[Community]) -> dict[str, Any]:
    """Which areas the resident follows now."""
    return messages.text(_followed(language, mine))


def stop_following(language: str, mine: Sequence[Community], *, is_full: bool) -> dict[str, Any]:
    """Which area the resident may stop following, with one button for each."""
    if not mine:
        return following(language, mine)
    quick = messages.quick_reply(*_area_buttons(language, mine, verb="unwatch"))
    ask = words("residents", "area-full" if is_full else "area-stop", language=language, limit=str(rules.AREAS_LIMIT))
    return messages.text(f"{_followed(language, mine)}\n{ask}", quick=quick)


def _followed(language: str, mine: Sequence[Community]) -> str:
    if not mine:
        return say("area-none", language)
    return say("area-following", language, areas=", ".join(_named(area, language) for area in mine))


def plain(key: str, language: str, **slots: str) -> dict[str, Any]:
    """A text without buttons."""
    return messages.text(say(key, language, **slots))


def ask_language(language: str) -> dict[str, Any]:
    """The choice of languages, each in its own name."""
    names = {code: say(f"language-{code}", "th") for code in rules.LANGUAGES}
    buttons = [messages.postback(name, f"language:{code}", display_text=name) for code, name in names.items()]
    return messages.text(say("language-ask", language), quick=messages.quick_reply(*buttons))


def language_chosen(language: str) -> dict[str, Any]:
    """The chosen language, in that language."""
    return messages.text(say("language-chosen", language))
