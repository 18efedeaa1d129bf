"""Who cries for help, told from LINE's bare event, before anybody has read what it means."""

from __future__ import annotations

from typing import Any

from incidents import catalogue


def is_cry(event: dict[str, Any]) -> bool:
    """The event is an emergency's words or an alert's button for help. Of any other shape: no."""
    match event:
        case {"type": "message", "message": {"type": "text", "text": str(text)}}:
            return catalogue.shipped().emergency.category_of(text) is not None
        case {"type": "postback", "postback": {"data": str(data)}}:
            return data.startswith("help:")
    return False
