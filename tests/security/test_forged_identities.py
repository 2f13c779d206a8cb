"""Tokens of an identity provider that are forged, stolen elsewhere, or too old, each really signed where it can be.

All of them get the same answer, which helps nobody to find out what was wrong.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from werkzeug.test import TestResponse

from oauth_app.app import create_app
from oauth_app.provider import keys as keys_module
from oauth_app.provider.verification import LONGEST_TOKEN_BYTES
from oauth_app.services import Services
from svp_dagster.errors import Code, SvpError
from svp_dagster.store.store import Store
from tests.oauth_app.identity_provider import (
    ADA,
    GONE,
    ISSUER,
    SECRET,
    Provider,
    assembled,
    by_secret,
    claims,
    ec_key,
    provider,
    rsa_key,
    sign,
)
from tests.oauth_app.people import Person

HS256 = OctKey.import_key(SECRET.encode())
DAY_S = 86_400


@pytest.fixture
def serving() -> Iterator[Provider]:
    with provider() as found:
        found.publish(rsa_key(1), ec_key(1))
        yield found


@pytest.fixture
def how() -> str:
    """What tokens are signed with: `secret`, or `keys` at the provider's address."""
    return "secret"


@pytest.fixture
def environment(environment: pytest.MonkeyPatch, serving: Provider, how: str) -> pytest.MonkeyPatch:
    """An installation with an identity provider."""
    environment.setenv("SVP_JWT_ISSUER", ISSUER)
    settings = {"secret": ("SVP_JWT_SECRET", SECRET), "keys": ("SVP_JWT_JWKS_URL", serving.url)}
    environment.setenv(*settings[how])
    return environment


with_secret = pytest.mark.parametrize("how", ["secret"])
with_keys = pytest.mark.parametrize("how", ["keys"])


def ask(app: Flask, token: str, method: str = "GET", path: str = "/api/connection") -> TestResponse:
    return app.test_client().open(path, method=method, headers={"Authorization": f"Bearer {token}"})


def assert_refused(answer: TestResponse, store: Store) -> None:
    """Assert that the answer says nothing about why, and that no account was made."""
    body: Any = answer.json
    assert (answer.status_code, body["error"]) == (401, "invalid_token"), answer.text
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert body["details"] == []
    assert body["message"].startswith("This token isn't valid")
    assert store.connections.all() == []


@with_secret
def test_a_token_of_supabase_is_accepted(app: Flask) -> None:
    answer: Any = ask(app, by_secret()).json
    assert (answer["has_notion"], answer["name"], answer["workspace_name"]) == (False, "Your library", "")


@with_keys
@pytest.mark.parametrize(("key", "alg"), [(rsa_key(1), "RS256"), (ec_key(1), "ES256")], ids=["RS256", "ES256"])
def test_a_token_by_a_published_key_is_accepted(app: Flask, key: Key, alg: str) -> None:
    assert ask(app, sign(claims(), key, alg=alg, kid=key.kid)).status_code == 200


@with_secret
@pytest.mark.parametrize(
    "changed",
    [
        {"exp": GONE},
        {"sub": GONE},
        {"iss": GONE},
        {"aud": GONE},
        {"iat": GONE},
        {"exp": int(time.time()) - 61},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"exp": int(time.time()) + 8 * DAY_S},
        {"iat": int(time.time()) + 3 * DAY_S, "exp": int(time.time()) + 4 * DAY_S},
        {"iat": -(10**400)},
        {"nbf": int(time.time()) + 120},
        {"aud": "anon"},
        {"aud": ["anon", "other"]},
        {"aud": []},
        {"aud": {"authenticated": 1}},
        {"aud": "authenticated "},
        {"iss": ISSUER + "/"},
        {"iss": "https://evil.example/auth/v1"},
        {"iss": [ISSUER]},
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
        {"sub": ADA + "\0"},
        {"sub": "a\ud800"},
        {"sub": "a\nb"},
        {"sub": "x" * 256},
    ],
    ids=lambda changed: ",".join(f"{name}={str(value)[:24]!a}" for name, value in changed.items()),
)
def test_a_signed_token_with_other_claims_is_refused(app: Flask, store: Store, changed: dict[str, Any]) -> None:
    assert_refused(ask(app, by_secret(**changed)), store)


@with_secret
@pytest.mark.parametrize("changed", [{"exp": int(time.time()) - 30}, {"nbf": int(time.time()) + 30}], ids=str)
def test_clocks_may_differ_by_a_minute(app: Flask, changed: dict[str, Any]) -> None:
    token = by_secret(iat=int(time.time()) - 3600, **changed)
    assert ask(app, token).status_code == 200


@with_secret
def test_one_of_several_audiences_is_enough(app: Flask) -> None:
    assert ask(app, by_secret(aud=["other", "authenticated"])).status_code == 200


@with_secret
@pytest.mark.parametrize("role", ["anon", "service_role"])
def test_the_keys_of_a_project_are_nobodys_tokens(app: Flask, store: Store, role: str) -> None:
    # Source: supabase.com/docs/guides/auth/jwt-fields: signed with the same secret, without subject and audience.
    key = {"iss": "supabase", "ref": "project", "role": role, "iat": 1640991600, "exp": int(time.time()) + DAY_S}
    assert_refused(ask(app, sign(key, HS256, alg="HS256")), store)


@pytest.mark.parametrize("how", ["secret", "keys"])
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, ["HS256"], {"a": 1}, GONE], ids=str)
def test_a_token_that_is_not_signed_is_refused(app: Flask, store: Store, alg: object) -> None:
    header = {"typ": "JWT", "kid": "rsa-1"} | ({} if alg is GONE else {"alg": alg})
    for signature in (b"", b"x"):
        assert_refused(ask(app, assembled(header, claims(), signature)), store)


@with_keys
def test_a_public_key_is_no_secret(app: Flask, store: Store) -> None:
    for key in (rsa_key(1), ec_key(1)):
        for encoding in (Encoding.PEM, Encoding.DER):
            public: Any = key.public_key
            secret = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
            unsigned = assembled({"alg": "HS256", "typ": "JWT", "kid": key.kid}, claims()).removesuffix(".")
            signature = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
            header, payload, _ = assembled({"alg": "HS256", "typ": "JWT", "kid": key.kid}, claims()).split(".")
            forged = assembled({}, {}, signature).rpartition(".")[2]
            assert_refused(ask(app, f"{header}.{payload}.{forged}"), store)


@with_keys
def test_no_token_chooses_another_algorithm_or_another_key(app: Flask, store: Store) -> None:
    stranger, kid = RSAKey.generate_key(2048), "rsa-1"
    for token in (
        sign(claims(), stranger, alg="RS256", kid=kid),
        sign(claims(), rsa_key(1), alg="RS512", kid=kid),
        sign(claims(), rsa_key(1), alg="PS256", kid=kid),
        sign(claims(), rsa_key(1), alg="RS256", kid="ec-1"),
        sign(claims(), rsa_key(1), alg="RS256"),
        sign(claims(), stranger, alg="RS256", kid="new", jwk=stranger.as_dict(private=False)),
        sign(claims(), stranger, alg="RS256", kid=kid, jku="http://127.0.0.1:9/jwks.json"),
        sign(claims(), stranger, alg="RS256", kid="../../etc/passwd"),
        sign(claims(), ECKey.generate_key("P-384"), alg="ES384", kid="ec-1"),
        sign(claims(), HS256, alg="HS256", kid=kid),
    ):
        assert_refused(ask(app, token), store)


@with_secret
def test_no_token_by_another_secret_or_algorithm_is_accepted(app: Flask, store: Store) -> None:
    for token in (
        by_secret(secret="another-secret-with-at-least-32-characters"),
        sign(claims(), HS256, alg="HS512"),
        sign(claims(), rsa_key(1), alg="RS256", kid="rsa-1"),
        by_secret()[:-2] + "AA",
    ):
        assert_refused(ask(app, token), store)


@with_secret
def test_a_payload_that_was_exchanged_is_refused(app: Flask, store: Store) -> None:
    header, _, signature = by_secret().split(".")
    _, payload, _ = by_secret(aud="authenticated", exp=int(time.time()) + 9).split(".")
    assert_refused(ask(app, f"{header}.{payload}.{signature}"), store)


@with_secret
@pytest.mark.parametrize("name", ["crit", "b64"])
def test_an_extension_that_is_not_understood_is_refused(app: Flask, store: Store, name: str) -> None:
    extensions: dict[str, Any] = {
        "crit": {"crit": ["exp"], "exp": 1},
        "b64": {"b64": True, "crit": ["b64"]},
    }
    header = assembled({"alg": "HS256", "typ": "JWT"} | extensions[name], claims()).rpartition(".")[0]
    signature = hmac.new(SECRET.encode(), header.encode(), hashlib.sha256).digest()
    assert_refused(ask(app, f"{header}.{assembled('', '', signature).rpartition('.')[2]}"), store)


@with_secret
def test_an_oversized_token_is_refused_before_it_is_read(app: Flask, store: Store) -> None:
    large = by_secret(user_metadata={"name": "x" * LONGEST_TOKEN_BYTES})
    assert_refused(ask(app, large), store)
    assert ask(app, by_secret(user_metadata={"name": "x" * 3000})).status_code == 200


@with_secret
@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        ".",
        "..",
        "...",
        "....",
        "a.b.c",
        "é.é.é",
        "eyJhbGciOiJIUzI1NiJ9.e30.",
        assembled("[" * 3000, {}),
        assembled('{"alg":"HS256","kid":' + "[" * 300, {}),
        assembled("null", "null"),
        sign("[" * 3000, HS256, alg="HS256"),
        sign("null", HS256, alg="HS256"),
        sign("[]", HS256, alg="HS256"),
        sign("7", HS256, alg="HS256"),
        sign('{"exp": ' + "9" * 5000 + "}", HS256, alg="HS256"),
    ],
    ids=lambda token: token[:20],
)
def test_what_is_no_token_at_all_is_refused(app: Flask, store: Store, token: str) -> None:
    assert_refused(ask(app, token), store)


@with_secret
def test_a_token_beside_a_session_is_still_a_token_alone(app: Flask, ada: Person, store: Store) -> None:
    answer = ada.client.get("/api/connection", headers={"Authorization": "Bearer a.b.c"})
    assert answer.status_code == 401


@with_secret
def test_without_a_token_the_answer_names_no_error(app: Flask) -> None:
    answer = app.test_client().get("/api/connection")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@with_secret
def test_a_person_of_the_provider_opens_no_page_and_is_never_the_operator(app: Flask) -> None:
    token, client = by_secret(), app.test_client()
    walked = 0
    for rule in app.url_map.iter_rules():
        if rule.arguments or "GET" not in (rule.methods or ()) or rule.rule.startswith("/api"):
            continue
        answer = client.get(rule.rule, headers={"Authorization": f"Bearer {token}"})
        assert "Settings</a>" not in answer.text, rule
        walked += 1
    assert walked > 10
    assert client.get("/settings", headers={"Authorization": f"Bearer {token}"}).status_code == 302
    answer = client.get("/operator/unknown-answers.json", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


@with_keys
def test_rotation_is_followed_and_a_flood_of_unknown_keys_fetches_nothing(
    app: Flask, store: Store, serving: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(app, sign(claims(), rsa_key(1), alg="RS256", kid="rsa-1")).status_code == 200
    store.deletions.delete(store.connections.all()[0].id, now=app.extensions["svp"].now())
    for number in range(20):
        assert_refused(ask(app, sign(claims(), rsa_key(2), alg="RS256", kid=f"made-up-{number}")), store)
    assert serving.fetches == 1

    serving.publish(rsa_key(2), rsa_key(1))
    monkeypatch.setattr(keys_module, "FETCH_EVERY_S", 0.0)
    later = {"iat": int(time.time()) + 50}
    with monkeypatch.context() as patched:
        patched.setattr(keys_module, "KEPT_S", 600.0)
        assert ask(app, sign(claims("bea", **later), rsa_key(2), alg="RS256", kid="rsa-2")).status_code == 200
    serving.status = 500
    assert ask(app, sign(claims("bea", **later), rsa_key(1), alg="RS256", kid="rsa-1")).status_code == 200


@with_keys
def test_nobody_is_refused_for_good_while_the_provider_is_down(app: Flask, serving: Provider) -> None:
    serving.status = 500
    answer = ask(app, sign(claims(), rsa_key(1), alg="RS256", kid="rsa-1"))
    body: Any = answer.json
    assert (answer.status_code, body["error"]) == (503, "identity_provider_unavailable")
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SVP_JWT_SECRET": SECRET, "SVP_JWT_JWKS_URL": "https://a.example/jwks.json"}, "are both set"),
        ({"SVP_JWT_SECRET": SECRET, "SVP_JWT_ISSUER": ""}, "SVP_JWT_ISSUER is not set"),
        ({"SVP_JWT_JWKS_URL": "https://a.example/jwks.json", "SVP_JWT_ISSUER": ""}, "SVP_JWT_ISSUER is not set"),
        ({}, "without SVP_JWT_SECRET or SVP_JWT_JWKS_URL"),
        ({"SVP_JWT_SECRET": "short"}, "shorter than 32 bytes"),
        ({"SVP_JWT_JWKS_URL": "http://a.example/jwks.json"}, "must begin with https://"),
        ({"SVP_JWT_JWKS_URL": "http://127.0.0.1.a.example/jwks.json"}, "must begin with https://"),
        ({"SVP_JWT_JWKS_URL": "file:///etc/passwd"}, "must begin with https://"),
        ({"SVP_JWT_JWKS_URL": "https://"}, "must begin with https://"),
        ({"SVP_JWT_JWKS_URL": "https://[::1"}, "must begin with https://"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_app_does_not_start_with_half_an_identity_provider(
    environment: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    for name, value in ({"SVP_JWT_SECRET": "", "SVP_JWT_JWKS_URL": "", "SVP_JWT_ISSUER": ISSUER} | settings).items():
        environment.setenv(name, value)
    with pytest.raises(SvpError) as caught:
        create_app()
    assert caught.value.code is Code.MISCONFIGURED
    assert words in caught.value.sentence
    assert SECRET not in caught.value.sentence


def test_the_app_does_not_start_with_a_public_key_as_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SVP_JWT_SECRET", rsa_key(1).as_pem(private=False).decode())
    with pytest.raises(SvpError) as caught:
        create_app()
    assert "is a public key" in caught.value.sentence


def test_without_an_identity_provider_no_jwt_is_accepted(environment: pytest.MonkeyPatch, app_database: str) -> None:
    for name in ("SVP_JWT_SECRET", "SVP_JWT_ISSUER"):
        environment.setenv(name, "")
    app = create_app()
    services: Services = app.extensions["svp"]
    assert services.jwts is None
    assert ask(app, by_secret()).status_code == 401
    services.store.engine.dispose()
