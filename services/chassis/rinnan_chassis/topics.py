"""Who may say, hear and open what: `contracts/topics.toml`, read and kept to."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rinnan_events import Group

RoomName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,39}$")]
TopicName = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+\.v[1-9][0-9]*$")]

BATCH_BYTES: Final = 262_144
"""A relay may fill one batch this far. The broker limits batches, not messages, so it allows at least this much."""

_HEADER_BYTES: Final = 16_384


class TopicsFault(Exception):  # noqa: N818 - the base of the named faults below
    """`topics.toml` cannot be read, or does not give what a room asks for."""


class TopicsUnreadable(TopicsFault):
    """The file is missing, is not TOML, or says something that it may not say."""


class NotGiven(TopicsFault):
    """A room would say, hear or open what `topics.toml` does not give it. It does not start."""

    def __init__(self, room: str, missing: Collection[str]) -> None:
        super().__init__(f"topics.toml does not let {room}: " + "; ".join(sorted(missing)))
        self.room = room
        self.missing = tuple(sorted(missing))


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Topic(_Strict):
    """One topic: who speaks on it, who hears it, how long it is kept and how large one message body may be."""

    owner: RoomName
    hears: tuple[RoomName, ...]
    retention_days: Annotated[int, Field(ge=1, le=365)]
    max_bytes: Annotated[int, Field(ge=1_024, le=1_000_000)]


class SealGroup(_Strict):
    """One seal group. Who may seal may open: there is one key for both."""

    may_open: tuple[RoomName, ...]


class Topics(_Strict):
    """The whole of `topics.toml`.

    Every topic has the same number of partitions, so that one instance hears one registration on all of them.
    """

    partitions: Literal[6]
    may_destroy: tuple[RoomName, ...]
    topics: dict[TopicName, Topic]
    groups: dict[Group, SealGroup]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file. Raises: TopicsUnreadable, saying where."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise TopicsUnreadable(f"{path.name}: {error}") from error
        except ValidationError as error:
            told = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
            raise TopicsUnreadable(f"{path.name}: " + "; ".join(told)) from error

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        for name, topic in self.topics.items():
            if name.partition(".")[0] != topic.owner:
                raise ValueError(f"{name} is owned by {topic.owner}; a topic is named after its speaker")
        if missing := set(Group) - set(self.groups):
            raise ValueError("nobody may open " + ", ".join(sorted(missing)))
        if silent := {room for topic in self.topics.values() for room in topic.hears} - self._setting_aside():
            raise ValueError("these hear but have no dead_letter topic: " + ", ".join(sorted(silent)))
        return self

    def owner(self, topic: str) -> str:
        """The one room that may speak on this topic."""
        return self.topics[topic].owner

    def spoken_by(self, room: str) -> tuple[str, ...]:
        """The topics that a room may speak on, its dead letters included."""
        return tuple(name for name, topic in self.topics.items() if topic.owner == room)

    def heard_by(self, room: str) -> tuple[str, ...]:
        """The topics that a room may hear."""
        return tuple(name for name, topic in self.topics.items() if room in topic.hears)

    def may_open(self, room: str) -> frozenset[Group]:
        """The seal groups that a room may seal and open."""
        return frozenset(group for group, given in self.groups.items() if room in given.may_open)

    def max_bytes(self, topic: str) -> int:
        """How large one message body may be; more is refused when it is written to the outbox."""
        return self.topics[topic].max_bytes

    def broker_bytes(self, topic: str) -> int:
        """The topic's `max.message.bytes`: room for one largest message, or one full batch, with its headers."""
        return max(self.max_bytes(topic), BATCH_BYTES) + _HEADER_BYTES

    def retention(self, topic: str) -> timedelta:
        """How long Kafka keeps what was said on this topic."""
        return timedelta(days=self.topics[topic].retention_days)

    def longest_retention(self) -> timedelta:
        """An inbox, and the tombstone of a forgotten subject, must remember longer than this."""
        return max(map(self.retention, self.topics))

    def rooms(self) -> tuple[str, ...]:
        """Every room that speaks, hears or opens, by name."""
        hearing = {room for topic in self.topics.values() for room in (topic.owner, *topic.hears)}
        opening = {room for given in self.groups.values() for room in given.may_open}
        return tuple(sorted(hearing | opening))

    def check(self, room: str, *, speaks: Collection[str], hears: Collection[str], opens: Collection[Group]) -> None:
        """Refuse a room that would say, hear or open what it was not given. Raises: NotGiven, listing all of it."""
        missing = [f"speak on {topic}" for topic in set(speaks) - set(self.spoken_by(room))]
        missing += [f"hear {topic}" for topic in set(hears) - set(self.heard_by(room))]
        missing += [f"open {group}" for group in set(opens) - self.may_open(room)]
        if missing:
            raise NotGiven(room, missing)

    def _setting_aside(self) -> set[str]:
        return {topic.owner for name, topic in self.topics.items() if name == dead_letter_topic(topic.owner)}


def dead_letter_topic(room: str) -> str:
    """Where a room puts what it cannot hear."""
    return f"{room}.dead_letter.v1"
