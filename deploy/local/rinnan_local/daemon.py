"""One long-lived child process: started, asked whether it is ready, stopped, killed, and never left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Self

import psutil

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class DidNotStart(Exception):  # noqa: N818 - a state of the world
    """A process ended, or its time ran out, before it was ready. The log named in the message tells why."""


class CommandFailed(Exception):  # noqa: N818 - a state of the world
    """A short command said that it did not succeed."""


def die_with_parent(signal_number: signal.Signals, parent: int) -> Callable[[], None]:
    """What a child runs before it becomes its program, so that the kernel ends it when its parent is gone.

    The kernel watches the parent's thread, so a daemon is launched from a thread that lives as long as the daemon.
    """

    def before_exec() -> None:
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal_number)
            if os.getppid() != parent:
                os.kill(os.getpid(), signal_number)

    return before_exec


class Daemon(ABC):
    """A process of the local stack. `name` is also the name of its log."""

    orphan_signal = signal.SIGKILL
    stop_signal = signal.SIGTERM
    stop_seconds = 10.0
    ready_seconds = 60.0

    def __init__(self, name: str, logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it can be used. Asked again and again until it says yes."""

    def prepare(self) -> None:
        """Put on disk what the process needs. Safe to repeat, and to run in another thread."""
        self.log.parent.mkdir(parents=True, exist_ok=True)

    def environment(self) -> Mapping[str, str]:
        """The whole environment of the process."""
        return os.environ

    def user(self) -> int | None:
        """The user id to run as; None: the same as ours."""
        return None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.running else None

    def launch(self) -> None:
        """Start the process and return at once. Call it from a thread that outlives the process."""
        if self.running:
            return
        with self.log.open("ab") as log:
            self.process = self._spawn(log)

    def _spawn(self, log: BinaryIO) -> subprocess.Popen[bytes]:
        user = self.user()
        return subprocess.Popen(  # noqa: S603 - command lines of our own making
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(self.environment()),
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
            preexec_fn=die_with_parent(self.orphan_signal, os.getpid()),  # noqa: PLW1509 - it calls nothing that locks
        )

    def wait_ready(self) -> None:
        """Return when the process can be used. Raises `DidNotStart`."""
        until = time.monotonic() + self.ready_seconds
        while not self.is_ready():
            if not self.running:
                raise DidNotStart(f"{self.name} ended before it was ready; see {self.log}")
            if time.monotonic() > until:
                raise DidNotStart(f"{self.name} was not ready within {self.ready_seconds:.0f} s; see {self.log}")
            time.sleep(0.05)

    def start(self) -> None:
        """Prepare, launch, and return when ready."""
        self.prepare()
        self.launch()
        self.wait_ready()

    def ask_to_stop(self) -> None:
        """Tell the process to end, and return at once."""
        if self.process is not None and self.running:
            self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """End the process in good order; after `stop_seconds`, kill it."""
        self.ask_to_stop()
        self.wait_stopped()

    def wait_stopped(self) -> None:
        """Return when a process that was asked to stop is gone; after `stop_seconds`, kill it."""
        if self.process is None:
            return
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process and all it started, now, as a power cut would."""
        if self.process is None or not self.running:
            return
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        for child in family:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        while any(_lives(child) for child in family):
            time.sleep(0.01)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _lives(process: psutil.Process) -> bool:
    """Whether a process that was killed still holds anything; one that only waits to be reaped does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def run(command: Sequence[str | Path], *, user: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end, as another user if asked. Raises `CommandFailed` with what the command told."""
    ended = subprocess.run(  # noqa: S603 - command lines of our own making
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        user=user,
        group=user,
        extra_groups=[] if user is not None else None,
    )
    if ended.returncode:
        raise CommandFailed(f"{Path(command[0]).name} ended with {ended.returncode}: {ended.stderr or ended.stdout}")
    return ended


def stop_all(daemons: Iterable[Daemon]) -> None:
    """End all of these in good order, at the same time."""
    together = list(daemons)
    for daemon in together:
        daemon.ask_to_stop()
    for daemon in together:  # asked once only: a second signal would tell a server not to finish what it is doing
        daemon.wait_stopped()
