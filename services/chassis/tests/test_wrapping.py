from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from rinnan_chassis.sealing import KeyNotHeld
from rinnan_chassis.wrapping import (
    Bound,
    HeldWrapping,
    WrappingKeysUnreadable,
    WrappingKeyWrong,
    load_wrapping_keys,
    read_wrapping_keys,
    write_wrapping_keys,
)
from rinnan_events import Group

HELD = HeldWrapping({Group.CARE: bytes(32), Group.OWN: bytes(31) + b"1"})


async def test_what_is_wrapped_unwraps_under_its_name() -> None:
    [wrapped] = await HELD.wrap(Group.CARE, [Bound(b"name", b"secret")])
    assert b"secret" not in wrapped
    assert await HELD.unwrap(Group.CARE, [Bound(b"name", wrapped)]) == [b"secret"]


@pytest.mark.parametrize(("group", "name"), [(Group.CARE, b"other"), (Group.OWN, b"name")])
async def test_a_wrapped_key_moved_elsewhere_does_not_unwrap(group: Group, name: bytes) -> None:
    [wrapped] = await HELD.wrap(Group.CARE, [Bound(b"name", b"secret")])
    with pytest.raises(WrappingKeyWrong):
        await HELD.unwrap(group, [Bound(name, wrapped)])


async def test_a_group_whose_wrapping_key_is_not_held_is_named() -> None:
    with pytest.raises(KeyNotHeld, match="screening"):
        await HELD.wrap(Group.SCREENING, [Bound(b"name", b"secret")])


def test_wrapping_keys_are_read_as_they_are_written(tmp_path: Path) -> None:
    keys = {group: bytes([248 + number]) * 32 for number, group in enumerate(Group)}
    (tmp_path / "keys.json").write_text(write_wrapping_keys(keys))
    assert load_wrapping_keys(tmp_path / "keys.json") == keys


@pytest.mark.parametrize(
    "told",
    [
        "",
        "[]",
        "null",
        '{"care": 7}',
        '{"care": "not base64"}',
        json.dumps({"care": base64.urlsafe_b64encode(b"do-not-say").decode()}),
        json.dumps({"gossip": base64.urlsafe_b64encode(bytes(32)).decode()}),
    ],
)
def test_unreadable_wrapping_keys_are_refused_and_not_repeated(told: str) -> None:
    with pytest.raises(WrappingKeysUnreadable) as fault:
        read_wrapping_keys(told)
    assert not told or told not in str(fault.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrappingKeysUnreadable, match=r"nowhere\.json: No such file"):
        load_wrapping_keys(tmp_path / "nowhere.json")
