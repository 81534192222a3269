# ruff: noqa: S603, S607 - java and mvn are found on the path, and are given our own files
"""The manual-entry package's PDFs are PDF/UA-1 and PDF/A-2a by veraPDF's word, not only by their own."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rinnan_events.opened import Child, Identity
from rinnan_host.port import key_of
from rinnan_host.samples import a_joint_record
from rinnan_paper import Paper, Settings
from rinnan_profiles import load

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
FLAVOURS = ("ua1", "2a")
JAR = HERE / "target" / "pdf-validator-1.jar"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def validator() -> list[str]:
    """The command that checks PDFs. Without Java 17 and Maven nothing is checked, which is said aloud."""
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    if missing:
        said = f"NOT CHECKED: the PDFs were not validated, because {' and '.join(missing)} is not installed"
        print(f"\n{said}", file=sys.__stderr__)
        pytest.skip(said)
    sources = [HERE / "pom.xml", *HERE.glob("src/**/*.java")]
    if not JAR.exists() or JAR.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        subprocess.run(["mvn", "-B", "-q", "package"], cwd=HERE, check=True, timeout=600)
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", str(JAR), ",".join(FLAVOURS)]


async def package_pdfs(folder: Path) -> list[Path]:
    """Packages in each staff language, with Arabic, northern and undrawable names, and both with and without doubt."""
    profiles = load(ROOT / "contracts", ROOT / "deploy" / "counties")
    record = a_joint_record().model_copy(update={"county": next(iter(profiles.counties))})
    one, other = record.parties
    assert other.own
    arabic = other.model_copy(
        update={
            "identity": Identity(family_name="الحسيني", given_names="فاطمة الزهراء", identity_code="131188-918P"),
            "own": other.own.model_copy(
                update={
                    "children": tuple(
                        Child(family_name="Ŋáŋŋá", given_names=name) for name in ("گۆران", "王", "X" * 90)
                    )
                }
            ),
        }
    )
    record = record.model_copy(update={"parties": (one, arabic)})
    written: list[Path] = []
    for language in ("fi", "sv", "en"):
        paper = Paper(profiles, Settings.model_validate({"language": language}))
        documents = await paper.render(
            record, key_of(record), look_first=language != "sv", prepared_at=datetime(2026, 3, 12, tzinfo=UTC)
        )
        await paper.aclose()
        for document in documents:
            if document.media_type == "application/pdf":
                path = folder / f"{language}-{document.name}"
                path.write_bytes(document.content)
                written.append(path)
    return written


def test_every_pdf_passes_pdf_ua_1_and_pdf_a_2a(validator: list[str], tmp_path: Path) -> None:
    files = asyncio.run(package_pdfs(tmp_path))
    checked = subprocess.run([*validator, *map(str, files)], capture_output=True, text=True, timeout=300, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("PASS") == len(files) * len(FLAVOURS) == 15 * 2


def test_the_validator_finds_a_pdf_that_is_neither(validator: list[str], tmp_path: Path) -> None:
    bare = tmp_path / "bare.pdf"
    bare.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"trailer<</Root 1 0 R/Size 3>>\n%%EOF\n"
    )
    checked = subprocess.run([*validator, str(bare)], capture_output=True, text=True, timeout=120, check=False)
    assert checked.returncode == 1
