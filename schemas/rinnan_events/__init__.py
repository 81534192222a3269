"""The published language: what a neighbour may import, beside rinnan_profiles. One module per speaker."""

from rinnan_events.event import Event, Part, sealed_fields, sealed_forms_of
from rinnan_events.published import events
from rinnan_events.sealed import TABLE, AtRest, Binding, Group, Opened, Row, Sealed

__all__ = [
    "TABLE",
    "AtRest",
    "Binding",
    "Event",
    "Group",
    "Opened",
    "Part",
    "Row",
    "Sealed",
    "events",
    "sealed_fields",
    "sealed_forms_of",
]
