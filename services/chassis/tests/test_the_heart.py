"""What a batch does on a real PostgreSQL: decided once, set aside alone, held in order, forgotten without a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.deciding import Cancel, Context, Decision, Refusal, Unavailable, Work
from rinnan_chassis.handlers import Backoff, Handlers
from rinnan_chassis.items import Became
from rinnan_chassis.sealing import SealBroken
from rinnan_chassis.testing import Stage, stage_of
from rinnan_events import Sealed
from rinnan_events.consent import ConsentGiven
from rinnan_events.intake import FormReopened, FormSubmitted
from rinnan_events.opened import Consents, Contact, OwnForm

pytestmark = pytest.mark.stack

TOPICS = Path(__file__).parents[3] / "contracts" / "topics.toml"
POISON, NOTHING_STORABLE = 13, 14


@dataclass(frozen=True, slots=True)
class Case:
    """A toy's state: how often it heard, and what it quotes."""

    heard: tuple[int, ...] = ()
    note: str = ""
    contact: Sealed[Contact] | None = None


@dataclass(frozen=True, slots=True)
class Count:
    party_id: UUID


@dataclass(frozen=True, slots=True)
class Done:
    attempt: int


class Never(Refusal):
    code = "toy.never"


def hear(case: Case | None, event: FormSubmitted, context: Context) -> Decision[Case]:
    case = case or Case()
    if event.version == POISON:
        raise ValueError("poison")
    note = "a\x00b" if event.version == NOTHING_STORABLE else ""
    consents = Consents(text_version="toy.1", language="fi", given={}, given_at=context.now)
    said = ConsentGiven(
        registration_id=event.registration_id,
        party_id=event.party_id,
        version=event.version,
        given_at=context.now,
        consents=Sealed.of(consents, party=event.party_id),
    )
    work = Work("fetch", f"{event.registration_id}/{event.version}", context.now)
    return Decision(replace(case, heard=(*case.heard, event.version), note=note, contact=event.contact), [said], [work])


def reopen(case: Case | None, event: FormReopened, context: Context) -> Decision[Case]:
    if event.version == 0:
        return Decision(forget=True)
    return Decision(case, works=[Cancel("fetch", f"{event.registration_id}/{event.version}")])


def count(case: Case | None, _command: Count, _context: Context) -> Decision[Case]:
    if case is None:
        raise Never
    return Decision(case, answer={"heard": len(case.heard)})


def done(case: Case | None, result: Done, _context: Context) -> Decision[Case]:
    return Decision(replace(case or Case(), note=f"done at try {result.attempt}"))


class World:
    """The toy's outside world: away for a while, and counting who came."""

    def __init__(self) -> None:
        self.away = 0
        self.came = 0


async def fetch(job: object, world: World) -> Done:
    world.came += 1
    if world.away:
        world.away -= 1
        raise Unavailable("away")
    return Done(world.came)


def table() -> Handlers[Case]:
    handlers = Handlers(Case)
    handlers.hears(FormSubmitted, hear)
    handlers.hears(FormReopened, reopen)
    handlers.commands(Count, count)
    handlers.results(Done, done)
    handlers.works("fetch", fetch, retry=Backoff(first=timedelta(minutes=1)))
    return handlers


@pytest.fixture
async def stage(postgres_admin_url: str) -> AsyncIterator[Stage[Case]]:
    async with stage_of(
        table(), admin_url=postgres_admin_url, room="consent", topics=TOPICS, outside=World(), says=[ConsentGiven]
    ) as toy:
        yield toy


def form(subject: UUID, party: UUID, version: int = 1) -> FormSubmitted:
    own = OwnForm(language="fi", services=("agreement",), children=(), answers={})
    return FormSubmitted(
        registration_id=subject,
        party_id=party,
        version=version,
        submitted_at="2026-03-02T09:00:00Z",  # pyright: ignore[reportArgumentType]  # pydantic reads it
        own=Sealed.of(own, party=party),
        contact=Sealed.of(Contact(language="fi"), party=party),
    )


async def test_the_same_event_a_thousand_times_is_decided_once(stage: Stage[Case]) -> None:
    subject, party, event_id = uuid4(), uuid4(), str(uuid4())
    for _ in range(10):
        await stage.batches.decide([await stage.item(form(subject, party), event_id) for _ in range(100)])
    assert (await stage.state(subject)).heard == (1,)  # type: ignore[union-attr]
    assert len(await stage.said()) == 1


async def test_what_is_said_opens_in_its_own_place_alone(stage: Stage[Case]) -> None:
    subject, party = uuid4(), uuid4()
    await stage.hears(form(subject, party), form(subject, party, 2))
    first, second = await stage.said_of(ConsentGiven)
    assert (await stage.open(first.consents, Consents, subject=subject, party=party)).text_version == "toy.1"
    first.consents.token = second.consents.token
    with pytest.raises(SealBroken):
        await stage.open(first.consents, Consents, subject=subject, party=party)


async def test_a_poison_message_in_a_batch_of_five_hundred_is_set_aside_alone(stage: Stage[Case]) -> None:
    party, poisoned = uuid4(), uuid4()
    items = [await stage.item(form(uuid4(), party)) for _ in range(499)]
    items.insert(250, await stage.item(form(poisoned, party, POISON)))
    await stage.batches.decide(items)
    assert [item.became for item in items].count(Became.DECIDED) == 499
    assert items[250].became is Became.SET_ASIDE
    assert [row["subject"] for row in await stage.operations.held()] == [poisoned]


async def test_data_that_the_database_refuses_is_set_aside_alone(stage: Stage[Case]) -> None:
    party = uuid4()
    items = [await stage.item(form(uuid4(), party, version)) for version in (1, NOTHING_STORABLE, 2)]
    await stage.batches.decide(items)
    assert [item.became for item in items] == [Became.DECIDED, Became.SET_ASIDE, Became.DECIDED]


async def test_a_held_subject_parks_in_order_and_its_people_notice_nothing(stage: Stage[Case]) -> None:
    subject, party = uuid4(), uuid4()
    await stage.hears(form(subject, party, 1), form(subject, party, POISON))
    items = await stage.hears(form(subject, party, 2), form(subject, party, 3))
    assert [item.became for item in items] == [Became.PARKED, Became.PARKED]
    assert await stage.desk.decide(Count(party), subject=subject) == {"heard": 1}
    await stage.operations.release(subject, by="staff", why="the poison is known")
    assert (await stage.state(subject)).heard == (1, 2, 3)  # type: ignore[union-attr]
    assert await stage.operations.held() == []


async def test_what_was_set_aside_is_said_on_the_dead_letter_topic_as_it_came(stage: Stage[Case]) -> None:
    items = await stage.hears(form(uuid4(), uuid4(), POISON))
    said = await stage.batches.database.fetch("select topic, body from outbox")
    assert [(row["topic"], row["body"]) for row in said] == [("consent.dead_letter.v1", items[0].heard.body)]  # type: ignore[union-attr]


async def test_a_refused_command_leaves_no_placeholder(stage: Stage[Case]) -> None:
    with pytest.raises(Never):
        await stage.desk.decide(Count(uuid4()), subject=uuid4())
    assert await stage.batches.database.fetchval("select count(*) from subject") == 0


async def test_a_command_repeated_under_its_key_is_answered_as_before(stage: Stage[Case]) -> None:
    subject, party = uuid4(), uuid4()
    await stage.hears(form(subject, party))
    first = await stage.desk.decide(Count(party), subject=subject, caller="phone", key="one")
    await stage.hears(form(subject, party, 2))
    assert await stage.desk.decide(Count(party), subject=subject, caller="phone", key="one") == first
    assert await stage.desk.decide(Count(party), subject=subject, caller="phone", key="two") == {"heard": 2}


async def test_an_event_whose_key_was_destroyed_is_decided_with_nothing_to_do(stage: Stage[Case]) -> None:
    subject, party = uuid4(), uuid4()
    item = await stage.item(form(subject, party))
    await stage.batches.keyring.destroy(subject, [party])
    await stage.batches.decide([item])
    assert await stage.said() == []
    assert await stage.operations.dead_letters() == []


async def test_a_forgotten_subject_is_an_empty_tombstone_that_hears_nothing(stage: Stage[Case]) -> None:
    subject, party = uuid4(), uuid4()
    await stage.hears(form(subject, party), FormReopened(registration_id=subject, party_id=party, version=0))
    await stage.hears(form(subject, party, 2))
    assert await stage.state(subject) is None
    assert await stage.batches.database.fetchval("select count(*) from work") == 0


async def test_work_whose_world_is_away_waits_longer_each_time_and_is_done_once(stage: Stage[Case]) -> None:
    stage.outside.away = 2
    subject, party = uuid4(), uuid4()
    await stage.hears(form(subject, party))
    assert await stage.works() == 0
    stage.clock.pass_by(minutes=1)
    assert await stage.works() == 0
    stage.clock.pass_by(minutes=1)
    assert await stage.works() == 0
    stage.clock.pass_by(minutes=1)
    assert await stage.works() == 1
    assert stage.outside.came == 3


async def test_cancelled_work_is_never_done(stage: Stage[Case]) -> None:
    subject, party = uuid4(), uuid4()
    await stage.hears(form(subject, party), FormReopened(registration_id=subject, party_id=party, version=1))
    assert await stage.works() == 0
    assert stage.outside.came == 0
