"""Where something that nobody else may read can be sent."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host name, an address or a directory of Unix sockets can only mean this machine."""
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(address: str) -> bool:
    """Whether what is sent to this web address can be read by nobody on the way: https, or http on loopback."""
    try:
        told = urlsplit(address)
        host = told.hostname or ""
    except ValueError:
        return False
    return bool(host) and (told.scheme == "https" or (told.scheme == "http" and is_loopback(host)))
