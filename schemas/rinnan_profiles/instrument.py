"""A screening instrument as data: items, coded answers, and rules that can only raise the care.

Every rule is a threshold on scores, and along a response set both score and least route only grow: so a worse answer
can never lead to less care. Nothing in an instrument is evaluated as code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, cast

from pydantic import Field

from rinnan_events.opened import Route
from rinnan_profiles.answers import FieldFault, NotWhole, Wrong
from rinnan_profiles.words import Code, Profile, Standing, Translated, Version, Words

CARE = (Route.STANDARD, Route.INDIVIDUAL_FIRST, Route.URGENT_CONTACT)
"""The routes from least to most care."""

UNANSWERED = Route.INDIVIDUAL_FIRST


class Stage(StrEnum):
    """Where an instrument stands. Only `pilot` and `approved` are served; `approved` names two people's roles."""

    DRAFT = "draft"
    PILOT = "pilot"
    APPROVED = "approved"
    RETIRED = "retired"


class Licence(Profile):
    """On what terms the text may be shipped and used."""

    text: str
    permits_shipping: bool
    permits_self_administration: bool


class Response(Profile):
    """One coded answer. `score` is always written out; `least` is the route that this answer alone leads to."""

    code: Code
    text: Words
    score: int
    least: Route


class ResponseSet(Profile):
    """Answers in the order of growing concern."""

    id: Code
    responses: Annotated[tuple[Response, ...], Field(min_length=2)]


class Item(Profile):
    """One question. `subject`: whose situation it is about."""

    id: Code
    text: Words
    help: Words | None = None
    subject: Literal["self", "child", "own_behaviour"]
    responses: Code


class Operator(StrEnum):
    """All that a rule may do: look at the worst, add up, or count the items that score at all."""

    MAX = "max"
    SUM = "sum"
    COUNT = "count"


class Rule(Profile):
    """Where the items reach `at_least`, the route is at least `route`. `red_flag`: it calls for urgent contact."""

    id: Code
    items: Annotated[tuple[Code, ...], Field(min_length=1)]
    op: Operator
    at_least: Annotated[int, Field(ge=1)]
    route: Route
    red_flag: bool = False

    def reached(self, scores: Mapping[str, int]) -> bool:
        """Whether the scores reach this rule."""
        these = [scores.get(item, 0) for item in self.items]
        match self.op:
            case Operator.MAX:
                return max(these) >= self.at_least
            case Operator.SUM:
                return sum(these) >= self.at_least
            case Operator.COUNT:
                return sum(score > 0 for score in these) >= self.at_least


class GoldenCase(Profile):
    """Answers and the route they must lead to. `otherwise` answers each item not named; without it, none is."""

    name: str
    route: Route
    declined: bool = False
    otherwise: Code | None = None
    answers: dict[Code, Code] = Field(default_factory=dict)


class Instrument(Translated):
    """One version of an instrument, pinned by every registration that is opened under it."""

    languages: dict[str, Standing] = Field(default_factory=dict)
    id: Code
    number: Version
    stage: Stage
    title: str
    validated: bool
    source: str
    licence: Licence
    approvals: tuple[str, ...] = ()
    intro: Words | None = None
    response_sets: tuple[ResponseSet, ...] = ()
    items: tuple[Item, ...] = ()
    rules: tuple[Rule, ...] = ()
    golden_cases: tuple[GoldenCase, ...] = ()

    @property
    def version(self) -> str:
        """The name that a registration pins."""
        return f"{self.id}.{self.number}"

    def servable(self, language: str) -> bool:
        """Whether a parent may be asked this in a language. There is no fallback: a draft translation is not asked."""
        licensed = self.licence.permits_shipping and self.licence.permits_self_administration
        staged = self.stage in {Stage.PILOT, Stage.APPROVED}
        return licensed and staged and self.languages.get(language, Standing.DRAFT) is not Standing.DRAFT

    def responses(self, item: Item) -> tuple[Response, ...]:
        """The answers that an item takes."""
        return self._sets[item.responses]

    def check(self, answers: Mapping[str, str] | None) -> None:
        """Refuse with `NotWhole` unless every item is answered. None, declining the whole, is a whole answer."""
        faults = [] if answers is None else list(self._faults(answers))
        if faults:
            raise NotWhole(faults)

    def route(self, answers: Mapping[str, str] | None) -> Route:
        """The care that answers call for. What is not answered, or declined as a whole, never counts as `no`."""
        if answers is None:
            return UNANSWERED
        given = {item.id: self._answer(item, answers) for item in self.items}
        scores = {name: response.score for name, response in given.items() if response}
        reached = [rule.route for rule in self.rules if rule.reached(scores)]
        floors = [response.least if response else UNANSWERED for response in given.values()]
        return max((Route.STANDARD, *floors, *reached), key=CARE.index)

    def golden(self, case: GoldenCase) -> Mapping[str, str] | None:
        """The answers that a golden case stands for."""
        if case.declined:
            return None
        filled = dict.fromkeys((item.id for item in self.items), case.otherwise) if case.otherwise else {}
        return cast("dict[str, str]", filled) | case.answers

    @cached_property
    def _sets(self) -> Mapping[str, tuple[Response, ...]]:
        return {each.id: each.responses for each in self.response_sets}

    def _answer(self, item: Item, answers: Mapping[str, str]) -> Response | None:
        return next((each for each in self.responses(item) if each.code == answers.get(item.id)), None)

    def _faults(self, answers: Mapping[str, str]) -> Iterator[FieldFault]:
        if not answers.keys() <= {item.id for item in self.items}:
            yield FieldFault("answers", Wrong.UNKNOWN_QUESTION)
        for item in self.items:
            if item.id not in answers:
                yield FieldFault(item.id, Wrong.MISSING)
            elif self._answer(item, answers) is None:
                yield FieldFault(item.id, Wrong.UNKNOWN_CODE)


def grows(responses: Sequence[Response]) -> bool:
    """Whether neither score nor least route falls anywhere along a response set."""
    ranks = [(response.score, CARE.index(response.least)) for response in responses]
    return all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(ranks))
