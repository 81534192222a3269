"""`python -m rinnan_contracts write|check|release`: the contracts as the code promises them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rinnan_contracts.promises import broken_promises, generated, release, stale, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 1 when what is promised and what the code does differ."""
    parser = argparse.ArgumentParser(prog="rinnan_contracts", description="The contracts, written from the code.")
    parser.add_argument("verb", choices=("write", "check", "release"))
    parser.add_argument("--root", type=Path, default=Path.cwd())
    options = parser.parse_args(arguments)
    root: Path = options.root
    faults = broken_promises(root)
    if options.verb == "check":
        faults += stale(root, generated(root))
    elif options.verb == "write":
        files = generated(root)
        print(f"{write(root, files)} of {len(files)} files written anew")  # noqa: T201 - this is what the command says
    elif not faults:
        print(f"{release(root)} schemas are now what must stay readable")  # noqa: T201 - this is what the command says
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201 - this is what the command says
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
