from __future__ import annotations

import re
from pathlib import Path

import rinnan_intake
from rinnan_chassis.web import Problems, untold
from rinnan_profiles import Wrong

PACKAGE = Path(rinnan_intake.__file__).parent
PROBLEMS = Problems.load(PACKAGE / "problems.toml")


def test_every_refusal_is_told_in_every_language() -> None:
    assert untold(rinnan_intake, PROBLEMS) == []


def test_every_fault_of_a_body_is_told() -> None:
    codes = set(re.findall(r'"(intake\.[a-z_]+)"', (PACKAGE / "api" / "bodies.py").read_text("utf-8")))
    codes |= {f"intake.{wrong}" for wrong in Wrong}
    assert codes <= PROBLEMS.texts.keys()
