"""One HTTP server with two ports: what people may reach, and, apart from it, the room's health."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


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
    sockets = [_bound(*public_at), _bound(*health_at)]
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


def _bound(host: str, port: int) -> socket.socket:
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a room that is started again need not wait
    taken.bind((host, port))
    return taken
