"""The storage as the settings of the installation have it."""

from __future__ import annotations

from pydantic import ValidationError

from svp_dagster.errors import Code, failure
from svp_dagster.settings import Settings
from svp_dagster.storage.storage import Storage


def storage(settings: Settings) -> Storage:
    """Return the storage of this installation. Raises `misconfigured`."""
    try:
        return Storage(address=settings.storage or str(settings.home / "files"))
    except ValidationError as error:
        reason = "SVP_STORAGE has to be a folder, s3://bucket/prefix or gs://bucket/prefix"
        raise failure(Code.MISCONFIGURED, reason=reason) from error
