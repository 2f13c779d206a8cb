"""Servers that speak as S3 and as Cloud Storage do, on loopback ports of this process."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

S3, GCS = "s3", "gcs"
SIGNED = "AWS4-HMAC-SHA256 Credential=key/20261122/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
"""A header that moto takes: it looks for one, and doesn't check it."""


@dataclass
class Server:
    """A running server, and the environment in which the storage finds it."""

    url: str
    environment: dict[str, str]
    make_bucket: Callable[[str], str]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_bucket(self) -> str:
        """Return the address of an empty bucket."""
        return self.make_bucket(f"bucket-{next(self._numbers)}")


@contextmanager
def serve_s3() -> Iterator[Server]:
    """Run moto's server."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    url = "http://{}:{}".format(*running.get_host_and_port())

    def make_bucket(name: str) -> str:
        httpx.put(f"{url}/{name}", timeout=30, headers={"Authorization": SIGNED}).raise_for_status()
        return f"s3://{name}"

    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    try:
        yield Server(url=url, environment=environment, make_bucket=make_bucket)
    finally:
        running.stop()


@contextmanager
def serve_gcs() -> Iterator[Server]:
    """Run gcp-storage-emulator."""
    from gcp_storage_emulator.server import create_server

    with create_server("127.0.0.1", 0, in_memory=True) as running:
        port = running._api._httpd.server_port
        url = f"http://127.0.0.1:{port}"

        def make_bucket(name: str) -> str:
            httpx.post(f"{url}/storage/v1/b", json={"name": name}, timeout=30).raise_for_status()
            return f"gs://{name}"

        yield Server(url=url, environment={"STORAGE_EMULATOR_HOST": url}, make_bucket=make_bucket)
