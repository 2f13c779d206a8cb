"""Packages that take long to load, such as the SDKs: loaded when they are needed, by one thread at a time.

Two threads that load packages with common parts can wait for each other; Python 3.11 raises that as an error.
"""

from __future__ import annotations

import importlib
import threading

_loading = threading.RLock()
_loaded: set[str] = set()


def load(*names: str) -> None:
    """Load packages; at once where they are loaded. Imports inside functions that threads share come after this."""
    if _loaded.issuperset(names):  # whatever another thread is loading now
        return
    with _loading:
        for name in names:
            importlib.import_module(name)
            _loaded.add(name)
