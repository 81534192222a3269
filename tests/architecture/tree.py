"""What the architecture tests look at: the files of the tree, the rooms in it, and how a fault is told."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def files(*endings: str) -> tuple[Path, ...]:
    """The files that are, or would be, committed: those with these endings, or all."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git is found on the path
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    found = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(file for file in found if file.is_file() and (not endings or file.name.endswith(endings))))


@cache
def code() -> tuple[Path, ...]:
    """Python that is not a test."""
    return tuple(file for file in files(".py") if "tests" not in file.relative_to(ROOT).parts)


@cache
def rooms() -> tuple[Path, ...]:
    """The package folder of every room: whatever has an `app.py` and stands under services."""
    found = (file.parent for file in files("app.py") if file.name == "app.py")
    return tuple(each for each in found if each.relative_to(ROOT).parts[0] == "services")


@cache
def members() -> tuple[Path, ...]:
    """The `pyproject.toml` of every package of the workspace."""
    return tuple(file for file in files("pyproject.toml") if file.parent != ROOT)


def named(requirements: Iterable[str]) -> set[str]:
    """The distributions that requirements name, as a lock spells them: `fhir.resources>=8.3` is `fhir-resources`."""
    return {re.sub(r"[._]", "-", re.split(r"[\[<>=; ]", each)[0]).lower() for each in requirements}


def place(file: Path, line: int | None = None) -> str:
    """Where, for people."""
    told = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
    return told if line is None else f"{told}:{line}"


def none_of(faults: Iterable[str], *, mend: str) -> None:
    """Fail with every fault and the way to mend it."""
    found = sorted(set(faults))
    if found:
        raise AssertionError("\n  ".join([f"{len(found)} found. To mend: {mend}", *found]))


def lines_with(pattern: re.Pattern[str], among: Collection[Path]) -> Iterator[str]:
    """Every line that the pattern is found in: place, and what was found."""
    for file in among:
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if found := pattern.search(line):
                yield f"{place(file, number)}: {found.group()}"


def parsed(text: str) -> ast.Module:
    """The syntax tree, with docstrings taken out: they are words for people."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [each for each in node.body if not _is_words(each)]
    return tree


def words_of(identifier: str) -> list[str]:
    """`RegistrationOpened`, `registration_id` and `a registration` as lower-case words."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier)
    return [word.lower() for word in re.split(r"[^A-Za-z]+", apart) if word]


def _is_words(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
