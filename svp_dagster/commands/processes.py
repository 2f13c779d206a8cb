"""Child processes that start together and stop together.

Each child leads a process group of its own, so that Ctrl-C reaches us alone and we end them in order; whatever a child
started is ended with its group. Should we be killed, the kernel tells the children (Linux).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""Where workspace.yaml and dagster.yaml lie; children start here."""

GRACE_S = 15.0
LAST_LINES = 15
_PR_SET_PDEATHSIG = 1


class StartFailed(Exception):
    """A child ended, or did not answer in time, or can't be started. The text says why, and where its log is."""


@dataclass
class Child:
    """One running child and the file that takes its output."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join([f"The end of {self.log}:", *lines])


@dataclass
class Processes:
    """The children, in the order of their start."""

    log_folder: Path
    children: list[Child] = field(default_factory=list)

    def start_module(self, module: str, arguments: list[str], *, name: str) -> Child:
        """Start `python -m module` with our environment."""
        return self.start(name, [sys.executable, "-m", module, *arguments], env=os.environ)

    def start(self, name: str, command: list[str], *, env: Mapping[str, str]) -> Child:
        """Start a child with its output in `log_folder/name.log`."""
        self.log_folder.mkdir(parents=True, exist_ok=True)
        log = self.log_folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                env=dict(env),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 (no thread runs yet)
            )
        child = Child(name=name, process=process, log=log)
        self.children.append(child)
        return child

    def wait_for(self, child: Child, is_ready: Callable[[], bool], *, limit_s: float) -> None:
        """Wait until the child answers. Raises `StartFailed`."""
        give_up_at = time.monotonic() + limit_s
        while not is_ready():
            if child.process.poll() is not None:
                raise StartFailed(f"{child.name} ended with code {child.process.returncode}. {child.last_words()}")
            if time.monotonic() > give_up_at:
                raise StartFailed(f"{child.name} didn't answer within {limit_s:.0f} s. {child.last_words()}")
            time.sleep(0.1)

    def ended(self) -> Child | None:
        """A child that ended by itself, if any."""
        return next((child for child in self.children if child.process.poll() is not None), None)

    def stop(self) -> None:
        """End all, the last started first: first asked, then, after `GRACE_S`, killed with all they started."""
        for child in reversed(self.children):
            _signal_group(child, signal.SIGTERM)
        give_up_at = time.monotonic() + GRACE_S
        for child in reversed(self.children):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=max(0.1, give_up_at - time.monotonic()))
            _signal_group(child, signal.SIGKILL)
            child.process.wait()
        self.children.clear()


@contextlib.contextmanager
def running(log_folder: Path) -> Iterator[Processes]:
    """Children that are gone when the block is left, by whatever way: SIGTERM ends it as Ctrl-C does."""
    processes = Processes(log_folder)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield processes
    finally:
        processes.stop()
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def home_lock(home: Path) -> Iterator[int]:
    """Hold the lock of whoever starts runs in this home folder. Raises `StartFailed` where another process holds it.

    The kernel releases it with this process, however that ends. The value is the lock's file descriptor.
    """
    home.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    with (home / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartFailed(f"Another start uses this SVP_HOME ({home}). Stop it first, or set another.") from None
        yield file.fileno()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def answers_at(path: Path) -> bool:
    """Whether somebody listens at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        return client.connect_ex(str(path)) == 0


def require_free(*ports: int, host: str = "127.0.0.1") -> None:
    """Raise `StartFailed` where somebody listens already: a second start would disturb the first one's data."""
    for port in ports:
        if answers(port, host):
            raise StartFailed(f"Something answers at {host}:{port} already. If it is this program, stop it first.")


def _signal_group(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process.pid, number)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
