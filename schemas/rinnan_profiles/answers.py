"""What is wrong with answers: the fields by name, never a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

PREFER_NOT = "prefer_not"
CANNOT_SAFELY = "cannot_safely"
WHOLE_ANSWERS = frozenset({PREFER_NOT, CANNOT_SAFELY})
"""`I do not want to answer` and `I cannot answer safely now`: whole answers to every question, and lead to a person."""


class Wrong(StrEnum):
    """What may be wrong with one field."""

    UNKNOWN_QUESTION = "unknown_question"
    UNKNOWN_CODE = "unknown_code"
    MISSING = "missing"
    CONTRADICTORY = "contradictory"
    NOT_GIVEN = "not_given"


@dataclass(frozen=True, slots=True, order=True)
class FieldFault:
    """One field and what is wrong with it. An unknown question is reported as `answers`: its name came from outside."""

    field: str
    wrong: Wrong


class NotWhole(Exception):  # noqa: N818 - a state of the answers; the rooms make it a refusal
    """Answers that cannot be taken as they are."""

    def __init__(self, faults: Iterable[FieldFault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__(", ".join(f"{fault.field}: {fault.wrong}" for fault in self.faults))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, each once, sorted."""
        return tuple(sorted({fault.field for fault in self.faults}))
