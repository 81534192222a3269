"""The FHIR adapter keeps the contract of the port, against a server on a real socket."""

import pytest

from rinnan_host.contract import AdapterContract

pytestmark = pytest.mark.slow  # it waits for a far side that does not answer


class TestTheFhirAdapter(AdapterContract):
    """Everything that the port asks."""


class TestTheFhirAdapterWithARestrictedPlace(AdapterContract):
    """The same where care routes and addresses may be written."""

    @pytest.fixture
    def place(self) -> dict[str, object]:
        return {"restricted_place": True}
