"""Client record → FHIR R4 transaction bundle. Pure: equal records give equal bundles, whoever began.

What a county's staff may see of everybody is apart from what one parent said, and that from what shields one parent:

- the registration (a Task that names nobody): the promise of contact, and the one effect that is counted;
- each person (Patient) and each tie of a parent to a child (RelatedPerson, in the child's compartment, names nobody);
- a parent's own ServiceRequest, QuestionnaireResponse and Consent: no word of the other parent in them;
- how to reach one parent safely, and what they left open (a Task labelled restricted), and, only where the destination
  has a restricted place, the care route and address (a Task labelled very restricted, written for every parent,
  whatever there is to tell).

The own ServiceRequest tells which children it is about, by their RelatedPersons; Patients are never changed where they
exist already, so nothing that must arrive stands only in a Patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from rinnan_events.opened import ClientRecord, Consents, OwnForm, RecordChild, RecordParty
from rinnan_fhir.tables import Tables
from rinnan_host.port import DeliveryKey, left_open
from rinnan_profiles import WHOLE_ANSWERS

Resource = dict[str, Any]


def bundle(record: ClientRecord, key: DeliveryKey, tables: Tables, *, restricted_place: bool) -> Resource:
    """The transaction that writes a record. The registration's own entry is the last: it stands only for the whole."""
    says = _Says(record, key, tables)
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [says.entry(*part) for part in says.resources(restricted_place=restricted_place)],
    }


def delivery_search(key: DeliveryKey, tables: Tables) -> str:
    """The search parameter that finds a whole delivery: `identifier=…`, encoded."""
    return _match(tables.own_identifier.system, tables.own_identifier.value(key.delivery))


def full_hour(moment: datetime) -> datetime:
    """The full hour at or after a moment, UTC: when both parents are told. A finer time would tell who came last."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour if hour == moment else hour + timedelta(hours=1)


def _match(system: str, value: str) -> str:
    return f"identifier={quote(f'{system}|{value}', safe='')}"


def _instant(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _reference(own: UUID) -> dict[str, str]:
    return {"reference": f"urn:uuid:{own}"}


class _Says:
    """One record being said. `own` ids stand for resources inside the bundle, and as their identifiers for ever."""

    def __init__(self, record: ClientRecord, key: DeliveryKey, tables: Tables) -> None:
        self.record = record
        self.key = key
        self.tables = tables
        self.told_at = _instant(full_hour(record.completed_at))
        self.contact_by = _instant(record.contact_by)
        self.group = self.identifier(record.registration_id)
        self.children = {child.child_id: child for child in record.children}

    def resources(self, *, restricted_place: bool) -> Iterator[tuple[UUID, Resource, str | None]]:
        """Each resource with its own id and, for a person with a code, the code to match by."""
        parties = sorted(self.record.parties, key=lambda party: party.party_id)
        for party in parties:
            yield self.patient_id(party.party_id), self.parent(party), party.identity.identity_code
        for child in sorted(self.record.children, key=lambda child: child.child_id):
            yield self.patient_id(child.child_id), self.child(child), child.identity_code
        for party in parties:
            for child_id in self.named_by(party):
                yield self.tie_id(party.party_id, child_id), self.tie(party, child_id), None
            yield self.of(party, "request"), self.request(party), None
            if party.own:
                yield self.of(party, "answers"), self.answers(party, party.own), None
            if party.consents:
                yield self.of(party, "consent"), self.consent(party, party.consents), None
            yield self.of(party, "contact"), self.contact(party), None
            if restricted_place:
                yield self.of(party, "protection"), self.protection(party), None
        yield self.key.delivery, self.registration(), None

    def entry(self, own: UUID, resource: Resource, identity_code: str | None) -> Resource:
        """A bundle entry that creates a resource unless it, or the person it is, is there."""
        own_identifier = self.tables.own_identifier
        if identity_code:
            match = _match(self.tables.identity_code.system, identity_code)
        else:
            match = _match(own_identifier.system, own_identifier.value(own))
        return {
            "fullUrl": f"urn:uuid:{own}",
            "resource": resource,
            "request": {"method": "POST", "url": resource["resourceType"], "ifNoneExist": match},
        }

    def patient_id(self, person: UUID) -> UUID:
        """A person is the same in a joint and in a single delivery."""
        return self.key.identifier("patient", person)

    def tie_id(self, party: UUID, child: UUID) -> UUID:
        return self.key.identifier(f"parent-of-{child}", party)

    def of(self, party: RecordParty, role: str) -> UUID:
        """What a parent says in a joint registration and what it says alone are two things."""
        return self.key.identifier(f"{self.record.scope}-{role}", party.party_id)

    def named_by(self, party: RecordParty) -> list[UUID]:
        return sorted(child for child in party.children if child in self.children)

    def identifier(self, own: UUID) -> dict[str, Any]:
        """An own id as an Identifier."""
        return {"system": self.tables.own_identifier.system, "value": self.tables.own_identifier.value(own)}

    def labels(self, party: RecordParty, *more: dict[str, Any]) -> dict[str, Any]:
        """`meta` with the labels of one parent's resource; unknown counts as under an order."""
        shielded = party.protection.non_disclosure is not False or party.protection.refuge is True
        found = [*([self.tables.labels.non_disclosure.coding()] if shielded else ()), *more]
        return {"meta": {"security": found}} if found else {}

    def parent(self, party: RecordParty) -> Resource:
        who = party.identity
        person = self.person(party.party_id, who.family_name, who.given_names, who.identity_code, who.birth_date)
        return {"resourceType": "Patient", **self.labels(party), **person}

    def child(self, child: RecordChild) -> Resource:
        person = self.person(
            child.child_id, child.family_name, child.given_names, child.identity_code, child.birth_date
        )
        return {"resourceType": "Patient", **person}

    def person(self, who: UUID, family: str, given: str, code: str | None, born: date | None) -> Resource:
        official = {
            "use": "official",
            "type": self.tables.identity_code.type.concept(),
            "system": self.tables.identity_code.system,
            "value": code,
        }
        own = {"use": "secondary", **self.identifier(self.patient_id(who))}
        names = given.split()
        said = {"use": "official", **({"family": family} if family else {}), **({"given": names} if names else {})}
        return {
            "identifier": [official, own] if code else [own],
            "active": True,
            "name": [said],
            **({"birthDate": born.isoformat()} if born else {}),
        }

    def tie(self, party: RecordParty, child: UUID) -> Resource:
        return {
            "resourceType": "RelatedPerson",
            "identifier": [self.identifier(self.tie_id(party.party_id, child))],
            "active": True,
            "patient": _reference(self.patient_id(child)),
            "relationship": [self.tables.parent.concept()],
        }

    def request(self, party: RecordParty) -> Resource:
        parent = _reference(self.patient_id(party.party_id))
        services = sorted(set(party.own.services) - WHOLE_ANSWERS) if party.own else []
        children = [_reference(self.tie_id(party.party_id, child)) for child in self.named_by(party)]
        scope = self.tables.scope
        return {
            "resourceType": "ServiceRequest",
            **self.labels(party),
            "identifier": [self.identifier(self.of(party, "request"))],
            "requisition": self.group,
            "status": "active",
            "intent": "order",
            "category": [self.tables.service_category.concept()],
            "code": {"coding": [{"system": scope.system, "code": getattr(scope, self.record.scope)}]},
            **({"orderDetail": [self.tables.service.concept(service) for service in services]} if services else {}),
            "subject": parent,
            "authoredOn": self.told_at,
            "requester": parent,
            **({"supportingInfo": children} if children else {}),
        }

    def answers(self, party: RecordParty, own: OwnForm) -> Resource:
        parent = _reference(self.patient_id(party.party_id))
        form = self.tables.form
        return {
            "resourceType": "QuestionnaireResponse",
            **self.labels(party),
            "identifier": self.identifier(self.of(party, "answers")),
            "questionnaire": f"{form.canonical}|{self.record.form_version}",
            "status": "completed",
            "subject": parent,
            "authored": self.told_at,
            "author": parent,
            "source": parent,
            "item": [
                {
                    "linkId": question,
                    "answer": [{"valueCoding": {"system": form.answer_system, "code": code}} for code in codes],
                }
                if codes
                else {"linkId": question}
                for question, codes in sorted(own.answers.items())
            ],
        }

    def consent(self, party: RecordParty, consents: Consents) -> Resource:
        table = self.tables.consent
        items = [
            {
                "type": "permit" if yes else "deny",
                "code": [{"coding": [{"system": table.item_system, "code": asked}]}],
            }
            for asked, yes in sorted(consents.given.items())
        ]
        return {
            "resourceType": "Consent",
            **self.labels(party),
            "identifier": [self.identifier(self.of(party, "consent"))],
            "status": "active",
            "scope": table.scope.concept(),
            "category": [table.category.concept()],
            "patient": _reference(self.patient_id(party.party_id)),
            "dateTime": _instant(consents.given_at),
            "policy": [{"uri": f"{table.policy}:{consents.text_version}:{consents.language}"}],
            **({"provision": {"provision": items}} if items else {}),
        }

    def contact(self, party: RecordParty) -> Resource:
        """How to reach a parent: when and how it is safe and what to raise with them in private stand before where."""
        contact, codes = party.contact, self.tables.codes
        told = [("safe_time", self.coded(codes.safe_time, code)) for code in contact.safe_times]
        told.append(("hide_caller", {"valueBoolean": contact.hide_caller}))
        told.append(("voicemail_allowed", {"valueBoolean": contact.voicemail_allowed}))
        told.append(("language", self.coded(codes.language, contact.language)))
        if contact.interpreter:
            told.append(("interpreter", self.coded(codes.language, contact.interpreter)))
        told += [("left_open", self.left_open(question, code)) for question, code in left_open(party.own)]
        if contact.phone:
            told.append(("phone", {"valueContactPoint": {"system": "phone", "value": contact.phone}}))
        if contact.email:
            told.append(("email", {"valueContactPoint": {"system": "email", "value": contact.email}}))
        return self.task(party, "contact", self.tables.task.contact, self.tables.labels.contact.coding(), told)

    def left_open(self, question: str, code: str) -> dict[str, Any]:
        """A question that was answered by not answering, and how."""
        coding = [{"system": self.tables.form.answer_system, "code": code}]
        return {"valueCodeableConcept": {"coding": coding, "text": question}}

    def protection(self, party: RecordParty) -> Resource:
        """Care route and shields. An address goes in only where it is known that nothing forbids it."""
        shield, told = party.protection, list[tuple[str, dict[str, Any]]]()
        if party.care:
            told.append(("care_route", self.coded(self.tables.codes.care_route, party.care.route)))
        told.extend(
            (name, {"valueBoolean": said})
            for name, said in (("non_disclosure", shield.non_disclosure), ("refuge", shield.refuge))
            if said is not None
        )
        address = {"line": [shield.street], "city": shield.town, "postalCode": shield.postal_code}
        if shield.street and shield.non_disclosure is False and shield.refuge is False:
            told.append(("address", {"valueAddress": {name: part for name, part in address.items() if part}}))
        return self.task(party, "protection", self.tables.task.protection, self.tables.labels.protected.coding(), told)

    def task(
        self,
        party: RecordParty,
        role: str,
        code: str,
        label: dict[str, Any],
        told: list[tuple[str, dict[str, Any]]],
    ) -> Resource:
        inputs = [{"type": self.tables.input.concept(name), **value} for name, value in told]
        return {
            "resourceType": "Task",
            **self.labels(party, label),
            **self.task_head(self.of(party, role), code),
            "focus": _reference(self.of(party, "request")),
            "for": _reference(self.patient_id(party.party_id)),
            "authoredOn": self.told_at,
            "restriction": {"period": {"end": self.contact_by}},
            **({"input": inputs} if inputs else {}),
        }

    def registration(self) -> Resource:
        return {
            "resourceType": "Task",
            **self.task_head(self.key.delivery, self.tables.task.registration),
            "authoredOn": self.told_at,
            "restriction": {"period": {"end": self.contact_by}},
        }

    def task_head(self, own: UUID, code: str) -> Resource:
        return {
            "identifier": [self.identifier(own)],
            "groupIdentifier": self.group,
            "status": "requested",
            "intent": "order",
            "code": {"coding": [{"system": self.tables.task.system, "code": code}]},
        }

    @staticmethod
    def coded(system: str, code: str) -> dict[str, Any]:
        return {"valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}
