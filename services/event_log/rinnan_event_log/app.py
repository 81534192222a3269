"""Wires the room together: `python -m rinnan_event_log.app`."""

from __future__ import annotations

from pathlib import Path

from rinnan_chassis.room import Room, run
from rinnan_chassis.topics import Topics
from rinnan_event_log.api import routes
from rinnan_event_log.domain.telling import Sentences
from rinnan_event_log.handlers import Nothing, handlers
from rinnan_event_log.settings import Settings
from rinnan_event_log.work import Keeping
from rinnan_events import Event

HERE = Path(__file__).parent
SAYS: tuple[type[Event], ...] = ()


def room(settings: Settings) -> Room[Nothing]:
    """The log, as it runs: it hears all that `topics.toml` lets it hear, says nothing and opens nothing."""
    sentences = Sentences.load(HERE / "sentences.toml")
    keeping = Keeping(settings.entries_kept())
    return Room(
        name="event_log",
        settings=settings,
        handlers=handlers,
        says=SAYS,
        outside=keeping,
        routes=lambda desk, doors: [routes(desk, doors, sentences, settings.entries_kept())],
        migrations=HERE / "migrations",
        problems=HERE / "problems.toml",
        hearer=keeping.begin,
        topics=frozenset(Topics.load(settings.topics_file).heard_by("event_log")),
        loggable=frozenset({"chain_hash"}),
    )


if __name__ == "__main__":
    run(room(Settings.read()))
