"""How the chassis says no over HTTP: RFC 9457 problem details in the caller's language, naming fields, never values."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response

from rinnan_chassis.deciding import Refusal

MEDIA_TYPE: Final = "application/problem+json"
DEFAULT_LANGUAGE: Final = "fi"
EVERY_LANGUAGE: Final = ("fi", "sv", "en")
CHASSIS_TEXTS: Final = Path(__file__).parent / "problems.toml"

_MOST_FIELDS = 20
_PREFERENCE = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]{1,30})?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


class NotFound(Refusal):
    """There is no such thing, or it is not the caller's: one answer for both."""

    code = "chassis.not_found"
    status = 404


class NotSignedIn(Refusal):
    """No token, or one that is expired, foreign, tampered with or unreadable: one answer for all."""

    code = "chassis.not_signed_in"
    status = 401


class NotAllowed(Refusal):
    """A member of staff without the right that this needs."""

    code = "chassis.not_allowed"
    status = 403


class NotValid(Refusal):
    """The input is not what it has to be, in one or more places."""

    code = "chassis.not_valid"
    status = 422

    def __init__(self, faults: Sequence[Fault], status: int = 422) -> None:
        super().__init__()
        self.faults = tuple(faults)
        self.status = status


class Fault(NamedTuple):
    """One thing wrong with the input: the JSON pointer (or parameter name) of the field, and a stable code."""

    field: str
    code: str


@dataclass(frozen=True, slots=True)
class Problems:
    """The texts of all problems that one room can answer, and the way it answers them."""

    texts: Mapping[str, Mapping[str, str]]
    default: str = DEFAULT_LANGUAGE

    @classmethod
    def load(cls, *paths: Path, default: str = DEFAULT_LANGUAGE) -> Problems:
        """The chassis's own texts and those of `paths`: TOML, `["room.code"]` with one text per language.

        Raises: ValueError when a code is told twice or lacks the default language.
        """
        texts: dict[str, Mapping[str, str]] = {}
        for path in (CHASSIS_TEXTS, *paths):
            for code, told in tomllib.loads(path.read_text(encoding="utf-8")).items():
                if code in texts:
                    raise ValueError(f"{path.name}: {code} is told twice")
                if default not in told:
                    raise ValueError(f"{path.name}: {code} has no text in {default}")
                texts[code] = told
        return cls(texts, default)

    def title(self, code: str, wanted: str = "") -> tuple[str, str]:
        """The text of `code` and its language: the first language of `wanted` (Accept-Language) that it is told in."""
        told = self.texts.get(code) or self.texts["chassis.refused"]
        language = next((each for each in preferred(wanted) if each in told), self.default)
        return told[language], language

    def answer(
        self,
        request: Request,
        code: str,
        status: int,
        *,
        faults: Sequence[Fault] = (),
        told: Mapping[str, int | str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The problem as a response. One fault gives the problem its code; several are listed under `errors`."""
        wanted = request.headers.get("accept-language", "")
        faults = tuple(faults)[:_MOST_FIELDS]
        if len(faults) == 1:
            code = faults[0].code
        title, language = self.title(code, wanted)
        body: dict[str, Any] = {"type": f"urn:rinnan:problem:{code}", "title": title, "status": status, "code": code}
        if len(faults) == 1:
            body["field"] = faults[0].field
        if faults:
            body["errors"] = [
                {"field": each.field, "code": each.code, "title": self.title(each.code, wanted)[0]} for each in faults
            ]
        if told:
            body["told"] = dict(told)
        return Response(
            orjson.dumps(body),
            status_code=status,
            media_type=MEDIA_TYPE,
            headers={"Content-Language": language, "Vary": "Accept-Language", **(headers or {})},
        )

    def refusal(self, request: Request, no: Refusal) -> Response:
        """A refusal as a response."""
        faults: Sequence[Fault] = ()
        if isinstance(no, NotValid):
            faults = no.faults
        elif no.field is not None:
            faults = (Fault(no.field, no.code),)
        headers = {"WWW-Authenticate": "Bearer"} if no.status == NotSignedIn.status else None
        return self.answer(request, no.code, no.status, faults=faults, told=no.told, headers=headers)


def preferred(accept_language: str) -> list[str]:
    """The primary languages of an Accept-Language header, best first; what cannot be read is passed over."""
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language[:500].split(",")):
        match = _PREFERENCE.fullmatch(part)
        if match is None:
            continue
        weight = float(match.group(2) or 1)
        if weight > 0:
            wishes.append((-weight, place, match.group(1).lower()))
    return [language for _, _, language in sorted(wishes)]


def asked_for(request: Request, among: Collection[str] = ()) -> str:
    """The language that the caller reads best, of those that there are; all, where `among` names none."""
    wishes = preferred(request.headers.get("accept-language", ""))
    return next((each for each in wishes if not among or each in among), DEFAULT_LANGUAGE)


def refusals(package: ModuleType) -> Iterator[type[Refusal]]:
    """Every kind of refusal that a package defines, in whatever module."""
    names = [package.__name__]
    if hasattr(package, "__path__"):
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        names += [each.name for each in found if ".migrations" not in each.name]
    for name in names:
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Refusal) and value.__module__ == name:
                yield value


def untold(package: ModuleType, problems: Problems, languages: Iterable[str] = EVERY_LANGUAGE) -> list[str]:
    """What people could not read: `code: language` for every refusal of `package` without a text. Empty when well."""
    wanted = tuple(languages)
    return sorted(
        f"{kind.code}: {language}"
        for kind in refusals(package)
        for language in wanted
        if not problems.texts.get(kind.code, {}).get(language, "").strip()
    )
