"""A room's table of handlers: what would be left undecided is refused before the room starts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from services.chassis.tests.toy import Ask, Kept, Rang, hear, run_the_errand, toy

from rinnan_chassis.handlers import AfterCrash, Backoff, Handlers, Undecided


@pytest.mark.parametrize("lacking", ["Lost", "GaveUp", "Rang"])
def test_a_table_in_which_work_could_end_undecided_is_refused(lacking: str) -> None:
    handlers = Handlers(Kept)
    handlers.commands(Ask, hear)
    if lacking == "Lost":
        handlers.works("w", run_the_errand, after_crash=AfterCrash.DECIDE)
    elif lacking == "GaveUp":
        handlers.works("w", run_the_errand, retry=Backoff(give_up_after=1))
    else:
        handlers.due("w", Rang)
    with pytest.raises(Undecided, match=lacking):
        handlers.check()


def test_a_whole_table_is_taken() -> None:
    toy().check()


def test_a_delay_grows_to_its_most_and_no_further() -> None:
    backoff = Backoff(first=timedelta(seconds=5), factor=2, most=timedelta(minutes=1))
    assert [backoff.delay(attempt).total_seconds() for attempt in (1, 2, 3, 4, 5, 10_000)] == [5, 10, 20, 40, 60, 60]
