"""Reading all profiles from the two folders, once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rinnan_profiles.catalogue import Catalogue
from rinnan_profiles.county import County
from rinnan_profiles.faults import Fault, Source, faults_of
from rinnan_profiles.form import Form
from rinnan_profiles.instrument import Instrument
from rinnan_profiles.letters import CHANNELS, Kind, Letter, Letters, NeverSay
from rinnan_profiles.manual_entry import ManualEntry
from rinnan_profiles.positions import line_of
from rinnan_profiles.texts import Texts
from rinnan_profiles.words import Place, Versioned

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound=Versioned)
KINDS = frozenset(kind.value for kind in Kind)
DEFAULT_LABELS = "manual_entry.default.toml"
NEVER_SAY = "letters_never_say.toml"


class UnknownCounty(LookupError):  # noqa: N818 - a state of the world
    """No county has this code."""


class UnknownVersion(LookupError):  # noqa: N818 - a state of the world
    """No file holds this version."""


class BrokenProfiles(ValueError):  # noqa: N818 - a state of the world
    """The profiles cannot be used; each fault is named with file and line."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Profiles:
    """All that counties decide, and every version that a registration may be pinned to."""

    counties: Mapping[str, County]
    earlier_counties: Mapping[str, County]
    forms: Mapping[str, Form]
    catalogues: Mapping[str, Catalogue]
    all_texts: Mapping[str, Texts]
    instruments: Mapping[str, Instrument]
    labels: Mapping[tuple[str, str], ManualEntry]
    default_labels: ManualEntry
    never_say: Mapping[str, tuple[str, ...]]

    def ready_calendars(self, now: datetime) -> None:
        """Load every county's public holidays: half a second, for which nobody should wait at a first completion."""
        for county in self.counties.values():
            county.contact_by(now)

    def county(self, code: str) -> County:
        """The county as it is now; `UnknownCounty` where there is none."""
        if code not in self.counties:
            raise UnknownCounty(code)
        return self.counties[code]

    def pinned_county(self, code: str, profile: str) -> County:
        """The county as a registration's pins say (`Pins.profile`): for its deadlines, grace, services and letters.

        Destinations are read from the county as it is now: a delivery goes where the county's CIS is today.
        """
        present = self.county(code)
        if present.profile == profile:
            return present
        earlier = self.earlier_counties.get(profile)
        if earlier is None or earlier.code != code:
            raise UnknownVersion(profile)
        return earlier

    def form(self, version: str) -> Form:
        """A form by version, such as `first_information.1`; `UnknownVersion` where there is none."""
        return _known(self.forms, version)

    def catalogue(self, version: str) -> Catalogue:
        """A catalogue by version, such as `family_law.1`."""
        return _known(self.catalogues, version)

    def texts(self, version: str) -> Texts:
        """Texts by version, such as `plain.1`."""
        return _known(self.all_texts, version)

    def instrument(self, version: str) -> Instrument:
        """An instrument by version, such as `hark_separation.1`."""
        return _known(self.instruments, version)

    def manual_entry(self, county: str, destination: str) -> ManualEntry:
        """The order and labels of a destination's screens; the default where the county has written none."""
        return self.labels.get((county, destination), self.default_labels)


def load(contracts_dir: Path | str, counties_dir: Path | str) -> Profiles:
    """Read every profile. Raises `BrokenProfiles` with all faults at once; a service then does not start."""
    profiles, faults = read(Path(contracts_dir), Path(counties_dir))
    if faults or profiles is None:
        raise BrokenProfiles(faults)
    return profiles


def read(contracts: Path, counties: Path) -> tuple[Profiles | None, tuple[Fault, ...]]:
    """Read every profile that can be read, and say what is wrong with the rest."""
    reading = _Reading()
    forms = reading.all(contracts / "forms", Form, but="manual_entry.")
    catalogues = reading.all(contracts / "catalogues", Catalogue)
    texts = reading.all(contracts / "texts", Texts, but="letters_")
    instruments = reading.all(contracts / "instruments", Instrument)
    default = reading.one(contracts / "forms" / DEFAULT_LABELS, ManualEntry)
    never_say = reading.one(contracts / "texts" / NEVER_SAY, NeverSay)
    present, earlier, labels = reading.counties(counties)
    if not present:
        reading.faults.append(Fault(counties, 1, "no county"))
    if default is None or never_say is None:
        return None, tuple(reading.faults)
    profiles = Profiles(present, earlier, forms, catalogues, texts, instruments, labels, default, never_say.words)
    return profiles, (*reading.faults, *faults_of(profiles, reading.sources))


@dataclass(slots=True)
class _Reading:
    """What was read so far, from where, and what was wrong with it."""

    faults: list[Fault] = field(default_factory=list[Fault])
    sources: dict[int, Source] = field(default_factory=dict[int, Source])

    def all(self, folder: Path, model: type[V], but: str = "\n") -> dict[str, V]:
        """Every file of a folder, by version; the file is named after the version it holds."""
        found: dict[str, V] = {}
        for path in sorted(folder.glob("*.toml")):
            if path.name.startswith(but):
                continue
            value = self.one(path, model)
            if value is None:
                continue
            found[value.version] = value
            if path.stem != value.version:
                self.faults.append(Fault(path, 1, f"the file holds {value.version} and is not named after it"))
        return found

    def counties(self, parent: Path) -> tuple[dict[str, County], dict[str, County], dict[tuple[str, str], ManualEntry]]:
        """Every county as it is now, the earlier versions of each by profile, and their labels for manual entry."""
        present: dict[str, County] = {}
        earlier: dict[str, County] = {}
        labels: dict[tuple[str, str], ManualEntry] = {}
        for folder in _folders(parent):
            county = self.county(folder)
            if county is None:
                continue
            if county.code in present or folder.name.split("-")[0] != county.code:
                self.faults.append(
                    self.sources[id(county)].fault(
                        ("code",), "the folder must be called <code>-<name>, and only one may hold this county"
                    )
                )
                continue
            present[county.code] = county
            for destination in county.destinations:
                if destination.labels and (found := self.one(folder / destination.labels, ManualEntry)):
                    labels[county.code, destination.name] = found
            for old in map(self.county, _folders(folder / "history")):
                if old and (old.code != county.code or old.version >= county.version):
                    self.faults.append(self.sources[id(old)].fault(("version",), "not an earlier version"))
                elif old:
                    earlier[old.profile] = old
        return present, earlier, labels

    def county(self, folder: Path) -> County | None:
        """A county's file with its letters."""
        letters = tuple(self._letters(folder / "letters"))
        return self.one(folder / "county.toml", County, letters=Letters(letters=letters))

    def one(self, path: Path, model: type[M], **more: Any) -> M | None:
        """One file as its model, or None and its faults noted."""
        text = ""
        try:
            text = path.read_text("utf-8")
            data = tomllib.loads(text)
            value = model.model_validate(data | more)
        except FileNotFoundError:
            self.faults.append(Fault(path, 1, "the file is missing"))
        except UnicodeDecodeError:
            self.faults.append(Fault(path, 1, "the file is not UTF-8"))
        except tomllib.TOMLDecodeError as broken:
            at = str(broken).rpartition("(at line ")[2].partition(",")[0]
            self.faults.append(Fault(path, int(at) if at.isdigit() else 1, f"not TOML: {broken}"))
        except ValidationError as invalid:
            self.faults.extend(
                Fault(path, line_of(text, place), f"{dotted(place)}: {wrong}") for place, wrong in _told(invalid)
            )
        else:
            for key in sorted(data.keys() & more.keys()):
                self.faults.append(Fault(path, line_of(text, (key,)), f"{key}: unknown key"))
            self.sources[id(value)] = Source(path, text, value)
            return value
        return None

    def _letters(self, folder: Path) -> Iterator[Letter]:
        for language in _folders(folder):
            for path in sorted(language.iterdir()):
                kind, _, rest = path.name.partition(".")
                channel, _, ending = rest.partition(".")
                if kind not in KINDS or channel not in CHANNELS or ending != "txt":
                    self.faults.append(Fault(path, 1, "not a letter: invitation or reminder, email or sms, .txt"))
                    continue
                try:
                    yield _letter(path, Kind(kind), channel)
                except ValueError:
                    self.faults.append(Fault(path, 1, "not a letter: not UTF-8, or its folder is not a language"))


def _letter(path: Path, kind: Kind, channel: str) -> Letter:
    """A letter as its file says; what stands above the first empty line is the subject, where it says so."""
    text = path.read_text("utf-8")
    head, _, below = text.partition("\n\n")
    subject = head.removeprefix("Subject: ") if channel == CHANNELS[0] and head.startswith("Subject: ") else ""
    body = below if subject else text
    return Letter(kind=kind, channel=channel, language=path.parent.name, subject=subject, body=body)


def _told(invalid: ValidationError) -> Iterator[tuple[Place, str]]:
    """What validation says, without the complaint that a list is too short because its entries are wrong."""
    errors = invalid.errors(include_input=False, include_url=False)
    places = [error["loc"] for error in errors]
    for error in errors:
        place = error["loc"]
        if error["type"] == "too_short" and any(other != place and other[: len(place)] == place for other in places):
            continue
        yield place, "unknown key" if error["type"] == "extra_forbidden" else error["msg"].lower()


def dotted(place: Place) -> str:
    """A place in a file as a person writes it."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in place)


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []


def _known(versions: Mapping[str, M], version: str) -> M:
    if version not in versions:
        raise UnknownVersion(version)
    return versions[version]
