"""A parent's own consents over HTTP. Everything but the consents themselves comes from the party token."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Body, Doors, Key, PartyToken, Seen, etag
from rinnan_chassis.web.problems import Fault, NotValid, asked_for
from rinnan_consent.domain import GiveConsents, OwnConsents, Registration, Standing, WithdrawConsents
from rinnan_consent.errors import Closed
from rinnan_events import Sealed
from rinnan_events.opened import Consents
from rinnan_profiles import NotWhole, Profiles, Texts
from rinnan_profiles.words import Language

LanguageCode = Annotated[Language, Query(max_length=40)]


class ConsentText(BaseModel):
    """One thing to agree to or not, in words. `language` is the words' own: a fallback is to be seen."""

    id: str
    mandatory: bool
    text: str
    language: str


class Answered(BaseModel):
    """Where the caller's consents stand now."""

    standing: Standing
    version: int = Field(description="Counts what was given; 0 before anything was.")


class OwnConsentsOut(Answered):
    """The texts, and what the caller has answered to them."""

    text_version: str
    consents: list[ConsentText]
    given: dict[str, bool] | None
    changed_at: datetime | None


class ConsentsIn(Body):
    """An answer to every consent, and the language in which they were read."""

    language: Annotated[Language, Field(max_length=40)]
    given: Annotated[dict[str, bool], Field(max_length=50)]


def routes(desk: Desk[Registration], doors: Doors, profiles: Profiles) -> APIRouter:
    """The three things a parent can do with consents: read them, give them, take them back."""
    router = APIRouter(prefix="/registrations/{registration_id}/consents", tags=["consents"])

    @router.get("")
    async def own_consents(
        request: Request,
        response: Response,
        registration_id: UUID,
        party: Annotated[PartyToken, Depends(doors.party)],
        language: LanguageCode | None = None,
    ) -> OwnConsentsOut:
        """The texts that the registration is pinned to, in the caller's language, and the caller's own answers."""
        state = await desk.state(registration_id, of=party.party_id) or Registration()
        if state.closed_for(party.party_id):
            raise Closed
        own = state.of(party.party_id)
        texts = profiles.texts(party.pins["texts"])
        opened = await _opened(desk, own, party)
        response.headers.update(etag(own.revision))
        return OwnConsentsOut(
            standing=own.standing,
            version=own.version,
            text_version=texts.version,
            consents=_texts(texts, language or asked_for(request)),
            given=opened.given if opened else None,
            changed_at=own.changed_at,
        )

    @router.put("")
    async def give_consents(
        *,
        response: Response,
        registration_id: UUID,
        party: Annotated[PartyToken, Depends(doors.party)],
        body: ConsentsIn,
        key: Key,
        seen: Seen,
    ) -> Answered:
        """Answer every consent. `If-Match` names the version of one's own consents that was read."""
        if seen is None:
            raise NotValid([Fault("If-Match", "chassis.missing_field")], 428)
        texts = profiles.texts(party.pins["texts"])
        _check(texts, body.given)
        consents = Consents(text_version=texts.version, language=body.language, given=body.given, given_at=desk.now())
        command = GiveConsents(party, seen, Sealed.of(consents, party=party.party_id))
        answer = await desk.decide(
            command, subject=registration_id, caller=str(party.party_id), key=key, fingerprint=body.model_dump_json()
        )
        return _answered(answer, response)

    @router.post("/withdrawal")
    async def withdraw_consents(
        response: Response, registration_id: UUID, party: Annotated[PartyToken, Depends(doors.party)], key: Key
    ) -> Answered:
        """Take back what was consented to. It needs no version: it is never the wrong moment."""
        command = WithdrawConsents(party)
        answer = await desk.decide(command, subject=registration_id, caller=str(party.party_id), key=key)
        return _answered(answer, response)

    return router


async def _opened(desk: Desk[Registration], own: OwnConsents, party: PartyToken) -> Consents | None:
    if own.consents is None:
        return None
    return await desk.open(own.consents, Consents, party=party.party_id, subject=party.registration_id)


def _texts(texts: Texts, language: str) -> list[ConsentText]:
    spoken = [(consent, consent.text.nearest(language)) for consent in texts.consents]
    return [
        ConsentText(id=consent.id, mandatory=consent.mandatory, text=words.text, language=words.language)
        for consent, words in spoken
    ]


def _check(texts: Texts, given: Mapping[str, bool]) -> None:
    try:
        texts.check_consents(given)
    except NotWhole as not_whole:
        raise NotValid(
            [
                Fault("/given" if fault.field == "consents" else f"/given/{fault.field}", f"consent.{fault.wrong}")
                for fault in not_whole.faults
            ]
        ) from None


def _answered(answer: Mapping[str, Any], response: Response) -> Answered:
    response.headers.update(etag(answer["revision"]))
    return Answered(standing=answer["standing"], version=answer["version"])
