"""The first-information form: closed questions with coded answers, one thing per page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import Field

from rinnan_profiles.answers import CANNOT_SAFELY, PREFER_NOT, WHOLE_ANSWERS, FieldFault, NotWhole, Wrong
from rinnan_profiles.words import Code, Profile, Versioned, Words, Wrongness, repeated

Answers = Mapping[str, Sequence[str]]
SERVICES = "services"


class Kind(StrEnum):
    """How a question is answered. There is no free text."""

    ONE = "one"
    MANY = "many"


class Option(Profile):
    """One coded answer. `alone`: it cannot be chosen together with others, as `none of these`."""

    code: Code
    text: Words
    alone: bool = False


class Question(Profile):
    """One closed question. `services` as its id means that the options are the county's services."""

    id: Code
    kind: Kind
    text: Words
    why: Words
    mandatory: bool = True
    options: tuple[Option, ...] = ()


class Step(Profile):
    """One page of the form: one thing."""

    id: Code
    title: Words
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]


class WholeAnswers(Profile):
    """The words of the two answers that every question has. The model adds them; no form can leave them out."""

    prefer_not: Words
    cannot_safely: Words


class Form(Versioned):
    """One version of a form. A version that was ever served is never edited: a change is a new file."""

    title: Words
    intro: Words
    whole_answers: WholeAnswers
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @cached_property
    def questions(self) -> Mapping[str, Question]:
        """Every question by its id, in the order of the pages; the services are chosen apart from the answers."""
        return {question.id: question for question in self._all() if question.id != SERVICES}

    def options(self, question: Question) -> tuple[Option, ...]:
        """All that may be answered to a question, the two whole answers last."""
        return (*question.options, *self._always)

    def check(self, services: Sequence[str], answers: Answers, *, offered: Collection[str] | None = None) -> None:
        """Refuse with `NotWhole` what cannot be given in: unknown, missing or contradictory, by field.

        `offered` is what the county offers (`County.services`); without it, the services are only checked to be there.
        """
        faults = [*_services(services, offered), *self._faults(self.questions.values(), answers)]
        faults.extend(
            FieldFault(question.id, Wrong.MISSING)
            for question in self.questions.values()
            if question.mandatory and not answers.get(question.id)
        )
        if not services:
            faults.append(FieldFault(SERVICES, Wrong.MISSING))
        if faults:
            raise NotWhole(faults)

    def check_part(
        self,
        step_id: str,
        answers: Answers,
        *,
        services: Sequence[str] = (),
        offered: Collection[str] | None = None,
    ) -> None:
        """Refuse with `NotWhole` what a draft of one page cannot hold. What is not answered yet is no fault."""
        step = next((step for step in self.steps if step.id == step_id), None)
        if step is None:
            raise NotWhole([FieldFault("step", Wrong.UNKNOWN_QUESTION)])
        faults = [*_services(services, offered), *self._faults(step.questions, answers)]
        if services and all(question.id != SERVICES for question in step.questions):
            faults.append(FieldFault(SERVICES, Wrong.UNKNOWN_QUESTION))
        if faults:
            raise NotWhole(faults)

    def faults(self) -> Iterator[Wrongness]:
        """What is wrong inside this form."""
        yield from super().faults()
        for ids in ([step.id for step in self.steps], [question.id for question in self._all()]):
            for name in repeated(ids):
                yield ("steps",), f"{name} stands twice"
        if SERVICES not in {question.id for question in self._all()}:
            yield ("steps",), f"no question has the id {SERVICES}"
        for number, step in enumerate(self.steps):
            for which, question in enumerate(step.questions):
                place = ("steps", number, "questions", which)
                codes = [option.code for option in question.options]
                if bool(codes) == (question.id == SERVICES):
                    yield (
                        place,
                        f"{question.id}: every question but {SERVICES} needs options, and {SERVICES} takes none",
                    )
                for code in repeated(codes):
                    yield place, f"{question.id}: the code {code} stands twice"
                for code in sorted(WHOLE_ANSWERS.intersection(codes)):
                    yield place, f"{question.id}: {code} is added by itself and is not written"

    @cached_property
    def _always(self) -> tuple[Option, ...]:
        return (
            Option(code=PREFER_NOT, text=self.whole_answers.prefer_not, alone=True),
            Option(code=CANNOT_SAFELY, text=self.whole_answers.cannot_safely, alone=True),
        )

    def _all(self) -> Iterator[Question]:
        return (question for step in self.steps for question in step.questions)

    def _faults(self, questions: Iterable[Question], answers: Answers) -> Iterator[FieldFault]:
        asked = {question.id: question for question in questions if question.id != SERVICES}
        for name, given in answers.items():
            question = asked.get(name)
            if question is None:
                yield FieldFault("answers", Wrong.UNKNOWN_QUESTION)
                continue
            known = {option.code: option for option in self.options(question)}
            if not known.keys() >= set(given):
                yield FieldFault(name, Wrong.UNKNOWN_CODE)
            elif _contradictory(given, question.kind, {code for code, option in known.items() if option.alone}):
                yield FieldFault(name, Wrong.CONTRADICTORY)


def _services(services: Sequence[str], offered: Collection[str] | None) -> Iterator[FieldFault]:
    if offered is not None and not set(services) <= {*offered, *WHOLE_ANSWERS}:
        yield FieldFault(SERVICES, Wrong.UNKNOWN_CODE)
    elif _contradictory(services, Kind.MANY, WHOLE_ANSWERS):
        yield FieldFault(SERVICES, Wrong.CONTRADICTORY)


def _contradictory(given: Sequence[str], kind: Kind, alone: Collection[str]) -> bool:
    """Whether codes are repeated, are several where one is asked, or stand beside one that stands alone."""
    return len(given) > 1 and (kind is Kind.ONE or len(set(given)) < len(given) or any(code in alone for code in given))
