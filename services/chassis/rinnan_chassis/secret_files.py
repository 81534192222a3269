"""Files that only their owner can read, and at no moment anybody else."""

from __future__ import annotations

import os
from pathlib import Path


def write_secretly(path: Path, text: str) -> None:
    """Write a file, or replace the one that stands there, whole."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
