"""How often one person tried something on one day of the county's calendar, counted by keyed hashes alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from rinnan_chassis.deciding import Claim, Claimed, Context, Decision, Refusal, Work, digest
from rinnan_intake.domain.state import Person, Registration

PERSON = "person"
FORGET_TRIES = "forget_tries"
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ForgetTries:
    """The day on which a person tried is over. The keys of the claims that count it, in hexadecimal."""

    persons: list[str]


def counting(what: str, person: Person, day: date) -> tuple[Claim, ...]:
    """The claims that count how often this person tried this on this day."""
    return tuple(Claim(PERSON, digest(what, known, day.isoformat())) for known in person.hashes)


def one_more(
    claims: tuple[Claim, ...], context: Context, *, most: int, refusal: type[Refusal]
) -> tuple[dict[Claim, Claimed], Work]:
    """Count one more try, and plan to forget the count. Raises: `refusal` where it is more than `most`."""
    counts: dict[Claim, int] = {claim: context.claimed[claim].note.get("tried", 0) for claim in claims}
    if any(tried >= most for tried in counts.values()):
        raise refusal
    keys = [claim.key.hex() for claim in claims]
    forgetting = Work(FORGET_TRIES, ".".join(keys), context.now + A_DAY, {"persons": keys})
    return {claim: Claimed(note={"tried": tried + 1}) for claim, tried in counts.items()}, forgetting


def forget_tries(_: Registration | None, due: ForgetTries, __: Context) -> Decision[Registration]:
    """Let go of what counted a person's tries on a day that is over."""
    return Decision(claims=dict.fromkeys(Claim(PERSON, bytes.fromhex(key)) for key in due.persons))
