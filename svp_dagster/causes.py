"""Finds the failure of the table behind any exception."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from svp_dagster.errors import Code, SvpError, failure

_SQLITE_ERROR, _SQLITE_FULL, _POSTGRES_DISK_FULL = 1, 13, "53100"  # a wrong statement; no space left


def as_failure(error: BaseException) -> SvpError:
    """Return the failure behind an exception: itself, one in its chain of causes, or `internal`."""
    for cause in _causes(error):
        if isinstance(cause, SvpError):
            return cause
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return failure(Code.STORAGE_FULL, detail="no space left on device")
        if known := _store_failure(cause):
            return known
    return failure(Code.INTERNAL, detail=type(error).__name__)


def _store_failure(cause: BaseException) -> SvpError | None:
    """Return the failure behind a database that doesn't answer. None for anything else, such as a wrong statement.

    The exception's own text is left out: it can hold the address, the statement and its values.
    """
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError

    if isinstance(cause, TimeoutError):  # no connection became free
        return failure(Code.STORE_UNREACHABLE, detail="TimeoutError")
    if not isinstance(cause, InterfaceError | OperationalError) and not (
        isinstance(cause, DBAPIError) and cause.connection_invalidated
    ):
        return None
    sqlite_code = getattr(cause.orig, "sqlite_errorcode", 0) & 0xFF
    if sqlite_code == _SQLITE_ERROR:
        return None
    if sqlite_code == _SQLITE_FULL or getattr(cause.orig, "pgcode", None) == _POSTGRES_DISK_FULL:
        return failure(Code.STORAGE_FULL, detail="no space left for the database")
    return failure(Code.STORE_UNREACHABLE, detail=type(cause.orig).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and what led to it, nearest first. `from None` ends the chain. Circles are walked once."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
