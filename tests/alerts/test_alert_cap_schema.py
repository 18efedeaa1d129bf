"""Our own structure of CAP gives the verdict of the published schemas, on every sample and mutations of them."""

from __future__ import annotations

import copy
import functools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from alerts.cap import is_valid, schema

CAP = Path(__file__).resolve().parents[3] / "shared" / "data" / "cap"
pytestmark = pytest.mark.skipif(not CAP.exists(), reason="the CAP schemas are not beside the project")
TAGS = tuple(f"{{{namespace}}}alert" for namespace in schema.NAMESPACES.values())
NAMES = sorted({*schema.kinds(schema.ALERT), *schema.kinds(schema.INFO), *schema.kinds(schema.AREA), "value", "foo"})
# What might stand in an element: right for some, wrong for others, and near misses of each form.
TEXTS = [
    *("", " ", "x", "a b", "a,b", "a&b", "Actual", " Actual ", "actual", "Met", "AllClear", "Avoid", "Extreme", "Past"),
    *("th-TH", "thai_lang", "th TH", " th ", "x-abcdefghi", "zh-Hant-TW", "ก"),
    *("2026-11-21T10:00:00+07:00", " 2026-11-21T10:00:00+07:00 ", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00"),
    *("2026-11-21T10:00:00.5+07:00", "2026-02-30T10:00:00+07:00", "2026-11-21T24:00:00+07:00"),
    *(
        "2026-11-21T10:00:00,07:00",
        "2026-11-21T10:00:60+07:00",
        "2026-11-21T10:00:00+14:00",
        "0000-01-01T00:00:00-00:00",
    ),
    *("2569-11-21T10:00:00+07:00", "2026-11-21T10:00:00+15:00", "๒๐๒๖-11-21T10:00:00+07:00", "2026-11-21"),
    *("s,i,2026-11-21T10:00:00+07:00", " s,i,2026-11-21T10:00:00,07:00  t,j,2026-01-01T00:00:00-00:00 ", "s,i", "s,i,"),
    *("s,i,2026-11-21T10:00:00+07:00 x", "s,i,2026-11-21T10:00:00Z", "s,i,2026-99-99T10:00:00+07:00"),
    *("http://a.b/c?d=e", "http://a b", "http://[", "::", "%zz", "a:b:c", "ก://"),
    *("1", "-1", "+1.5", ".", "1.", ".5", "1e5", "", "1 000", "99999999999999999999999999"),
    *(
        "8.4,100.0 5",
        "8.4,100.0  5",
        " 8.4,100 .5 ",
        "8,100",
        "-8.4,-100 -1",
        "888.4,100 5",
        "1000.4,8 5",
        ", ",
        "a,b c",
    ),
]


@functools.cache
def published(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(CAP / "xsd" / name))


@functools.cache
def samples() -> list[tuple[str, etree._Element]]:
    """Every alert of every sample, also those within feeds."""
    found = []
    for path in sorted((CAP / "samples").iterdir()):
        if not path.name.startswith("xee"):
            root = etree.parse(path).getroot()
            found += [(path.name, etree.fromstring(etree.tostring(one, with_tail=False))) for one in root.iter(*TAGS)]
    return found


def verdicts(alert: etree._Element) -> tuple[bool, bool]:
    """(plain, strict) of the published schemas; there is no stricter one of 1.1."""
    if schema.VERSIONS[etree.QName(alert).namespace or ""] == "1.1":
        is_sound = published("cap11.xsd").validate(alert)
        return is_sound, is_sound
    return published("cap12.xsd").validate(alert), published("cap12_extended.xsd").validate(alert)


def ours(alert: etree._Element) -> tuple[bool, bool]:
    return schema.fault(alert) is None, schema.strict_fault(alert) is None


def test_samples_have_the_verdict_of_the_published_schemas() -> None:
    """Each alert of each sample is sound, or not, as the published schemas say; so is the document."""
    assert len(samples()) > 30
    for name, alert in samples():
        assert ours(alert) == verdicts(alert), name
        raw = etree.tostring(alert)
        assert (is_valid(raw, strict=False), is_valid(raw, strict=True)) == verdicts(alert), name


def _delete(element: etree._Element, _: str, __: str) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _double(element: etree._Element, _: str, __: str) -> None:
    element.addnext(copy.deepcopy(element)) if element.getparent() is not None else None


def _swap(element: etree._Element, _: str, __: str) -> None:
    other = element.getnext()
    if other is not None and element.getparent() is not None:
        other.addnext(element)


def _rename(element: etree._Element, name: str, _: str) -> None:
    if element.getparent() is not None:
        element.tag = f"{{{etree.QName(element).namespace}}}{name}"


def _write(element: etree._Element, _: str, text: str) -> None:
    element.text = text


def _insert(element: etree._Element, name: str, text: str) -> None:
    etree.SubElement(element, f"{{{etree.QName(element).namespace}}}{name}").text = text


def _abroad(element: etree._Element, name: str, text: str) -> None:
    etree.SubElement(element, f"{{{schema.SIGNATURES if len(name) % 2 else 'urn:other'}}}Signature").text = text


def _mark(element: etree._Element, name: str, text: str) -> None:
    element.set(name if len(text) % 2 else "{http://www.w3.org/XML/1998/namespace}lang", "th")


def _write_beside(element: etree._Element, _: str, text: str) -> None:
    if element.getparent() is not None:
        element.tail = text


CHANGES = [_delete, _double, _swap, _rename, _write, _write, _write, _insert, _abroad, _mark, _write_beside]
steps = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 10_000), st.sampled_from(NAMES), st.sampled_from(TEXTS)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=250, deadline=None)
@given(which=st.integers(0, 10_000), steps=steps)
def test_mutations_have_the_verdict_of_the_published_schemas(which: int, steps: list) -> None:  # type: ignore[type-arg]  # functions and values
    """Order, enumerations, times, what is missing, doubled, empty, foreign: our verdict is that of the schemas."""
    alert = copy.deepcopy(samples()[which % len(samples())][1])
    for change, where, name, text in steps:
        elements = [element for element in alert.iter(etree.Element) if "xmldsig" not in element.tag]
        change(elements[where % len(elements)], name, text)
    assert ours(alert) == verdicts(alert)


FIELDS = {*schema.kinds(schema.ALERT), *schema.kinds(schema.INFO), *schema.kinds(schema.AREA)}
FIELDS |= {*schema.kinds(schema.RESOURCE), *schema.kinds(schema.PAIR)}


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_text_in_every_element_has_the_verdict_of_the_published_schemas(field: str) -> None:
    """Each value of each element is judged as the schemas judge it."""
    for name in ("canada.cap", "australia.cap", "tmp0000.cap"):
        alert = copy.deepcopy(dict(samples())[name])
        found = alert.find(f".//{{*}}{field}")
        if found is None:
            continue
        for text in TEXTS:
            found.text = text
            assert ours(alert) == verdicts(alert), (field, text)
