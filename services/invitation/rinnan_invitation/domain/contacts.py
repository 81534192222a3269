"""Whether two people wrote down the same mailbox or telephone."""

from __future__ import annotations

import unicodedata

from rinnan_events.invitation import Channel
from rinnan_events.opened import Contact

SHORTEST_NUMBER = 6
"""Digits below which a telephone number is told apart by all of it."""


def is_same(channel: Channel, to: str, own: Contact) -> bool:
    """Whether this address is the one of that contact on the channel, however it is written."""
    if channel is Channel.EMAIL:
        return own.email is not None and _mailbox(to) == _mailbox(own.email)
    return own.phone is not None and _is_same_number(_digits(to), _digits(own.phone))


def _mailbox(email: str) -> str:
    return unicodedata.normalize("NFKC", email).strip().casefold()


def _digits(phone: str) -> str:
    """The digits without the zeros in front, which stand for a trunk or for the way abroad."""
    return "".join(sign for sign in phone if sign.isdecimal()).lstrip("0")


def _is_same_number(one: str, other: str) -> bool:
    """One may be written with its country, the other without."""
    shorter, longer = sorted((one, other), key=len)
    return one == other or (len(shorter) >= SHORTEST_NUMBER and longer.endswith(shorter))
