"""What may look at answers: sizing them on the way in, and turning them into a route. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from rinnan_events.opened import CareRoute, ScreeningAnswers
from rinnan_profiles import Instrument
from rinnan_risk_screening.domain import PaddedAnswers


def pad(instrument: Instrument, language: str, answers: Mapping[str, str] | None) -> PaddedAnswers:
    """The answers (None: declined as a whole) in the one size that everything by this instrument has."""
    longest = {
        item.id: max((response.code for response in instrument.responses(item)), key=len) for item in instrument.items
    }
    bare = _answers(instrument, language, dict(answers) if answers is not None else None)
    return bare.model_copy(update={"pad": " " * (_size(_answers(instrument, language, longest)) - _size(bare))})


def route(instrument: Instrument, given: ScreeningAnswers) -> CareRoute:
    """The care that the answers call for: never less than a declined screening where something is left open."""
    return CareRoute(
        route=instrument.route(given.answers), instrument=instrument.id, instrument_version=instrument.version
    )


def _answers(instrument: Instrument, language: str, answers: dict[str, str] | None) -> PaddedAnswers:
    return PaddedAnswers(
        instrument=instrument.id, instrument_version=instrument.version, language=language, answers=answers
    )


def _size(answers: PaddedAnswers) -> int:
    return len(answers.model_dump_json().encode())
