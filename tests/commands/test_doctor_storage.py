"""What `svp doctor` says of the storage."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from svp_dagster.commands.doctor_checks.storage import files
from svp_dagster.settings import Settings
from tests.storage.servers import serve_s3


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def words(monkeypatch: pytest.MonkeyPatch, address: str, *, state: str = "wrong") -> str:
    monkeypatch.setenv("SVP_STORAGE", address)
    finding = files(Settings())
    assert (finding.subject, finding.state) == ("Storage", state), finding.words
    return finding.words


def test_a_folder_that_can_be_used_holds_no_probe_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "home" / "files"
    assert words(monkeypatch, "", state="ok") == f"folder {folder}: a file was written, read and deleted"
    assert [path.name for path in folder.rglob("*")] == [".unfinished"]


def test_a_folder_that_can_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    said = words(monkeypatch, str(tmp_path / "file"))
    assert "can't be used" in said
    assert "set SVP_STORAGE to a folder you may write to" in said


def test_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_s3() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        assert "no credentials; set AWS_ACCESS_KEY_ID" in words(monkeypatch, "s3://nobodys")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        assert "there is no bucket nobodys" in words(monkeypatch, "s3://nobodys/prefix")
        address = f"{server.new_bucket()}/prefix"
        assert words(monkeypatch, address, state="ok") == f"{address}: a file was written, read and deleted"
    assert "doesn't answer as it should" in words(monkeypatch, address)


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SVP_STORAGE has to be a folder" in words(monkeypatch, "ftp://host/files")


def test_credentials_of_google_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    assert "no credentials; set GOOGLE_APPLICATION_CREDENTIALS" in words(monkeypatch, "gs://bucket")


@pytest.mark.parametrize(("address", "module"), [("s3://bucket", "s3fs"), ("gs://bucket", "gcsfs.core")])
def test_a_client_that_is_not_installed(address: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert f"SVP_STORAGE needs {module.partition('.')[0]}" in words(monkeypatch, address)
