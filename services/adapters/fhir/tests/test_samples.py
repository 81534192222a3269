"""The samples in `contracts/adapter/samples/` are what the adapter does; run as a script, this writes them anew."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from rinnan_events.opened import ClientRecord
from rinnan_fhir.adapter import proven
from rinnan_fhir.mapping import bundle
from rinnan_host.port import key_of
from rinnan_host.samples import a_joint_record, a_single_record

CONTRACTS = Path(__file__).parents[4] / "contracts"
SAMPLES = CONTRACTS / "adapter" / "samples"
RECORDS = {"joint": a_joint_record, "single": a_single_record}
BUNDLES = [(name, place) for name in RECORDS for place in ("fhir", "fhir-restricted")]


def pretty(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def bundle_of(record: ClientRecord, place: str) -> bytes:
    table = proven(CONTRACTS / "fhir" / "r4.toml")
    return pretty(bundle(record, key_of(record), table, restricted_place=place == "fhir-restricted"))


@pytest.mark.parametrize("name", RECORDS)
def test_a_sample_record_is_the_one_that_every_adapter_is_tested_with(name: str) -> None:
    written = ClientRecord.model_validate_json((SAMPLES / f"{name}.json").read_bytes())
    assert written == RECORDS[name]()


@pytest.mark.parametrize(("name", "place"), BUNDLES)
def test_a_sample_record_becomes_its_sample_bundle_byte_for_byte(name: str, place: str) -> None:
    record = ClientRecord.model_validate_json((SAMPLES / f"{name}.json").read_bytes())
    assert bundle_of(record, place) == (SAMPLES / f"{name}.{place}.json").read_bytes()


if __name__ == "__main__":
    for name, made in RECORDS.items():
        (SAMPLES / f"{name}.json").write_bytes(pretty(made().model_dump(mode="json")))
    for name, place in BUNDLES:
        (SAMPLES / f"{name}.{place}.json").write_bytes(bundle_of(RECORDS[name](), place))
