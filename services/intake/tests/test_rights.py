from __future__ import annotations

from pathlib import Path

from rinnan_chassis.topics import Topics
from rinnan_intake.app import OPENS, SAYS
from rinnan_intake.handlers import handlers

TOPICS = Path(__file__).parents[3] / "contracts" / "topics.toml"


def test_intake_asks_for_no_right_that_the_topics_do_not_give_it() -> None:
    Topics.load(TOPICS).check("intake", speaks={event.topic for event in SAYS}, hears=handlers.topics, opens=OPENS)


def test_every_kind_of_due_work_has_somebody_who_decides_on_what_it_brings() -> None:
    brings = {kind.result for kind in handlers.kinds.values() if kind.result is not None}
    assert brings <= handlers.decided.keys()
