"""The generated files: written, compared with the code, and held to what was released."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from rinnan_chassis.topics import Topics
from rinnan_contracts.asyncapi import asyncapi
from rinnan_contracts.compatibility import breaks
from rinnan_contracts.json_schemas import json_schemas
from rinnan_contracts.openapi import openapi
from rinnan_contracts.rooms import wired

SCHEMAS: Final = Path("schemas/json")
ASYNCAPI: Final = Path("contracts/asyncapi.yaml")
OPENAPI: Final = Path("contracts/openapi")
RELEASED: Final = Path("contracts/released")
NOTICE: Final = "# Written by `make contracts` from the code. Not edited by hand.\n"


def generated(root: Path) -> Mapping[Path, str]:
    """Every generated file by its place below `root`, as the code promises it now."""
    rooms = wired(root)
    topics = Topics.load(root / "contracts" / "topics.toml")
    files = {SCHEMAS / f"{name}.json": _json(schema) for name, schema in json_schemas().items()}
    files[ASYNCAPI] = _yaml(asyncapi(topics, rooms))
    files |= {OPENAPI / f"{name}.yaml": _yaml(document) for name, document in openapi(rooms).items()}
    return files


def write(root: Path, files: Mapping[Path, str]) -> int:
    """Write what differs and remove what is no longer promised. Returns how many files changed."""
    changed = [place for place, text in files.items() if _text(root / place) != text]
    for place in changed:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(files[place], "utf-8")
    orphans = list(_orphans(root, files))
    for place in orphans:
        (root / place).unlink()
    return len(changed) + len(orphans)


def stale(root: Path, files: Mapping[Path, str]) -> list[str]:
    """What the files say otherwise than the code; how to mend it is in each sentence."""
    differing = [place for place, text in files.items() if _text(root / place) != text]
    orphans = _orphans(root, files)
    return [
        *(
            f"{place}: is not what the code says now; run `make contracts` and look at the difference"
            for place in differing
        ),
        *(f"{place}: nobody promises this any more; run `make contracts`" for place in orphans),
    ]


def broken_promises(root: Path) -> list[str]:
    """Where the code breaks with a released schema: each with its place, and what to do."""
    now = json_schemas()
    broken: list[str] = []
    for file in sorted((root / RELEASED).glob("*.json")):
        released = json.loads(file.read_text("utf-8"))
        name = file.stem
        if name not in now:
            broken.append(f"{name}: was released and is gone; keep it until nobody can hold one any more")
            continue
        broken += [f"{name}: {each}; say a new major version beside it" for each in breaks(released, now[name])]
    return broken


def release(root: Path) -> int:
    """Make today's schemas the ones that must stay readable, once no promise is broken. Returns how many there are."""
    (root / RELEASED).mkdir(parents=True, exist_ok=True)
    schemas = json_schemas()
    for name, schema in schemas.items():
        (root / RELEASED / f"{name}.json").write_text(_json(schema), "utf-8")
    return len(schemas)


def _orphans(root: Path, files: Mapping[Path, str]) -> Iterator[Path]:
    for place in (*root.glob(f"{SCHEMAS}/*.json"), *root.glob(f"{OPENAPI}/*.yaml")):
        if place.relative_to(root) not in files:
            yield place.relative_to(root)


def _text(file: Path) -> str | None:
    return file.read_text("utf-8") if file.exists() else None


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Dumper(yaml.SafeDumper):
    """Long texts stand as they are, and nothing is abbreviated by anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the dumper's own signature
        return True


def _as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _as_block)


def _yaml(document: Any) -> str:
    return NOTICE + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
