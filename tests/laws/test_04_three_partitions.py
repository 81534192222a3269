"""Law 4, Three partitions: what one parent said is found nowhere but where it belongs, and nowhere in the clear."""

from __future__ import annotations

import base64
import mmap
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pypdf
import pytest

from rinnan_events.opened import Route
from rinnan_local.families import Family, Person
from rinnan_local.parents import Parent
from tests.laws import wire
from tests.laws.conftest import House, run
from tests.laws.people import MARK, PHONES, strings_of, telling

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ELSEWHERE = ("families", "counties", "mail", "cis.sqlite")  # what we wrote ourselves, and what stands for the outside
NUMBERS_ALONE = {".index", ".timeindex"}  # the broker's, mostly holes: offsets and times
RAISED = tuple(route.value for route in Route if route is not Route.STANDARD)
CODE = re.compile(rb"[0-9]{6}[-A]9[0-9]{2}[0-9A-Y]")


@dataclass(frozen=True, slots=True)
class Marked:
    """What came of two families whose every string is a mark: one went to a system, one onto paper."""

    resources: list[dict[str, Any]]
    answered: tuple[bytes, bytes]
    documents: Mapping[str, bytes]
    paper: Family
    system: Family


@pytest.fixture(scope="module")
def marked(house: House) -> Marked:
    """Played through, both of them, by parents one of whom is under protection."""
    return run(_marked(house))


async def _marked(house: House) -> Marked:
    await house.wait_for_morning()
    on_system, on_paper = (house.cast.marked[place] for place in (house.places.system, house.places.paper))
    server = house.server(on_system.county)
    async with house.systems() as systems, house.staff(on_system.county, "operator") as operator:
        await systems.behave(server, keeps_bodies=True)
        async with house.played(on_system, record=True) as play:
            await house.delivery(operator, play.registration_id, "confirmed")
            for parent in play.parents:
                await parent.look_at_everything()
            one, other = (_all_that_was_answered(parent) for parent in play.parents)
            (body,) = await house.bodies(server, play.registration_id)
    async with house.staff(on_paper.county, "supervisor-one") as staff, house.played(on_paper) as play:
        delivery = await house.delivery(staff, play.registration_id, "prepared")
        await staff.release(delivery)
        documents = {name: content async for name, content in _everything_rendered(house, delivery)}
    resources = [entry["resource"] for entry in orjson.loads(body)["entry"]]
    return Marked(resources, (one, other), documents, on_paper, on_system)


def _all_that_was_answered(parent: Parent) -> bytes:
    return b"\n".join(part for each in parent.exchanges for part in (str(each.headers).encode(), each.body))


async def _everything_rendered(house: House, delivery: Mapping[str, Any]) -> AsyncIterator[tuple[str, bytes]]:
    """All documents, the protected too, as a member of staff with every right reads them."""
    async with house.staff(house.places.paper, "supervisor-two") as staff:
        for document in await staff.documents(delivery):
            yield document["name"], await staff.read(delivery, document)


def spellings(text: str) -> Iterator[bytes]:
    """How a text would look in a place that keeps bytes: as it is, in hexadecimal, in Base64 at any offset."""
    plain = text.encode()
    yield plain
    yield plain.hex().encode()
    for offset in range(3):
        whole = base64.urlsafe_b64encode(bytes(offset) + plain)
        yield whole[(offset * 8 + 5) // 6 : (offset + len(plain)) * 8 // 6]


GIVEAWAYS = (*spellings(MARK), *spellings(PHONES), *(route.encode() for route in RAISED))


def found_in(content: bytes | mmap.mmap, house: House) -> list[str]:
    """What of anybody who ever played here stands in this: every string has a giveaway in it, or is a code."""
    known = {
        person.identity_code for family in house.cast.everybody() for person in (*family.parents, *family.children)
    }
    codes = [code for found in CODE.finditer(content) if (code := found[0].decode()) in known]
    return [*codes, *(mark.decode() for mark in GIVEAWAYS if content.find(mark) >= 0)]


@pytest.mark.parametrize("offset", range(3))
def test_a_mark_is_found_in_any_spelling(offset: int) -> None:
    for mark in (MARK, PHONES):
        text = b"x" * offset + f"F{mark}abc".encode()
        for spelled in (text, text.hex().encode(), base64.urlsafe_b64encode(text), base64.b64encode(text)):
            assert any(giveaway in spelled for giveaway in GIVEAWAYS) or b"+" in spelled


async def test_no_topic_carries_any_of_it_in_the_clear(house: House, marked: Marked) -> None:
    said = await wire.everything_said(house.stack.kafka_servers)
    assert len(said) > 20
    assert not found_in(b"\n".join(message.raw for message in said), house)


async def test_no_table_of_any_schema_holds_any_of_it_in_the_clear(house: House, marked: Marked) -> None:
    tables = await house.rows(
        """select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
           where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"""
    )
    assert len(tables) > 50
    for table in tables:
        kept = await house.rows(f"select t::text as row from {table['name']} t")  # noqa: S608 - the catalogue's names
        assert not found_in("\n".join(row["row"] for row in kept).encode(), house), table["name"]


def test_no_file_of_the_installation_holds_any_of_it_in_the_clear(house: House, marked: Marked) -> None:
    """Logs, the broker's and the database's own files, clocks, addresses: all that is not the outside's."""
    root = house.stack.folder.path
    files = [path for path in root.rglob("*") if path.is_file() and _is_ours(path.relative_to(root))]
    assert {f"{name}.log" for name in house.stack.daemons} <= {path.name for path in files}
    for path in files:
        if path.stat().st_size:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                assert not found_in(content, house), path.relative_to(root)


def _is_ours(path: Path) -> bool:
    return not path.parts[0].startswith(ELSEWHERE) and path.suffix not in NUMBERS_ALONE


async def test_a_mail_or_text_message_tells_nothing_but_where_it_goes(house: House, marked: Marked) -> None:
    catcher = house.installation.addresses.mail_catcher
    async with house.staff(house.places.system, "operator") as anybody:
        sent = [*await anybody.get(f"{catcher}/messages"), *await anybody.get(f"{catcher}/sms")]
    assert sent
    strings = telling(house.cast.everybody())
    for message in sent:
        to = {message["to"]} if isinstance(message["to"], str) else set(message["to"])
        told = orjson.dumps(message).decode()
        assert {text for text in strings if text in told} <= to


def marks_of(person: Person) -> list[str]:
    return [text for what, text in strings_of(person) if what != "postal_code"]


def test_a_parent_is_never_answered_with_what_tells_of_the_other(marked: Marked) -> None:
    one, other = marked.system.parents
    for own, others, answered in zip((one, other), (other, one), marked.answered, strict=True):
        assert any(text.encode() in answered for text in marks_of(own))
        assert not [text for text in marks_of(others) if text.encode() in answered]


def test_what_one_parent_said_stands_in_no_resource_of_the_other(marked: Marked) -> None:
    one, other = (marks_of(parent) for parent in marked.system.parents)
    children = [text for child in marked.system.children for text in marks_of(child)]
    for resource in marked.resources:
        told = orjson.dumps(resource).decode()
        of = [any(text in told for text in texts) for texts in (one, other, children)]
        assert sum(of) <= 1
        assert resource["resourceType"] == "Patient" or not of[2]


def test_an_address_reaches_the_system_in_its_restricted_place_alone_and_never_under_protection(
    marked: Marked,
) -> None:
    shielded, open_one = (parent.home for parent in marked.system.parents)
    assert shielded
    assert open_one
    (holding,) = [one for one in marked.resources if open_one.street in orjson.dumps(one).decode()]
    assert holding["resourceType"] == "Task"
    assert holding["meta"]["security"]
    assert shielded.street not in orjson.dumps(marked.resources).decode()


def test_a_package_holds_its_own_parents_part_and_nothing_of_the_others(marked: Marked) -> None:
    one, other = (marks_of(parent) for parent in marked.paper.parents)
    assert len(marked.documents) == 15
    for name, content in marked.documents.items():
        text = readable(name, content)
        of = sum(any(mark in text for mark in marks) for marks in (one, other))
        assert of == (0 if "cover" in name else 1), name


def test_an_address_stands_on_the_protected_annex_and_on_no_other_paper(marked: Marked) -> None:
    homes = [parent.home.street for parent in marked.paper.parents if parent.home]
    holding = [
        name for name, content in marked.documents.items() if any(home in readable(name, content) for home in homes)
    ]
    assert holding
    assert all("protected" in name for name in holding)


def readable(name: str, content: bytes) -> str:
    """All text of a document, its metadata too."""
    if not name.endswith(".pdf"):
        return content.decode()
    reader = pypdf.PdfReader(BytesIO(content))
    xmp = reader.xmp_metadata.stream.get_data().decode() if reader.xmp_metadata else ""
    told = [str(value) for value in (reader.metadata or {}).values()]
    return "\n".join([*(page.extract_text() for page in reader.pages), *told, xmp])
