"""Secrets of an installation that provisioning does not make, and the issuers of the development sign-in."""

from __future__ import annotations

import base64
import json
import secrets
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path

from joserfc.jwk import OKPKey

from rinnan_chassis.secret_files import write_secretly

AUDIENCE = "rinnan"
ISSUERS = "issuers.json"
PARTY_KEYS = "party_keys.json"
PUBLIC = "public"


def write_keys(folder: Path, *, identity_provider: str) -> dict[str, dict[str, str]]:
    """Make what is not there yet, and answer what each room is told of it, as it also stands in the room's folder.

    The key of party tokens and the peppers are made once: changing a pepper would make everybody a stranger. The
    public half of the key and who is believed are for every room, in the folder `public`.
    """
    intake, invitation, public = (folder / name for name in ("intake", "invitation", PUBLIC))
    for each in (folder, intake, invitation, public):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = {
        "intake": {
            "RINNAN_PARTY_KEY_FILE": str(_party_key(intake / "party_key.json", public / PARTY_KEYS)),
            "RINNAN_IDENTITY_PEPPER_FILE": str(_pepper(intake / "identity_pepper")),
        },
        "invitation": {"RINNAN_CODE_PEPPER": _pepper(invitation / "code_pepper").read_text()},
    }
    for room, settings in told.items():
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        own = folder / room / "own.env"
        write_secretly(own, lines)
    parents = {"kind": "parent", "strong_acr": ["strong"], "claims": {"identity_code": "national_id"}}
    issuers = [
        {**parents, **_issuer(f"{identity_provider}/parents")},
        {"kind": "staff", "counties": ["*"], **_issuer(f"{identity_provider}/staff")},
    ]
    (public / ISSUERS).write_text(json.dumps(issuers, indent=2))
    return told


def _party_key(path: Path, published: Path) -> Path:
    if not path.exists():
        key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"}, auto_kid=True)
        public = {**key.as_dict(private=False), "kid": key.kid}
        published.write_text(json.dumps({"keys": [public]}))
        write_secretly(path, json.dumps({**key.as_dict(private=True), "kid": key.kid}))
    return path


def _pepper(path: Path) -> Path:
    if not path.exists():
        write_secretly(path, base64.b64encode(secrets.token_bytes(32)).decode())
    return path


def _issuer(address: str) -> Mapping[str, str]:
    return {"issuer": address, "audience": AUDIENCE, "jwks_uri": f"{address}/jwks"}


def main() -> None:
    """`python -m rinnan_local.keys --folder … --identity-provider http://127.0.0.1:20100`."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--identity-provider", required=True)
    options = parser.parse_args()
    write_keys(options.folder.absolute(), identity_provider=options.identity_provider)


if __name__ == "__main__":
    main()
