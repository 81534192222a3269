"""From a client record to sheets: what stands on which paper, in the order of the county's own screens.

Three rules hold whatever a county's mapping says. Protection, care and how to make contact stand on the annex and
nowhere else, for every parent alike, so that their place tells nothing; what whoever makes contact must know opens it.
A parent's papers are made from that parent's part alone: the record's own list of children joins what both said, so
children are taken from what this parent named. And nothing told is dropped: what the screens have no place for stands
in a last section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from rinnan_events import Opened
from rinnan_events.opened import Child, ClientRecord, RecordParty, Scope
from rinnan_host.port import DeliveryKey
from rinnan_paper.sheet import Answer, Entry, Kind, LifeRow, Section, Sheet, short
from rinnan_paper.speech import Speech
from rinnan_profiles.manual_entry import EntryField, ManualEntry
from rinnan_profiles.manual_entry import Section as Screen
from rinnan_profiles.manual_entry import Sheet as Paper

PROTECTED = ("protection", "care", "contact")
NEUTRAL = ("registration_id", "destination", "form_version", "contact_by", "completed_at")
"""All that a mapping may take from the record as a whole; the rest joins what both parents said. Moments are days."""

_ALWAYS = {"care": ("route",)}
_PARTS = ("identity", "contact", "own", "consents", "protection", "care")
_BEFORE_CONTACT = (
    "care.route",
    "contact.safe_times",
    "contact.hide_caller",
    "contact.voicemail_allowed",
    "contact.language",
    "contact.interpreter",
)
_KNOWN_BY = ("identity_code", "birth_date", "family_name", "given_names")


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why and when a package is made."""

    key: DeliveryKey
    look_first: bool
    prepared_at: datetime


def cover(record: ClientRecord, occasion: Occasion, speech: Speech, screens: ManualEntry) -> Sheet:
    """The shared sheet: what is neutral, and where each document stands. Nothing of either parent."""
    neutral = _neutral(record, speech)
    stated = {
        "reference": short(record.registration_id),
        "county": speech.say(speech.county) if speech.county else record.county,
        "contact_by": neutral["record.contact_by"],
        "packages": str(len(record.parties)),
        "form_version": record.form_version,
        "registration": str(record.registration_id),
        "delivery": str(occasion.key.delivery),
    }
    wanted = [field for screen in screens.sections if screen.sheet is Paper.COVER for field in screen.fields]
    asked = tuple(
        _entry(field.source, neutral[field.source], speech, label=speech.say(field.label))
        for field in wanted
        if field.source in neutral and neutral[field.source] not in stated.values()
    )
    return Sheet(
        kind=Kind.COVER,
        party_id=None,
        language=speech.language,
        title=speech.fixed("title_cover"),
        reference=short(record.registration_id),
        code=None,
        prepared=_prepared(occasion, speech),
        guide=speech.guide("cover"),
        sections=(Section("", (*(_fact(speech, name, text) for name, text in stated.items()), *asked)),),
        notice=_alone(record, speech),
        look_for=tuple(_identifiers(record, occasion, speech)) if occasion.look_first else None,
        life=tuple(
            LifeRow(speech.fixed(name), short(party.party_id)) for party in in_order(record) for name in _DOCUMENTS
        ),
    )


def package(
    record: ClientRecord, party: RecordParty, occasion: Occasion, speech: Speech, screens: ManualEntry
) -> Sheet:
    """One parent's own part."""
    facts = _facts(record, party, speech)
    told = tuple(_children(party))
    sections = _sections(screens, facts, told, speech, protected=False)
    return _sheet(
        Kind.PACKAGE,
        record,
        party,
        occasion,
        speech,
        sections=tuple(each for each in sections if party.own or any(entry.answers for entry in each.entries)),
        look_for=(
            *_identifiers(record, occasion, speech),
            *_known_by("identity", facts, speech),
            *(_known_by("child", child, speech)[0] for child in told),
        ),
    )


def annex(record: ClientRecord, party: RecordParty, occasion: Occasion, speech: Speech, screens: ManualEntry) -> Sheet:
    """What protects one parent. It is made for everybody, whatever it holds."""
    facts = _facts(record, party, speech)
    known_by = _known_by("identity", facts, speech)
    return _sheet(
        Kind.ANNEX,
        record,
        party,
        occasion,
        speech,
        sections=(
            Section(speech.fixed("whose"), known_by, keyed=False),
            *_sections(screens, facts, tuple(_children(party)), speech, protected=True),
        ),
        look_for=(*_identifiers(record, occasion, speech), *known_by),
        before_contact=tuple(_before_contact(party, facts, speech)),
    )


_DOCUMENTS = ("package", "annex")


def _sheet(
    kind: Kind,
    record: ClientRecord,
    party: RecordParty,
    occasion: Occasion,
    speech: Speech,
    *,
    sections: tuple[Section, ...],
    look_for: tuple[Entry, ...],
    before_contact: tuple[Entry, ...] | None = None,
) -> Sheet:
    name = "annex" if kind is Kind.ANNEX else "package"
    return Sheet(
        kind=kind,
        party_id=party.party_id,
        language=speech.language,
        title=speech.fixed(f"title_{name}"),
        reference=short(record.registration_id),
        code=short(party.party_id),
        prepared=_prepared(occasion, speech),
        guide=speech.guide(name),
        sections=sections,
        notice=" ".join(filter(None, (_alone(record, speech), None if party.own else speech.fixed("no_form")))) or None,
        look_for=look_for if occasion.look_first else None,
        before_contact=before_contact,
    )


def _alone(record: ClientRecord, speech: Speech) -> str | None:
    return speech.fixed("one_parent_alone") if record.scope is Scope.SINGLE else None


def _before_contact(party: RecordParty, facts: Mapping[str, Any], speech: Speech) -> Iterator[Entry]:
    """What whoever makes contact reads first: by when, how, when it is safe, and what is to be raised in private."""
    yield _entry("record.contact_by", facts["record.contact_by"], speech, label=speech.fixed("contact_by"))
    for source in _BEFORE_CONTACT:
        yield _entry(source, facts.get(source), speech)
    yield Entry(
        label=speech.fixed("left_open"),
        source="own.left_open",
        answers=tuple(speech.left_open(party.own)) if party.own else (),
        untold=speech.fixed("nothing_left_open" if party.own else "no_form"),
    )


def _sections(
    screens: ManualEntry,
    facts: Mapping[str, Any],
    children: tuple[Mapping[str, Any], ...],
    speech: Speech,
    *,
    protected: bool,
) -> Iterator[Section]:
    """The screens in their order, then whatever they had no place for. A screen of a child comes once for each."""
    placed: set[str] = set()
    of_children: list[Screen] = []
    for screen in screens.sections:
        if screen.sheet is Paper.COVER:
            continue
        placed.update(_bare(field) for field in screen.fields if _belongs(field, screen, protected=screen.restricted))
        if screen.restricted is not protected:
            continue
        if screen.sheet is Paper.CHILD:
            of_children.append(screen)
            continue
        yield from _children_sections(of_children, children, speech)
        of_children = []
        fields = [field for field in screen.fields if _belongs(field, screen, protected=protected)]
        entries = tuple(entry for field in fields for entry in _entries(field, facts, speech))
        if entries:
            yield Section(speech.say(screen.title), entries)
    yield from _children_sections(of_children, children, speech)
    yield from _rest(placed, facts, children, speech, protected=protected)


def _belongs(field: EntryField, screen: Screen, *, protected: bool) -> bool:
    """Whether a field may stand where the mapping puts it."""
    bare = _bare(field)
    match field.source.split(".")[0]:
        case "record":
            return bare.removeprefix("record.") in NEUTRAL
        case "child":
            return screen.sheet is Paper.CHILD
        case _:
            return bare != "own.children" and (protected or not bare.startswith(PROTECTED))


def _children_sections(
    screens: list[Screen], children: tuple[Mapping[str, Any], ...], speech: Speech
) -> Iterator[Section]:
    """All the screens of one child stand together, before the next child's."""
    for number, child in enumerate(children if screens else (), start=1):
        for screen in screens:
            fields = [field for field in screen.fields if field.source.startswith("child.")]
            entries = tuple(entry for field in fields for entry in _entries(field, child, speech))
            yield Section(f"{speech.say(screen.title)} {number}/{len(children)}", entries)


def _rest(
    placed: set[str],
    facts: Mapping[str, Any],
    children: tuple[Mapping[str, Any], ...],
    speech: Speech,
    *,
    protected: bool,
) -> Iterator[Section]:
    """What was told and stands on no screen. On the annex also what was not told: its absence matters there."""
    left = [
        source
        for source, value in facts.items()
        if not source.startswith("record.")
        and source.startswith(PROTECTED) is protected
        and not any(source == each or source.startswith(f"{each}.") for each in placed)
        and (protected or value not in (None, "", ()))
    ]
    if left:
        yield Section(speech.fixed("rest"), tuple(_entry(source, facts[source], speech) for source in left))
    for number, child in enumerate(children if not protected else (), start=1):
        told = [source for source in child if source not in placed and child[source]]
        if told:
            title = f"{speech.fixed('child')} {number}/{len(children)}"
            yield Section(title, tuple(_entry(source, child[source], speech) for source in told))


def _entries(field: EntryField, facts: Mapping[str, Any], speech: Speech) -> Iterator[Entry]:
    """A field as one entry; a field that names many (all answers, all consents) as one for each."""
    bare = _bare(field)
    many = [source for source in facts if source.startswith(f"{bare}.")]
    if many:
        yield from (_entry(source, facts[source], speech) for source in many)
        return
    yield _entry(bare, facts.get(bare), speech, label=speech.say(field.label), two_people=field.check_twice)


def _entry(source: str, value: object, speech: Speech, *, label: str | None = None, two_people: bool = False) -> Entry:
    return Entry(
        label=label or speech.label(source),
        source=source,
        answers=speech.answers(source, value),
        untold=speech.untold(source),
        question=source.removeprefix("own.answers.") if source.startswith("own.answers.") else None,
        two_people=two_people or source.endswith(".identity_code"),
    )


def _facts(record: ClientRecord, party: RecordParty, speech: Speech) -> dict[str, Any]:
    """Every value of one party's part by its path, answers in the order of the form."""
    facts: dict[str, Any] = dict(_neutral(record, speech))
    for part in _PARTS:
        opened: Opened | None = getattr(party, part)
        for name in type(opened).model_fields if opened else _ALWAYS.get(part, ()):
            value = getattr(opened, name, None)
            if isinstance(value, Mapping):
                told = cast("Mapping[str, Any]", value)
                sources = [f"{part}.{name}.{each}" for each in told]
                facts.update({source: told[source.rpartition(".")[2]] for source in speech.in_order(sources)})
            elif (part, name) != ("own", "children"):
                facts[f"{part}.{name}"] = value
    if party.submitted_at is not None:
        facts["submitted_at"] = party.submitted_at
    return facts


def _neutral(record: ClientRecord, speech: Speech) -> dict[str, str]:
    values = {f"record.{name}": getattr(record, name) for name in NEUTRAL}
    return {
        source: speech.day(value.astimezone(speech.timezone).date()) if isinstance(value, datetime) else str(value)
        for source, value in values.items()
    }


def _children(party: RecordParty) -> Iterator[dict[str, Any]]:
    for child in party.own.children if party.own else ():
        yield {f"child.{name}": getattr(child, name) for name in Child.model_fields}


def _known_by(root: str, facts: Mapping[str, Any], speech: Speech) -> tuple[Entry, ...]:
    """What a person is searched for by: the identity code, else the date of birth; and the names."""
    told = [name for name in _KNOWN_BY if facts.get(f"{root}.{name}")]
    if "identity_code" in told and "birth_date" in told:
        told.remove("birth_date")
    return tuple(_entry(f"{root}.{name}", facts[f"{root}.{name}"], speech) for name in told)


def _identifiers(record: ClientRecord, occasion: Occasion, speech: Speech) -> Iterator[Entry]:
    yield _fact(speech, "delivery", str(occasion.key.delivery))
    yield _fact(speech, "registration", str(record.registration_id))


def _fact(speech: Speech, name: str, text: str) -> Entry:
    return Entry(label=speech.fixed(name), source=name, answers=(Answer(text),), untold="")


def _bare(field: EntryField) -> str:
    return field.source.removeprefix("party.")


def _prepared(occasion: Occasion, speech: Speech) -> str:
    local = occasion.prepared_at.astimezone(speech.timezone)
    return f"{speech.day(local.date())} {local:%H.%M}"


def in_order(record: ClientRecord) -> list[RecordParty]:
    """By random id: no order tells who began."""
    return sorted(record.parties, key=lambda party: party.party_id)
