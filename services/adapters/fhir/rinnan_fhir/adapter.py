"""The FHIR adapter: write, find and check, each asked once."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import orjson

from rinnan_events.opened import ClientRecord
from rinnan_fhir import far_side, mapping, tables
from rinnan_fhir.settings import FhirSettings
from rinnan_host import samples
from rinnan_host.port import (
    Absent,
    AlreadyThere,
    Capabilities,
    CheckResult,
    DeliveryKey,
    FindResult,
    Offer,
    Place,
    Reason,
    Rejected,
    Unavailable,
    Unknown,
    WriteResult,
    key_of,
)


class FhirAdapter:
    """One FHIR R4 server that takes transactions with conditional create."""

    def __init__(self, address: str, place: Place, table: tables.Tables, http: httpx.AsyncClient) -> None:
        self._address = address
        self._patience = place.write_timeout.total_seconds()
        self._table = table
        self._http = http
        self.capabilities = Capabilities(
            transaction=True,
            conditional_create=True,
            searchable=True,
            settle_after=place.settle_after,
            restricted_place=place.restricted_place,
            parallel=place.parallel,
            takes_at_most=2 * place.write_timeout + timedelta(seconds=1),
        )

    async def check(self) -> CheckResult:
        """Whether the server says that it is R4 and takes what we send."""
        request = self._http.build_request("GET", f"{self._address}/metadata")
        answer = far_side.reading(await far_side.ask(self._http, request, self._patience))
        if isinstance(answer, Unavailable):
            return answer
        return None if _takes_transactions(answer) else Rejected(Reason.NOT_CAPABLE)

    async def write(self, record: ClientRecord, key: DeliveryKey) -> WriteResult:
        """Post the record as one transaction, then count the registration by its identifier."""
        bundle = mapping.bundle(record, key, self._table, restricted_place=self.capabilities.restricted_place)
        body = orjson.dumps(bundle)
        if not whole(bundle, body):
            return Rejected(Reason.NOT_VALID)
        answer = await far_side.post(self._http, self._address, body, self._patience)
        if not isinstance(answer, httpx.Response):
            return answer
        if not answer.is_success:
            return far_side.refusal(answer)
        result = far_side.written(answer, len(bundle["entry"]))
        if isinstance(result, Unknown):
            return result
        counted = await self.find(key)
        effects = counted.effects if isinstance(counted, AlreadyThere) else 0 if counted == Absent() else None
        return type(result)(result.receipt, effects)

    async def find(self, key: DeliveryKey) -> FindResult:
        """Search the registration by its identifier."""
        search = f"{self._address}/Task?{mapping.delivery_search(key, self._table)}&_count=10"
        request = self._http.build_request("GET", search, headers={"Cache-Control": "no-cache"})
        answer = far_side.reading(await far_side.ask(self._http, request, self._patience))
        if isinstance(answer, Unavailable):
            return answer
        try:
            found = far_side.standing(answer)
        except (AttributeError, KeyError, TypeError, ValueError):
            return Unavailable(Reason.ANSWER_NOT_UNDERSTOOD)
        return AlreadyThere(*found) if found else Absent()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()


REFERENCE = re.compile(rb'"reference":"([^"]*)"')  # a quotation mark inside a JSON string is always escaped


def whole(bundle: dict[str, Any], body: bytes) -> bool:
    """Whether every reference points into the bundle and no two entries are the same: what a server would refuse."""
    own = [entry["fullUrl"].encode() for entry in bundle["entry"]]
    return len(set(own)) == len(own) and set(REFERENCE.findall(body)) <= set(own)


def _takes_transactions(statement: dict[str, Any]) -> bool:
    """Whether a CapabilityStatement is R4's and names system transactions and conditional create of what we send."""
    match statement:
        case {"resourceType": "CapabilityStatement", "fhirVersion": str(version), "rest": [rest, *_]} if (
            version.startswith(("4.0", "4.3"))
        ):
            interactions = {said.get("code") for said in rest.get("interaction", ())}
            conditional = {said["type"] for said in rest.get("resource", ()) if said.get("conditionalCreate")}
            return "transaction" in interactions and conditional >= WRITTEN_TYPES
        case _:
            return False


WRITTEN_TYPES = frozenset({"Patient", "RelatedPerson", "ServiceRequest", "QuestionnaireResponse", "Consent", "Task"})


@cache
def proven(path: Path) -> tables.Tables:
    """The mapping table in a file, proven once per process: what it makes of the sample records is FHIR R4.

    Raises ValueError (pydantic's) where it is not.
    """
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415 - 40 MB that only this proof needs

    table = tables.read(path)
    for record in (samples.a_joint_record(), samples.a_single_record()):
        Bundle.model_validate(mapping.bundle(record, key_of(record), table, restricted_place=True))
    return table


def make(place: Place, settings: FhirSettings) -> FhirAdapter:
    """The adapter of one destination.

    Raises ValueError where the place has no address or no settle time longer than its time-out, LookupError where a
    secret is named but not there.
    """
    if not place.address:
        raise ValueError("a FHIR destination needs an address")
    if place.settle_after is None or place.settle_after <= place.write_timeout:
        raise ValueError("a FHIR destination needs a settle_after longer than its write_timeout")
    bearer = place.secret(settings.bearer_secret) if settings.bearer_secret else None
    if settings.bearer_secret and not bearer:
        raise LookupError(settings.bearer_secret)
    table = proven(place.contracts / "fhir" / settings.mapping)
    return FhirAdapter(place.address.rstrip("/"), place, table, far_side.client(settings, place, bearer))


OFFER = Offer(settings=FhirSettings, make=make)
