"""The clients of S3 and of Google Cloud Storage: file systems of fsspec with our timeouts, and with no caches.

fsspec keeps an instance for each thread that asks for one, and each with its connections. A process here has many
threads that end soon, so an instance belongs to the `Storage` that made it.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from svp_dagster.errors import Code, failure
from svp_dagster.models import Value

CONNECT_S: Final = 5.0
_UNCACHED: Final = {"skip_instance_cache": True, "use_listings_cache": False}


class Patience(Value):
    """How long a client waits: for a block of an answer, how often it asks, and for a call with all its repetitions."""

    read_s: float
    attempts: int
    call_s: float


PATIENT: Final = Patience(read_s=20, attempts=3, call_s=60)
QUICK: Final = Patience(read_s=4, attempts=1, call_s=6)
"""For a person who waits for a page, and for ticks of sensors, which Dagster ends after a minute."""


def s3_client(patience: Patience) -> Any:
    """Return a client of S3, or of the server of `AWS_ENDPOINT_URL`. Raises `misconfigured` without s3fs."""
    try:
        from fsspec.asyn import sync_wrapper
        from s3fs import S3FileSystem
    except ImportError as error:
        raise _missing("s3fs", "s3") from error
    config: dict[str, Any] = {
        "connect_timeout": CONNECT_S,
        "read_timeout": patience.read_s,
        "retries": {"total_max_attempts": patience.attempts, "mode": "standard"},
        "signature_version": "s3v4",
        # Other servers than Amazon's may not know the newer checksums: https://github.com/boto/boto3/issues/4392
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    if os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
        config["s3"] = {"addressing_style": "path"}  # `bucket.minio` is no name that anybody resolves

    class Client(S3FileSystem):  # type: ignore[misc]
        """S3 with an end to each call: aiohttp's timeouts don't count while it waits for `100 Continue`."""

        async def _call_s3(self, *args: Any, **kwargs: Any) -> Any:
            return await asyncio.wait_for(super()._call_s3(*args, **kwargs), patience.call_s)

        call_s3 = sync_wrapper(_call_s3)

    # Cloudflare R2 takes parts of one size alone: https://developers.cloudflare.com/r2/objects/multipart-objects/
    client = Client(config_kwargs=config, fixed_upload_size=True, **_UNCACHED)
    client.retries = 1  # botocore repeats already
    return client


def gcs_client(patience: Patience) -> Any:
    """Return a client of Cloud Storage, or of the server of `STORAGE_EMULATOR_HOST`. Raises `misconfigured`."""
    try:
        import aiohttp
        from gcsfs.core import GCSFileSystem, UnclosableBytesIO
        from gcsfs.retry import retry_request
    except ImportError as error:
        raise _missing("gcsfs", "gcs") from error

    class Client(GCSFileSystem):  # type: ignore[misc]
        """Cloud Storage with as many attempts as S3 gets: the library's own six take minutes."""

        _attempts = retry_request(retries=patience.attempts)(GCSFileSystem._request.__wrapped__)

        async def _request(self, *args: Any, data: Any = None, **kwargs: Any) -> Any:
            """Send bytes as a stream: aiohttp warns of large ones, which block its loop."""
            body = UnclosableBytesIO(data) if isinstance(data, bytes | memoryview) else data
            return await self._attempts(*args, data=body, **kwargs)

    timeout = aiohttp.ClientTimeout(total=2 * patience.read_s, sock_connect=CONNECT_S, sock_read=patience.read_s)
    # By itself the library would go on without credentials, and look for them at Google for a server that isn't.
    token = "anon" if os.environ.get("STORAGE_EMULATOR_HOST") else "google_default"
    return Client(token=token, requests_timeout=timeout, **_UNCACHED)


def _missing(client: str, extra: str) -> Exception:
    reason = f"SVP_STORAGE needs {client}, which is in the extra {extra} of this package"
    return failure(Code.MISCONFIGURED, reason=reason)
