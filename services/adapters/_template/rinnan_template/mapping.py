"""Client record → what the product takes. Pure, and in one order whoever began: equal records give equal bytes.

Four rules hold for every mapping: parties and children go in the order of their ids; what shields a parent (address,
care route) is left out unless the destination has a restricted place, and an address also then unless it is known that
nothing forbids it; nothing that one parent said stands in what the other may be shown; when and how it is safe to reach
a parent, and each question that they left open, stand before any number, where whoever makes contact reads first.
"""

from __future__ import annotations

from typing import Any

import orjson

from rinnan_events.opened import ClientRecord, RecordParty
from rinnan_host.port import DeliveryKey, left_open


def body(record: ClientRecord, key: DeliveryKey, *, restricted_place: bool) -> bytes:
    """The case as the product's JSON."""
    return orjson.dumps(
        {
            "key": str(key.delivery),
            "contact_by": record.contact_by.isoformat(),
            "children": [
                {"name": f"{child.given_names} {child.family_name}", "code": child.identity_code}
                for child in sorted(record.children, key=lambda child: child.child_id)
            ],
            "parents": [
                _parent(party, key, restricted_place=restricted_place)
                for party in sorted(record.parties, key=lambda party: party.party_id)
            ],
        }
    )


def _parent(party: RecordParty, key: DeliveryKey, *, restricted_place: bool) -> dict[str, Any]:
    return {
        "key": str(key.identifier("parent", party.party_id)),
        "name": f"{party.identity.given_names} {party.identity.family_name}".strip(),
        "code": party.identity.identity_code,
        "before_contact": _before_contact(party),
        "phone": party.contact.phone,
        "email": party.contact.email,
        "services": sorted(party.own.services) if party.own else [],
        "answers": dict(sorted(party.own.answers.items())) if party.own else {},
        "consents": dict(sorted(party.consents.given.items())) if party.consents else {},
        **(_protected(party) if restricted_place else {}),
    }


def _before_contact(party: RecordParty) -> dict[str, Any]:
    contact = party.contact
    return {
        "safe_times": list(contact.safe_times),
        "hide_caller": contact.hide_caller,
        "voicemail_allowed": contact.voicemail_allowed,
        "language": contact.language,
        "interpreter": contact.interpreter,
        "left_open": [{"question": question, "answer": answer} for question, answer in left_open(party.own)],
    }


def _protected(party: RecordParty) -> dict[str, Any]:
    shield = party.protection
    free = shield.non_disclosure is False and shield.refuge is False
    return {
        "care_route": party.care.route if party.care else None,
        "address": [shield.street, shield.postal_code, shield.town] if free else None,
    }
