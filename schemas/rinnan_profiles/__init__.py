"""What a county decides: its profile, form, catalogue, texts, instrument and letters, as typed, read-only values."""

from rinnan_profiles.answers import CANNOT_SAFELY, PREFER_NOT, WHOLE_ANSWERS, FieldFault, NotWhole, Wrong
from rinnan_profiles.catalogue import Catalogue, Service
from rinnan_profiles.county import ADAPTERS, County, Destination, NoDestination
from rinnan_profiles.form import Form
from rinnan_profiles.identity_code import IdentityCode, NotAnIdentityCode
from rinnan_profiles.instrument import Instrument
from rinnan_profiles.letters import Message
from rinnan_profiles.loading import BrokenProfiles, Profiles, UnknownCounty, UnknownVersion, load
from rinnan_profiles.manual_entry import ManualEntry
from rinnan_profiles.matching import matching_text, normalised_name
from rinnan_profiles.texts import Consent, Texts
from rinnan_profiles.words import Spoken, Words

__all__ = [
    "ADAPTERS",
    "CANNOT_SAFELY",
    "PREFER_NOT",
    "WHOLE_ANSWERS",
    "BrokenProfiles",
    "Catalogue",
    "Consent",
    "County",
    "Destination",
    "FieldFault",
    "Form",
    "IdentityCode",
    "Instrument",
    "ManualEntry",
    "Message",
    "NoDestination",
    "NotAnIdentityCode",
    "NotWhole",
    "Profiles",
    "Service",
    "Spoken",
    "Texts",
    "UnknownCounty",
    "UnknownVersion",
    "Words",
    "Wrong",
    "load",
    "matching_text",
    "normalised_name",
]
