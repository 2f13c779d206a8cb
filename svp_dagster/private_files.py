"""What this program writes is for its own user: tokens, keys, media, logs."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from svp_dagster.errors import Code, failure

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_files_private() -> None:
    """Let this process, and those that it starts, create files that nobody else can read."""
    os.umask(_OTHERS)


def is_private(folder: Path) -> bool:
    """Return whether nobody but its owner has rights to a folder."""
    return not folder.stat().st_mode & _OTHERS


def make_private(home: Path) -> None:
    """Create the home folder, or close one that is open to others. Raises `misconfigured` where that isn't allowed."""
    home.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    if is_private(home):
        return
    try:
        home.chmod(stat.S_IRWXU)
    except PermissionError as error:
        reason = "others can read SVP_HOME, which belongs to another user; set it to a folder that is made at the start"
        raise failure(Code.MISCONFIGURED, reason=reason, detail=str(home)) from error


def write_once(path: Path, make: Callable[[], str]) -> str:
    """Return the text of a file that only its owner can read (0600). Create it with `make` on the first call.

    Safe when several processes call at once: the file appears whole or not at all, and the first one stays.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(make())
                file.flush()
                os.fsync(descriptor)  # a key lost to a power cut would take every token with it
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first, and its text stays
        finally:
            Path(draft).unlink()
    return path.read_text().strip()
