"""One form for the many ways in which a Thai name is written, and the coarser one by which misspelt names are found.

`thai_normal` has a twin of the same name in SQL (migration 0015); a property test holds them equal on all text whose
letters are assigned in both Unicode versions (Python's `unicodedata` and PostgreSQL's `normalize` may differ there:
NFC of an assigned letter never changes, of an unassigned one it may).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_THAI = "[ก-๛]"
_BEGINS_NAME = "(?=[ก-ฮเ-ไ])"
_NO_RANK = "(?![ก-ฮ][.])"  # "จ.ส.ต." is a rank, not a province.
_ALONE = f"(?<!{_THAI})(?<!{_THAI}[.])"
_NOT_IN_RANK = "(?<![ก-ฮ][.])"
_NO_VOWEL = "(?![ะ-ฺๅ])"


def _letter(letter: str, word: str) -> list[tuple[str, str]]:
    """A one-letter abbreviation: alone with a dot or a gap behind it, or with its dot right before a name."""
    return [
        (f"{letter}{_behind(_ALONE, 1)}[. ]+{_NO_RANK}", word),
        (f"{letter}{_behind(_NOT_IN_RANK, 1)}[.] *{_NO_RANK}{_BEGINS_NAME}", word),
    ]


def _behind(condition: str, letters: int) -> str:
    """The look-behind moved to after the letters it stands before, so that a pattern begins with a plain letter."""
    return condition.replace(")(", f"{'.' * letters})(").removesuffix(")") + "." * letters + ")"


def _numbered(letter: str, word: str) -> list[tuple[str, str]]:
    """An abbreviation before a number."""
    return [
        (f"{letter}{_behind(_ALONE, 1)}[. ]*(?=[0-9])", word),
        (f"{letter}{_behind('(?<![กซตร])(?<![ก-ฮ][.])', 1)}[.] *(?=[0-9])", word),
    ]


def _letters(letters: str, word: str) -> list[tuple[str, str]]:
    """An abbreviation of several letters that begins no word: alone before anything, or anywhere with its dot."""
    return [(f"{letters}{_behind(_ALONE, len(letters))}[. ]*{_NO_VOWEL}", word), (f"{letters}[.]", word)]


def _lone(letters: str, word: str, gap: str = "[. ]+") -> list[tuple[str, str]]:
    """An abbreviation whose letters begin other words as well: alone, with a gap or a dot behind it."""
    return [(f"{letters}{_behind(_ALONE, len(letters))}{gap}", word)]


# What is written short, after tone marks are gone: the pattern and the word, applied in this order to all of the text.
ABBREVIATIONS: Sequence[tuple[str, str]] = (
    # What comes to stand together without its dots is the same as what was written together.
    (f"ร{_behind(_ALONE, 1)}[. ]+(?=ร)", "ร"),
    (f"ร{_behind(_ALONE, 1)}[. ]+(?=พ)", "ร"),
    (f"ช{_behind(_ALONE, 1)}[. ]+(?=ช)", "ช"),
    ("ร[.]ร(?=[.])", "รร"),
    ("ร[.]พ(?=[.])", "รพ"),
    (f"รพ[. ]*ส[. ]*ต{_NO_VOWEL}(?!{_THAI})[. ]*", "โรงพยาบาลสงเสริมสุขภาพตำบล"),
    *_letters("รพ", "โรงพยาบาล"),
    (f"รพ{_behind('(?<!คา)', 2)} +", "โรงพยาบาล"),
    *_letters("รร", "โรงเรียน"),
    ("รร +", "โรงเรียน"),
    *_letters("ชช", "ชุมชน"),
    *_lone("สภ", "สถานีตำรวจภูธร"),
    *_lone("มบ", "หมูบาน"),
    *_lone("ทน", "เทศบาลนคร", "[.][. ]*"),
    *_lone("ทม", "เทศบาลเมือง"),
    *_lone("ทต", "เทศบาลตำบล"),
    *_lone("อบต", "องคการบริหารสวนตำบล"),
    *_lone("กทม", "กรุงเทพมหานคร"),
    *_letter("ถ", "ถนน"),
    *_letter("ซ", "ซอย"),
    *_letter("ต", "ตำบล"),
    *_letter("อ", "อำเภอ"),
    *_letter("จ", "จังหวัด"),
    *_letter("บ", "บาน"),
    ("ซ[. ]*(?=[0-9])", "ซอย"),
    *_numbered("ม", "หมู"),
)


def _needles(pattern: str) -> tuple[str, ...]:
    """Without one of these in it no text needs to be searched for the pattern."""
    letters = re.match("[ก-ฮ]+", pattern)
    begins = letters[0] if letters else ""
    rest = re.sub(r"\(\?<?[!=][^()]*\)", "", pattern.removeprefix(begins))
    if rest.startswith("[. ]+"):
        return (f"{begins}.", f"{begins} ")
    return (f"{begins}.",) if rest.startswith("[.]") else (begins,)


_COMPILED = tuple((re.compile(pattern), word, _needles(pattern)) for pattern, word in ABBREVIATIONS)

INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\ufeff"
MARKS = "\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c"
CONTROLS = "".join(map(chr, [*range(1, 32), *range(127, 160)]))
GAPS = (
    CONTROLS + "ๆฯ!\"#$%&'()*+,-:;<=>?@[\\]^_`{|}~\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2010\u2011\u2012\u2013\u2014\u2015\u2018\u2019\u201c\u201d\u2022\u2026\u2028\u2029\u202f\u205f\u3000"
)
_FOLD = str.maketrans(
    {
        **dict.fromkeys(INVISIBLE + MARKS, None),
        **dict.fromkeys(GAPS + "\x00", " "),
        **{chr(ord("A") + n): chr(ord("a") + n) for n in range(26)},
        **{thai: str(n) for n, thai in enumerate("๐๑๒๓๔๕๖๗๘๙")},
        "ใ": "ไ",
    }
)
_SLASH = re.compile("(?<![0-9])/|/(?![0-9])")
_SPACES = re.compile(" +")
_GAP_IN_THAI = re.compile(" (?![a-z0-9])|(?<![a-z0-9]) ")


def thai_normal(text: str) -> str:
    """The text in the form by which names are compared; doing it twice is the same as once.

    NFC; tone marks, the shortening mark, the silencing mark, ๆ, ฯ and invisible letters are gone; ใ is ไ, ํา is ำ, เเ
    is แ; Thai digits are 0-9, A-Z a-z; abbreviations (ถ. ซ. ต. อ. จ. ม. รร. รพ. …) are written out; of gaps and
    punctuation only one space between two Latin letters or digits stays, and `/` only between digits.

    What is lost: words that differ only by a tone (บ้านหวาน, บ้านหว่าน) become one, so whoever finds by this form ranks
    by the original; where a word ends; and what punctuation meant. Capitals outside A-Z stay as they are, because
    PostgreSQL's `lower` depends on the locale and Python's does not.
    """
    plain = unicodedata.normalize("NFC", text).translate(_FOLD)
    plain = plain.replace("\u0e4d\u0e32", "\u0e33").replace("\u0e4d", "")
    if "/" in plain:
        plain = _SLASH.sub(" ", plain)
    for pattern, word, needles in _COMPILED:
        for needle in needles:
            if needle in plain:
                plain = pattern.sub(word, plain)
                break
    if "." in plain:
        plain = plain.replace(".", " ")
    plain = _GAP_IN_THAI.sub("", _SPACES.sub(" ", plain)).replace("เเ", "แ")
    return plain if plain.isascii() else unicodedata.normalize("NFC", plain)


_SAME_LENGTH = {letter: word if word is not None else "\x00" for letter, word in _FOLD.items()}


def fold(text: str) -> str:
    """The text (NFC) letter for letter as it goes into the normal form; what is dropped there is NUL here."""
    return text.translate(_SAME_LENGTH)


_WITHOUT_GAPS = str.maketrans(dict.fromkeys(INVISIBLE + GAPS + "\x00", None))


def as_written(text: str) -> str:
    """The text (NFC) in lower case, with tone marks, without gaps and what cannot be seen: to rank by, not to find."""
    return unicodedata.normalize("NFC", text).translate(_WITHOUT_GAPS).lower()


_SOUND = str.maketrans("ณศษฎฏลฬญฆฅภธฒฑฐฃีูื", "นสสดตรรยคคพทททถขิุึ")


def sound(normal: str) -> str:
    """A normal form with letters of one sound (ณ น, ศ ษ ส, ล ร, ภ พ, ี ิ …) made one; letter for letter as long."""
    return normal.translate(_SOUND)

