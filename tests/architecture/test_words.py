"""The chassis knows no word of the domain, and no Python knows a county."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, code, files, none_of, parsed, place, words_of

CHASSIS = ROOT / "services" / "chassis" / "rinnan_chassis"
DOMAIN = frozenset(
    {"adult", "agreement", "applicant", "catalogue", "child", "children", "consent", "consents", "counties", "county"}
    | {"coparent", "custody", "declined", "divorce", "family", "father", "gate", "guidance", "instrument", "intake"}
    | {"invitation", "invitations", "ledger", "maintenance", "mediation", "mother", "parent", "parents", "professional"}
    | {"care", "protection", "refuge", "registration", "registrations", "residence", "screening", "screenings"}
    | {"separation", "spouse", "supervisor"}
)
# What the chassis shares with the published language: the seal groups, and the tokens by which people come in.
PUBLISHED = {
    "deciding.py": {"county", "registration"},
    "sealing.py": {"care", "protection"},
    "settings.py": {"counties"},
    "keyring.sql": {"care", "consent", "protection", "screening"},
    "tokens.py": {"county", "registration"},
    "doors.py": {"county", "parents", "registration"},
    "issuers.py": {"counties", "county", "parent", "parents"},
}
# Names that are not the domain's: paths, W3C Trace Context, OpenID Connect.
NOT_OURS = {"parent", "parents", "child_of", "family_name"}


def domain_words(text: str) -> Iterator[tuple[int, str]]:
    """The domain's words among names and strings, with their lines. Docstrings are for people and are passed over."""
    for node in ast.walk(parsed(text)):
        said = [(each, True) for each in _names(node)]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            said.append((node.value, False))
        for text_said, is_name in said:
            if text_said in NOT_OURS and (is_name or "_" in text_said):
                continue
            for word in words_of(text_said):
                if word in DOMAIN:
                    yield getattr(node, "lineno", 0), word


def counties_words() -> frozenset[str]:
    """Codes and names of all counties, in every language that a profile tells them in."""
    words: set[str] = set()
    for file in ROOT.glob("deploy/counties/*/county.toml"):
        folder = file.parent.name.split("-")
        words |= set(folder)
        profile = tomllib.loads(file.read_text("utf-8"))
        names = profile.get("name", {})
        for name in names.values() if isinstance(names, dict) else [names]:
            words |= {word.lower() for word in re.findall(r"[^\W\d_]{5,}", str(name)) if word[0].isupper()}
    return frozenset(words - {"county", "wellbeing", "services", "välfärdsområde", "hyvinvointialue"})


@pytest.mark.parametrize("file", sorted(CHASSIS.rglob("*.py")), ids=lambda file: file.name)
def test_the_chassis_has_no_word_of_the_domain(file: Path) -> None:
    allowed = PUBLISHED.get(file.name, set[str]())
    found = [
        f"{place(file, line)}: {word}" for line, word in domain_words(file.read_text("utf-8")) if word not in allowed
    ]
    none_of(found, mend="speak of subjects, owners and seal groups; what needs the word belongs into a room")


def test_the_chassis_sql_has_no_word_of_the_domain() -> None:
    found = [
        f"{place(file, number)}: {word}"
        for file in CHASSIS.rglob("*.sql")
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        for word in words_of(line.partition("--")[0])
        if word in DOMAIN - PUBLISHED.get(file.name, set())
    ]
    none_of(found, mend="speak of subjects, owners and seal groups")


@pytest.mark.parametrize("line", ["registration = 1", 'x = "the parent"', "def ask(screening): ...", "f(county=1)"])
def test_a_word_of_the_domain_is_found(line: str) -> None:
    assert [word for _, word in domain_words(line)]


def test_no_county_stands_in_python() -> None:
    words = counties_words()
    assert len(words) >= 5
    pattern = re.compile(r"(?<![^\W_])(" + "|".join(sorted(map(re.escape, words))) + r")(?![^\W_])", re.IGNORECASE)
    found = [
        f"{place(file, number)}: {hit.group()}"
        for file in code()
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if (hit := pattern.search(line))
    ]
    none_of(found, mend="what a county decides is in deploy/counties; read it from the profile")


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
            yield name
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.keyword(arg=str(name)):
            yield name
        case _:
            return


def test_the_published_exceptions_are_still_needed() -> None:
    by_name = {file.name: file for file in (*CHASSIS.rglob("*.py"), *CHASSIS.rglob("*.sql")) if file in files()}
    gone = [
        f"{name}: {word}"
        for name, words in PUBLISHED.items()
        for word in words
        if word not in words_of(by_name[name].read_text("utf-8"))
    ]
    none_of(gone, mend="take the word out of PUBLISHED")
