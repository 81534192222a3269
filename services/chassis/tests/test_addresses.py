import pytest

from rinnan_chassis.addresses import is_private


@pytest.mark.parametrize(
    "address",
    ["https://cis.example/fhir", "http://127.0.0.1:9/fhir", "http://[::1]:9/fhir", "http://localhost/", "HTTPS://a.b"],
)
def test_https_and_loopback_can_be_read_by_nobody_on_the_way(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://cis.example/fhir",
        "http://10.0.0.1/",
        "http://127.0.0.1.example/",
        "http://localhost.example/",
        "http://127.0.0.1@cis.example/",
        "ftp://127.0.0.1/",
        "http:///etc/",
        "https://",
        "http://[::1",
        "cis",
        "",
    ],
)
def test_anything_else_is_in_the_clear(address: str) -> None:
    assert not is_private(address)
