"""A screening instrument as data: items, coded answers, and rules that can only raise the care.

Every rule is a threshold on scores, and along a response set both score and least route only grow: so a worse answer
can never lead to less care. Nothing in an instrument is evaluated as code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from rinnan_events.opened import Route
from rinnan_profiles.answers import WHOLE_ANSWERS, FieldFault, NotWhole, Wrong
from rinnan_profiles.words import Code, Profile, Standing, Versioned, Words, Wrongness, repeated

CARE = (Route.STANDARD, Route.INDIVIDUAL_FIRST, Route.URGENT_CONTACT)
"""The routes from least to most care."""

UNANSWERED = Route.INDIVIDUAL_FIRST


class Stage(StrEnum):
    """Where an instrument stands. Only `pilot` and `approved` are served; `approved` names two people's roles."""

    DRAFT = "draft"
    PILOT = "pilot"
    APPROVED = "approved"
    RETIRED = "retired"


SERVED = frozenset({Stage.PILOT, Stage.APPROVED})
APPROVERS = 2


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


class Instrument(Versioned):
    """One version of an instrument, pinned by every registration that is opened under it."""

    languages: dict[str, Standing] = Field(default_factory=dict)
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

    def servable(self, language: str) -> bool:
        """Whether a parent may be asked this in a language. There is no fallback: a draft translation is not asked."""
        licensed = self.licence.permits_shipping and self.licence.permits_self_administration
        return licensed and self.stage in SERVED and self.languages.get(language, Standing.DRAFT) is not Standing.DRAFT

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
        return filled | case.answers

    def faults(self) -> Iterator[Wrongness]:
        """What is wrong inside this instrument; a golden case that fails is a fault like any other."""
        yield from super().faults()
        structure = list(self._structure_faults())
        yield from structure
        if structure:
            return
        for number, case in enumerate(self.golden_cases):
            if self.route(self.golden(case)) is not case.route:
                yield ("golden_cases", number), f"golden case {case.name!r} does not lead to {case.route}"

    def _structure_faults(self) -> Iterator[Wrongness]:
        if self.stage in SERVED and not (self.items and self.rules and self.golden_cases and self.intro):
            yield ("stage",), f"{self.stage} needs an intro, items, rules and golden cases"
        if self.stage is Stage.APPROVED and len(set(self.approvals)) < APPROVERS:
            yield ("stage",), "approved needs two approvals"
        yield from self._set_faults()
        yield from self._item_faults()

    def _set_faults(self) -> Iterator[Wrongness]:
        for number, each in enumerate(self.response_sets):
            place = ("response_sets", number)
            least = {response.code: response.least for response in each.responses}
            for code in repeated(response.code for response in each.responses):
                yield place, f"{each.id}: the code {code} stands twice"
            if not grows(each.responses):
                yield place, f"{each.id}: score or least route falls on the way to worse answers"
            for code in sorted(WHOLE_ANSWERS):
                if CARE.index(least.get(code, Route.STANDARD)) < CARE.index(UNANSWERED):
                    yield place, f"{each.id}: {code} is missing or leads to less than {UNANSWERED}"

    def _item_faults(self) -> Iterator[Wrongness]:
        items = [item.id for item in self.items]
        for name in repeated(items):
            yield ("items",), f"the item {name} stands twice"
        for number, item in enumerate(self.items):
            if item.responses not in self._sets:
                yield ("items", number, "responses"), f"no response set is {item.responses}"
        for number, rule in enumerate(self.rules):
            for stray in sorted(set(rule.items) - set(items)):
                yield ("rules", number, "items"), f"no item is {stray}"
            if rule.red_flag and rule.route is not Route.URGENT_CONTACT:
                yield ("rules", number, "route"), f"a red flag must lead to {Route.URGENT_CONTACT}"

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
