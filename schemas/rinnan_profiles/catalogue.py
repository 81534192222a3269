"""The services that two parents can register for, as the national classes name them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

from pydantic import Field

from rinnan_profiles.words import Code, Profile, Versioned, Words, Wrongness, repeated


class NationalClass(Profile):
    """A service class in the national code server."""

    system: Annotated[str, Field(pattern=r"^urn:oid:[0-9.]+$")]
    version: str
    code: str
    name: Words


class Service(Profile):
    """One service.

    `open_to_one`: one parent alone may have it. `never_auto_routed`: no screening or rule leads to it; it takes both
    parents' consent and a professional's decision. `needs_basis`: it rests on an agreement or a court's decision.
    """

    code: Code
    name: Words
    about: Words
    open_to_one: bool
    never_auto_routed: bool = False
    needs_basis: bool = False


class Catalogue(Versioned):
    """One version of the services. `parties` is how many people one registration is for; it stands nowhere else."""

    parties: Annotated[int, Field(ge=1)]
    national_class: NationalClass
    services: Annotated[tuple[Service, ...], Field(min_length=1)]

    @cached_property
    def codes(self) -> frozenset[str]:
        """The codes of all services."""
        return frozenset(service.code for service in self.services)

    def faults(self) -> Iterator[Wrongness]:
        """What is wrong inside this catalogue."""
        yield from super().faults()
        for code in repeated(service.code for service in self.services):
            yield ("services",), f"the service {code} stands twice"
