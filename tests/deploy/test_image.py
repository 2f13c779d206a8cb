"""What the Dockerfile says, and the scripts that run while it is built and in its containers."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from svp_dagster.commands.processes import PROJECT, free_port

DOCKERFILE = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ")
IGNORED = [line for line in (PROJECT / ".dockerignore").read_text().split() if not line.startswith("**")]
HEALTH = PROJECT / "deploy" / "health.py"


def instructions(name: str) -> list[str]:
    """What follows an instruction, wherever it stands."""
    return re.findall(rf"^{name} +(.+)$", DOCKERFILE, flags=re.MULTILINE)


def test_all_that_is_copied_is_there_and_not_ignored() -> None:
    sources = [name for line in instructions("COPY") if "--from" not in line for name in line.split()[:-1]]
    assert {"svp_dagster", "oauth_app", "sandbox", "deploy", "requirements-launchers.lock"} <= set(sources)
    assert [name for name in sources if not (PROJECT / name).exists() or name in IGNORED] == []


def test_the_base_is_pinned_and_the_user_is_not_root() -> None:
    (base,) = (line for line in instructions("ARG") if line.startswith("BASE="))
    assert re.search(r"@sha256:[0-9a-f]{64}$", base)
    assert instructions("USER") == ["1000"]
    assert instructions("ENTRYPOINT") == ['["tini", "--"]']


def test_the_image_installs_what_launches_runs_elsewhere_at_the_versions_of_the_rest() -> None:
    def pinned(name: str) -> set[str]:
        return set(re.findall(r"^[\w.\[\]-]+==\S+", (PROJECT / name).read_text(), flags=re.MULTILINE))

    with_launchers = pinned("requirements-launchers.lock")
    assert {name.split("==")[0] for name in with_launchers} >= {"dagster-k8s", "dagster-contrib-gcp"}
    assert pinned("requirements.lock") <= with_launchers


def make_venv(folder: Path) -> Path:
    """A virtual environment of which each part takes a megabyte; returns where its packages are."""
    packages = folder / "lib" / "python3.12" / "site-packages"
    for name in (
        "ctranslate2/model.so",
        "ctranslate2.libs/lib.so",
        "faster_whisper/assets/silero.onnx",
        "kubernetes/client/api.py",
        "kubernetes/aio/api.py",
        "numpy/tests/test_it.py",
        "numpy/core.py",
        "botocore/data/ec2/service.json.gz",
        "botocore/data/s3/service.json.gz",
        "botocore/data/endpoints.json",
        "google/cloud/vision_v1/client.py",
        "google/cloud/vision_v1p4beta1/client.py",
        "pip/pip.py",
    ):
        file = packages / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(1_000_000))
    return packages


@pytest.mark.parametrize("options", [[], ["--local-speech"]], ids=["usual", "local speech"])
def test_what_no_program_loads_is_left_out_and_its_size_is_printed(options: list[str], tmp_path: Path) -> None:
    packages = make_venv(tmp_path)

    slimmed = subprocess.run(
        [sys.executable, PROJECT / "deploy" / "slim_venv.py", tmp_path, *options],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    kept = {str(path.relative_to(packages)) for path in packages.rglob("*") if path.is_file()}
    engine = {"ctranslate2/model.so", "ctranslate2.libs/lib.so"}
    usual = {
        "faster_whisper/assets/silero.onnx",
        "kubernetes/client/api.py",
        "numpy/core.py",
        "botocore/data/s3/service.json.gz",
        "botocore/data/endpoints.json",
        "google/cloud/vision_v1/client.py",
    }
    assert kept == usual | (engine if options else set())
    assert f"13.0 MB before, {8 if options else 6}.0 MB now" in slimmed.stdout


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """The port of an app that is healthy."""
    with HTTPServer(("127.0.0.1", 0), _Healthy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("variable", ["SVP_APP_PORT", "PORT"])
def test_docker_asks_the_app_where_it_listens(variable: str, port: int) -> None:
    for number, code in ((port, 0), (free_port(), 1)):
        done = subprocess.run(
            [sys.executable, "-S", HEALTH], env={variable: str(number)}, capture_output=True, timeout=30
        )
        assert done.returncode == code
