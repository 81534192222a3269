"""One HTTP application as every room has it: strict bodies, problems in the caller's language, quiet headers."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel, Field, PydanticUserError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rinnan_chassis.database import is_away
from rinnan_chassis.deciding import Refusal, Unavailable
from rinnan_chassis.sealing import KeyDestroyed
from rinnan_chassis.tracing import child_of
from rinnan_chassis.web.bodies import MOST_BYTES, OnlyJson
from rinnan_chassis.web.faults import faults, is_about_the_path
from rinnan_chassis.web.problems import MEDIA_TYPE, NotFound, NotSignedIn, NotValid, Problems

RETRY_AFTER_SECONDS: Final = 5
HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

_CODE_OF_STATUS: Final[Mapping[int, str]] = {
    400: "chassis.malformed_body",
    401: NotSignedIn.code,
    403: "chassis.not_allowed",
    404: NotFound.code,
    405: "chassis.method_not_allowed",
    413: "chassis.too_large",
    415: "chassis.unsupported_media_type",
}
_SERVER_ERROR: Final = 500
# The framework's own telemetry would tell of paths with ids, and of exceptions with their messages.
_NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}

log = logging.getLogger(__name__)


class FaultOut(BaseModel):
    """One thing wrong with the input."""

    field: str = Field(description="JSON pointer into the body, or the name of the parameter.")
    code: str
    title: str


class Problem(BaseModel):
    """RFC 9457 problem details. No value of the input is ever repeated."""

    type: str = Field(description="urn:rinnan:problem:<code>")
    title: str = Field(description="For people, in the language that Accept-Language asks for.")
    status: int
    code: str = Field(description="For programs: stable.")
    field: str | None = None
    errors: list[FaultOut] | None = None
    told: dict[str, int | str] | None = None


def application(
    title: str,
    version: str,
    routers: Sequence[APIRouter],
    problems: Problems,
    *,
    most_bytes: int = MOST_BYTES,
) -> FastAPI:
    """The application of one room. Run its server without a server header and without an access log.

    Raises: TypeError for a route whose annotations cannot be resolved: its doors would silently be read as parameters.
    A module whose routes take doors from a function's arguments must not postpone annotations.
    """
    app = FastAPI(
        title=title,
        version=version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
        generate_unique_id_function=_operation_id,
        responses={"default": {"description": "A problem.", "content": {MEDIA_TYPE: {"schema": _PROBLEM_REF}}}},
        middleware=[
            Middleware(_Quiet, problems=problems),
            Middleware(OnlyJson, problems=problems, most_bytes=most_bytes),
        ],
        exception_handlers=_handlers(problems),
    )
    for router in routers:
        app.include_router(router)
    _document_problems(app)
    try:
        app.openapi()
    except PydanticUserError as unresolved:
        raise TypeError("a route's annotations are postponed: drop the __future__ import of its module") from unresolved
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _handlers(problems: Problems) -> dict[int | type[Exception], Any]:
    async def refused(request: Request, no: Refusal) -> Response:
        return problems.refusal(request, no)

    async def not_valid(request: Request, error: RequestValidationError) -> Response:
        told = error.errors()
        return problems.refusal(request, NotFound() if is_about_the_path(told) else NotValid(faults(told)))

    async def by_status(request: Request, error: HTTPException) -> Response:
        status = error.status_code
        if status >= _SERVER_ERROR:
            return _failed(problems, request, error)
        code = _CODE_OF_STATUS.get(status, "chassis.refused")
        return problems.answer(request, code, status, headers=error.headers)

    async def closed(request: Request, _: KeyDestroyed) -> Response:
        return problems.answer(request, "chassis.closed", 410)

    async def away(request: Request, error: Unavailable) -> Response:
        return _failed(problems, request, error)

    return {
        Refusal: refused,
        RequestValidationError: not_valid,
        HTTPException: by_status,
        KeyDestroyed: closed,
        Unavailable: away,
    }


def _failed(problems: Problems, request: Request, error: Exception) -> Response:
    """Away (503) or a fault of ours (500): logged by type and place, since an exception's text may hold anything."""
    if isinstance(error, Unavailable) or is_away(error):
        log.warning("request_unavailable", extra={"kind": type(error).__name__})
        return problems.answer(request, "chassis.unavailable", 503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "unknown"
    log.error("request_failed", extra={"kind": type(error).__name__, "place": place})
    return problems.answer(request, "chassis.internal", 500)


class _Quiet:
    """Outermost: binds the traceparent for logs, sets the headers, and lets no exception out to a server's log."""

    def __init__(self, app: ASGIApp, problems: Problems) -> None:
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        trace = child_of(Headers(scope=scope).get("traceparent"))
        scope.setdefault("state", {})["traceparent"] = trace
        with structlog.contextvars.bound_contextvars(traceparent=trace):
            try:
                await self._app(scope, receive, with_headers)
            except Exception as error:  # noqa: BLE001 - the last place where an answer can be given
                answer = _failed(self._problems, Request(scope), error)
                if not started:
                    await answer(scope, receive, with_headers)


_PROBLEM_REF: Final = {"$ref": "#/components/schemas/Problem"}


def _document_problems(app: FastAPI) -> None:
    """Makes the OpenAPI document tell of problem+json instead of FastAPI's own error body, which is never sent."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        told = plain()
        for path in told.get("paths", {}).values():
            for operation in path.values():
                operation.get("responses", {}).pop("422", None)
        schemas: dict[str, Any] = told.setdefault("components", {}).setdefault("schemas", {})
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
        told["components"]["schemas"] = dict(sorted(schemas.items()))
        return told

    app.openapi = openapi  # pyright: ignore[reportAttributeAccessIssue] - FastAPI documents this way of extending it
