"""Keys: kept to their owner, made once, rotated, and never in a message."""

from __future__ import annotations

import multiprocessing
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.errors import Code, SvpError
from svp_dagster.settings import Settings
from svp_dagster.store.crypto import TokenCipher, local_secret, new_key
from svp_dagster.store.store import encryption_keys, open_store
from tests.store.examples import all_at_once


@given(st.text())
def test_any_text_comes_back_and_is_not_to_be_read(text: str) -> None:
    cipher = TokenCipher(new_key())
    hidden = cipher.encrypt(text)
    assert cipher.decrypt(hidden) == text
    assert len(text) < 4 or text not in hidden


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old, new = new_key(), new_key()
    hidden = TokenCipher(old).encrypt("token")
    both = TokenCipher(f" {new} , {old},")
    assert both.decrypt(hidden) == "token"
    assert Fernet(new).decrypt(both.encrypt("token")) == b"token"
    assert TokenCipher(new).decrypt(both.rotate(hidden)) == "token"


def test_a_token_of_a_lost_key_is_a_failure_that_names_the_setting() -> None:
    hidden = TokenCipher(new_key()).encrypt("ntn_secret")
    other = TokenCipher(new_key())
    for ask in (other.decrypt, other.rotate):
        with pytest.raises(SvpError, match="SVP_ENCRYPTION_KEYS") as caught:
            ask(hidden)
        assert caught.value.code is Code.MISCONFIGURED
        assert hidden not in f"{caught.value} {caught.value.sentence}"


@pytest.mark.parametrize("keys", ["", " , ", "hunter2-hunter2", "ключ", "A" * 43, "A" * 44])
def test_a_key_that_is_none_is_refused_and_not_quoted(keys: str) -> None:
    with pytest.raises(SvpError, match="SVP_ENCRYPTION_KEYS") as caught:
        TokenCipher(keys)
    assert caught.value.code is Code.MISCONFIGURED
    assert not keys.strip(" ,") or keys not in f"{caught.value!r} {caught.value.sentence}"


def test_one_malformed_key_among_good_ones_is_refused() -> None:
    good = new_key()
    with pytest.raises(SvpError, match="misconfigured") as caught:
        TokenCipher(f"{good},oops")
    assert good not in caught.value.sentence


def test_a_local_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder" / "encryption.key"
    secret = local_secret(path)
    assert TokenCipher(secret).decrypt(TokenCipher(secret).encrypt("x")) == "x"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert local_secret(path) == secret
    assert [file.name for file in path.parent.iterdir()] == ["encryption.key"]


def test_threads_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    secrets = all_at_once(lambda _: local_secret(tmp_path / "encryption.key"), times=8)
    assert len(set(secrets)) == 1


def test_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as processes:
        secrets = set(processes.map(local_secret, [tmp_path / "encryption.key"] * 16))
    assert len(secrets) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["encryption.key"]


def test_a_first_start_makes_a_key_and_the_next_finds_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    keys = encryption_keys(settings)
    assert keys == encryption_keys(settings) == (tmp_path / "encryption.key").read_text()


def test_keys_from_the_environment_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key()
    monkeypatch.setenv("SVP_ENCRYPTION_KEYS", key)
    assert encryption_keys(Settings(home=tmp_path)) == key
    assert list(tmp_path.iterdir()) == []


def test_in_production_a_missing_key_is_an_error_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://svp:hunter2@db.example.org/svp")
    with pytest.raises(SvpError, match="SVP_ENCRYPTION_KEYS is not set") as caught:
        open_store(Settings(home=tmp_path, production=True))
    assert caught.value.code is Code.MISCONFIGURED
    assert "hunter2" not in f"{caught.value!r} {caught.value.sentence}"
    assert list(tmp_path.iterdir()) == []


def test_opening_the_store_connects_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://svp@127.0.0.1:1/svp")
    open_store(Settings(home=tmp_path))
