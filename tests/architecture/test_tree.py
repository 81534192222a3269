"""Nothing in the tree names a registry, hides a loose end, or outgrows one idea."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.architecture.tree import ROOT, code, files, lines_with, members, named, none_of, place

LONGEST_FILE = 400
LARGEST_FILE = 512 * 1024
# Written with brackets, so that this file does not find itself.
REGISTRIES = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.](org|com)|yarnpkg[.]com|repo1[.]maven[.]org|repo[.]maven[.]apache|"
    r"proxy[.]golang[.]org|docker[.]io|ghcr[.]io|quay[.]io|gcr[.]io|mcr[.]microsoft[.]com|artifactor[y]|index[-]url"
)
LOOSE_ENDS = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")
LOCK, LOCK_OF_THE_IMAGE = ROOT / "requirements.lock", ROOT / "deploy" / "images" / "requirements.lock"


def entries(text: str) -> list[str]:
    """A lock's requirements, each with its hashes; for which machines is left out."""
    return re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^#.*\n| ;[^\\]*(?= \\)", "", text, flags=re.MULTILINE).strip())


def faults_of_lock(text: str) -> list[str]:
    """Requirements without a hash, and lines that name an address."""
    loose = [entry.split()[0] for entry in entries(text) if "--hash=" not in entry or "==" not in entry.split()[0]]
    return loose + re.findall(r".*(?:https?://| @ ).*", text)


def images_with_host(names: list[str]) -> list[str]:
    """Image names that begin with a host: `host.example/name`, `host:5000/name`."""
    return [name for name in names if "/" in name and re.search(r"[.:]", name.partition("/")[0])]


def test_no_file_names_a_registry() -> None:
    none_of(lines_with(REGISTRIES, files()), mend="name the package alone; where it comes from is each machine's own")


def test_no_file_has_a_loose_end() -> None:
    none_of(lines_with(LOOSE_ENDS, files()), mend="finish it, or open an issue")


@pytest.mark.parametrize("lock", [LOCK, LOCK_OF_THE_IMAGE], ids=place)
def test_requirements_are_pinned_by_hash_and_name_no_address(lock: Path) -> None:
    none_of(faults_of_lock(lock.read_text("utf-8")), mend="run `make lock`")


def test_a_requirement_without_a_hash_is_found() -> None:
    assert faults_of_lock("one==1 \\\n    --hash=sha256:0a\ntwo==2\n") == ["two==2"]
    assert faults_of_lock("one @ https://example.org/one.whl \\\n    --hash=sha256:0a\n")


def test_the_image_runs_the_versions_that_were_tested() -> None:
    tested = entries(LOCK.read_text("utf-8"))
    others = [entry.split()[0] for entry in entries(LOCK_OF_THE_IMAGE.read_text("utf-8")) if entry not in tested]
    none_of(others, mend="run `make lock`, which writes both locks from one choice")


def test_the_image_holds_what_its_members_name_and_no_tool_of_development() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    projects = [tomllib.loads(file.read_text("utf-8"))["project"] for file in members()]
    wanted = named([*groups["build"], *(each for project in projects for each in project["dependencies"])])
    wanted -= {project["name"] for project in projects}
    extras = [
        each for project in projects for extra in project.get("optional-dependencies", {}).values() for each in extra
    ]
    tools = named([*extras, *(each for each in groups["dev"] if isinstance(each, str))]) - wanted
    held = named(entries(LOCK_OF_THE_IMAGE.read_text("utf-8")))
    faults = [f"lacks {name}" for name in wanted - held] + [f"holds {name}" for name in tools & held]
    none_of(faults, mend="run `make lock`; what only those who develop need stands in the group dev or in an extra")


@pytest.mark.parametrize("file", [file for file in files("package-lock.json")], ids=place)  # noqa: C416 - a list for ids
def test_a_package_lock_names_no_address(file: Path) -> None:
    found = lines_with(re.compile(r'"resolved"'), [file])
    none_of(found, mend="npm install --omit-lockfile-registry-resolved")


def test_all_packages_are_released_as_one() -> None:
    versions = {
        place(file): tomllib.loads(file.read_text("utf-8"))["project"]["version"] for file in files("pyproject.toml")
    }
    assert len(set(versions.values())) == 1, versions


def test_images_are_named_without_a_host() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    images = [service["image"] for service in compose["services"].values() if "image" in service]
    for file in ROOT.glob("deploy/images/Dockerfile*"):
        images += re.findall(r"^FROM\s+(?:--\S+\s+)*(\S+)", file.read_text("utf-8"), re.MULTILINE)
    assert images
    none_of(images_with_host(images), mend="name the image alone; a mirror is each machine's own setting")


def test_an_image_with_a_host_is_found() -> None:
    assert images_with_host(["apache/kafka:4.3.0", "postgres:18", "hub.example/kafka", "host:5000/kafka"]) == [
        "hub.example/kafka",
        "host:5000/kafka",
    ]


def test_no_python_file_outgrows_one_idea() -> None:
    lengths = ((file, len(file.read_text("utf-8").splitlines())) for file in files(".py"))
    none_of(
        (f"{place(file)}: {length} lines" for file, length in lengths if length > LONGEST_FILE),
        mend="split it by concept",
    )


def test_no_file_is_larger_than_people_read() -> None:
    none_of(
        (place(file) for file in files() if file.stat().st_size > LARGEST_FILE),
        mend="make it when it is needed, or get it from a package",
    )


def test_every_package_tells_its_types() -> None:
    roots = {file.parent for file in code() if file.name == "__init__.py" and file.parent.name.startswith("rinnan_")}
    none_of((place(each) for each in roots if not (each / "py.typed").exists()), mend="add an empty py.typed")
