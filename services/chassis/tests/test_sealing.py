from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey

from rinnan_chassis.sealing import Key, SealBroken, TooLargeToHide, new_secret, open_token, padded, seal
from rinnan_events import Binding, Group

SUBJECT = UUID("11111111-1111-4111-8111-111111111111")
PARTY = UUID("22222222-2222-4222-8222-222222222222")
OTHER = UUID("33333333-3333-4333-8333-333333333333")
IN_AN_EVENT = Binding("intake.form_submitted.v1", "44444444-4444-5444-8444-444444444444", SUBJECT, PARTY, Group.OWN)
KEY = Key("the-key", bytes(range(32)))


def opened_by_the_library(token: str, key: Key) -> jwe.CompactEncryption:
    registry = jwe.JWERegistry(algorithms=["dir", "A256GCM"], strict_check_header=False)
    return jwe.decrypt_compact(token, OctKey.import_key(key.secret), registry=registry)


def test_what_is_sealed_opens_in_its_place() -> None:
    token = seal(b'{"services":["A"]}', IN_AN_EVENT, KEY)
    assert json.loads(open_token(token, IN_AN_EVENT, KEY)) == {"services": ["A"]}


@pytest.mark.parametrize("party", [PARTY, None])
def test_a_standard_library_opens_it_and_reads_where_it_was_sealed(party: UUID | None) -> None:
    token = seal(b'{"a":1}', replace(IN_AN_EVENT, party=party), KEY)
    found = opened_by_the_library(token, KEY)
    assert json.loads(found.plaintext or b"") == {"a": 1}
    assert found.headers() == {
        "alg": "dir",
        "enc": "A256GCM",
        "kid": "the-key",
        "place": IN_AN_EVENT.place,
        "mark": IN_AN_EVENT.mark,
        "sub": str(SUBJECT),
        "pty": party and str(party),
        "grp": "own",
    }


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(IN_AN_EVENT, place="intake.parent_joined.v1"),
        replace(IN_AN_EVENT, mark=str(OTHER)),
        replace(IN_AN_EVENT, subject=OTHER),
        replace(IN_AN_EVENT, party=OTHER),
        replace(IN_AN_EVENT, party=None),
        replace(IN_AN_EVENT, group=Group.CONTACT),
    ],
)
def test_a_part_pasted_elsewhere_is_refused_even_under_the_same_key(elsewhere: Binding) -> None:
    token = seal(b"{}", IN_AN_EVENT, KEY)
    with pytest.raises(SealBroken):
        open_token(token, elsewhere, KEY)


def test_a_pasted_part_with_the_header_of_its_new_place_is_refused() -> None:
    cut = seal(b"{}", IN_AN_EVENT, KEY).split(".")
    there = replace(IN_AN_EVENT, mark=str(OTHER))
    pasted = seal(b"{}", there, KEY).split(".")
    with pytest.raises(SealBroken):
        open_token(".".join([pasted[0], *cut[1:]]), there, KEY)


@pytest.mark.parametrize("other", [Key("another", KEY.secret), Key(KEY.kid, new_secret())])
def test_another_key_does_not_open_it(other: Key) -> None:
    with pytest.raises(SealBroken):
        open_token(seal(b"{}", IN_AN_EVENT, KEY), IN_AN_EVENT, other)


def test_every_single_changed_character_is_noticed() -> None:
    token = seal(b'{"a":1}', IN_AN_EVENT, KEY)
    for place, character in enumerate(token):
        changed = token[:place] + ("A" if character != "A" else "B") + token[place + 1 :]
        with pytest.raises(SealBroken):
            open_token(changed, IN_AN_EVENT, KEY)


@settings(max_examples=200)
@given(st.text())
def test_no_text_whatever_opens_or_breaks_the_opener(token: str) -> None:
    with pytest.raises(SealBroken):
        open_token(token, IN_AN_EVENT, KEY)


@given(st.binary(max_size=40), st.integers(min_value=0, max_value=4))
def test_no_bytes_in_any_part_open(raw: bytes, part: int) -> None:
    parts = seal(b"{}", IN_AN_EVENT, KEY).split(".")
    parts[part] = raw.decode("latin-1")
    with pytest.raises(SealBroken):
        open_token(".".join(parts), IN_AN_EVENT, KEY) if parts[part] else open_token("", IN_AN_EVENT, KEY)


def test_sealing_the_same_twice_shows_no_sameness() -> None:
    first, second = (seal(b"{}", IN_AN_EVENT, KEY).split(".") for _ in range(2))
    assert first[0] == second[0]
    assert not {*first[2:]} & {*second[2:]}


@given(st.integers(min_value=0, max_value=512), st.integers(min_value=0, max_value=512))
def test_a_care_route_has_one_size_whatever_it_says(one: int, other: int) -> None:
    care = replace(IN_AN_EVENT, group=Group.CARE)
    assert len(seal(b"x" * one, care, KEY)) == len(seal(b"x" * other, care, KEY))


@pytest.mark.parametrize(("group", "size"), [(Group.CARE, 512), (Group.PROTECTION, 1024)])
def test_what_does_not_fit_its_one_size_is_refused(group: Group, size: int) -> None:
    assert len(padded(b"x" * size, group)) == size
    with pytest.raises(TooLargeToHide):
        padded(b"x" * (size + 1), group)


@given(st.integers(min_value=0, max_value=70_000))
def test_other_sizes_go_up_in_steps(length: int) -> None:
    size = len(padded(b"x" * length, Group.OWN))
    assert size in {256 << step for step in range(10)}
    assert size >= length
    assert size == 256 or size < 2 * length


@given(st.binary(max_size=2_000))
def test_padding_twice_is_padding_once(plain: bytes) -> None:
    once = padded(plain, Group.OWN)
    assert padded(once, Group.OWN) == once


def test_a_key_does_not_show_its_secret() -> None:
    assert repr(Key("the-key", b"secret".ljust(32))) == "Key(kid='the-key')"
