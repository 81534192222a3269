"""What the FHIR adapter writes is valid R4, by HAPI's validator: an oracle that is not ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VALIDATOR = Path(__file__).parent / "fhir_validator"
BUNDLES = sorted((Path(__file__).parents[2] / "contracts" / "adapter" / "samples").glob("*.fhir*.json"))
LEAN = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@pytest.fixture(scope="session")
def hapi() -> tuple[str, ...]:
    """The command that validates files. Built once by Maven from the two sources beside this test."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    if not java or not maven:
        said = "NOT CHECKED: the FHIR bundles were not validated, because Java 17 or Maven is not installed"
        print(f"\n*** {said} ***", file=sys.__stderr__)
        pytest.skip(said)
    built = VALIDATOR / "target" / "fhir-validator-1.jar"
    sources = [VALIDATOR / "pom.xml", *VALIDATOR.rglob("*.java")]
    if not built.exists() or built.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        subprocess.run([maven, "-B", "-q", "package"], cwd=VALIDATOR, check=True, timeout=300)  # noqa: S603 - our own
    return (java, *LEAN, "-jar", str(built), str(VALIDATOR / "finnish.json"))


def validated(hapi: tuple[str, ...], *files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*hapi, *map(str, files)], capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own


@pytest.mark.slow
def test_the_sample_bundles_are_valid_r4(hapi: tuple[str, ...]) -> None:
    said = validated(hapi, *BUNDLES)
    assert len(BUNDLES) == 4
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.slow
def test_the_validator_finds_a_code_that_r4_does_not_have(hapi: tuple[str, ...], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(BUNDLES[0].read_text().replace('"requested"', '"perhaps"'))
    assert validated(hapi, wrong).returncode == 1
