"""What the letters of a Shapefile's table are: said by its .cpg or its header, else found by strict decoding."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from pathlib import Path

# The language byte of a dBASE header (ESRI's list): 0x50 Thai DOS, 0x7C Thai Windows, both code page 874.
_LANGUAGE_AT = 29
_LANGUAGES = {0x50: "cp874", 0x7C: "cp874"}
_THAI_WORDS = {"874", "ansi874", "cp874", "oem874", "windows874", "tis620", "iso885911", "tis6200", "tis62025330"}
# What is in no Thai text: letters of other scripts, a vowel or tone mark on nothing, a leading vowel before nothing.
# Every byte above 0xA0 is some Thai letter in code page 874: a French café would otherwise read as Thai.
_NO_THAI = re.compile(
    r"[^\x00-\x7f\u0e01-\u0e5b\xa0]|(?<![\u0e01-\u0e4e])[\u0e31\u0e33-\u0e3a\u0e47-\u0e4e]|[\u0e40-\u0e44](?![\u0e01-\u0e2e])"
)
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
UNSTORABLE = re.compile("\x00|[\ud800-\udfff]")  # PostgreSQL's texts know no NUL and no half of a surrogate pair.
_UTF8_WORDS = {"65001", "utf8", "unicode", "cp65001"}


class UnknownLettersError(Exception):
    """The texts are in no encoding that is known of them; the text says what to pass."""


def declared(shapefile: Path) -> str | None:
    """The Python codec that the .cpg, else the table's header, names; None where neither says.

    Raises UnknownLettersError for a .cpg that names none.
    """
    cpg = next((path for path in map(shapefile.with_suffix, (".cpg", ".CPG")) if path.is_file()), None)
    if cpg is None:
        return _of_header(shapefile)
    word = CONTROLS.sub("?", cpg.read_bytes()[:40].decode("ascii", "replace").strip().lstrip("\ufeff"))
    plain = "".join(letter for letter in word.lower() if letter.isalnum())
    if plain in _THAI_WORDS:
        return "cp874"
    if plain in _UTF8_WORDS:
        return "utf-8"
    for name in (word, plain, f"iso-{plain}" if plain.startswith("8859") else f"cp{plain}"):
        try:
            return codecs.lookup(name).name
        except LookupError:
            continue
    raise UnknownLettersError(f"its .cpg says '{word}', which is no encoding: say encoding = \"cp874\" or \"utf-8\".")


def _of_header(shapefile: Path) -> str | None:
    for table in map(shapefile.with_suffix, (".dbf", ".DBF")):
        if table.is_file():
            with table.open("rb") as file:
                head = file.read(32)
            return _LANGUAGES.get(head[_LANGUAGE_AT]) if len(head) > _LANGUAGE_AT else None
    return None


def found(texts: Sequence[bytes]) -> str:
    """The encoding in which every text can be read: UTF-8, else code page 874 where all is Thai or ASCII.

    Raises UnknownLettersError where neither holds: nothing is guessed.
    """
    if all(_is_utf8(text) for text in texts):
        return "utf-8"
    if all(_is_thai(text) for text in texts):
        return "cp874"
    raise UnknownLettersError(
        "it has no .cpg, and its texts are neither UTF-8 nor Thai TIS-620: say encoding = \"…\" in the manifest."
    )


def is_contradicted(encoding: str, texts: Sequence[bytes]) -> bool:
    """Another encoding is said than UTF-8, but that is what the texts are: letters beyond ASCII never are by chance."""
    if codecs.lookup(encoding).name.startswith("utf"):
        return False
    return all(_is_utf8(text) for text in texts) and not all(text.isascii() for text in texts)


def read(text: bytes, encoding: str) -> str:
    """The text; a UTF-8 letter that the table's fixed width has cut off at the end is left out.

    Raises UnicodeDecodeError where it is not of this encoding.
    """
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as exc:
        # Whole letters before it prove that this is UTF-8: a lone byte at the end of ASCII may be anything.
        if not _is_cut(exc) or text[: exc.start].isascii():
            raise
        return text[: exc.start].decode(encoding)


def _is_cut(exc: UnicodeDecodeError) -> bool:
    return exc.encoding == "utf-8" and exc.reason == "unexpected end of data"


def _is_utf8(text: bytes) -> bool:
    try:
        read(text, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_thai(text: bytes) -> bool:
    try:
        letters = text.decode("cp874")
    except UnicodeDecodeError:
        return False
    return _NO_THAI.search(letters) is None
