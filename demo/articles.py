"""What the demo city knows: its articles as a layer of a city pack, every one marked as simulated."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from core.words import LANGUAGES

_ARTICLES = Path(__file__).with_name("articles.toml")


def article_columns() -> dict[str, list[Any]]:
    """The columns of the layer `articles`: one row for each article and language."""
    file = tomllib.loads(_ARTICLES.read_text(encoding="utf-8"))
    source = file["source"]
    texts = [(one, language, one[language]) for one in file["article"] for language in LANGUAGES if language in one]
    return {
        "matter": [one["code"] for one, _, _ in texts],
        "language": [language for _, language, _ in texts],
        "title": [said["title"] for _, _, said in texts],
        "short_answer": [said["short"] for _, _, said in texts],
        "body": [said["body"] for _, _, said in texts],
        "asked_as": ["|".join(said["asked"]) for _, _, said in texts],
        "agency_code": [one["agency"] for one, _, _ in texts],
        "source_title": [source[f"title_{language}"] for _, language, _ in texts],
        "source_page": [one["page"] for one, _, _ in texts],
        "source_dated": [source["dated"] for _ in texts],
        "valid_until": [one.get("valid_until", "") for one, _, _ in texts],
        "review_on": [source["review_on"] for _ in texts],
    }
