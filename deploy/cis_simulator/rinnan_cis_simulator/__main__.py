"""`python -m rinnan_cis_simulator --port 18090 --store var/cis.sqlite`."""

from __future__ import annotations

import argparse

import uvicorn

from rinnan_cis_simulator.app import application
from rinnan_cis_simulator.store import Store


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="rinnan_cis_simulator", description="Simulated client information systems")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--store", default=":memory:", help="SQLite file; what was answered as stored survives a kill")
    told = parser.parse_args()
    store = Store(told.store)
    try:
        uvicorn.run(
            application(store), host=told.host, port=told.port, log_level="warning", access_log=False, ws="none"
        )
    finally:
        store.close()


if __name__ == "__main__":
    main()
