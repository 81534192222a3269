"""The published language: the only thing that a neighbour may import. One module per speaker."""

from rinnan_events.event import Event, Part, sealed_fields
from rinnan_events.sealed import TABLE, AtRest, Binding, Group, Opened, Row, Sealed, group_of

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
    "group_of",
    "sealed_fields",
]
