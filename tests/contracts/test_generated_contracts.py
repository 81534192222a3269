"""What the generated contracts promise, checked by readers that are not ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from rinnan_contracts.__main__ import main
from rinnan_contracts.json_schemas import json_schemas
from rinnan_contracts.promises import broken_promises, generated, release, stale, write
from rinnan_contracts.rooms import wired
from rinnan_events import events, sealed_fields
from rinnan_events.intake import InvitationWanted
from rinnan_events.sealed import Binding, Group, Sealed

ROOT = Path(__file__).parents[2]
HEAD = "eyJhbGciOiJkaXIifQ"


@pytest.fixture(scope="module")
def files() -> dict[Path, str]:
    return dict(generated(ROOT))


def test_the_files_say_what_the_code_says(files: dict[Path, str]) -> None:
    assert stale(ROOT, files) == []


def test_what_was_released_stays_readable() -> None:
    assert broken_promises(ROOT) == []


def test_generating_again_gives_the_same_whoever_does_it(
    files: dict[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINNAN_SOMETHING", "else")
    assert dict(generated(ROOT)) == files


def test_a_file_that_nobody_promises_is_named_and_removed(tmp_path: Path, files: dict[Path, str]) -> None:
    write(tmp_path, files)
    orphan = tmp_path / "schemas" / "json" / "intake.never_said.v1.json"
    orphan.write_text("{}")
    assert [told.partition(":")[0] for told in stale(tmp_path, files)] == ["schemas/json/intake.never_said.v1.json"]
    write(tmp_path, files)
    assert not orphan.exists()


def test_a_released_schema_that_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "contracts" / "released").mkdir(parents=True)
    (tmp_path / "contracts" / "released" / "intake.never_said.v1.json").write_text("{}")
    assert [told.partition(":")[0] for told in broken_promises(tmp_path)] == ["intake.never_said.v1"]


def test_a_release_makes_todays_schemas_those_that_must_stay_readable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["release", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{len(json_schemas())} schemas are now what must stay readable\n"
    assert broken_promises(tmp_path) == []


def test_while_a_field_is_no_longer_said_the_release_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release(tmp_path)
    released = tmp_path / "contracts" / "released" / f"{InvitationWanted.type}.json"
    schema = json.loads(released.read_text("utf-8"))
    schema["properties"]["gone"] = {"type": "string"}
    released.write_text(json.dumps(schema))
    assert main(["release", "--root", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"{InvitationWanted.type}: $.gone: is no longer said")
    assert json.loads(released.read_text("utf-8")) == schema


@pytest.mark.parametrize("schema", json_schemas().values(), ids=json_schemas().keys())
def test_every_schema_is_json_schema_and_closed(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("event", events().values(), ids=events().keys())
def test_every_sealed_field_is_a_string_with_its_group(event: type[Any]) -> None:
    properties = json_schemas()[event.type]["properties"]
    told = {name: properties[name] for name, _ in sealed_fields(event)}
    assert {name: each["x-seal-group"] for name, each in told.items()} == dict(sealed_fields(event))
    assert {each["type"] for each in told.values()} <= {"string"}


def test_what_is_really_said_is_valid_by_its_schema() -> None:
    subject = UUID(int=1)
    seal = Sealed[Any](f"{HEAD}..aaaa.bbbb.cccc")
    event = InvitationWanted(registration_id=subject, party_id=UUID(int=2), teller_id=UUID(int=3), contact=seal)
    jsonschema.validate(json.loads(event.model_dump_json()), json_schemas()[event.type])


def test_a_part_that_is_told_in_the_clear_is_not_valid_by_its_schema() -> None:
    ids = {name: str(UUID(int=number)) for number, name in enumerate(["registration_id", "party_id", "teller_id"])}
    body = {**ids, "contact": "aino@example.org"}
    with pytest.raises(jsonschema.ValidationError, match="contact"):
        jsonschema.validate(body, json_schemas()[InvitationWanted.type])


def test_the_at_rest_form_of_a_seal_is_not_valid_on_the_wire() -> None:
    subject, party = UUID(int=1), UUID(int=2)
    bound = Binding(InvitationWanted.type, "m", subject, None, Group.CONTACT)
    contact = Sealed[Any](f"{HEAD}..aaaa.bbbb.cccc", bound)
    event = InvitationWanted(registration_id=subject, party_id=party, teller_id=party, contact=contact)
    with pytest.raises(jsonschema.ValidationError, match="contact"):
        jsonschema.validate(json.loads(event.model_dump_json()), json_schemas()[event.type])


def test_every_openapi_document_is_valid(files: dict[Path, str]) -> None:
    documents = {place: text for place, text in files.items() if place.parent.name == "openapi"}
    assert {"every_room.yaml", "intake.yaml", "consent.yaml"} <= {place.name for place in documents}
    for text in documents.values():
        OpenAPIV31SpecValidator(yaml.safe_load(text)).validate()


def test_every_event_is_in_the_asyncapi_document_and_is_said_by_its_owner_alone(files: dict[Path, str]) -> None:
    document = yaml.safe_load(files[Path("contracts/asyncapi.yaml")])
    told = set(document["components"]["messages"])
    assert set(events()) <= told
    said = [name for name, operation in document["operations"].items() if operation["action"] == "send"]
    assert all(name.partition(".says.")[2].startswith(name.partition(".")[0] + ".") for name in said)


def test_every_room_in_the_tree_is_wired() -> None:
    rooms = {file.parents[1] for file in ROOT.glob("services/**/rinnan_*/handlers.py")} - {
        ROOT / "services" / "chassis"
    }
    assert rooms <= {each.home for each in wired(ROOT)}
