"""HTTP as every room speaks it. Rooms import from here."""

from rinnan_chassis.deciding import PartyToken
from rinnan_chassis.web.application import application
from rinnan_chassis.web.bodies import Body, Email, Line, Name, Phone
from rinnan_chassis.web.doors import Doors, Key, Seen, etag
from rinnan_chassis.web.health import Pulse, Readiness, health
from rinnan_chassis.web.issuers import Issuers, Person, Right, Staff, issuers_of
from rinnan_chassis.web.operations import Operable, operations_routes
from rinnan_chassis.web.problems import NotAllowed, NotFound, NotSignedIn, Problems, untold
from rinnan_chassis.web.tokens import PartyTokenCheck, PartyTokens, public_keys

__all__ = [
    "Body",
    "Doors",
    "Email",
    "Issuers",
    "Key",
    "Line",
    "Name",
    "NotAllowed",
    "NotFound",
    "NotSignedIn",
    "Operable",
    "PartyToken",
    "PartyTokenCheck",
    "PartyTokens",
    "Person",
    "Phone",
    "Problems",
    "Pulse",
    "Readiness",
    "Right",
    "Seen",
    "Staff",
    "application",
    "etag",
    "health",
    "issuers_of",
    "operations_routes",
    "public_keys",
    "untold",
]
