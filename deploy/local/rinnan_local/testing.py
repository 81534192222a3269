"""Kafka and PostgreSQL for a test run: addresses from the environment win, else both are started for the run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rinnan_local.kafka import Kafka
from rinnan_local.postgres import Postgres

KAFKA_SERVERS = "TEST_KAFKA_SERVERS"
DATABASE_ADMIN_URL = "TEST_DATABASE_ADMIN_URL"


@contextmanager
def kafka(var: Path) -> Generator[str]:
    """The address of a Kafka that lives as long as the block; `TEST_KAFKA_SERVERS` names one to use instead."""
    if given := os.environ.get(KAFKA_SERVERS):
        yield given
        return
    with _folder(var / "test-stack" / f"kafka-{os.getpid()}") as directory, Kafka(directory) as broker:
        yield broker.address


@contextmanager
def postgres(var: Path) -> Generator[str]:
    """A superuser's URL of a PostgreSQL that lives as long as the block; `TEST_DATABASE_ADMIN_URL` gives another."""
    if given := os.environ.get(DATABASE_ADMIN_URL):
        yield given
        return
    with _folder(var / "test-stack" / f"postgres-{os.getpid()}") as directory, Postgres(directory) as server:
        yield server.admin_url


@contextmanager
def kafka_and_postgres(var: Path) -> Generator[tuple[str, str]]:
    """Both, for a run that needs both."""
    with postgres(var) as admin_url, kafka(var) as servers:
        yield servers, admin_url


@contextmanager
def _folder(path: Path) -> Generator[Path]:
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
