"""What can be wrong between profiles, each with its file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rinnan_profiles.positions import line_of
from rinnan_profiles.words import Place

if TYPE_CHECKING:
    from rinnan_profiles.loading import Profiles


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong, where, and in words."""

    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Source:
    """The file that a value was read from, and its text."""

    file: Path
    text: str

    def fault(self, place: Place, text: str) -> Fault:
        """A fault at a place in this file."""
        return Fault(self.file, line_of(self.text, place), text)


def faults_of(profiles: Profiles, sources: Mapping[int, Source]) -> Iterator[Fault]:
    """Everything that is wrong between what was read."""
    return iter(())
