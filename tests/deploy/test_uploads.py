"""What stands before the app, and where files lie: uploads of any size that the app takes have to get through."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from oauth_app.app import create_app
from oauth_app.videos.reception import FORM_BYTES
from svp_dagster.commands.processes import PROJECT
from svp_dagster.settings import Settings
from svp_dagster.storage.storage import Storage

DEPLOY = PROJECT / "deploy"
KUBERNETES = DEPLOY / "kubernetes" / "app"
PROXY_EXAMPLES = (PROJECT / "docs" / "operating.md").read_text()
MINUTES_FOR_AN_UPLOAD = 30
"""What the largest takes over a line of a megabit a second."""


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The paths whose bodies the app reads while they arrive."""
    monkeypatch.setenv("SVP_HOME", str(tmp_path))
    return set(create_app().config["STREAMED_PATHS"])


@pytest.mark.parametrize("text", [(DEPLOY / "Caddyfile").read_text(), PROXY_EXAMPLES], ids=["compose", "docs"])
def test_caddy_passes_uploads_on_without_a_limit_of_size_or_half_an_hour(text: str, paths: set[str]) -> None:
    (matched,) = re.findall(r"@upload \{\s+method POST\s+path (.+)\n", text)
    (upload,) = re.findall(r"handle @upload \{(.*?)\n\t\}", text, flags=re.DOTALL)
    (hours,) = re.findall(r"read_body (\d+)h", text)
    assert set(matched.split()) == paths
    assert "max_size" not in upload
    assert "request_buffers" not in upload
    assert int(hours) * 60 > MINUTES_FOR_AN_UPLOAD


def test_nginx_of_the_documentation_passes_uploads_on_while_they_arrive(paths: set[str]) -> None:
    (pattern, upload) = re.search(r"location ~ \^\((.+?)\)\$ \{(.*?)\n    \}", PROXY_EXAMPLES, flags=re.DOTALL).groups()  # type: ignore[union-attr]
    assert set(pattern.split("|")) == paths
    assert "proxy_request_buffering off;" in upload
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", upload)
    assert int(megabytes) * 1_000_000 >= largest_form()


def test_the_ingress_passes_uploads_on_while_they_arrive(paths: set[str]) -> None:
    _, uploads = yaml.safe_load_all((KUBERNETES / "ingress.yaml").read_text())
    annotations = uploads["metadata"]["annotations"]
    (rule,) = uploads["spec"]["rules"]
    assert {path["path"] for path in rule["http"]["paths"]} == paths
    assert annotations["nginx.ingress.kubernetes.io/proxy-request-buffering"] == "off"
    size = annotations["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(size.removesuffix("m")) * 1_000_000 >= largest_form()


def test_pods_that_share_no_folder_share_a_bucket() -> None:
    settings = yaml.safe_load((KUBERNETES / "settings.yaml").read_text())["data"]
    assert not Storage(address=settings["SVP_STORAGE"]).is_folder


def largest_form() -> int:
    """The bytes of the largest upload, with what is around it."""
    limit: int = Settings.model_fields["max_size_bytes"].default
    return limit + FORM_BYTES
