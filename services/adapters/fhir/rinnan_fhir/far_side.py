"""HTTP with a FHIR server, told by what the far side did. No policy: each call asks once and names the answer."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import orjson

from rinnan_fhir.settings import FhirSettings
from rinnan_host.port import AlreadyThere, Place, Reason, Rejected, Unavailable, Unknown, Written

MEDIA_TYPE = "application/fhir+json"
IDLE_SECONDS = 2  # shorter than any server's own: a connection that the server just closed would make a write unknown
CONFLICT_PAUSES = (0.05, 0.2, 0.6)  # seconds; a server that lost a race with an equal write answers 409 and did nothing

Answer = httpx.Response | Unavailable | Unknown


def client(settings: FhirSettings, place: Place, bearer: str | None) -> httpx.AsyncClient:
    """The connection pool of one destination. Raises OSError or ssl.SSLError where a certificate cannot be read."""
    headers = {"Accept": MEDIA_TYPE}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    connecting = min(settings.connect_timeout_seconds, 0.8 * place.write_timeout.total_seconds())
    return httpx.AsyncClient(
        headers=headers,
        verify=_trust(settings.authorities, settings.client_certificate, settings.client_key),
        trust_env=False,
        timeout=httpx.Timeout(None, connect=connecting, pool=connecting),
        limits=httpx.Limits(max_connections=place.parallel + 1, keepalive_expiry=IDLE_SECONDS),
    )


@cache
def _trust(authorities: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Whom to believe, and who we are (mutual TLS)."""
    context = ssl.create_default_context(cafile=authorities)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


async def ask(http: httpx.AsyncClient, request: httpx.Request, seconds: float) -> Answer:
    """Send a request and read the whole answer within `seconds`. What failed before it left is `Unavailable`."""
    try:
        async with asyncio.timeout(seconds):
            return await http.send(request)
    except httpx.ConnectTimeout:
        return Unavailable(Reason.UNREACHABLE)
    except httpx.ConnectError:
        return Unavailable(Reason.UNREACHABLE)
    except httpx.PoolTimeout:
        return Unavailable(Reason.BUSY)
    except (TimeoutError, httpx.TimeoutException):
        return Unknown(Reason.TIMED_OUT)
    except httpx.TransportError:
        return Unknown(Reason.CONNECTION_LOST)


async def post(http: httpx.AsyncClient, base_url: str, body: bytes, seconds: float) -> Answer:
    """Post a transaction; a 409, by which nothing was done, is asked again a few times within the same `seconds`."""
    ends = asyncio.get_running_loop().time() + seconds
    answer: Answer = Unavailable(Reason.CONFLICT)
    for pause in (0.0, *CONFLICT_PAUSES):
        await asyncio.sleep(pause)
        left = ends - asyncio.get_running_loop().time()
        if left <= 0:
            break
        request = http.build_request("POST", base_url, content=body, headers={"Content-Type": MEDIA_TYPE})
        answer = await ask(http, request, left)
        if not isinstance(answer, httpx.Response) or answer.status_code != LOST_RACE:
            break
    return answer


LOST_RACE = 409
SAYS: dict[int, Rejected | Unavailable | Unknown] = {
    400: Rejected(Reason.NOT_VALID),
    401: Unavailable(Reason.NOT_ALLOWED),
    403: Unavailable(Reason.NOT_ALLOWED),
    404: Unavailable(Reason.NOT_CAPABLE),
    405: Unavailable(Reason.NOT_CAPABLE),
    408: Unknown(Reason.TIMED_OUT),
    LOST_RACE: Unavailable(Reason.CONFLICT),
    410: Unavailable(Reason.NOT_CAPABLE),
    412: Rejected(Reason.AMBIGUOUS),
    413: Rejected(Reason.NOT_VALID),
    415: Rejected(Reason.NOT_VALID),
    422: Rejected(Reason.NOT_VALID),
    429: Unavailable(Reason.BUSY),
}
"""What an answer says of a transaction. A refusal of us (not signed in, wrong address) is no refusal of the record: it
passes once somebody mends it."""


def refusal(answer: httpx.Response) -> Rejected | Unavailable | Unknown:
    """What an answer that is not a success says of a transaction.

    A 503 excludes doubt only where the server itself says when to come back; a gateway's tells nothing of what is
    behind.
    """
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE.value and "retry-after" in answer.headers:
        return Unavailable(Reason.BUSY)
    reason = Reason.FAR_SIDE_FAILED if answer.is_server_error else Reason.ANSWER_NOT_UNDERSTOOD
    return SAYS.get(answer.status_code, Unknown(reason))


def reading(answer: Answer) -> dict[str, Any] | Unavailable:
    """The resource in the answer to a reading request; whatever is wrong with it, nothing was done."""
    if not isinstance(answer, httpx.Response):
        return Unavailable(answer.reason)
    if not answer.is_success:
        failed = refusal(answer)
        return Unavailable(failed.reason if isinstance(failed, Unavailable | Unknown) else Reason.NOT_CAPABLE)
    found = parsed(answer)
    return Unavailable(Reason.ANSWER_NOT_UNDERSTOOD) if found is None else found


def parsed(answer: httpx.Response) -> dict[str, Any] | None:
    """The JSON object in an answer, or None."""
    try:
        found: object = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def written(answer: httpx.Response, entries: int) -> Written | AlreadyThere | Unknown:
    """What a transaction's answer says of its last entry, not yet counted."""
    match parsed(answer):
        case {"resourceType": "Bundle", "type": "transaction-response", "entry": [*_, {"response": last}] as entry} if (
            len(entry) == entries
        ):
            receipt = _receipt(str(last.get("location", "")))
            if receipt and str(last.get("status", "")).startswith("201"):
                return Written(receipt, None)
            if receipt and str(last.get("status", "")).startswith("200"):
                return AlreadyThere(receipt, None)
        case _:
            pass
    return Unknown(Reason.ANSWER_NOT_UNDERSTOOD)


def _receipt(location: str) -> str | None:
    """`Task/17` from `https://…/Task/17/_history/1`; None where it is not there."""
    parts = location.split("/_history/", maxsplit=1)[0].split("/")
    return f"Task/{parts[-1]}" if len(parts) > 1 and parts[-2] == "Task" and parts[-1] else None


def standing(found: dict[str, Any]) -> tuple[str, int] | None:
    """The receipt and the count in a search's answer; None where nothing stands there.

    Raises KeyError, TypeError, AttributeError or ValueError where the answer is not a searchset.
    """
    if found["resourceType"] != "Bundle" or found["type"] != "searchset":
        raise ValueError("not a searchset")
    matches = [entry for entry in found.get("entry", ()) if entry.get("search", {}).get("mode", "match") == "match"]
    count = max(int(found.get("total", 0)), len(matches))
    if not count:
        return None
    return min(f"Task/{entry['resource']['id']}" for entry in matches), count
