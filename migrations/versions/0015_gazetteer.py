"""One normal form of Thai names in SQL, the search by it, and reports whose place was read from their words.

`thai_normal` is the twin of `gis.gazetteer.normal.thai_normal`: a property test holds the two equal.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_gazetteer"
down_revision = "0014_admin_units"
branch_labels = None
depends_on = None

# Each letter of `_FROM` becomes the one at its place in `_TO`; those beyond its end are dropped.
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\ufeff"
_MARKS = "็่้๊๋์"
_GAPS = (
    "\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u000f\u0010\u0011"
    "\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f\u007f\u0080\u0081"
    "\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f\u0090\u0091\u0092"
    "\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f\u0021\u0022\u0023\u0024"
    "\u0025\u0026\u0027\u0028\u0029\u002a\u002b\u002c\u002d\u003a\u003b\u003c\u003d\u003e\u003f\u0040\u005b"
    "\u005c\u005d\u005e\u005f\u0060\u007b\u007c\u007d\u007e\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u2010\u2011\u2012\u2013\u2014\u2015\u2018\u2019\u201c\u201d\u2022\u2026"
    "\u2028\u2029\u202f\u205f\u3000ๆฯ"
)
_FROM = "ใ๐๑๒๓๔๕๖๗๘๙ABCDEFGHIJKLMNOPQRSTUVWXYZ" + _GAPS + _INVISIBLE + _MARKS
_TO = "ไ0123456789abcdefghijklmnopqrstuvwxyz" + " " * len(_GAPS)
_ABBREVIATIONS = (
    ("ร(?<![ก-๛].)(?<![ก-๛][.].)[. ]+(?=ร)", "ร"),
    ("ร(?<![ก-๛].)(?<![ก-๛][.].)[. ]+(?=พ)", "ร"),
    ("ช(?<![ก-๛].)(?<![ก-๛][.].)[. ]+(?=ช)", "ช"),
    ("ร[.]ร(?=[.])", "รร"),
    ("ร[.]พ(?=[.])", "รพ"),
    ("รพ[. ]*ส[. ]*ต(?![ะ-ฺๅ])(?![ก-๛])[. ]*", "โรงพยาบาลสงเสริมสุขภาพตำบล"),
    ("รพ(?<![ก-๛]..)(?<![ก-๛][.]..)[. ]*(?![ะ-ฺๅ])", "โรงพยาบาล"),
    ("รพ[.]", "โรงพยาบาล"),
    ("รพ(?<!คา..) +", "โรงพยาบาล"),
    ("รร(?<![ก-๛]..)(?<![ก-๛][.]..)[. ]*(?![ะ-ฺๅ])", "โรงเรียน"),
    ("รร[.]", "โรงเรียน"),
    ("รร +", "โรงเรียน"),
    ("ชช(?<![ก-๛]..)(?<![ก-๛][.]..)[. ]*(?![ะ-ฺๅ])", "ชุมชน"),
    ("ชช[.]", "ชุมชน"),
    ("สภ(?<![ก-๛]..)(?<![ก-๛][.]..)[. ]+", "สถานีตำรวจภูธร"),
    ("มบ(?<![ก-๛]..)(?<![ก-๛][.]..)[. ]+", "หมูบาน"),
    ("ทน(?<![ก-๛]..)(?<![ก-๛][.]..)[.][. ]*", "เทศบาลนคร"),
    ("ทม(?<![ก-๛]..)(?<![ก-๛][.]..)[. ]+", "เทศบาลเมือง"),
    ("ทต(?<![ก-๛]..)(?<![ก-๛][.]..)[. ]+", "เทศบาลตำบล"),
    ("อบต(?<![ก-๛]...)(?<![ก-๛][.]...)[. ]+", "องคการบริหารสวนตำบล"),
    ("กทม(?<![ก-๛]...)(?<![ก-๛][.]...)[. ]+", "กรุงเทพมหานคร"),
    ("ถ(?<![ก-๛].)(?<![ก-๛][.].)[. ]+(?![ก-ฮ][.])", "ถนน"),
    ("ถ(?<![ก-ฮ][.].)[.] *(?![ก-ฮ][.])(?=[ก-ฮเ-ไ])", "ถนน"),
    ("ซ(?<![ก-๛].)(?<![ก-๛][.].)[. ]+(?![ก-ฮ][.])", "ซอย"),
    ("ซ(?<![ก-ฮ][.].)[.] *(?![ก-ฮ][.])(?=[ก-ฮเ-ไ])", "ซอย"),
    ("ต(?<![ก-๛].)(?<![ก-๛][.].)[. ]+(?![ก-ฮ][.])", "ตำบล"),
    ("ต(?<![ก-ฮ][.].)[.] *(?![ก-ฮ][.])(?=[ก-ฮเ-ไ])", "ตำบล"),
    ("อ(?<![ก-๛].)(?<![ก-๛][.].)[. ]+(?![ก-ฮ][.])", "อำเภอ"),
    ("อ(?<![ก-ฮ][.].)[.] *(?![ก-ฮ][.])(?=[ก-ฮเ-ไ])", "อำเภอ"),
    ("จ(?<![ก-๛].)(?<![ก-๛][.].)[. ]+(?![ก-ฮ][.])", "จังหวัด"),
    ("จ(?<![ก-ฮ][.].)[.] *(?![ก-ฮ][.])(?=[ก-ฮเ-ไ])", "จังหวัด"),
    ("บ(?<![ก-๛].)(?<![ก-๛][.].)[. ]+(?![ก-ฮ][.])", "บาน"),
    ("บ(?<![ก-ฮ][.].)[.] *(?![ก-ฮ][.])(?=[ก-ฮเ-ไ])", "บาน"),
    ("ซ(?<![ก-ฮ][.].)[. ]*(?=[0-9])", "ซอย"),
    ("ม(?<![ก-๛].)(?<![ก-๛][.].)[. ]*(?=[0-9])", "หมู"),
    ("ม(?<![กซตร].)(?<![ก-ฮ][.].)[.] *(?=[0-9])", "หมู"),
)
_MAY_BE_SHORT = "[. 0-9]|รพ|รร|ชช"  # Every pattern above needs one of these.
_INDEXED = {
    "area": "true",
    "road": "name_th <> ''",
    "waterway": "name_th <> ''",
    "facility": "name_th <> ''",
    "admin_unit": "kind IN ('province', 'district', 'subdistrict', 'municipality')",
}
_BEFORE = "place_source IN ('pin', 'home', 'recent_pin', 'officer')"
_NOW = "place_source IN ('pin', 'home', 'recent_pin', 'officer', 'words')"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _function() -> str:
    plain = f"translate(normalize(given, NFC), {_quoted(_FROM)}, {_quoted(_TO)})"
    plain = f"replace(replace({plain}, '\u0e4d\u0e32', '\u0e33'), '\u0e4d', '')"
    plain = f"regexp_replace({plain}, '(?<![0-9])/|/(?![0-9])', ' ', 'g')"
    spelt = "plain"
    for pattern, word in _ABBREVIATIONS:
        spelt = f"regexp_replace({spelt}, {_quoted(pattern)}, {_quoted(word)}, 'g')"
    # Most names hold nothing that an abbreviation could be, and need not be searched for each of them.
    spelt = f"CASE WHEN plain ~ {_quoted(_MAY_BE_SHORT)} THEN {spelt} ELSE plain END"
    spelt = f"regexp_replace(replace({spelt}, '.', ' '), ' +', ' ', 'g')"
    spelt = f"regexp_replace({spelt}, ' (?![a-z0-9])|(?<![a-z0-9]) ', '', 'g')"
    return f"SELECT normalize(replace({spelt}, 'เเ', 'แ'), NFC) FROM (SELECT {plain} AS plain) given_plainly"


def upgrade() -> None:
    """Names are found in SQL by their normal form, and a report's place may have been read from its words."""
    op.execute(
        "CREATE FUNCTION thai_normal(given text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE "
        f"AS $body$ {_function()} $body$"
    )
    for table, condition in _INDEXED.items():
        op.create_index(
            f"ix_{table}_normal", table, [sa.func.thai_normal(sa.text("name_th")).label("normal")],
            postgresql_using="gin", postgresql_ops={"normal": "gin_trgm_ops"}, postgresql_where=sa.text(condition),
        )
    _allow_place_sources(_NOW)


def downgrade() -> None:
    """The function and its indexes are gone; a place read from words counts as one that an officer chose."""
    op.execute("UPDATE report SET place_source = 'officer' WHERE place_source = 'words'")
    _allow_place_sources(_BEFORE)
    for table in _INDEXED:
        op.drop_index(f"ix_{table}_normal", table)
    op.execute("DROP FUNCTION thai_normal(text)")


def _allow_place_sources(condition: str) -> None:
    op.drop_constraint(op.f("ck_report_place_source"), "report")
    op.create_check_constraint(op.f("ck_report_place_source"), "report", condition)
