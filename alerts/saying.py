"""What an alert says on LINE in one language: a card for a warning and its all-clear, plain words for news."""

from __future__ import annotations

from typing import Any

from alerts import cards, exercise, templates
from alerts.models import Alert
from line import messages as line_messages
from line.messages import CardPicture


def messages_of(
    alert: Alert,
    language: str,
    *,
    words: templates.Wording,
    is_simulated: bool,
    picture: CardPicture | None = None,
) -> list[dict[str, Any]]:
    """The LINE messages of the alert in this language; the same bytes for everybody who reads it.

    The buttons of an exercise report nothing.
    """
    said = _said(alert, language, words=words, is_simulated=is_simulated, picture=picture)
    return exercise.as_exercise(said, alert_id=alert.id) if alert.is_exercise else said


def _said(
    alert: Alert, language: str, *, words: templates.Wording, is_simulated: bool, picture: CardPicture | None
) -> list[dict[str, Any]]:
    text = templates.text_of(alert.texts[language])
    vocabulary = words.vocabularies[language]
    if alert.kind == "news":
        mark = f"\n\n{vocabulary.simulated}" if is_simulated else ""
        return [line_messages.text(f"{text.title}\n\n{text.situation}{mark}")]
    level = templates.ALL_CLEAR if alert.kind == "all_clear" else alert.level
    return cards.messages(
        text,
        level=level,
        alert_id=alert.id,
        words=vocabulary,
        is_simulated=is_simulated,
        hazard=alert.hazard,
        picture=picture,
    )
