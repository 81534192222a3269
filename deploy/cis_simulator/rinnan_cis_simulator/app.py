"""The simulator's HTTP: any number of named FHIR servers by path prefix, one admin API, one page."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from rinnan_cis_simulator import page, rules
from rinnan_cis_simulator.behaviour import Behaviour, Behaviours, Mood
from rinnan_cis_simulator.rules import Create, Refused
from rinnan_cis_simulator.store import Stands, Store

Server = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,60}$")]
MEDIA_TYPE = "application/fhir+json"
MOST_BODIES = 1000
SAYS_NO = {
    Mood.REFUSES: Refused(422, "business-rule", "told to refuse"),
    Mood.CONFLICTS: Refused(409, "conflict", "told to have lost a race"),
    Mood.AMBIGUOUS: Refused(412, "multiple-matches", "told to find several"),
    Mood.DOWN: Refused(503, "transient", "told to be down"),
}


def application(store: Store) -> FastAPI:
    """The simulator over a store."""
    simulator = _Simulator(store)
    app = FastAPI(title="Rinnan's CIS simulator", docs_url=None, redoc_url=None)
    app.add_exception_handler(Refused, _refused)
    app.get("/livez")(simulator.alive)
    app.get("/", response_class=HTMLResponse)(simulator.page)
    app.get("/admin/behaviour")(simulator.behaviours.all)
    app.put("/admin/behaviour/{server}", status_code=204)(simulator.behave)
    app.get("/admin/effects")(simulator.effects)
    app.get("/admin/bodies/{server}")(simulator.kept)
    app.get("/{server}/fhir/metadata")(simulator.metadata)
    app.post("/{server}/fhir")(simulator.transaction)
    app.post("/{server}/fhir/{kind}")(simulator.create)
    app.get("/{server}/fhir/{kind}")(simulator.search)
    app.post("/{server}/fhir/{kind}/_search")(simulator.search_by_form)
    app.get("/{server}/fhir/{kind}/{number}")(simulator.read)
    return app


class _Cut(Response):
    """An answer whose line is cut after its head."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def _refused(_: Request, no: Exception) -> Response:
    if not isinstance(no, Refused):
        raise TypeError from no
    headers = {"Retry-After": "1"} if no.status == 503 else {}  # noqa: PLR2004 - service unavailable
    return _fhir(no.outcome(), no.status, headers)


def _fhir(resource: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(resource), status, headers, MEDIA_TYPE)


@dataclass
class _Simulator:
    store: Store
    behaviours: Behaviours = field(default_factory=Behaviours)
    bodies: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))

    async def transaction(self, server: Server, request: Request) -> Response:
        """A transaction bundle."""

        def understand(body: dict[str, Any], behaviour: Behaviour) -> list[Create]:
            return rules.transaction(body, validates=behaviour.validates)

        def answer(stands: list[Stands]) -> Response:
            return _fhir(_transaction_response(stands))

        return await self._write(server, request, understand, answer)

    async def create(self, server: Server, kind: str, request: Request) -> Response:
        """One resource, with `If-None-Exist` where the sender says so."""

        def understand(body: dict[str, Any], behaviour: Behaviour) -> list[Create]:
            if body.get("resourceType") != kind:
                raise Refused(400, "structure", "the resource is not of the address's type")
            if behaviour.validates:
                rules.conforms(body)
            return [rules.create(body, None, request.headers.get("if-none-exist"))]

        def answer(stands: list[Stands]) -> Response:
            (here,) = stands
            return Response(status_code=201 if here.new else 200, headers={"Location": _location(here)})

        return await self._write(server, request, understand, answer)

    async def _write(
        self,
        server: str,
        request: Request,
        understand: Callable[[dict[str, Any], Behaviour], list[Create]],
        answer: Callable[[list[Stands]], Response],
    ) -> Response:
        behaviour = self.behaviours.at_a_write(server)
        body = await request.body()
        if behaviour.keeps_bodies and behaviour.mood is not Mood.DOWN:
            self.bodies[server] = [*self.bodies[server][1 - MOST_BODIES :], body.decode(errors="replace")]
        if behaviour.mood is Mood.DOWN:
            raise SAYS_NO[Mood.DOWN]
        creates = understand(rules.parse(body, request.headers.get("content-type", "")), behaviour)
        await asyncio.sleep(behaviour.effect_after_seconds)
        if behaviour.mood in SAYS_NO:
            await asyncio.sleep(behaviour.answer_after_seconds)
            raise SAYS_NO[behaviour.mood]
        stands = self._take(server, creates, behaviour)
        await asyncio.sleep(behaviour.answer_after_seconds)
        if behaviour.mood is Mood.HALF_DONE:
            raise Refused(500, "exception", "told to stop half way")
        return _Cut() if behaviour.mood is Mood.CUTS else answer(stands)

    def _take(self, server: str, creates: list[Create], behaviour: Behaviour) -> list[Stands]:
        if not behaviour.effect:
            return [Stands(create.type, 1, new=True) for create in creates]
        stands = self.store.create(server, creates, half=behaviour.mood is Mood.HALF_DONE)
        if behaviour.mood is Mood.DOUBLES:
            self.store.create(server, creates, always=True)
        return stands

    async def search(self, server: Server, kind: str, request: Request) -> Response:
        """A search by identifier."""
        return self._found(server, kind, dict(request.query_params))

    async def search_by_form(self, server: Server, kind: str, request: Request) -> Response:
        """The same with the identifier in the body, where it stays out of logs of addresses."""
        async with request.form() as form:
            return self._found(server, kind, {name: str(told) for name, told in form.items()})

    def _found(self, server: str, kind: str, query: dict[str, str]) -> Response:
        self._must_be_up(server)
        if kind not in rules.TYPES or query.keys() - {"identifier", "_count", "_summary", "_elements"}:
            raise Refused(400, "not-supported", "only a search by identifier, of what can be created here")
        system, bar, value = query.get("identifier", "").partition("|")
        if not bar:
            raise Refused(400, "not-supported", "identifier=system|value is needed")
        numbers = self.store.search(server, kind, rules.Token(system, value))
        found: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(numbers)}
        count = query.get("_count", "50")
        shown = [] if query.get("_summary") == "count" else numbers[: int(count) if count.isdecimal() else 50]
        bodies = [(number, self.store.read(server, kind, number)) for number in shown]
        entries = [
            {"fullUrl": f"{kind}/{number}", "resource": orjson.Fragment(body), "search": {"mode": "match"}}
            for number, body in bodies
            if body
        ]
        return _fhir({**found, **({"entry": entries} if entries else {})})

    async def read(self, server: Server, kind: str, number: int) -> Response:
        """One resource."""
        self._must_be_up(server)
        body = self.store.read(server, kind, number)
        if body is None:
            raise Refused(404, "not-found", "no such resource")
        return Response(body, media_type=MEDIA_TYPE)

    async def metadata(self, server: Server) -> Response:
        """What the server can do."""
        self._must_be_up(server)
        return _fhir(_statement())

    def _must_be_up(self, server: str) -> None:
        if self.behaviours.of(server).mood is Mood.DOWN:
            raise SAYS_NO[Mood.DOWN]

    async def alive(self) -> dict[str, str]:
        """The simulator runs, however its servers behave."""
        return {"status": "ok"}

    async def behave(self, server: Server, behaviour: Behaviour) -> Response:
        """Tell a server how to behave from now on."""
        self.behaviours.tell(server, behaviour)
        return Response(status_code=204)

    async def effects(
        self, server: Annotated[str | None, Query()] = None, value: Annotated[str | None, Query()] = None
    ) -> dict[str, dict[str, int]]:
        """How many resources bear each of the senders' own identifiers: server → identifier value → count."""
        return self.store.effects(server, value)

    async def kept(self, server: Server) -> list[str]:
        """The bodies that arrived while the server was told to keep them, oldest first."""
        return self.bodies[server]

    async def page(self) -> str:
        """What stands where, for people."""
        return page.html(self.store, self.behaviours.all())


def _location(here: Stands) -> str:
    return f"{here.type}/{here.id}/_history/1"


def _transaction_response(stands: list[Stands]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction-response",
        "entry": [
            {
                "response": {
                    "status": "201 Created" if here.new else "200 OK",
                    "location": _location(here),
                    "etag": 'W/"1"',
                }
            }
            for here in stands
        ],
    }


def _statement() -> dict[str, Any]:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "interaction": [{"code": "transaction"}],
                "resource": [
                    {
                        "type": kind,
                        "interaction": [{"code": "create"}, {"code": "read"}, {"code": "search-type"}],
                        "conditionalCreate": True,
                        "searchParam": [{"name": "identifier", "type": "token"}],
                    }
                    for kind in rules.TYPES
                ],
            }
        ],
    }
