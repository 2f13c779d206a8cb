"""An identity provider like Supabase: signs tokens, and publishes its keys on a socket."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

SECRET = "super-secret-jwt-token-with-at-least-32-characters"
ISSUER = "https://project.supabase.co/auth/v1"
ADA = "7c3f0f9e-0000-4000-8000-000000000001"
BEA = "7c3f0f9e-0000-4000-8000-000000000002"
GONE = object()
"""The value of a claim that is left out."""


def claims(subject: str = ADA, **changed: Any) -> dict[str, Any]:
    """Claims as Supabase's tokens have them (supabase.com/docs/guides/auth/jwt-fields)."""
    now = int(time.time())
    usual = {
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": now}],
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "aud": "authenticated",
        "email": f"{subject[-1]}@example.org",
        "exp": now + 3600,
        "iat": now,
        "iss": ISSUER,
        "phone": "",
        "role": "authenticated",
        "session_id": "123e4567-e89b-12d3-a456-426614174000",
        "sub": subject,
        "user_metadata": {"name": "Ada"},
        "is_anonymous": False,
    }
    return {name: value for name, value in (usual | changed).items() if value is not GONE}


def sign(payload: Any, key: Key, *, alg: str, **header: Any) -> str:
    """Return a token, signed for real. A payload that is no object is taken as it is."""
    body = payload if isinstance(payload, str) else json.dumps(payload)
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact({"alg": alg, "typ": "JWT", **header}, body, key, registry=registry)


def assembled(header: dict[str, Any] | str, payload: dict[str, Any] | str, signature: bytes = b"") -> str:
    """Return what looks like a token, with whatever signature."""
    texts = (each if isinstance(each, str) else json.dumps(each) for each in (header, payload))
    return ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*map(str.encode, texts), signature)
    )


def by_secret(subject: str = ADA, *, secret: str = SECRET, **changed: Any) -> str:
    """Return a token that is signed with the secret."""
    return sign(claims(subject, **changed), OctKey.import_key(secret.encode()), alg="HS256")


@cache
def rsa_key(number: int) -> RSAKey:
    """Return a key, one per number: to make one takes time."""
    return RSAKey.generate_key(2048, parameters={"kid": f"rsa-{number}"})


@cache
def ec_key(number: int) -> ECKey:
    """Return a key, one per number."""
    return ECKey.generate_key("P-256", parameters={"kid": f"ec-{number}"})


class Provider:
    """Publishes `keys` at `url`. `fetches` counts how often they were asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: list[dict[str, Any]] = []
        self.status = 200
        self.body: bytes | None = None
        self.delay_s = 0.0
        self.fetches = 0

    def publish(self, *keys: Key, **changed: Any) -> None:
        """Publish the public halves of these keys and no others."""
        self.keys = [published(key) | changed for key in keys]

    def answer(self) -> bytes:
        self.fetches += 1
        time.sleep(self.delay_s)
        return json.dumps({"keys": self.keys}).encode() if self.body is None else self.body


def published(key: Key) -> dict[str, Any]:
    """Return the public half of a key as Supabase publishes it."""
    alg = {"RSA": "RS256", "EC": "ES256"}.get(key.key_type, "HS256")
    return {**key.as_dict(private=False), "alg": alg, "key_ops": ["verify"], "use": "sig"}


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider on a socket."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = serving.answer()
            self.send_response(serving.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = Provider(f"http://127.0.0.1:{server.server_port}/auth/v1/.well-known/jwks.json")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield serving
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
