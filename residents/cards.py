"""What residents read about their membership."""

from __future__ import annotations

from typing import Any

from core.words import words
from line import messages
from residents import rules


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
    label = say("label-consent", language)
    return messages.postback(label, f"consent:give:{rules.CONSENT_VERSION}", display_text=label)


def welcome(language: str) -> dict[str, Any]:
    """The first words to a new friend, with consent, home and language one tap away."""
    buttons = (_consent_button(language), _home_button(language), _language_button(language))
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


def ask_language(language: str) -> dict[str, Any]:
    """The choice of languages, each in its own name."""
    names = {code: say(f"language-{code}", "th") for code in rules.LANGUAGES}
    buttons = [messages.postback(name, f"language:{code}", display_text=name) for code, name in names.items()]
    return messages.text(say("language-ask", language), quick=messages.quick_reply(*buttons))


def language_chosen(language: str) -> dict[str, Any]:
    """The chosen language, in that language."""
    return messages.text(say("language-chosen", language))
