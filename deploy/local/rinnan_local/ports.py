"""Loopback ports for processes that must come back on the same port after they were killed."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
BELOW_EPHEMERAL = range(20_000, 32_000)  # the kernel gives outgoing connections ports above these


def free_port(taken: set[int] | None = None) -> int:
    """A loopback port that nothing listens on now. `taken` ports are passed over, and the chosen one is added to it."""
    taken = set() if taken is None else taken
    for port in random.sample(BELOW_EPHEMERAL, len(BELOW_EPHEMERAL)):
        if port not in taken and not answers(port):
            taken.add(port)
            return port
    raise OSError("no loopback port is free")


def answers(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0
