"""Files are private: nobody reads one without the app, or without an address that it signed."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from svp_dagster.errors import Code, SvpError
from svp_dagster.storage.storage import Storage

KEY = "library/an entry/transcript.txt"


def test_whoever_has_the_address_reads_the_file_and_saves_it_under_its_name(s3: Storage) -> None:
    s3.put_bytes(KEY, b"Hello")
    address = s3.signed_url(KEY, filename="Grüße; a.txt")
    assert address is not None
    answer = httpx.get(address, timeout=30)
    assert answer.content == b"Hello"
    # moto answers without the header; Amazon does with what was signed.
    (wanted,) = parse_qs(urlsplit(address).query)["response-content-disposition"]
    assert wanted == "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe%3B%20a.txt"


def test_an_address_ends_within_a_quarter_of_an_hour(s3: Storage) -> None:
    s3.put_bytes(KEY, b"Hello")
    # What the signature covers: moto doesn't look at it, Amazon answers 403 after it.
    (longest,) = parse_qs(urlsplit(s3.signed_url(KEY) or "").query)["X-Amz-Expires"]
    assert longest == "900"
    for expires_s in (901, 0, -1):
        with pytest.raises(ValueError, match="at most 900"):
            s3.signed_url(KEY, expires_s=expires_s)


def test_nobody_reads_a_file_without_a_signature(s3: Storage) -> None:
    s3.put_bytes(KEY, b"Hello")
    address = s3.signed_url(KEY) or ""
    bare = urlsplit(address)._replace(query="").geturl()
    assert httpx.get(bare, timeout=30).status_code == 403


def test_what_is_in_a_folder_is_served_by_the_app(folder: Storage) -> None:
    folder.put_bytes(KEY, b"Hello")
    assert folder.signed_url(KEY) is None


def test_credentials_without_a_key_of_their_own_sign_nothing(gcs: Storage) -> None:
    gcs.put_bytes(KEY, b"Hello")
    assert gcs.signed_url(KEY) is None


def test_a_service_account_of_google_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "1",
        "private_key": private.decode(),
        "client_email": "svp@project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))

    address = urlsplit(Storage(address="gs://bucket/prefix").signed_url(KEY, expires_s=60, filename="a.txt") or "")

    query = parse_qs(address.query)
    assert (address.netloc, address.path) == (
        "storage.googleapis.com",
        "/bucket/prefix/library/an%20entry/transcript.txt",
    )
    assert query["X-Goog-Expires"] == ["60"]
    assert query["response-content-disposition"] == ["attachment; filename*=UTF-8''a.txt"]
    assert len(query["X-Goog-Signature"][0]) == 512


def test_without_credentials_nothing_is_signed_and_the_storage_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(SvpError) as raised:
        Storage(address="s3://bucket").signed_url(KEY)
    assert raised.value.code is Code.STORAGE_FAILED
