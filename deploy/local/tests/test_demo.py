"""The demo itself, on a stack of its own: it ends well, and it notices a family that does not end as its file says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rinnan_local.families import FAMILIES, load_families

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def play(directory: Path, families: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rinnan_local.demo", "--directory", directory, "--families", families]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)  # noqa: S603 - our own


def test_every_family_ends_once_and_as_its_file_says(tmp_path: Path) -> None:
    ended = play(tmp_path / "run", FAMILIES)
    assert ended.returncode == 0, ended.stdout[-2000:]
    summary = json.loads((tmp_path / "run" / "summary.json").read_bytes())
    assert [one["outcome"] for one in summary] == [family.outcome.value for family in load_families()]
    assert len({one["registration"] for one in summary}) == len(summary)
    for one in summary:
        assert bool(one["receipt"]) is (one["outcome"] != "ended")
        assert bool(one["documents"]) is (one["outcome"] == "verified_on_paper")


def test_a_family_that_ends_otherwise_fails_the_demo(tmp_path: Path) -> None:
    families = tmp_path / "families"
    families.mkdir()
    told = (FAMILIES / "at-the-same-time.toml").read_text(encoding="utf-8")
    wrong = told.replace('outcome = "confirmed"', 'outcome = "ended"')
    (families / "at-the-same-time.toml").write_text(wrong, encoding="utf-8")
    ended = play(tmp_path / "run", families)
    assert ended.returncode == 1
    assert "The demo failed" in ended.stdout
    assert "at-the-same-time: parents see" in ended.stdout
    assert not (tmp_path / "run" / "summary.json").exists()
