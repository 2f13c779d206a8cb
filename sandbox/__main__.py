"""`python -m sandbox notion|media|ai --port N --data DIR`: one stand-in as a process of its own.

Prints `listening on URL` when it is ready and stops on SIGTERM, on Ctrl-C and, with `--with-parent`, when the
process that started it is gone.
"""

import argparse
import importlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Protocol

_PARENT_CHECK_S = 0.5


class Running(Protocol):
    """What every `sandbox.<name>.server.run(port, data_dir)` gives back, already accepting connections."""

    url: str

    def stop(self) -> None:
        """Ends the server."""


class Run(Protocol):
    """`run` of a stand-in: starts it and returns at once."""

    def __call__(self, port: int, data_dir: Path) -> Running:
        """Port 0 takes a free one; `data_dir` exists."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the stand-in that the command line names until it is told to stop."""
    parent = os.getppid()
    options = _parser().parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())

    options.data.mkdir(parents=True, exist_ok=True)
    run: Run = importlib.import_module(f"sandbox.{options.service}.server").run
    server = run(options.port, options.data)
    sys.stdout.write(f"listening on {server.url}\n")
    sys.stdout.flush()
    try:
        while not stopped.wait(_PARENT_CHECK_S):
            if options.with_parent and os.getppid() != parent:
                break
    finally:
        server.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Stand-ins for outside services.")
    parser.add_argument("service", choices=("notion", "media", "ai"))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--data", type=Path, required=True, help="folder for what the stand-in keeps")
    parser.add_argument("--with-parent", action="store_true", help="stop when the starting process ends")
    return parser


if __name__ == "__main__":
    main()
