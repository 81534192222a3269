"""The AsyncAPI document is valid by the official parser, which needs node."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parent / "asyncapi_check"
ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "contracts" / "asyncapi.yaml"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the official parser installed beside its check. Install scripts of packages are not run."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if not found or not npm:
        said = "NOT CHECKED: the AsyncAPI document was not read by the official parser, because node is not installed"
        print(f"\n*** {said} ***", file=sys.__stderr__)
        pytest.skip(said)
    installed, locked = CHECK / "node_modules" / ".package-lock.json", CHECK / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < locked.stat().st_mtime:
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(install, cwd=CHECK, check=True, timeout=300)  # noqa: S603 - npm, with our own lock file
    return found


def parsed(node: str, document: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - node, with our own script
        [node, str(CHECK / "check.mjs"), str(document)], capture_output=True, text=True, timeout=120, check=False
    )


def test_the_document_is_valid_and_every_message_has_a_body(node: str) -> None:
    said = parsed(node, DOCUMENT)
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_parser_finds_a_channel_that_is_not_there(node: str, tmp_path: Path) -> None:
    (tmp_path / "schemas").symlink_to(ROOT / "schemas")
    broken = tmp_path / "contracts" / DOCUMENT.name
    broken.parent.mkdir()
    broken.write_text(DOCUMENT.read_text("utf-8").replace("'#/channels/intake.protection.v1'", "'#/channels/nowhere'"))
    said = parsed(node, broken)
    assert said.returncode == 1
    assert "'#/channels/nowhere' does not exist" in said.stdout
