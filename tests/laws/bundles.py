"""A delivered bundle without anything that may differ: ids by what they stand for, resources and lists in one order."""

from __future__ import annotations

from typing import Any

import orjson

from tests.laws.masks import UUID_TEXT, Mask


def canonical(bundle: str, mask: Mask) -> list[str]:
    """Every entry, masked, with references told by what they refer to; sorted, because no order may tell anything."""
    entries: list[dict[str, Any]] = orjson.loads(bundle)["entry"]
    told = {entry["fullUrl"].removeprefix("urn:uuid:"): mask(_sorted(entry["resource"])) for entry in entries}

    def stands_for(own: str) -> str:
        return f"<holds {hash(told[own]):x}>" if own in told else own

    return sorted(mask(UUID_TEXT.sub(lambda found: stands_for(found[0]), _sorted(entry))) for entry in entries)


def _sorted(value: Any) -> str:
    """As JSON whose keys and lists are in one order."""
    match value:
        case dict():
            return "{" + ",".join(f"{key!r}:{_sorted(value[key])}" for key in sorted(value)) + "}"
        case list():
            return "[" + ",".join(sorted(_sorted(each) for each in value)) + "]"
        case _:
            return orjson.dumps(value).decode()
