"""CAP of others at its worst: attacks, sizes, encodings, habits of senders. Read whole or refused, and in time."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.cap import CapMessage, Circle, Reading, documents, read
from alerts.errors import CapRefusedError

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
AREA = "<area><areaDesc>ตลาด</areaDesc><polygon>8.4,100 8.4,100.1 8.5,100.1 8.4,100</polygon></area>"
ALERT = f"""<alert xmlns="{NAMESPACE}"><identifier>A1</identifier><sender>somebody@example.org</sender>\
<sent>2026-11-21T10:00:00+07:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>\
<info><language>th-TH</language><category>Met</category><event>น้ำท่วม</event><urgency>Immediate</urgency>\
<severity>Severe</severity><certainty>Likely</certainty><expires>2026-11-22T10:00:00+07:00</expires>\
<headline>น้ำท่วม</headline>{AREA}</info></alert>"""
FEED = '<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><title>t</title>{}</feed>'
ENTRY = "<entry><id>e</id><title>t</title>{}</entry>"


def one(raw: str | bytes) -> CapMessage:
    (only,) = read(raw.encode() if isinstance(raw, str) else raw, source="test").messages
    return only


def refusal(raw: str | bytes) -> str:
    with pytest.raises(CapRefusedError) as refused:
        read(raw.encode() if isinstance(raw, str) else raw, source="test")
    return refused.value.detail


def fields(message: CapMessage) -> set[str]:
    return {finding.field for finding in message.findings}


@contextlib.contextmanager
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port on loopback, and what came there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        came: list[bytes] = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    caller, _ = server.accept()
                    with caller:
                        came.append(b"called")

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)


def test_nothing_is_fetched_and_no_file_is_opened() -> None:
    """Entities, DTDs, XInclude, style sheets and schema hints of a document are neither fetched nor read."""
    with listener() as (port, came):
        there = f"http://127.0.0.1:{port}/x"
        attacks = [
            f'<!DOCTYPE alert SYSTEM "{there}">{ALERT}',
            f'<!DOCTYPE alert [<!ENTITY % p SYSTEM "{there}"> %p;]>{ALERT}',
            f'<!DOCTYPE alert [<!ENTITY e SYSTEM "{there}">]>' + ALERT.replace("ตลาด", "&e;"),
            '<!DOCTYPE alert [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + ALERT.replace("ตลาด", "&e;"),
            '<!DOCTYPE alert [<!ENTITY e "x">]>' + ALERT.replace("ตลาด", "a&e;b"),
            "<!DOCTYPE alert>" + ALERT,
        ]
        for attack in attacks:
            assert "DOCTYPE" in refusal(attack)
        assert "DOCTYPE" in refusal(FEED.format(ENTRY.format(f"<content><![CDATA[{attacks[0]}]]></content>")))
        hint = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{NAMESPACE} {there}"'
        assert one(ALERT.replace("<alert ", f"<alert {hint} ")).identifier == "A1"
        assert one(f'<?xml-stylesheet href="{there}" type="text/xsl"?>{ALERT}').identifier == "A1"
        include = f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{there}"/>'
        assert "include" in refusal(ALERT.replace("<info>", f"{include}<info>"))
        time.sleep(0.05)
        assert came == []


def test_entity_bombs_are_refused_at_once() -> None:
    """A few hundred bytes cannot fill the memory."""
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    for use in (ALERT.replace("ตลาด", "&e11;"), ALERT.replace("<alert ", '<alert x="&e11;" ')):
        begin = time.monotonic()
        refusal(f'<!DOCTYPE alert [<!ENTITY e0 "aaaaaaaaaa">{levels}]>{use}')
        assert time.monotonic() - begin < 1


def test_sizes_have_limits_and_the_limits_are_said() -> None:
    """50 MB, a depth of a million, 10,001 areas are refused with the number; 10,000 areas are read."""
    begin = time.monotonic()
    assert str(documents.BYTES_AT_MOST) in refusal(b" " * 50_000_000)
    refusal("<a>" * 1_000_000)
    assert "10001 areas" in refusal(ALERT.replace(AREA, AREA * 10_001))
    assert len(one(ALERT.replace(AREA, AREA * 10_000)).infos[0].areas) == 10_000
    assert "entries" in refusal(FEED.format(ENTRY.format('<link href="http://a/b"/>') * 10_001))
    digits = "1" * 200_000
    refusal(ALERT.replace("8.4,100 ", f"{digits}x,1 "))
    refusal(ALERT.replace("</area>", f"<circle>{digits},1 {digits}x</circle></area>"))
    assert time.monotonic() - begin < 10


def test_a_large_outline_is_read_whole() -> None:
    """200,000 vertices are 200,000 vertices."""
    ring = " ".join(f"{8 + n / 1e6:.6f},{100 + (n * n) / 1e11:.6f}" for n in range(200_000))
    found = one(ALERT.replace("8.4,100 8.4,100.1 8.5,100.1 8.4,100", f"{ring} 8.2,100 8.000000,100.000000"))
    assert len(found.infos[0].areas[0].polygons[0]) == 200_002


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "tis-620", "utf-8"])
def test_encodings(encoding: str) -> None:
    """Bytes are read as they declare themselves; a byte order mark is no letter."""
    declared = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16le", "utf-16-be": "utf-16be"}.get(encoding, encoding)
    raw = f'<?xml version="1.0" encoding="{declared}"?>{ALERT}'.encode(encoding)
    assert one(raw).infos[0].headline == "น้ำท่วม"


def test_wrong_encodings_are_refused() -> None:
    """What is not in the encoding that it declares would be half-read."""
    refusal(b'<?xml version="1.0" encoding="utf-8"?>' + ALERT.encode("tis-620"))
    refusal(f'<?xml version="1.0" encoding="klingon"?>{ALERT}')
    refusal(ALERT.encode("utf-16")[:-1])


def test_habits_of_real_senders_are_borne() -> None:
    """CDATA, comments, prefixes, foreign attributes, blanks and lines before the declaration change no fact."""
    sound = one(ALERT)
    prefixed = re.sub(r"<(/?)(\w)", r"<\1cap:\2", ALERT).replace("xmlns=", "xmlns:cap=")
    commented = ALERT.replace("<headline>น้ำ", "<headline>น้ำ<!-- half --><?half?>").replace("<info>", "<!-- x --><info>")
    for text in (
        f'\r\n<?xml version="1.0"?>{ALERT}\n',
        prefixed,
        commented,
        ALERT.replace("<headline>น้ำท่วม<", "<headline><![CDATA[น้ำท่วม]]><"),
        ALERT.replace("<info>", '<info xml:lang="th">'),
        ALERT.replace(">Actual<", ">\n Actual <").replace(">somebody", "> somebody"),
    ):
        found = one(text)
        assert found.infos == sound.infos
        assert (found.status, found.sender) == (sound.status, sound.sender)
    assert fields(one(ALERT.replace(">Actual<", "> Actual<"))) == {"status"}
    assert fields(one(ALERT.replace("<info>", '<info xml:lang="th">'))) == {"alert"}
    assert one(commented).findings == ()


def test_buddhist_years_are_read_and_flagged() -> None:
    """2569 is 2026, also on the 29th of February of 2567; what was sent in 2568 is over."""
    found = one(ALERT.replace("2026-11", "2569-11"))
    assert found.sent_at == datetime(2026, 11, 21, 3, tzinfo=UTC)
    assert found.infos[0].expires_at == datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert [f.field for f in found.findings] == ["sent", "expires"]
    assert "2569" in found.findings[0].problem
    leap = one(ALERT.replace("2026-11-21", "2567-02-29"))
    assert leap.sent_at == datetime(2024, 2, 29, 3, tzinfo=UTC)
    old = one(ALERT.replace("2026-11-22", "2568-08-05"))
    assert old.infos[0].expires_at == datetime(2025, 8, 5, 3, tzinfo=UTC)
    assert "expires" in fields(old)
    update = ALERT.replace("<info>", "<references>s,Y2569-01-01,2569-11-21T09:00:00+07:00</references><info>")
    assert one(update).references[0].sent_at == datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert one(update).references[0].identifier == "Y2569-01-01"


def test_times_of_cap_11_and_the_end_of_a_day() -> None:
    """CAP 1.1 knows Z, fractions and times without offset (read as UTC, flagged); 24:00 is the next day."""
    older = ALERT.replace("cap:1.2", "cap:1.1")
    assert one(older.replace("10:00:00+07:00</sent", "03:00:00.25Z</sent")).sent_at == datetime(
        2026, 11, 21, 3, 0, 0, 250000, tzinfo=UTC
    )
    local = one(older.replace("10:00:00+07:00</sent", "03:00:00</sent"))
    assert (local.sent_at, fields(local)) == (datetime(2026, 11, 21, 3, tzinfo=UTC), {"sent"})
    assert one(ALERT.replace("T10:00:00+07:00</sent", "T24:00:00+07:00</sent")).sent_at == datetime(
        2026, 11, 21, 17, tzinfo=UTC
    )
    assert "sent" in refusal(ALERT.replace("10:00:00+07:00</sent", "03:00:00Z</sent"))


def test_places_in_every_way() -> None:
    """Circle only, code only, no area, an open ring, blanks after commas, an empty outline: read, doubts named."""
    circle = one(ALERT.replace(AREA, "<area><areaDesc>x</areaDesc><circle>8.4,100.1 0.5</circle></area>"))
    assert circle.infos[0].areas[0].circles == (Circle(lon=100.1, lat=8.4, radius_km=0.5),)
    code = "<geocode><valueName>ISO 3166-2</valueName><value>TH-80</value></geocode>"
    coded = one(ALERT.replace(AREA, f"<area><areaDesc>x</areaDesc><polygon/>{code}</area>"))
    assert coded.infos[0].areas[0].geocodes == (("ISO 3166-2", "TH-80"),)
    assert (coded.infos[0].areas[0].polygons, fields(coded)) == ((), {"polygon"})
    assert fields(one(ALERT.replace(AREA, ""))) == {"area"}
    assert fields(one(re.sub("<info>.*</info>", "", ALERT))) == {"info"}
    opened = one(ALERT.replace("8.5,100.1 8.4,100<", "8.5, +100.1<"))
    assert (opened.infos[0].areas[0].polygons, fields(opened)) == (one(ALERT).infos[0].areas[0].polygons, {"polygon"})
    assert all(shapely.Polygon(ring).is_valid for ring in opened.infos[0].areas[0].polygons)
    assert "wrong order" in refusal(re.sub(r"(8\.\d),(100\S*?)(?=[ <])", r"\2,\1", ALERT))
    for wrong in ("hello", "8.4,100 8.5", "8.4,100,5 8,100 8,101", "8.4,999 8,9 8,9", "nan,8 8,9 8,10"):
        assert "<polygon>" in refusal(ALERT.replace("8.4,100 8.4,100.1 8.5,100.1 8.4,100", wrong))
    for wrong in ("8.4,100.1", "8.4,100.1 x", "100.1,8.4 1", "8,100 -1"):
        assert "<circle>" in refusal(ALERT.replace("</area>", f"<circle>{wrong}</circle></area>"))


def test_updates_say_of_which_message() -> None:
    """An Update that names nothing is flagged; one whose list is empty or torn is refused."""
    update = ALERT.replace(">Alert<", ">Update<")
    assert fields(one(update)) == {"references"}
    assert "empty" in refusal(update.replace("<info>", "<references/><info>"))
    assert "sender,identifier,sent" in refusal(update.replace("<info>", "<references>s,i</references><info>"))
    assert fields(one(ALERT.replace("<info>", "<references/><info>"))) == {"references"}
    listed = "a,b@c,i1,2026-11-21T09:00:00+07:00\n  s,i2,2026-11-21T09:30:00+07:00"
    named = one(update.replace("<info>", f"<references>{listed}</references><info>"))
    assert [(r.sender, r.identifier) for r in named.references] == [("a,b@c", "i1"), ("s", "i2")]


def test_feeds_hold_alerts_or_links() -> None:
    """Alerts inline as elements or as text, links of every kind; relative ones are completed from the source."""
    escaped = ALERT.replace("&", "&amp;").replace("<", "&lt;")
    for content in (ALERT, f'<![CDATA[<?xml version="1.0" encoding="utf-16"?>{ALERT}]]>', escaped):
        feed = FEED.format(ENTRY.format(f'<link href="http://a/b"/><content type="text/xml">{content}</content>'))
        found = read(feed.encode(), source="test")
        assert ([m.identifier for m in found.messages], found.links) == (["A1"], ())
    links = '<link rel="alternate" href="http://a/page.html" type="text/html"/><link href="1.xml" type="{}"/>'
    feed = FEED.format("".join(ENTRY.format(links.format(t)) for t in ("application/cap+xml", "text/xml; charset=x")))
    assert read(feed.encode(), source="https://b.org/cap/index.atom").links == ("https://b.org/cap/1.xml",)
    item = "<item><title>t</title>{}</item>"
    rss = '<rss version="2.0"><channel><title>t</title><link>http://a</link>{}</channel></rss>'
    items = (
        "<link>http://a/1</link>",
        '<enclosure url="http://a/2" type="application/cap+xml"/>',
        "<guid>http://a/3</guid>",
        '<g:cap xmlns:g="http://gdacs.example">http://a/4</g:cap><link>http://a/page</link>',
    )
    assert read(rss.format("".join(map(item.format, items))).encode(), source="x").links == tuple(
        f"http://a/{n}" for n in (1, 2, 3, 4)
    )
    inline = rss.format(item.format(f"<description>{escaped}</description>"))
    assert [m.identifier for m in read(inline.encode(), source="x").messages] == ["A1"]
    for address in ("file:///etc/passwd", "javascript:alert(1)", "relative.xml", ""):
        refusal(rss.format(item.format(f"<link>{address}</link>")))


def test_envelopes_are_opened_and_other_documents_refused() -> None:
    """Alerts wrapped in EDXL-DE or another list are read in order; what holds none is refused."""
    second = ALERT.replace("A1", "A2")
    for envelope in ("<alerts>{}{}</alerts>", '<d:E xmlns:d="urn:oasis:names:tc:emergency:EDXL:DE:1.0">{}{}</d:E>'):
        found = read(envelope.format(ALERT, second).encode(), source="x").messages
        assert [message.identifier for message in found] == ["A1", "A2"]
        assert one(found[1].raw).infos == found[1].infos
        assert "severity" in refusal(envelope.format(ALERT, second.replace("Severe", "Bad")))
    for other in (
        "",
        "hello",
        "{}",
        "<html/>",
        "<alert/>",
        '<alert xmlns="http://www.incident.com/cap/1.0"/>',
        "<a>" * 3,
    ):
        refusal(other)


@settings(max_examples=100, deadline=timedelta(seconds=5))
@given(cut=st.integers(0, len(ALERT.encode()) - 1))
def test_a_torn_document_is_never_half_read(cut: int) -> None:
    """A document cut off anywhere is refused."""
    refusal(ALERT.encode()[:cut])


@settings(max_examples=100, deadline=timedelta(seconds=5))
@given(
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=0, max_size=4)), min_size=1, max_size=4),
    wrap=st.sampled_from(["{}", FEED.format(ENTRY.format("<content>{}</content>"))]),
)
def test_noise_is_read_or_refused(changes: list[tuple[int, bytes]], wrap: str) -> None:
    """Whatever the bytes: a reading, or a refusal; nothing else, and in good time."""
    raw = bytearray(wrap.format(ALERT).encode())
    for where, what in changes:
        at = where % len(raw)
        raw[at : at + max(1, len(what))] = what
    with contextlib.suppress(CapRefusedError):
        assert isinstance(read(bytes(raw), source="test"), Reading)
