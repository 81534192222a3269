import asyncio
import json
import tomllib
from collections.abc import AsyncIterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from rinnan_chassis.web import Body, Email
from rinnan_chassis.web.problems import CHASSIS_TEXTS


class Colour(StrEnum):
    RED = "red"


class Child(Body):
    name: str
    born: date


class Family(Body):
    children: tuple[Child, ...]
    id: UUID
    colours: frozenset[Colour] = frozenset()
    note: str = ""


class Letter(Body):
    text: Annotated[str, Field(max_length=500)]
    title: str = ""


A_PART: dict[str, Any] = {"given_names": "Áile Ŋiŋá", "born": "1990-02-28"}
JSON = {"Content-Type": "application/json"}


async def sent(client: httpx.AsyncClient, **changed: Any) -> httpx.Response:
    return await client.post("/parts", json=A_PART | changed, headers={"Accept-Language": "en"})


@pytest.mark.parametrize(
    "name", ["Åke-Östen", "O'Brien", "محمد", "مهدی‌زاده", "Nguyễn Thị", "Čáhci Šïŧž Đ", "李", "Maria d\u2019Arc", "Ö"]
)
async def test_a_name_of_any_script_is_read(client: httpx.AsyncClient, name: str) -> None:
    answer = await sent(client, given_names=name)
    assert answer.json() == {"given_names": name, "children": 0}


@pytest.mark.parametrize(
    "note",
    [
        "a\u0000b",
        "a\nb",
        "a\u202eb",
        "a\u2066b",
        "a\u200bb",
        "a\u00adb",
        "a\u3164b",
        "a\ue000b",
        "a\u200db",
        "\ud800",
        "a\ufe0f",
    ],
)
async def test_a_text_with_characters_nobody_sees_is_refused_by_its_field(client: httpx.AsyncClient, note: str) -> None:
    answer = await client.post("/parts", content=json.dumps(A_PART | {"note": note}), headers=JSON)
    assert answer.status_code == 422
    assert (answer.json()["field"], answer.json()["code"]) == ("/note", "chassis.forbidden_characters")


async def test_hidden_characters_are_found_in_a_nested_field_too(client: httpx.AsyncClient) -> None:
    answer = await sent(client, children=[{"given_names": "Eino\u202e", "born": "2020-01-01"}])
    assert answer.json()["field"] == "/children/0/given_names"


@pytest.mark.parametrize("name", ["Eino 😀", "Eino 2", "<b>Eino</b>"])
async def test_a_persons_name_holds_no_emoji_digits_or_markup(client: httpx.AsyncClient, name: str) -> None:
    answer = await sent(client, given_names=name)
    assert (answer.status_code, answer.json()["field"]) == (422, "/given_names")


@pytest.mark.parametrize("name", ["-", "'", "...", "\u02bc", "- \u2019 -"])
async def test_signs_alone_name_nobody(client: httpx.AsyncClient, name: str) -> None:
    answer = await sent(client, given_names=name)
    assert (answer.json()["field"], answer.json()["code"]) == ("/given_names", "chassis.forbidden_characters")


@pytest.mark.parametrize("note", ["good 😀", "\u2764", "\U0001f1eb\U0001f1ee", "1\u20e3", "\U0001f3fb", "\u231a"])
async def test_no_text_holds_an_emoji(client: httpx.AsyncClient, note: str) -> None:
    answer = await sent(client, note=note)
    assert (answer.json()["field"], answer.json()["code"]) == ("/note", "chassis.forbidden_characters")


@pytest.mark.parametrize("note", ["Šaarintie 3 A, ovi № 2", "Äijälä §4: 5°", "a+b=c", "½ €"])
async def test_what_people_write_besides_letters_is_read(client: httpx.AsyncClient, note: str) -> None:
    assert (await sent(client, note=note)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"given_names": "a" * 10_000}, "/given_names", "chassis.too_long"),
        ({"given_names": "  "}, "/given_names", "chassis.too_short"),
        ({"given_names": 7}, "/given_names", "chassis.wrong_type"),
        ({"born": "2023-02-29"}, "/born", "chassis.not_a_date"),
        ({"born": "1990-02-28T00:00:00"}, "/born", "chassis.not_a_date"),
        ({"born": 636_163_200}, "/born", "chassis.not_a_date"),
        ({"colour": "ultraviolet"}, "/colour", "chassis.not_a_choice"),
        ({"reachable": "yes"}, "/reachable", "chassis.wrong_type"),
        ({"reachable": 1}, "/reachable", "chassis.wrong_type"),
        ({"id": "1234"}, "/id", "chassis.wrong_form"),
        ({"nickname": "Ellu"}, "/nickname", "chassis.unknown_field"),
        ({"010190-9000": True}, "", "chassis.unknown_field"),
        ({"children": [{"given_names": "Eino"}]}, "/children/0/born", "chassis.missing_field"),
        ({"children": {}}, "/children", "chassis.wrong_type"),
    ],
)
async def test_what_is_wrong_is_named_by_field_and_code(
    client: httpx.AsyncClient, changed: dict[str, Any], field: str, code: str
) -> None:
    answer = await sent(client, **changed)
    problem = answer.json()
    assert (answer.status_code, problem["field"], problem["code"]) == (422, field, code)


async def test_several_faults_are_all_named(client: httpx.AsyncClient) -> None:
    problem = (await client.post("/parts", json={"born": "soon"}, headers={"Accept-Language": "sv-FI"})).json()
    assert problem["code"] == "chassis.not_valid"
    assert problem["errors"] == [
        {"field": "/given_names", "code": "chassis.missing_field", "title": "En obligatorisk uppgift saknas."},
        {
            "field": "/born",
            "code": "chassis.not_a_date",
            "title": "Uppgiften är inte ett riktigt datum eller en riktig tid.",
        },
    ]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "chassis.malformed_body"),
        (b'{"born": NaN}', "chassis.malformed_body"),
        (b'{"given_names": "\xe4"}', "chassis.malformed_body"),
        (b"\xff\xfe{\x00}\x00", "chassis.malformed_body"),
        (b"[" * 30_000, "chassis.too_deep"),
        (b"[" * 13 + b"]" * 13, "chassis.too_deep"),
        (b"1" * 5000, "chassis.malformed_body"),
    ],
)
async def test_a_malformed_body_is_refused(client: httpx.AsyncClient, raw: bytes, code: str) -> None:
    answer = await client.post("/parts", content=raw, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_key_given_twice_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/parts", content=b'{"children": [{"born": "a", "born": "b"}]}', headers=JSON)
    assert (answer.status_code, answer.json()["field"]) == (400, "/children/0/born")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""]
)
async def test_only_json_is_taken(client: httpx.AsyncClient, kind: str) -> None:
    answer = await client.post("/parts", content=json.dumps(A_PART), headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "chassis.unsupported_media_type")


async def test_a_body_that_tells_it_is_too_large_is_not_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/parts", content=b"x" * (64 * 1024 + 1), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "chassis.too_large")


async def test_a_body_that_does_not_tell_its_size_is_counted_as_it_comes(client: httpx.AsyncClient) -> None:
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        while pieces < 50:
            pieces += 1
            yield b" " * 16_384

    answer = await client.post("/parts", content=endless(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "chassis.too_large")
    assert pieces <= 6


async def test_a_body_in_pieces_is_read_whole(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in json.dumps(A_PART).encode():
            yield bytes([byte])

    assert (await client.post("/parts", content=pieces(), headers=JSON)).status_code == 200


WORDS = CHASSIS_TEXTS.read_text(encoding="utf-8")


def pieces_of(value: str, ours: str) -> set[str]:
    """Every piece of four characters that `ours`, and the texts of the chassis, do not hold anyway."""
    every = {value[at : at + 4] for at in range(len(value) - 3)}
    return {piece for piece in every if piece not in WORDS + ours and not piece.isspace()}


def said(answer: httpx.Response) -> str:
    return answer.text + json.dumps(answer.json(), ensure_ascii=False) + repr(answer.headers)


@pytest.mark.parametrize("field", ["given_names", "born", "colour", "reachable", "id", "children", "note"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(min_size=4, max_size=400), language=st.sampled_from(["fi", "sv", "en"]))
def test_no_piece_of_a_refused_value_comes_back(app: FastAPI, field: str, value: str, language: str) -> None:
    answer = post(app, A_PART | {field: value, "note_": 1}, language)
    assert answer.status_code == 422
    assert answer.headers["Content-Language"] == language
    ours = said(post(app, A_PART | {field: [], "note_": 1}, language))
    assert not [piece for piece in pieces_of(value, ours) if piece in said(answer)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=4).filter(
        lambda key: key[0] not in "abcdefghijklmnopqrstuvwxyz"
    )
)
def test_a_key_that_does_not_look_like_a_field_is_not_said_again(app: FastAPI, key: str) -> None:
    ours = said(post(app, A_PART | {"note_": 1}, "en"))
    assert not [piece for piece in pieces_of(key, ours) if piece in said(post(app, A_PART | {key: 1}, "en"))]


def test_the_chassis_says_everything_in_three_languages() -> None:
    texts = tomllib.loads(CHASSIS_TEXTS.read_text(encoding="utf-8"))
    assert {code: set(told) for code, told in texts.items()} == {code: {"fi", "sv", "en"} for code in texts}


def post(app: FastAPI, part: dict[str, Any], language: str) -> httpx.Response:
    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://room") as client:
            return await client.post("/parts", content=json.dumps(part), headers={**JSON, "Accept-Language": language})

    return asyncio.run(once())


def test_a_body_can_be_made_from_values_too() -> None:
    child = Child(name="Eino", born=date(2020, 1, 1))
    family = Family(children=(child,), id=UUID(int=5), colours=frozenset({Colour.RED}))
    assert family == Family.model_validate(
        {"children": [{"name": "Eino", "born": "2020-01-01"}], "id": str(UUID(int=5)), "colours": ["red"]}
    )
    assert family.model_fields_set == {"children", "id", "colours"}
    assert family.children[0].born == date(2020, 1, 1)


def test_a_field_may_ask_for_longer_text_than_a_line() -> None:
    assert len(Letter(text="a" * 500).text) == 500
    with pytest.raises(ValidationError):
        Letter(text="a" * 501)


def test_a_text_is_at_most_a_line_where_its_field_says_nothing() -> None:
    with pytest.raises(ValidationError):
        Letter(text="a", title="a" * 201)


def test_a_validation_error_does_not_hold_its_input_in_its_text() -> None:
    with pytest.raises(ValidationError) as error:
        Letter(text="secret" * 100)
    assert "secret" not in str(error.value)


class Reached(Body):
    email: Email


@pytest.mark.parametrize(
    "email", ["aino@example.org", "o'hara+x@a.b.example.fi", "A_b-c.d@xn--mkinen-bua.fi", "a@b-c.museum", "1@1.fi"]
)
def test_an_address_of_e_mail_is_read(email: str) -> None:
    assert Reached.model_validate({"email": email}).email == email


@pytest.mark.parametrize(
    "email",
    [
        *(
            '/@[".fi',
            '"a b"@x.fi',
            "a..b@x.fi",
            ".a@x.fi",
            "a.@x.fi",
            "a@x",
            "a@x..fi",
            "a@-x.fi",
            "a@x-.fi",
            "a@x.fi.",
        ),
        *(
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a(b)@x.fi",
            "a:b@x.fi",
            "a@b@x.fi",
            "a@mäkinen.fi",
            "mäki@x.fi",
            "@x.fi",
            "",
        ),
        *("a@x.fi,b@x.fi", "Aino <a@x.fi>", "a@" + "b" * 64 + ".fi", "a" * 250 + "@x.fi"),
    ],
)
def test_an_address_that_not_every_mail_server_takes_is_refused(email: str) -> None:
    with pytest.raises(ValidationError):
        Reached.model_validate({"email": email})
