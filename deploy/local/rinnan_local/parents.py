"""What a parent does with Rinnan, step by step, through the public HTTP APIs and the letters that they are sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx

from rinnan_local import families
from rinnan_local.families import Answers, Family, NamedBy, Person, Screening
from rinnan_local.player import DidNotHappen, Installation, Pass, Player, SaidNo, until
from rinnan_profiles.answers import CANNOT_SAFELY, PREFER_NOT
from rinnan_profiles.form import SERVICES, Form, Question

CODE = re.compile(r"\b[A-HJKMNP-Z2-9]{5}-[A-HJKMNP-Z2-9]{5}\b")


class Parent(Player):
    """One parent of a family, in one registration.

    `async with Parent(installation, family, who) as parent:` then `start` or `join`, `fill_form`, `screen`, `consent`
    and `submit`, in any order. Each returns when the service has answered; what follows from it comes later.
    """

    def __init__(self, installation: Installation, family: Family, who: families.Parent, **how: Any) -> None:
        super().__init__(installation, who.person, language=who.language, **how)
        self.who = who
        self.family = family
        self.registration_id: UUID | None = None
        self.party_id: UUID | None = None
        self.acting = Pass(self._party_token)

    # Coming in

    async def start(self, other_contact: Mapping[str, Any] | None = None) -> UUID:
        """Start a registration with the other parent, or meet one that is open already.

        `other_contact` is how the other may be reached, where this parent tells it otherwise than it is.
        """
        body = {
            "county": self.family.county,
            "children": [self._named(child) for child in self.family.children],
            "contact": self.contact(),
            "other": self._named(self.other),
            "other_contact": other_contact or _reached(self.other),
        }
        answer = await self.ask("POST", "intake", "/registrations", as_=self.signed_in, json=body)
        return self._is_in(answer.json()["registration_id"])

    async def read_code(self, *, within: float = 30.0) -> str:
        """The code of the newest letter or text message that this parent got. Raises: `DidNotHappen`."""

        async def newest() -> str | None:
            codes = [code for text in await self.letters() for code in CODE.findall(text)]
            return codes[-1] if codes else None

        return await until(newest, f"a letter with a code for {self.person}", within=within)

    async def letters(self) -> list[str]:
        """The text of everything that was sent to this parent, e-mail first, each in order of arrival."""
        catcher = self.installation.addresses.mail_catcher
        mails = await self.get(f"{catcher}/messages", to=self.who.email)
        texts = await self.get(f"{catcher}/sms", to=self.who.phone)
        return [message["text"] for message in (*mails, *texts)]

    async def got(self, letters: int, *, within: float = 30.0) -> None:
        """Return when that many letters and text messages have come. Raises: `DidNotHappen`."""

        async def enough() -> bool:
            return len(await self.letters()) >= letters

        await until(enough, f"{letters} letters for {self.person}", within=within)

    async def take_ticket(self) -> str:
        """A joining ticket: one try with a code."""
        body = {"county": self.family.county, "contact": self.contact()}
        answer = await self.ask("POST", "intake", "/tickets", as_=self.signed_in, json=body)
        return str(answer.json()["ticket"])

    async def present(self, ticket: str, code: str, intention: str = "join") -> None:
        """Show ticket and code. The answer tells nothing, whatever was shown."""
        body = {"ticket": ticket, "code": code, "intention": intention}
        await self.ask("POST", "invitation", "/joinings", as_=None, json=body)

    async def ticket(self, ticket: str) -> Mapping[str, Any]:
        """What a ticket reads."""
        answer = await self.ask("POST", "intake", "/tickets/lookup", as_=self.signed_in, json={"ticket": ticket})
        return answer.json()

    async def join(self, code: str | None = None, *, within: float = 30.0) -> UUID:
        """Join with the code from the letter. Raises: `DidNotHappen` if the ticket has not joined in time."""
        read = await self._tried("join", code, within)
        if read["reads"] != "joined":
            raise DidNotHappen(f"the ticket of {self.person} reads {read['reads']}")
        return self._is_in(read["registration_id"])

    async def decline(self, code: str | None = None, *, within: float = 30.0) -> None:
        """Say no with the code from the letter."""
        await self._tried("decline", code, within)

    async def ask_again(self, contact: Mapping[str, Any] | None = None) -> None:
        """Have the other parent asked once more, at another contact if one is given."""
        await self.own("POST", "invitation", "/invitation/resend", {"contact": contact or _reached(self.other)})

    # The own part

    async def fill_form(self, answers: Answers | None = None, services: Sequence[str] | None = None) -> None:
        """Save every page of the form, the children, the contact and what protects this parent."""
        form = await self.form()
        for step in form.steps:
            page = self.page(step.questions, answers or self.who.answers, services or self.who.services)
            await self.save_page(step.id, page)
        children = [self._named(child) for child in self.family.children]
        await self.own("PUT", "intake", "/children", {"children": children})
        await self.save_contact()
        await self.own("PUT", "intake", "/protection", self.protection())

    async def form(self) -> Form:
        """The form that the registration is pinned to."""
        seen = await self.see()
        return self.installation.profiles.form(seen["pins"]["form"])

    async def save_page(self, step: str, page: Mapping[str, Any]) -> None:
        """Save the draft of one page."""
        await self.own("PUT", "intake", f"/form/{step}", page)

    async def save_contact(self) -> None:
        """Save how this parent may be reached."""
        await self.own("PUT", "intake", "/contact", self.contact())

    @staticmethod
    def page(
        questions: Sequence[Question], answers: Answers, services: Sequence[str]
    ) -> dict[str, Mapping[str, Sequence[str]] | Sequence[str]]:
        """The body of one page: for each question the code that its kind of answer leads to."""
        asked = [question for question in questions if question.id != SERVICES]
        chosen: dict[str, Mapping[str, Sequence[str]] | Sequence[str]] = {
            "answers": {question.id: [_code(question, answers)] for question in asked}
        }
        return {**chosen, "services": list(services)} if len(asked) < len(questions) else chosen

    async def screen(self, choice: Screening | None = None) -> None:
        """Answer the screening, or decline to."""
        choice = choice or self.who.screening
        asked = (await self.own("GET", "risk_screening", "/screening")).json()
        given: dict[str, Any] = {"language": asked["language"]}
        if choice is Screening.DECLINED:
            given["declined"] = True
        else:
            place = -1 if choice is Screening.ALL_POSITIVE else 0  # the answers stand in the order of growing concern
            given["answers"] = {item["id"]: item["answers"][place]["code"] for item in asked["questions"]}
        await self.own("PUT", "risk_screening", "/screening", given)

    async def consent(self, *, to_all: bool = True) -> None:
        """Give every consent, or only what nobody can register without."""
        read = await self.own("GET", "consent", "/consents")
        given = {consent["id"]: to_all or consent["mandatory"] for consent in read.json()["consents"]}
        await self.own(
            "PUT",
            "consent",
            "/consents",
            {"language": self.language, "given": given},
            {"If-Match": read.headers["ETag"]},
        )

    async def withdraw_consent(self) -> None:
        """Take the consents back."""
        await self.own("POST", "consent", "/consents/withdrawal", {})

    async def submit(self) -> None:
        """Give the own form in."""
        await self.own("POST", "intake", "/form/submission", {})

    async def reopen(self) -> None:
        """Take the own form back to change it."""
        await self.own("POST", "intake", "/form/reopening", {})

    async def complete(self) -> None:
        """Everything that a whole part is: form, screening, consents, giving in."""
        await self.fill_form()
        await self.screen()
        await self.consent()
        await self.submit()

    async def ask_to_be_contacted_alone(self) -> UUID:
        """Ask the county to call without the other; the registration under which it does."""
        answer = await self.own("POST", "intake", "/single-contact", {})
        return UUID(answer.json()["registration_id"])

    async def ask_alone_from_outside(self) -> UUID:
        """Ask the county to call, without ever having named another parent; the registration under which it does."""
        body = {"county": self.family.county, "contact": self.contact()}
        answer = await self.ask("POST", "intake", "/single-contact", as_=self.signed_in, json=body)
        return self._is_in(answer.json()["registration_id"])

    async def leave(self) -> None:
        """Take no part any longer."""
        await self.own("POST", "intake", "/departure", {})

    async def see(self) -> Mapping[str, Any]:
        """All that this parent is shown of the registration."""
        return (await self.own("GET", "intake", "")).json()

    async def own_registrations(self) -> list[Mapping[str, Any]]:
        """The registrations that this parent is part of."""
        return (await self.ask("GET", "intake", "/registrations", as_=self.signed_in)).json()

    async def look_at_everything(self) -> None:
        """Ask for all that a parent can be shown, page by page. What is refused is an answer too."""
        form = await self.form()
        pages = [*(f"/form/{step.id}" for step in form.steps), "/children", "/contact", "/protection"]
        places = [*(("intake", page) for page in pages), ("consent", "/consents"), ("risk_screening", "/screening")]
        for room, path in places:
            with suppress(SaidNo):
                await self.own("GET", room, path)
        await self.own_registrations()

    # What this parent knows

    @property
    def other(self) -> families.Parent:
        """The other parent of the family."""
        return next(parent for parent in self.family.parents if parent.person != self.who.person)

    def contact(self) -> dict[str, Any]:
        """How this parent may be reached."""
        told = {"language": self.language, "email": self.who.email, "phone": self.who.phone}
        return {**told, "interpreter": self.who.interpreter} if self.who.interpreter else told

    def protection(self) -> dict[str, Any]:
        """Where this parent lives and what shields them; what they do not tell is left out."""
        home = self.who.home.model_dump() if self.who.home else {}
        told = {**home, "non_disclosure": self.who.non_disclosure, "refuge": self.who.refuge}
        return {name: value for name, value in told.items() if value is not None}

    def _named(self, person: Person) -> dict[str, Any]:
        by_code = self.who.names_others_by is NamedBy.IDENTITY_CODE
        told = {
            "identity_code": person.identity_code if by_code else None,
            "family_name": person.family_name,
            "given_names": person.given_names or None,
            "birth_date": person.birth_date.isoformat(),
        }
        return {name: value for name, value in told.items() if value is not None}

    def _is_in(self, registration_id: str) -> UUID:
        self.registration_id = UUID(registration_id)
        self.acting.drop()
        return self.registration_id

    async def _tried(self, intention: str, code: str | None, within: float) -> Mapping[str, Any]:
        shown = code or await self.read_code(within=within)
        ticket = await self.take_ticket()
        await self.present(ticket, shown, intention)

        async def settled() -> Mapping[str, Any] | None:
            read = await self.ticket(ticket)
            return read if read["reads"] != "waiting" else None

        return await until(settled, f"the ticket of {self.person}", within=within)

    async def own(
        self, method: str, room: str, path: str, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Ask a room about the own part."""
        url = f"/registrations/{self.registration_id}{path}"
        return await self.ask(method, room, url, as_=self.acting, json=json, headers=headers)

    async def _party_token(self) -> str:
        if self.registration_id is None:
            raise RuntimeError("a parent starts or joins before anything else")
        path = f"/registrations/{self.registration_id}/token"
        told = (await self.ask("POST", "intake", path, as_=self.signed_in)).json()
        self.party_id = UUID(told["party_id"])
        return str(told["token"])


def _reached(other: families.Parent) -> dict[str, str]:
    """How the other parent can be reached, as this one knows it."""
    way = {"phone": other.phone} if other.reached_by == "sms" else {"email": other.email}
    return {"language": other.language, **way}


def _code(question: Question, answers: Answers) -> str:
    match answers:
        case Answers.FIRST_OPTION:
            return question.options[0].code
        case Answers.LAST_OPTION:
            return question.options[-1].code
        case Answers.PREFER_NOT:
            return PREFER_NOT
        case Answers.CANNOT_SAFELY:
            return CANNOT_SAFELY
