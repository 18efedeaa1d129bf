"""What may leave the house: a CAP document that fits the strict schema and breaks no rule of the standard."""

from __future__ import annotations

from alerts.cap import documents, reading, rules, schema
from alerts.cap.messages import Finding
from alerts.errors import CapRefusedError


def problems(xml: bytes) -> list[Finding]:
    """Why the document must not be published; an empty list for a sound one.

    Whatever a tolerant reader would bear is a problem here, and every place has to lie in Thailand.
    """
    try:
        root = documents.opened(xml, source="CAP")
    except CapRefusedError as refused:
        return [Finding("alert", refused.detail)]
    fault = schema.strict_fault(root)
    if fault:
        return [Finding(fault.element, fault.problem)]
    try:
        (message,) = reading.read(xml, source="CAP").messages
    except CapRefusedError as refused:
        return [Finding(str(refused.facts.get("element", "alert")), refused.detail)]
    return [*message.findings, *rules.outside(message, rules.THAILAND)]
