from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rinnan_events.intake import InvitationWanted, ParentJoined, ProtectionNoted, RegistrationOpened
from rinnan_intake.domain.state import Doubt, Match, Person, Status
from rinnan_intake.errors import SamePerson, TooManyStarts

if TYPE_CHECKING:
    from conftest import Play

    from rinnan_profiles import Profiles

AINO = Person(name="aino.hash", code="aino.code")
BERT = Person(name="bert.hash", code="bert.code")
CECILIA = Person(name="cecilia.hash", code="cecilia.code")


def test_a_start_opens_a_registration_with_both_parties_in_an_order_that_tells_nothing(play: Play) -> None:
    play.starts(AINO, BERT)
    opened = play.said_of(RegistrationOpened)[0]
    assert list(opened.party_ids) == sorted(opened.party_ids)
    assert all(party.version == 4 for party in opened.party_ids)


def test_a_start_joins_the_starter_and_asks_the_other(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    aino, bert = play.party_of(registration, AINO), play.party_of(registration, BERT)
    assert [said.party_id for said in play.said_of(ParentJoined)] == [aino]
    assert [said.party_id for said in play.said_of(ProtectionNoted)] == [aino]
    assert [said.party_id for said in play.said_of(InvitationWanted)] == [bert]


def test_a_contact_that_one_tells_for_the_other_is_nobodys_own(play: Play) -> None:
    play.starts(AINO, BERT)
    wanted = play.said_of(InvitationWanted)[0]
    assert (wanted.contact.party, wanted.party) == (None, None)


def test_what_one_says_of_the_others_contact_is_not_kept(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    assert play.states[registration].parties[play.party_of(registration, BERT)].contact is None


def test_the_deadline_and_the_pinned_versions_are_fixed_at_opening(play: Play, profiles: Profiles) -> None:
    play.starts(AINO, BERT)
    opened = play.said_of(RegistrationOpened)[0]
    county = profiles.county("lapha")
    assert (opened.deadline, opened.pins) == (county.deadline(play.now), county.pins())


def test_crossed_starts_meet_in_one_registration_with_one_answer(play: Play) -> None:
    assert play.starts(AINO, BERT) == play.starts(BERT, AINO)
    assert len(play.said_of(RegistrationOpened)) == 1


def test_each_of_two_crossed_starts_joins_and_asks_the_other(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    play.starts(BERT, AINO)
    aino, bert = play.party_of(registration, AINO), play.party_of(registration, BERT)
    assert [said.party_id for said in play.said_of(ParentJoined)] == [aino, bert]
    assert [(said.teller_id, said.party_id) for said in play.said_of(InvitationWanted)] == [(aino, bert), (bert, aino)]


@pytest.mark.parametrize(
    "named",
    [
        (Person(name="bert.hash"), AINO),
        (Person(code="bert.code"), AINO),
        (BERT, Person(name="aino.hash")),
        (BERT, Person(code="aino.code")),
    ],
)
def test_a_pair_meets_however_each_named_the_other(play: Play, named: tuple[Person, Person]) -> None:
    said_of_bert = named[0]
    said_of_aino = named[1]
    assert play.starts(AINO, said_of_bert) == play.starts(BERT, said_of_aino)


def test_another_co_parent_is_another_pair(play: Play) -> None:
    assert play.starts(AINO, BERT) != play.starts(AINO, CECILIA)


def test_the_same_pair_in_another_county_is_another_registration(play: Play) -> None:
    assert play.starts(AINO, BERT) != play.starts(BERT, AINO, county="pirha")


def test_starting_again_changes_nothing_and_asks_the_other_again(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    before, said = play.states[registration], len(play.said)
    assert play.starts(AINO, BERT) == registration
    assert play.states[registration] == before
    assert [type(each) for each in play.said[said:]] == [InvitationWanted]


def test_a_person_starts_so_often_a_day_and_no_more(play: Play, profiles: Profiles) -> None:
    for _ in range(profiles.county("lapha").starts_per_day):
        play.starts(AINO, BERT)
    with pytest.raises(TooManyStarts):
        play.starts(AINO, CECILIA)
    play.starts(BERT, AINO)
    play.waits(timedelta(days=1))
    play.starts(AINO, CECILIA)


def test_leaving_and_coming_back_does_not_make_starts_count_anew(play: Play, profiles: Profiles) -> None:
    for _ in range(profiles.county("lapha").starts_per_day):
        registration = play.starts(AINO, BERT)
        play.leaves(registration, play.party_of(registration, AINO))
    with pytest.raises(TooManyStarts):
        play.starts(AINO, BERT)


def test_starts_are_counted_also_after_leaving_and_whatever_the_other_does(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    play.starts(BERT, AINO)
    play.leaves(registration, play.party_of(registration, AINO))
    play.starts(AINO, Person(name="bert.hash"))
    play.leaves(registration, play.party_of(registration, BERT))
    play.starts(AINO, BERT)
    assert [said.asked for said in play.said_of(InvitationWanted)] == [1, 1, 2, 3]


def test_nobody_is_both_parents(play: Play) -> None:
    with pytest.raises(SamePerson):
        play.starts(AINO, Person(code="aino.code"))


def test_namesakes_with_two_identity_codes_are_a_doubt() -> None:
    assert Person(name="same", code="one").matches(Person(name="same", code="two")) is Match.DOUBT


def test_an_identity_code_outweighs_a_name_written_otherwise() -> None:
    assert Person(name="short", code="one").matches(Person(name="long", code="one")) is Match.YES


def test_a_namesake_of_the_expected_parent_does_not_join(play: Play) -> None:
    registration = play.starts(AINO, BERT)
    before = play.states[registration]
    apart = play.starts(Person(name="bert.hash", code="another.code"), AINO)
    assert [said.registration_id for said in play.said_of(ParentJoined)] == [registration, apart]
    assert (play.states[registration], registration == apart) == (before, False)


def test_a_doubtful_start_opens_apart_and_goes_to_a_person_and_the_other_is_asked_as_ever(play: Play) -> None:
    play.starts(AINO, BERT)
    namesake = Person(name="bert.hash", code="another.code")
    apart = play.starts(namesake, AINO)
    assert [noted.doubt for noted in play.states[apart].attention] == [Doubt.PERSONS_CONTRADICT]
    assert len(play.said_of(InvitationWanted)) == 2
    assert play.sees(apart, play.party_of(apart, namesake)) is Status.OPEN


def test_a_doubtful_start_repeated_finds_the_same(play: Play) -> None:
    play.starts(AINO, BERT)
    namesake = Person(name="bert.hash", code="another.code")
    assert play.starts(namesake, AINO) == play.starts(namesake, AINO)


def test_claims_that_lead_to_two_registrations_go_to_a_person(play: Play) -> None:
    first = play.starts(AINO, Person(name="bert.hash"))
    second = play.starts(AINO, Person(code="bert.code"))
    third = play.starts(BERT, AINO)
    assert len({first, second, third}) == 3
    assert [noted.doubt for noted in play.states[third].attention] == [Doubt.PERSONS_CONTRADICT]


def test_a_doubt_raises_one_alarm(play: Play) -> None:
    play.starts(AINO, BERT)
    play.starts(Person(name="bert.hash", code="another.code"), AINO)
    assert [work.payload for work in play.planned("alarm")] == [{"doubt": "persons_contradict"}]
