"""CAP of others: read whole with its doubts named, or refused with the reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.cap import CapMessage, Circle, is_valid, read
from alerts.errors import CapRefusedError

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "cap" / "samples"
needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="the CAP samples are not beside the project")

# Messages and links of each sample that is sound.
READ = {
    "TMD20260925163420_2.excerpt.xml": (1, 0),
    "amber.atom": (1, 0),
    "australia.cap": (1, 0),
    "bushfire_valid.edxlde": (7, 0),
    "canada.cap": (1, 0),
    "canada_signed.atom": (1, 0),
    "canada_signed.cap": (1, 0),
    "earthquake-iso8859-1.cap": (1, 0),
    "earthquake_index.atom": (0, 1),
    "earthquake_signed.cap": (1, 0),
    "empty_weather_index.atom": (0, 0),
    "mexico.xml": (1, 0),
    "no_optional_fields.cap": (1, 0),
    "ny_index.rss": (0, 2),
    "ph.cap": (1, 0),
    "rfs.xml": (1, 0),
    "tmp0000.cap": (1, 0),
    "usgs_alerthub.atom": (0, 1),
    "validator__war__examples__KAR0-0306112239-SW.cap": (1, 0),
    "wcatwc-warning.cap": (1, 0),
    "weather.atom": (1, 0),
    "weather_index.atom": (0, 2),
}
# What is wrong with each broken one: the element, and words of the cause.
REFUSED = {
    "bushfire_invalid.edxlde": ("alert", "identifier"),
    "canada_errors.cap": ("references", "empty"),
    "invalid.cap": ("info", "scope"),
    "invalid.rss": ("channel", "title"),
    "invalid_element.atom": ("foo", "Atom"),
    "no_id.atom": ("feed", "id"),
    "no_link.atom": ("entry", "link"),
    "no_title.atom": ("entry", "title"),
    "noaa_errors.cap": ("urgency", "Immediate"),
    "oregon_nws.atom": ("event", "status"),
    "weather_invalid.atom": ("identifier", "comma"),
    "xee.atom": (None, "DOCTYPE"),
    "xee.cap": (None, "DOCTYPE"),
}


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def message(name: str) -> CapMessage:
    (only,) = read(sample(name), source=name).messages
    return only


@needs_samples
def test_every_sample_has_a_verdict() -> None:
    """No sample is left out."""
    assert {path.name for path in SAMPLES.iterdir()} == READ.keys() | REFUSED.keys()


@needs_samples
@pytest.mark.parametrize("name", sorted(READ))
def test_a_sound_document_is_read_whole(name: str) -> None:
    """Every message and every link of a sound document is there."""
    reading = read(sample(name), source=name)
    assert READ[name] == (len(reading.messages), len(reading.links))
    assert all(link.startswith("http") for link in reading.links)


@needs_samples
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_broken_document_is_refused_with_the_reason(name: str) -> None:
    """A broken document is refused as a whole; the sentence names the document, the element and the cause."""
    element, cause = REFUSED[name]
    with pytest.raises(CapRefusedError) as refused:
        read(sample(name), source=name)
    assert refused.value.detail.startswith(name)
    assert cause in refused.value.detail
    assert refused.value.facts.get("element") == element


@needs_samples
def test_facts_of_a_thai_weather_warning() -> None:
    """A message of the Thai Meteorological Department says what, where and until when."""
    found = message("TMD20260925163420_2.excerpt.xml")
    assert (found.identifier, found.sender, found.version) == ("TMD20260925163420_2", "TMD", "1.2")
    assert (found.status, found.message_type, found.scope) == ("Actual", "Alert", "Public")
    assert found.sent_at == datetime(2026, 9, 25, 9, 34, tzinfo=UTC)
    (info,) = found.infos
    assert (info.language, info.category, info.event) == ("th-TH", "Met", "Heavy Rain")
    assert (info.urgency, info.severity, info.certainty) == ("Immediate", "Severe", "Likely")
    assert info.expires_at == datetime(2026, 9, 26, 9, 34, tzinfo=UTC)
    assert info.headline.startswith("พื้นที่เสี่ยงภัยฝนตกหนัก")
    (area,) = info.areas
    assert (area.name, area.geocodes) == ("อ่างทอง", (("ISO 3166-2", "TH-15"),))
    assert area.polygons[0][0] == (100.47168, 14.720596)
    assert area.polygons[0][0] == area.polygons[0][-1]
    assert found.findings == ()
    assert found.raw == sample("TMD20260925163420_2.excerpt.xml")


@needs_samples
def test_facts_of_messages_from_elsewhere() -> None:
    """Circles, references, several languages, another encoding, signatures and CAP 1.1 are read."""
    quake = message("earthquake-iso8859-1.cap")
    assert quake.infos[0].headline.startswith("EQ 4.6 Usulután")
    assert quake.infos[0].areas[0].circles == (Circle(lon=-88.783, lat=12.747, radius_km=0.0),)
    assert quake.infos[0].language == "en-US"
    assert quake.is_signed
    canada = message("canada.cap")
    assert [info.language for info in canada.infos] == ["en-CA", "fr-CA"]
    assert [one.identifier for one in canada.references] == ["2.49.0.1.124.a3f342a4.2012", "2.49.0.1.124.60f31a3a.2012"]
    assert canada.infos[0].response_types == ("AllClear",)
    assert message("validator__war__examples__KAR0-0306112239-SW.cap").version == "1.1"
    assert message("no_optional_fields.cap").infos == ()


@needs_samples
def test_validity_is_that_of_the_structure() -> None:
    """`is_valid` speaks of the schema alone, strictly or not; a feed of links holds no alert that could be valid."""
    assert is_valid(sample("canada_errors.cap"), strict=False)
    assert not is_valid(sample("canada_errors.cap"), strict=True)
    assert not is_valid(sample("bushfire_invalid.edxlde"), strict=False)
    assert not is_valid(sample("xee.cap"), strict=False)
    assert not is_valid(sample("ny_index.rss"), strict=False)
