"""The sound of a name in Thai or in Latin letters as one skeleton of consonants: ศรีปราชญ์ and "Sipraj" are SPLC. Pure.

Thai is romanised in many ways (Ratchadamnoen, Rajdamnern), and vowels differ most; so vowels are left out, and
consonants that romanisers take for one another are one. A skeleton only chooses among few names of a kind.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_THAI_SOUNDS = {
    **dict.fromkeys("กขฃคฅฆ", "K"), **dict.fromkeys("งนณ", "N"), "ม": "M", "ำ": "M", **dict.fromkeys("จฉชฌ", "C"),
    **dict.fromkeys("ซศษส", "S"), **dict.fromkeys("ดฎตฏทธถฐฒฑ", "T"), **dict.fromkeys("บปผพภฝฟ", "P"),
    **dict.fromkeys("รลฬฤ", "L"), **dict.fromkeys("ญย", "Y"), "ว": "W",
}
_THAI_VOWELS = frozenset("ะัาำิีึืุูเแโใไๅ็")
_LEADING = frozenset("เแโใไ")
_TONES = frozenset("่้๊๋")
_SILENT = re.compile("[ก-ฮ][ิุ]?์")
_LATIN_SOUNDS = {
    **dict.fromkeys("kgqc", "K"), "n": "N", "m": "M", "j": "C", **dict.fromkeys("szx", "S"), **dict.fromkeys("td", "T"),
    **dict.fromkeys("bpf", "P"), **dict.fromkeys("rl", "L"), "y": "Y", **dict.fromkeys("wv", "W"),
}
_LATIN_TWOS = {
    "ng": "N", "kh": "K", "th": "T", "dh": "T", "ph": "P", "bh": "P", "ch": "C", "sh": "S", "ck": "K", "gh": "K",
    "rh": "L",
}
_LATIN_VOWELS = frozenset("aeiou")


class Skeleton(NamedTuple):
    """The consonants, and for each how many letters of the text stand up to it and with it."""

    sounds: str
    ends: tuple[int, ...]


def skeleton(text: str) -> Skeleton:
    """Of a text in Thai or in Latin letters, as it is written; Y and W count only at its beginning."""
    found = list(_latin(text.lower()) if text.isascii() else _thai(text))
    kept: list[tuple[str, int, int]] = []
    for sound, start, end in found:
        if sound in "YW" and kept:
            continue
        if kept and kept[-1][0] == sound and kept[-1][2] == start:
            kept[-1] = (sound, kept[-1][1], end)  # A letter that is written twice is one sound.
            continue
        kept.append((sound, start, end))
    if kept and kept[-1][0] in "CS":
        kept[-1] = ("T", *kept[-1][1:])  # ราช at the end is heard, and romanised, as rat.
    return Skeleton("".join(sound for sound, _, _ in kept), tuple(end for _, _, end in kept))


def _thai(text: str) -> list[tuple[str, int, int]]:
    silent = {at for match in _SILENT.finditer(text) for at in range(*match.span())}
    letters = [(letter, at) for at, letter in enumerate(text) if at not in silent and letter not in _TONES]
    found = []
    for n, (letter, at) in enumerate(letters):
        sound = _THAI_SOUNDS.get(letter)
        if sound is None:
            continue
        before = letters[n - 1][0] if n else ""
        after = "".join(one for one, _ in letters[n + 1 : n + 3])
        if letter == "ร":
            sound = _of_ro(before, after)
        elif letter == "ญ" and after[:1] not in _THAI_VOWELS:
            sound = "N"
        if sound:
            found.append((sound, at, at + 1))
    return found


def _of_ro(before: str, after: str) -> str:
    """ร is silent behind ศ and ส and doubled before a consonant; at the end of a syllable it is heard as N."""
    if before in ("ศ", "ส") or (before == "ร" and _is_consonant(after[:1])) or after[:1] == "ร":
        return ""
    is_last = not _is_consonant(after[:1]) and after[:1] not in _THAI_VOWELS
    is_before_syllable = _is_consonant(after[:1]) and after[1:] in _THAI_VOWELS
    return "N" if before and (is_last or is_before_syllable or after[:1] in _LEADING) else "L"


def _is_consonant(letter: str) -> bool:
    return "ก" <= letter <= "ฮ"


def _latin(text: str) -> list[tuple[str, int, int]]:
    found = []
    at = 0
    while at < len(text):
        three, two = text[at : at + 3], text[at : at + 2]
        if three == "tch":
            sound, letters = "C", 3
        elif two == "ch" and text[at + 2 : at + 3] in ("r", "l"):
            sound, letters = "K", 2
        elif two in _LATIN_TWOS:
            sound, letters = _LATIN_TWOS[two], 2
        elif text[at] == "r" and _is_drawn_out(text, at):
            sound, letters = "", 1
        else:
            sound, letters = _LATIN_SOUNDS.get(text[at], ""), 1
        if sound:
            found.append((sound, at, at + letters))
        at += letters
    return found


def _is_drawn_out(text: str, at: int) -> bool:
    """The r of "Nakorn" and "bazar" only lengthens the vowel before it."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return before in _LATIN_VOWELS and before != "" and (not after.isalpha() or after not in (*_LATIN_VOWELS, "r", "y"))
