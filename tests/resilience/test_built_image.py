"""The image that the Dockerfile makes: its size, and its programs in it, by a user who may write to /data and /tmp."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from svp_dagster.commands.processes import PROJECT, free_port
from svp_dagster.store.crypto import new_key
from tests.deploy.buildah import USER, Image, built_image, env_file, missing, stop

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.timeout(3600),
]

LARGEST_BYTES = 1_100_000_000
STARTED = "Ctrl-C stops everything.\n"
STOP_LIMIT_S = 60
DEMO_LIMIT_S = 900


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image. It takes some eight minutes to make."""
    with built_image(tmp_path_factory.mktemp("image")) as made:
        yield made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty volume that belongs to the image's user."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    os.chown(folder, USER, USER)
    return folder


@pytest.fixture
def settings() -> dict[str, str]:
    """What `.env` says, once it was copied from `.env.example` and filled in as docs/deploying.md says."""
    keys = {name: new_key() for name in ("SVP_ENCRYPTION_KEYS", "SVP_APP_SECRET_KEY", "SVP_OPERATOR_KEY")}
    ports = {"SVP_APP_PORT": str(free_port()), "SVP_DAGSTER_PORT": str(free_port())}
    return env_file((PROJECT / ".env.example").read_text()) | keys | ports


def test_it_is_small_and_says_how_it_is_and_who_runs_it(image: Image) -> None:
    print(f"the image has {image.size_bytes / 1e6:.0f} MB")
    assert image.size_bytes < LARGEST_BYTES
    assert image.config["Healthcheck"]["Test"] == ["CMD", "python", "-S", "/app/deploy/health.py"]
    assert image.config["User"] == str(USER)
    assert image.config["Cmd"] == ["svp", "up"]


def test_the_demo_completes_in_it(image: Image, data: Path, settings: dict[str, str]) -> None:
    code, printed = image.run("svp", "demo", "--once", data=data, environment=settings, limit_s=DEMO_LIMIT_S)

    print(printed)
    assert code == 0, printed


def test_it_starts_with_its_env_file_says_that_it_is_well_and_stops_when_told(
    image: Image, data: Path, settings: dict[str, str]
) -> None:
    _, *health = image.config["Healthcheck"]["Test"]
    with image.start(data=data, environment=settings) as started:
        assert started.stdout is not None
        printed = "".join(iter(started.stdout.readline, STARTED))
        code, said = image.run(*health, data=data, environment=settings, limit_s=30)
        stop(started)
        rest, _ = started.communicate(timeout=STOP_LIMIT_S)
    assert "NOTION_CLIENT_ID and NOTION_CLIENT_SECRET not set" in printed
    assert (code, said) == (0, "")
    assert "Traceback" not in rest
    assert data.stat().st_mode & 0o077 == 0


PROGRAMS = """
import botocore.session, cv2, dagster_k8s, dagster_contrib_gcp.cloud_run.run_launcher, gcsfs, google.cloud.vision, s3fs
session = botocore.session.get_session()
for name in ("s3", "sts"):
    session.create_client(name, region_name="eu-central-1")
"""


def test_what_was_left_out_is_needed_by_no_launcher_and_no_storage(image: Image, data: Path) -> None:
    code, printed = image.run("python", "-W", "error::ImportWarning", "-c", PROGRAMS, data=data, limit_s=120)

    assert code == 0, printed
