"""An alert as a LINE message: a card coloured by level, two buttons to answer, and a line for the lock screen."""

from __future__ import annotations

from typing import Any

from alerts.templates import AlertText, Vocabulary
from line import messages as line_messages


def messages(
    text: AlertText, *, level: int, alert_id: int, words: Vocabulary, is_simulated: bool
) -> list[dict[str, Any]]:
    """The LINE messages of an alert in one language; `level` 0 is the all-clear. The same bytes for everybody."""
    card = line_messages.alert_card(
        level=level,
        level_label=words.level[level],
        title=text.title,
        body=[text.situation, text.action],
        footnote=words.simulated if is_simulated else None,
        actions=[
            line_messages.postback(words.safe, f"safe:{alert_id}", display_text=words.safe),
            line_messages.postback(words.help, f"help:{alert_id}", display_text=words.help),
        ],
    )
    # Notifications and chat lists show only this: level, place and what to do.
    return [card | {"altText": line_messages.cut(text.alt, limit_utf16=1500)}]
