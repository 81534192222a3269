"""Who has seen one room has seen them all."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.tree import code, members, named, none_of, parsed, place, rooms

ALWAYS = {"__init__.py", "app.py", "settings.py", "py.typed"}
KNOWN = {*ALWAYS, "handlers.py", "errors.py", "problems.toml", "domain.py", "api.py", "work.py", "store.py"}
SPLIT_BY_CONCEPT = {"domain", "api", "work", "store"}
FOLDERS = {*SPLIT_BY_CONCEPT, "migrations"}
CONCEPTS = {
    "rinnan_intake": {"persons.py": "the keyed hashes by which persons are found"},
    "rinnan_invitation": {
        "codes.py": "how a code is made and hashed",
        "channels.py": "the ways by which letters leave",
    },
    "rinnan_host": {
        "port.py": "what an adapter is, for whoever writes one",
        "contract.py": "the tests that every adapter inherits",
        "samples.py": "invented records to write",
        "breaker.py": "when a destination is left alone",
    },
    "rinnan_event_log": {
        "recording.py": "an envelope as it is kept",
        "sentences.toml": "what each event means, in plain words",
    },
    "rinnan_risk_screening": {"scoring.py": "an instrument's rules, applied"},
}
BY_KIND = re.compile(
    r"^_?(base|common|constants|core|enums|exceptions|functions|helpers?|lib|managers?|misc|mixins|models|schemas|"
    r"services?|shared|tools|types|utilities|utils?)(\.py)?$"
)
CLOCKS_AND_CHANCE = re.compile(
    r"^(datetime\.(now|today|utcnow)|date\.today|time\.(time|monotonic|time_ns)|uuid[14]|uuid\.uuid[14]|"
    r"os\.urandom|(random|secrets)\..*)$"
)


def strays(package: str, names: set[str]) -> list[str]:
    """What stands in a room and belongs to no room."""
    return sorted(names - KNOWN - FOLDERS - set(CONCEPTS.get(package, {})) - {"__pycache__"})


def unasked(text: str) -> list[str]:
    """Where a domain looks at a clock or throws dice, by line."""
    names = (node for node in ast.walk(parsed(text)) if isinstance(node, (ast.Attribute, ast.Name)))
    return [f"{node.lineno}: {ast.unparse(node)}" for node in names if CLOCKS_AND_CHANCE.match(ast.unparse(node))]


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.name)
def test_a_room_holds_what_every_room_holds_and_nothing_else(room: Path) -> None:
    names = {each.name for each in room.iterdir()}
    none_of(
        [f"{place(room)}/{name}" for name in strays(room.name, names)],
        mend="split by concept inside domain/, api/, work/ or store/; a new concept of its own is named in CONCEPTS",
    )
    missing = [f"{place(room)}: no {name}" for name in sorted(ALWAYS - names)]
    beside = [name for name in ("README.md", "pyproject.toml", "tests") if not (room.parent / name).exists()]
    missing += [f"{place(room.parent)}: no {name}" for name in beside]
    none_of(missing, mend="look at services/consent, the smallest whole room")


def test_a_stray_is_found() -> None:
    assert strays("rinnan_consent", {"app.py", "domain.py", "helpers.py", "codes.py"}) == ["codes.py", "helpers.py"]


def test_nothing_is_split_by_kind() -> None:
    modules = [file.name if file.name != "__init__.py" else file.parent.name for file in code()]
    found = [place(file) for file, name in zip(code(), modules, strict=True) if BY_KIND.match(name)]
    none_of(found, mend="name the file after the one idea that it holds")


@pytest.mark.parametrize("name", ["helpers.py", "utils.py", "util", "models.py", "_common.py"])
def test_a_name_of_a_kind_is_found(name: str) -> None:
    assert BY_KIND.match(name)


def test_a_domain_is_given_the_time_and_new_ids() -> None:
    domains = [file for room in rooms() for file in (*room.glob("domain.py"), *room.glob("domain/*.py"))]
    assert domains
    none_of(
        [f"{place(file)}:{found}" for file in domains for found in unasked(file.read_text("utf-8"))],
        mend="use ctx.now and ctx.new_id(): a decider that is asked twice must say the same",
    )


@pytest.mark.parametrize(
    "line",
    ["datetime.now(UTC)", "date.today()", "uuid4()", "uuid.uuid4()", "random.choice([1])", "secrets.token_hex()"],
)
def test_a_clock_or_dice_in_a_domain_is_found(line: str) -> None:
    assert unasked(f"def decide():\n    return {line}\n")


def test_every_member_names_what_it_imports() -> None:
    missing: list[str] = []
    for file in members():
        project = tomllib.loads(file.read_text("utf-8"))["project"]
        extras = project.get("optional-dependencies", {}).values()
        told = {"pytest"} | named([*project.get("dependencies", ()), *(each for extra in extras for each in extra)])
        for package in (each for each in file.parent.glob("rinnan_*") if each.is_dir()):
            importlib.import_module(package.name)
            missing += [f"{place(file)}: uses {name}" for name in _imported(package) - told - {project["name"]}]
    none_of(missing, mend="name it in the member's own dependencies")


# What comes with another by that one's own promise; a test kit comes with the tests that use it.
CARRIED = {"alembic": "rinnan-chassis", "pydantic-core": "pydantic", "starlette": "fastapi", "pytest": "pytest"}


def _imported(package: Path) -> set[str]:
    """The distributions of all that a package imports when it is loaded or later, the standard library aside."""
    text = "\n".join(file.read_text("utf-8") for file in package.rglob("*.py"))
    modules = set(re.findall(r"^ *(?:from|import) ([a-z]\w*)", text, re.MULTILINE)) - sys.stdlib_module_names
    return {_distribution(module) for module in modules if module.startswith("rinnan_") or module in _DISTRIBUTIONS}


def _distribution(module: str) -> str:
    if module in {"rinnan_events", "rinnan_profiles"}:
        return "rinnan-schemas"
    found = [module] if module.startswith("rinnan_") else _DISTRIBUTIONS[module]
    name = re.sub(r"[._]", "-", found[0]).lower()
    return CARRIED.get(name, name)


_DISTRIBUTIONS = packages_distributions()
