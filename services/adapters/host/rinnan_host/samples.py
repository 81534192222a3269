"""Invented client records for adapters' tests: two mothers, a father without a code, single names, northern letters.

Identity codes have individual numbers from 900 on, which are never given to anybody.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from rinnan_events.opened import (
    CareRoute,
    Child,
    ClientRecord,
    Consents,
    Contact,
    Identity,
    OwnForm,
    Protection,
    RecordChild,
    RecordParty,
    Route,
    Scope,
)

COUNTY = "esimerkki"
DESTINATION = "esimerkki-cis"
REGISTRATION = UUID("5b0f6a52-7d1e-4c7b-9a43-0c2f5e8d1a01")
OPENED = datetime(2026, 3, 2, 9, 12, 40, tzinfo=UTC)
COMPLETED = datetime(2026, 3, 9, 14, 5, 31, tzinfo=UTC)

AINO = UUID("0d4c1f6e-58a3-4a39-8f5c-71f0e6d2b902")
NILAS = UUID("c1a97b30-2f64-4d0b-b6d8-3e5a90c7f403")

_ELLE = RecordChild(
    child_id=UUID("2e8b5d41-9c07-5f3a-a1b6-4d7f80e3c504"),
    family_name="Länsman-Čáhput",
    given_names="Elle Áššá",
    identity_code="140317A901W",
    birth_date=date(2017, 3, 14),
)
_ONNI = RecordChild(
    child_id=UUID("8f3d6e92-1b45-5a7c-93e8-60c2d9a4f705"),
    family_name="Nieminen",
    given_names="Onni",
    birth_date=date(2020, 8, 30),
)


def _named(child: RecordChild) -> Child:
    return Child.model_validate(child.model_dump())


def _aino() -> RecordParty:
    return RecordParty(
        party_id=AINO,
        identity=Identity(
            family_name="Nieminen",
            given_names="Aino Åsa",
            identity_code="050586-902J",
            birth_date=date(1986, 5, 5),
        ),
        contact=Contact(
            language="fi",
            email="aino@parents.example",
            phone="+358 50 000 0001",
            safe_times=("weekday_morning",),
        ),
        protection=Protection(
            street="Keksittykuja 3 B 11",
            postal_code="99990",
            town="Olematon",
            non_disclosure=False,
            refuge=False,
        ),
        own=OwnForm(
            language="fi",
            services=("agreement", "mediation"),
            children=(_named(_ELLE), _named(_ONNI)),
            answers={"living": ("alternating",), "agreed_on": ("holidays", "school"), "wishes": ("prefer_not",)},
        ),
        submitted_at=OPENED + timedelta(days=1),
        consents=Consents(
            text_version="2026-1", language="fi", given={"handling": True, "joint_meeting": True}, given_at=OPENED
        ),
        care=CareRoute(route=Route.STANDARD, instrument="core", instrument_version="1"),
        children=(_ELLE.child_id, _ONNI.child_id),
    )


def _nilas() -> RecordParty:
    return RecordParty(
        party_id=NILAS,
        identity=Identity(family_name="Čáhput-Øđegaard", birth_date=date(1984, 11, 23)),
        contact=Contact(
            language="se", phone="+358 50 000 0002", voicemail_allowed=True, hide_caller=False, interpreter="se"
        ),
        protection=Protection(
            street="Salainenpolku 9", postal_code="99991", town="Piilola", non_disclosure=True, refuge=True
        ),
        own=OwnForm(
            language="se",
            services=("agreement", "supported_contact"),
            children=(_named(_ELLE),),
            answers={"living": ("cannot_safely",), "agreed_on": (), "wishes": ("own_meeting",)},
        ),
        submitted_at=COMPLETED,
        consents=Consents(
            text_version="2026-1", language="se", given={"handling": True, "joint_meeting": False}, given_at=COMPLETED
        ),
        care=CareRoute(route=Route.INDIVIDUAL_FIRST, instrument="core", instrument_version="1"),
        children=(_ELLE.child_id,),
    )


def a_joint_record(registration_id: UUID = REGISTRATION, destination: str = DESTINATION) -> ClientRecord:
    """Both parents' parts: one with an identity code, one without; one of two children named by both."""
    return ClientRecord(
        registration_id=registration_id,
        county=COUNTY,
        destination=destination,
        scope=Scope.JOINT,
        form_version="2026-1",
        opened_at=OPENED,
        completed_at=COMPLETED,
        contact_by=datetime(2026, 3, 16, 14, 0, tzinfo=UTC),
        parties=(_aino(), _nilas()),
        children=(_ELLE, _ONNI),
    )


def a_single_record(registration_id: UUID = REGISTRATION, destination: str = DESTINATION) -> ClientRecord:
    """One parent who asked to be contacted alone and had filled in nothing."""
    alone = _nilas().model_copy(update={"own": None, "submitted_at": None, "consents": None, "care": None})
    return a_joint_record(registration_id, destination).model_copy(
        update={
            "scope": Scope.SINGLE,
            "parties": (alone.model_copy(update={"children": ()}),),
            "children": (),
        }
    )


def another_registration(number: int = 1) -> UUID:
    """A registration id for the tests that need more than one."""
    return uuid5(REGISTRATION, str(number))
