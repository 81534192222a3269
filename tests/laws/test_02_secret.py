"""Law 2, Secret: nothing one parent types, answers, declines or is routed to can be noticed by the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from rinnan_local.families import Family
from rinnan_local.parents import Parent
from rinnan_local.play import Play
from rinnan_local.player import NO_TLS, until
from tests.laws import wire
from tests.laws.conftest import PASSED, House, run
from tests.laws.masks import Answer, Mask, answers
from tests.laws.statements import Statements

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ACTED, HOUR, ENDED = "the first has acted", "the full hour has passed", "the deadline has passed"
TRIES = 6
SETTLES = 3.0  # real seconds in which what was done reaches every room


@dataclass(slots=True)
class Twin:
    """One registration: what the first parent does is what differs; the second watches and must not notice."""

    house: House
    play: Play
    stages: dict[str, int] = field(default_factory=dict[str, int])
    mailbox: dict[str, list[tuple[str, ...]]] = field(default_factory=dict[str, list[tuple[str, ...]]])
    shown: dict[str, str] = field(default_factory=dict[str, str])
    said: Counter[wire.Shape] = field(default_factory=Counter[wire.Shape])
    asked: list[str] = field(default_factory=list[str])

    @property
    def first(self) -> Parent:
        return self.play.parents[0]

    @property
    def second(self) -> Parent:
        return self.play.parents[1]

    @property
    def mask(self) -> Mask:
        ids = {"first's id": self.first.party_id, "second's id": self.second.party_id}
        return Mask.of(self.play.family, ("first", "second"), {**ids, "registration": self.second.registration_id})

    def fetched(self, until_stage: str = ENDED) -> list[Answer]:
        """All that the second parent was answered until then."""
        return answers(self.second.exchanges[: self.stages[until_stage]], self.mask)

    @property
    def scene(self) -> str:
        return self.play.family.id.partition("-")[0]

    @property
    def own_mailbox(self) -> Mapping[str, str]:
        """What the second parent may tell of the first: that a mailbox of the second's own reaches them."""
        return {"language": self.second.language, "email": self.second.who.email}

    async def comes_in(self) -> None:
        """The second parent comes in, and completes where the scene says so."""
        second = self.second
        match self.scene:
            case "waits":
                await self.first.start()
                await second.join()
            case "told":
                await second.start(self.own_mailbox)
                await second.complete()
                await second.read_code()
            case _:
                await second.start()
                await second.complete()

    async def tries_to_find_out(self) -> None:
        """The second parent starts once more, and has the other asked once more."""
        await self.second.start(self.own_mailbox)
        await self.second.ask_again(self.own_mailbox)

    async def first_acts(self) -> None:
        """What differs between twins."""
        act = self.play.family.id.partition("-")[2]
        if act == "silent":
            return
        if self.scene != "waits":
            code = await (self.second if self.scene == "told" else self.first).read_code()
            if act == "declines":
                await self.first.decline(code)
                return
            await self.first.join(code)
        if self.scene == "both":
            await self.first.complete()
        else:
            await self._goes_some_way(act)

    async def _goes_some_way(self, act: str) -> None:
        first = self.first
        if act not in {"only-joins", "leaves"}:
            await first.fill_form()
            await first.screen()
        match act:
            case "leaves":
                await first.leave()
            case "is-nearly-whole":
                await first.consent()
            case "leaves-when-nearly-whole":
                await first.consent()
                await first.leave()
            case "asks-alone":
                await first.submit()
                await first.ask_to_be_contacted_alone()
            case "withdraws-consents":
                await first.consent()
                await first.withdraw_consent()
                await asyncio.sleep(SETTLES)  # given in before that is heard, it is a withdrawal after the gate
                await first.submit()
            case _:
                return

    async def is_watched(self, statements: Statements) -> None:
        """Ask until the database is asked the same for it twice: then keys are at hand, and all is calm."""
        exchanged = len(self.second.exchanges)
        for _ in range(TRIES):
            before, mark = self.asked, statements.mark()
            await self._asks()
            self.asked = statements.since(mark, str(self.second.registration_id))
            if self.asked == before:
                break
        if self.scene == "waits":
            mark = statements.mark()
            await self.second.save_contact()
            self.asked += statements.since(mark, str(self.second.registration_id))
        del self.second.exchanges[exchanged:]  # how often it took tells of the machine, not of the other

    async def _asks(self) -> None:
        second = self.second
        second.acting.drop()
        seen = await second.see()
        page = self.house.installation.profiles.form(seen["pins"]["form"]).steps[0].id
        for room, path in (("intake", f"/form/{page}"), ("consent", "/consents"), ("risk_screening", "/screening")):
            await second.own("GET", room, path)

    async def look_around(self, stage: str) -> None:
        """Sign in anew, fetch everything that a parent can, and look into the mailbox."""
        second, mask = self.second, self.mask
        second.signed_in.drop()
        second.acting.drop()
        self.shown[stage] = (await second.see())["status"]
        await second.look_at_everything()
        catcher = self.house.installation.addresses.mail_catcher
        caught = [
            *await second.get(f"{catcher}/messages", to=second.who.email),
            *await second.get(f"{catcher}/sms", to=second.who.phone),
        ]
        self.mailbox[stage] = [
            (str(sent["times"]), mask(sent.get("subject", "")), mask(sent["text"])) for sent in caught
        ]
        self.stages[stage] = len(second.exchanges)


Scenes = Mapping[str, Mapping[str, Twin]]


@pytest.fixture(scope="module")
def scenes(house: House) -> Scenes:
    """Every scene, each with twins that differ in the first parent only, played to the end of its deadline."""
    return run(_played(house))


async def _played(house: House) -> Scenes:
    await house.wait_for_morning()
    async with AsyncExitStack() as entered:

        async def played(family: Family) -> Twin:
            return Twin(house, await entered.enter_async_context(house.play(family, record=True)))

        scenes = {
            scene: {name: await played(family) for name, family in families.items()}
            for scene, families in house.cast.twins.items()
        }
        twins = [twin for several in scenes.values() for twin in several.values()]
        await _each(twins, Twin.comes_in)
        await _each(twins, Twin.first_acts)
        await asyncio.sleep(SETTLES)
        await _each(twins, lambda twin: twin.look_around(ACTED))
        await _each(scenes["one told"].values(), Twin.tries_to_find_out)
        async with house.statements() as statements:
            for twin in twins:
                await twin.is_watched(statements)
        await house.pass_full_hour()
        await _each(scenes["both complete"].values(), _is_with_the_county)
        await _each(twins, lambda twin: twin.look_around(HOUR))
        messages = await wire.everything_said(house.stack.kafka_servers)
        for twin in twins:
            twin.said = _shapes(twin, messages)
        await _to_the_end(house, twins)
        return scenes


async def _to_the_end(house: House, twins: list[Twin]) -> None:
    """Past both reminders, the deadline and its grace."""
    county = house.county(house.places.system)
    deadline = datetime.fromisoformat((await twins[0].first.see())["deadline"])
    for number, moment in enumerate(county.reminders_at(deadline), start=1):
        await house.reach(moment + timedelta(hours=1) + PASSED)
        await asyncio.sleep(SETTLES)
        await _each(twins, lambda twin, stage=f"reminder {number}": twin.look_around(stage))
    await house.reach(county.ending_at(deadline) + PASSED)
    await asyncio.sleep(SETTLES)
    await _each(twins, lambda twin: twin.look_around(ENDED))


async def _each(twins: Iterable[Twin], does: Callable[[Twin], Awaitable[None]]) -> None:
    async def one(twin: Twin) -> None:
        await does(twin)

    async with asyncio.TaskGroup() as together:
        for twin in twins:
            together.create_task(one(twin))


async def _is_with_the_county(twin: Twin) -> None:
    async def shown() -> bool:
        return (await twin.first.see())["status"] == "with_the_county"

    await until(shown, f"{twin.play.family.id} is with the county")


def _shapes(twin: Twin, messages: list[wire.Message]) -> Counter[wire.Shape]:
    of_it = wire.of(messages, twin.play.registration_id)
    parties = {UUID(str(party)): "first" for message in of_it if (party := message.clear.get("party_id"))}
    return wire.shapes(of_it, parties | ({twin.second.party_id: "second"} if twin.second.party_id else {}))


def never_both(scenes: Scenes) -> list[Twin]:
    """The twins of whom the first never completes."""
    return [twin for scene, twins in scenes.items() if scene != "both complete" for twin in twins.values()]


def test_all_that_can_be_fetched_is_the_same_whatever_the_other_did(scenes: Scenes) -> None:
    for twins in scenes.values():
        model, *others = twins.values()
        for twin in others:
            assert twin.fetched() == model.fetched(), twin.play.family.id


def test_the_database_is_asked_the_same_for_every_answer_whatever_the_other_did(scenes: Scenes) -> None:
    for twins in scenes.values():
        model, *others = twins.values()
        assert model.asked
        for twin in others:
            assert twin.asked == model.asked, twin.play.family.id


def test_every_mail_and_text_message_is_the_same_whatever_the_other_did(scenes: Scenes) -> None:
    for twins in scenes.values():
        model, *others = twins.values()
        for twin in others:
            assert twin.mailbox == model.mailbox, twin.play.family.id


def test_who_has_completed_cannot_tell_before_the_full_hour_whether_the_other_has(scenes: Scenes) -> None:
    both, never = scenes["both complete"].values(), scenes["one completes"].values()
    model, *others = (twin.fetched(ACTED) for twin in (*both, *never))
    for fetched in others:
        assert fetched == model


def test_who_has_not_acted_sees_no_change_before_the_deadline(scenes: Scenes) -> None:
    for twin in never_both(scenes):
        assert {shown for stage, shown in twin.shown.items() if stage != ENDED} == {"open"}, twin.play.family.id


def test_a_mailbox_of_ones_own_told_as_the_others_gets_every_letter_whatever_the_other_did(scenes: Scenes) -> None:
    for twin in scenes["one told"].values():
        first, asked_again, reminded, reminded_again, _ = map(len, twin.mailbox.values())
        assert (first, asked_again) == (1, 3), twin.play.family.id
        assert asked_again < reminded < reminded_again, twin.play.family.id


def test_every_cause_comes_to_the_one_neutral_ending(scenes: Scenes) -> None:
    for twin in never_both(scenes):
        assert twin.shown[ENDED] == "closed", twin.play.family.id


def test_both_see_with_the_county_from_the_full_hour_on(scenes: Scenes) -> None:
    for twin in scenes["both complete"].values():
        assert twin.shown[ACTED] == "open", twin.play.family.id
        assert twin.shown[HOUR] == twin.shown[ENDED] == "with_the_county", twin.play.family.id


def test_who_waits_is_reminded_whatever_the_other_did(scenes: Scenes) -> None:
    for twin in scenes["one waits"].values():
        counts = [len(messages) for messages in twin.mailbox.values()]
        assert counts == [1, 1, 2, 3, counts[-1]], twin.play.family.id


def test_a_screening_is_taken_in_the_same_words_whatever_was_answered(scenes: Scenes) -> None:
    taken = [
        answer
        for twin in scenes["both complete"].values()
        for answer in answers(twin.first.exchanges, twin.mask)
        if answer.asked.startswith("PUT") and answer.asked.endswith("/screening")
    ]
    assert len(taken) == len(scenes["both complete"])
    assert len(set(taken)) == 1


def test_what_travels_has_one_shape_and_size_whatever_was_screened(scenes: Scenes) -> None:
    model, *others = scenes["both complete"].values()
    for twin in others:
        assert twin.said == model.said, twin.play.family.id


@pytest.mark.parametrize("place", ["/metrics", "/readyz", "/readyz?verbose", "/livez"])
async def test_nobody_who_reaches_a_door_of_parents_can_count_what_others_do(house: House, place: str) -> None:
    async with httpx.AsyncClient(verify=NO_TLS) as anybody:
        for address in house.installation.addresses.rooms.values():
            assert (await anybody.get(f"{address}{place}")).status_code == 404
