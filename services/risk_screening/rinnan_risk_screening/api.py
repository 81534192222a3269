"""A parent's own screening over HTTP: asked in the parent's language, taken in one way, never shown again."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Body, Doors, Key, PartyToken
from rinnan_chassis.web.problems import Fault, NotValid, asked_for
from rinnan_events import Sealed
from rinnan_profiles import Instrument, NotWhole, Profiles
from rinnan_profiles.words import Language
from rinnan_risk_screening import scoring
from rinnan_risk_screening.domain import ReceiveScreening, Registration
from rinnan_risk_screening.errors import AnswerOrDecline, Closed, NotInThisLanguage

LanguageCode = Annotated[Language, Query(max_length=40)]


class Choice(BaseModel):
    """One answer that can be chosen. What it counts for is not told."""

    code: str
    text: str


class Question(BaseModel):
    """One question, with all the answers it takes."""

    id: str
    text: str
    help: str | None
    answers: list[Choice]


class ScreeningOut(BaseModel):
    """The questions, and whether the caller has been through them. What was answered is never shown again."""

    language: str
    intro: str | None
    questions: list[Question]
    done: bool


class ScreeningIn(Body):
    """Either an answer to every question, or `declined`: both are whole."""

    language: Annotated[Language, Field(max_length=40)]
    answers: Annotated[dict[str, str], Field(max_length=200)] | None = None
    declined: bool = False


class Received(BaseModel):
    """The same words for everybody, whatever was answered or declined."""

    done: bool = True


def routes(desk: Desk[Registration], doors: Doors, profiles: Profiles) -> APIRouter:
    """The two things a parent can do with the screening: read the questions, and be through with them."""
    router = APIRouter(prefix="/registrations/{registration_id}/screening", tags=["screening"])

    @router.get("")
    async def questions(
        request: Request,
        registration_id: UUID,
        party: Annotated[PartyToken, Depends(doors.party)],
        language: LanguageCode | None = None,
    ) -> ScreeningOut:
        """The questions in exactly the caller's language; where nobody vouches for them in it, the answer says so."""
        state = await desk.state(registration_id) or Registration()
        if state.closed_for(party.party_id):
            raise Closed
        spoken = language or asked_for(request)
        instrument = _servable(profiles, party, spoken, "language")
        return ScreeningOut(
            language=spoken,
            intro=instrument.intro.at(spoken) if instrument.intro else None,
            questions=_questions(instrument, spoken),
            done=state.of(party.party_id).received > 0,
        )

    @router.put("", status_code=202)
    async def be_screened(
        registration_id: UUID, party: Annotated[PartyToken, Depends(doors.party)], body: ScreeningIn, key: Key
    ) -> Received:
        """Answer, or decline to: one path, one answer, one size. Doing it again replaces what was given before."""
        instrument = _servable(profiles, party, body.language, "/language")
        if body.declined == (body.answers is not None):
            raise AnswerOrDecline("/answers")
        _check(instrument, body.answers)
        padded = scoring.pad(instrument, body.language, body.answers)
        command = ReceiveScreening(party, Sealed.of(padded, party=party.party_id))
        await desk.decide(
            command, subject=registration_id, caller=str(party.party_id), key=key, fingerprint=padded.model_dump_json()
        )
        return Received()

    return router


def _servable(profiles: Profiles, party: PartyToken, language: str, field: str) -> Instrument:
    instrument = profiles.instrument(party.pins["instrument"])
    if not instrument.servable(language):
        raise NotInThisLanguage(field, languages=" ".join(filter(instrument.servable, instrument.languages)))
    return instrument


def _questions(instrument: Instrument, language: str) -> list[Question]:
    return [
        Question(
            id=item.id,
            text=item.text.at(language),
            help=item.help.at(language) if item.help else None,
            answers=[
                Choice(code=response.code, text=response.text.at(language)) for response in instrument.responses(item)
            ],
        )
        for item in instrument.items
    ]


def _check(instrument: Instrument, answers: Mapping[str, str] | None) -> None:
    try:
        instrument.check(answers)
    except NotWhole as not_whole:
        raise NotValid(
            [
                Fault(
                    "/answers" if fault.field == "answers" else f"/answers/{fault.field}",
                    f"risk_screening.{fault.wrong}",
                )
                for fault in not_whole.faults
            ]
        ) from None
