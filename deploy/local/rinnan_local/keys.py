"""The key of party tokens and the list of believed issuers, where people sign in at the development provider."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path

from joserfc.jwk import OKPKey

AUDIENCE = "rinnan"
PARTY_KEY = "party_key.json"
PARTY_KEYS = "party_keys.json"
ISSUERS = "issuers.json"


def write_keys_and_issuers(folder: Path, *, identity_provider: str) -> None:
    """Write intake's private key (once), its public half, and the issuers at the address `identity_provider`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / PARTY_KEY).exists():
        key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"}, auto_kid=True)
        public = {**key.as_dict(private=False), "kid": key.kid}
        (folder / PARTY_KEYS).write_text(json.dumps({"keys": [public]}))
        write_secretly(folder / PARTY_KEY, {**key.as_dict(private=True), "kid": key.kid})
    parents = {"kind": "parent", "strong_acr": ["strong"], "claims": {"identity_code": "national_id"}}
    issuers = [
        {**parents, **_issuer(f"{identity_provider}/parents")},
        {"kind": "staff", **_issuer(f"{identity_provider}/staff")},
    ]
    (folder / ISSUERS).write_text(json.dumps(issuers, indent=2))


def write_secretly(path: Path, content: Mapping[str, object]) -> None:
    """Write a new file that only its owner can read, at no moment anybody else."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file)


def _issuer(address: str) -> dict[str, str]:
    return {"issuer": address, "audience": AUDIENCE, "jwks_uri": f"{address}/jwks"}


def main() -> None:
    """`python -m rinnan_local.keys --folder … --identity-provider http://127.0.0.1:20100`."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--identity-provider", required=True)
    options = parser.parse_args()
    write_keys_and_issuers(options.folder, identity_provider=options.identity_provider)


if __name__ == "__main__":
    main()
