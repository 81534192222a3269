"""`python -m rinnan_local.up`: the whole stack on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import NoReturn

from rinnan_local.daemon import DidNotStart
from rinnan_local.stack import ROOT, Addresses, Stack


def told(addresses: Addresses) -> str:
    """The addresses of a running stack, for people."""
    lines = {
        "Sign-in of test persons": addresses.identity_provider,
        "Mail and text messages": addresses.mail_catcher,
        "Client information systems": addresses.cis_simulator,
        **addresses.rooms,
        **addresses.hosts,
        "Kafka": addresses.kafka,
        "SMTP": addresses.smtp,
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {address}" for name, address in lines.items())


def main() -> int:
    """Start, say where everything is, wait to be ended, end everything."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=ROOT / "var" / "up", help="where data, logs and secrets go")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run left there")
    parser.add_argument("--rate", type=float, default=1.0, help="how many times as fast as time the clock runs")
    options = parser.parse_args()
    end_on_signals()
    try:
        with Stack(options.directory, fresh=options.fresh, rate=options.rate) as stack:
            stay(stack)
    except DidNotStart as reason:
        print(reason, file=sys.stderr)  # noqa: T201 - the command's answer
        return 1
    except KeyboardInterrupt:
        return 0


def stay(stack: Stack) -> NoReturn:
    """Say where everything is, and leave it running until a signal ends this process."""
    print(told(stack.addresses), "\n\nCtrl-C ends it.", flush=True)  # noqa: T201 - the command's answer
    while True:
        signal.pause()


def end_on_signals() -> None:
    """Let SIGINT and SIGTERM end everything in good order, as a KeyboardInterrupt."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _end)


def _end(*_: object) -> None:
    """Leave the stack's block once; a second signal must not disturb the ending."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
