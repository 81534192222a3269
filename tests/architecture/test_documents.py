"""Pages are short, name commands that exist, and decisions are told in one form."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files, lines_with, members, none_of, place, rooms

LONGEST_README, LONGEST_DECISION = 150, 40
HEADINGS = ("Context.", "Decision.", "Consequences.", "Alternatives.", "Enforced by", "Revisit")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
READMES = [file for file in files("README.md") if file.name == "README.md"]
DECISIONS = [file for file in files(".md") if file.parent.name == "decisions"]


def adapters() -> list[Path]:
    """Whatever offers an adapter; the one to copy is told as a thing to copy."""
    offering = [file.parent for file in members() if '"rinnan.adapters"' in file.read_text("utf-8")]
    return [each for each in offering if each.name != "_template"]


def unknown_commands(text: str) -> set[str]:
    """`make` targets that a page names and the Makefile does not have."""
    spans = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    named = [name for span in spans for name in re.findall(r"(?:^|[\s;&])make ([a-z][a-z-]*)", f" {span}")]
    return set(named) - TARGETS


def missing_links(file: Path, text: str) -> set[str]:
    """Links inside the tree that lead nowhere."""
    named = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    return {each for each in named if "://" not in each and not (file.parent / each).exists()}


def missing_paths(file: Path, text: str) -> set[str]:
    """Files and folders that a page names from the root or from where it stands, and that are not there."""
    named = re.findall(r"`((?:contracts|deploy|schemas|services|tests)/[\w./-]+)`", text)
    return {each for each in named if not (ROOT / each).exists() and not (file.parent / each).exists()}


@pytest.mark.parametrize("file", READMES, ids=lambda file: place(file.parent))
def test_a_readme_is_short_and_what_it_names_exists(file: Path) -> None:
    text = file.read_text("utf-8")
    length = len(text.splitlines())
    none_of(
        [f"{place(file)}: {length} lines"] if length > LONGEST_README else [],
        mend=f"keep it within {LONGEST_README} lines: why, until when and who decides; the rest is in the code",
    )
    none_of([f"{place(file)}: make {name}" for name in unknown_commands(text)], mend="name a target of the Makefile")
    none_of([f"{place(file)}: {link}" for link in missing_links(file, text)], mend="link to what exists")


def test_a_command_that_does_not_exist_is_found() -> None:
    assert unknown_commands("Run `make demo`, then `make coffee`.\n```\nmake tea\n```\n") == {"coffee", "tea"}


@pytest.mark.parametrize("file", [*READMES, *DECISIONS, ROOT / "contracts" / "glossary.md"], ids=place)
def test_a_page_names_only_what_is_there(file: Path) -> None:
    missing = missing_paths(file, file.read_text("utf-8"))
    none_of([f"{place(file)}: {path}" for path in missing], mend="name where it is now")


def misplaced(text: str, first: Sequence[str], last: Sequence[str]) -> bool:
    """Whether the sections do not begin and end with these; what is a page's own stands between."""
    told = re.findall(r"^## (.+)$", text, re.MULTILINE)
    return told[: len(first)] != [*first] or told[-len(last) :] != [*last]


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.name)
def test_a_room_is_told_in_the_order_of_every_room(room: Path) -> None:
    text = (room.parent / "README.md").read_text("utf-8")
    first = ["Hears", "Says", *(["HTTP"] if "\n## HTTP\n" in text else []), "States"]
    faults = [place(room.parent)] if misplaced(text, first, ["Tables", "Settings"]) else []
    none_of(faults, mend="Hears · Says · HTTP · States · what is this room's own · Tables · Settings")


@pytest.mark.parametrize("adapter", adapters(), ids=lambda adapter: adapter.name)
def test_an_adapter_is_told_in_the_order_of_every_adapter(adapter: Path) -> None:
    text = (adapter / "README.md").read_text("utf-8")
    faults = [place(adapter)] if misplaced(text, ["What it writes"], ["How", "Settings", "Cost"]) else []
    none_of(faults, mend="What it writes · what is this adapter's own · How · Settings · Cost")


@pytest.mark.parametrize("told", [("Says", "Hears", "Settings"), ("Hears", "Settings", "Tables"), ("Hears", "Tables")])
def test_a_section_out_of_its_place_is_found(told: Sequence[str]) -> None:
    text = "".join(f"## {section}\n" for section in told)
    assert misplaced(text, ["Hears"], ["Tables", "Settings"])


def test_a_path_that_leads_nowhere_is_found() -> None:
    assert missing_paths(ROOT / "README.md", "See `services/intake` and `tests/never.py`.") == {"tests/never.py"}


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: file.stem)
def test_a_decision_is_one_page_in_the_one_form(file: Path) -> None:
    text = file.read_text("utf-8")
    length = len(text.splitlines())
    faults = [f"{place(file)}: no **{heading}**" for heading in HEADINGS if f"**{heading}**" not in text]
    faults += [f"{place(file)}: {length} lines"] if length > LONGEST_DECISION else []
    faults += (
        [] if text.startswith(f"# {file.name[:4]} ") else [f"{place(file)}: the title is not `# {file.name[:4]} …`"]
    )
    none_of(faults, mend=f"write it as 0001 is written, within {LONGEST_DECISION} lines")


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [file.name[:4] for file in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


def test_a_decision_that_is_named_is_there() -> None:
    there = {f"ADR {file.name[:4]}" for file in DECISIONS}
    named = lines_with(re.compile(r"\bADR \d+"), files())
    none_of((each for each in named if each.partition(": ")[2] not in there), mend="name a file of contracts/decisions")


def test_every_member_is_in_the_workspace() -> None:
    globs = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]["workspace"]["members"]
    members = {file for glob in globs for file in ROOT.glob(f"{glob}/pyproject.toml")}
    outside = {place(file) for file in files("pyproject.toml")} - {place(file) for file in members} - {"pyproject.toml"}
    none_of(outside, mend="name it under [tool.uv.workspace] in pyproject.toml and under MEMBERS in the Makefile")
