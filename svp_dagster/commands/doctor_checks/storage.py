"""What `svp doctor` finds of the storage: it writes, reads and deletes a probe."""

from __future__ import annotations

import uuid

from svp_dagster.commands.findings import Finding
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.storage import Storage

SUBJECT = "Storage"
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role of the machine",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or a service account of the machine",
}


def files(settings: Settings) -> Finding:
    """Write, read and delete a probe."""
    try:
        found = storage(settings)
        _probe(found)
    except SvpError as error:
        return Finding(subject=SUBJECT, state="wrong", words=_advice(settings, error))
    words = f"folder {found.address}" if found.is_folder else found.address
    return Finding(subject=SUBJECT, state="ok", words=f"{words}: a file was written, read and deleted")


def _probe(found: Storage) -> None:
    """Raise what the storage raises. One that gives back something else has failed too."""
    key, data = f"probes/{uuid.uuid4().hex}", uuid.uuid4().bytes
    found.put_bytes(key, data)
    is_same = found.get_bytes(key) == data
    found.delete(key)
    if not is_same:
        raise failure(Code.STORAGE_FAILED, detail="another file was read than was written")


def _advice(settings: Settings, error: SvpError) -> str:
    """Return what to do, by what the library says."""
    if error.code is Code.MISCONFIGURED:
        return error.sentence
    scheme, is_bucket, rest = settings.storage.partition("://")
    if not is_bucket:
        folder = settings.storage or settings.home / "files"
        return f"folder {folder} can't be used ({error.detail}); set SVP_STORAGE to a folder you may write to"
    bucket, what = rest.partition("/")[0], error.detail
    if any(name in what for name in ("NoCredentials", "DefaultCredentials", "PartialCredentials")):
        return f"{settings.storage}: no credentials; set {_CREDENTIALS[scheme]}"
    if "FileNotFoundError" in what:
        return f"{settings.storage}: there is no bucket {bucket}; make it, or correct SVP_STORAGE"
    if any(name in what for name in ("PermissionError", "Forbidden", "401", "403")):
        return f"{settings.storage}: access is refused; let the credentials read, write, list and delete in {bucket}"
    return f"{settings.storage} doesn't answer as it should ({what}); check the network, the region and the address"
