"""One HTTP server with two ports: what people may reach, and, apart from it, how the room feels."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

_WAITING = 2048  # connections that wait to be taken


@dataclass(frozen=True, slots=True)
class Served:
    """A server and the two sockets it listens on: what people may reach, and health."""

    server: uvicorn.Server
    sockets: list[socket.socket]

    async def serve(self) -> None:
        """Answer until told to stop; then the sockets are closed."""
        await self.server.serve(self.sockets)

    def stop(self) -> None:
        """Take nothing new, finish what is in hand."""
        self.server.should_exit = True


def served(public: ASGIApp, public_at: tuple[str, int], health: ASGIApp, health_at: tuple[str, int]) -> Served:
    """Listen on both (port 0 is any free one), and answer nothing of the one on the other.

    Which it is follows from the socket that a request came in by, from nothing that the request says. Raises: OSError
    where an address is taken.
    """
    sockets = [_listening(*public_at), _listening(*health_at)]
    port = sockets[1].getsockname()[1]

    async def by_port(scope: Scope, receive: Receive, send: Send) -> None:
        app = health if scope["server"][1] == port else public
        await app(scope, receive, send)

    config = uvicorn.Config(
        by_port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=10,
    )
    return Served(uvicorn.Server(config), sockets)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_WAITING)
