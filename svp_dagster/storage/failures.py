"""What errors of a storage mean for the failure table."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.storage.keys import WrongKeyError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_MAX_DETAIL_CHARS = 200


@contextmanager
def storage_failures(doing: str, *, may_be_absent: bool = False) -> Iterator[None]:
    """Raise `storage_full` or `storage_failed` for whatever goes wrong within.

    With `may_be_absent` a `FileNotFoundError` passes. Else it is of a bucket that isn't there.
    """
    try:
        yield
    except (SvpError, WrongKeyError):
        raise
    except FileNotFoundError as error:
        if may_be_absent:
            raise
        raise failure(Code.STORAGE_FAILED, detail=f"{doing}: {describe(error)}") from error
    except Exception as error:  # of a disk, of aiohttp, of botocore or of google-auth: the libraries have no base class
        detail = f"{doing}: {describe(error)}"
        if getattr(error, "errno", None) in _FULL:
            raise failure(Code.STORAGE_FULL, detail=detail) from error
        raise failure(Code.STORAGE_FAILED, detail=detail) from error


def describe(error: BaseException) -> str:
    """Return an error for the log, without addresses: one of an upload lets its reader write."""
    words = re.sub(r"https?://\S+", "…", " ".join(str(error).split()))
    return f"{type(error).__name__}: {words}"[:_MAX_DETAIL_CHARS]
