"""Every no can be read by people, and every migration only adds and does not wait long for a lock."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from rinnan_chassis.web.problems import Problems, refusals, untold
from tests.architecture.tree import files, none_of, place, rooms

MIGRATIONS = [file for file in files(".py") if file.parent.name == "migrations"]
TAKING_AWAY = re.compile(
    r"\bdrop (table|column|index|schema|constraint)\b|\brename\b|\bset not null\b|\btruncate\b|\bdelete from\b",
    re.IGNORECASE,
)


def faults_of(text: str) -> list[str]:
    """Why a migration may not run beside the code of before."""
    tree = ast.parse(text)
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    faults = ["is no migration: it has no upgrade()"] if "upgrade" not in defined else []
    down = defined.get("downgrade")
    if down is not None and not any(isinstance(node, ast.Raise) for node in ast.walk(down)):
        faults.append("goes back: downgrade() must be absent, or raise")
    if not re.search(r"set local lock_timeout", text, re.IGNORECASE):
        faults.append("waits for locks without an end: `set local lock_timeout`")
    if found := TAKING_AWAY.search(text):
        faults.append(f"takes away: {found.group()}")
    return faults


@pytest.mark.parametrize("package", ["rinnan_chassis", *(room.name for room in rooms())])
def test_every_refusal_is_told_in_every_language(package: str) -> None:
    module = importlib.import_module(package)
    folder = Path(next(iter(module.__path__)))
    texts = folder / "problems.toml"
    problems = Problems.load(*([texts] if texts.exists() else []))
    none_of(untold(module, problems), mend=f"add the text to {package}/problems.toml")


def test_every_refusal_has_a_code_of_its_own_room() -> None:
    packages = {name: importlib.import_module(name) for name in ("rinnan_chassis", *(room.name for room in rooms()))}
    found = [
        f"{kind.__module__}.{kind.__name__}: {kind.code}"
        for name, package in packages.items()
        for kind in refusals(package)
        if kind.code.partition(".")[0] not in {name.removeprefix("rinnan_"), "chassis"}
    ]
    none_of(found, mend="a code is `room.state_of_the_world`")


@pytest.mark.parametrize("file", MIGRATIONS, ids=place)
def test_a_migration_only_adds_and_gives_up_soon(file: Path) -> None:
    none_of(
        (f"{place(file)} {fault}" for fault in faults_of(file.read_text("utf-8"))),
        mend="expand only; a repair of data is a command with an audit trail",
    )


@pytest.mark.parametrize(
    "text",
    [
        "def upgrade():\n    op.execute('create table t (id int)')\n",
        "def upgrade():\n    op.execute(\"set local lock_timeout = '5s'\")\n    op.execute('drop table t')\n",
        "def upgrade():\n    op.execute(\"set local lock_timeout = '5s'\")\ndef downgrade():\n    pass\n",
    ],
)
def test_a_migration_that_waits_takes_away_or_goes_back_is_found(text: str) -> None:
    assert len(faults_of(text)) == 1
