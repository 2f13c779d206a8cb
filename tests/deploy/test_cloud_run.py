"""`deploy/cloud-run`: what its scripts would call, and its launcher in a real Dagster."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import google.auth
import pytest
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.utils import make_new_run_id
from dagster_contrib_gcp.cloud_run.run_launcher import CloudRunRunLauncher
from google.auth.credentials import AnonymousCredentials

from svp_dagster.commands.processes import PROJECT
from svp_dagster.commands.up import instance_config
from svp_dagster.environment.secret_files import variables
from svp_dagster.settings import Settings
from svp_dagster.storage.storage import Storage

FOLDER = PROJECT / "deploy" / "cloud-run"
SDK = Path("/usr/lib/google-cloud-sdk")


FLAGS = {
    "artifacts repositories create": "location repository-format",
    "artifacts repositories describe": "location",
    "beta run worker-pools deploy": """
        args cpu image memory region scaling service-account set-cloudsql-instances set-env-vars set-secrets""",
    "builds submit": "config region substitutions",
    "iam service-accounts create": "",
    "iam service-accounts describe": "",
    "projects add-iam-policy-binding": "condition member role",
    "projects describe": "",
    "run deploy": """
        allow-unauthenticated args concurrency cpu cpu-throttling image max-instances memory min-instances port region
        service-account set-cloudsql-instances set-env-vars set-secrets""",
    "run jobs add-iam-policy-binding": "member region role",
    "run jobs deploy": """
        args cpu image max-retries memory region service-account set-cloudsql-instances set-env-vars set-secrets
        task-timeout""",
    "run jobs execute": "region wait",
    "secrets add-iam-policy-binding": "member role",
    "secrets create": "data-file replication-policy",
    "secrets describe": "",
    "services enable": "",
    "storage buckets add-iam-policy-binding": "member role",
    "storage buckets create": "location public-access-prevention uniform-bucket-level-access",
    "storage buckets describe": "",
    "sql databases create": "instance",
    "sql databases describe": "instance",
    "sql instances create": """
        backup backup-start-time connector-enforcement database-version deletion-protection edition
        enable-point-in-time-recovery region retained-backups-count ssl-mode storage-auto-increase tier""",
    "sql instances describe": "",
    "sql users create": "instance password",
    "sql users set-password": "instance password",
}
"""Flags of https://cloud.google.com/sdk/gcloud/reference (SDK 528), those that every command has aside."""

FAKE = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
case $* in
    *describe*) exit 1 ;;
    *--data-file=-*) cat >>"$SECRETS" ; echo >>"$SECRETS" ;;
esac
"""


class Script:
    """A script with a `gcloud` that writes down what it is called with, in a project where nothing is yet."""

    def __init__(self, folder: Path) -> None:
        self.calls_file, self.secrets_file = folder / "calls", folder / "secrets"
        gcloud = folder / "bin" / "gcloud"
        gcloud.parent.mkdir()
        gcloud.write_text(FAKE)
        gcloud.chmod(0o755)
        self._environment = {
            "PATH": f"{gcloud.parent}:{os.environ['PATH']}",
            "CALLS": str(self.calls_file),
            "SECRETS": str(self.secrets_file),
            "PROJECT": "kitchen",
            "PROJECT_NUMBER": "123",
            "REGION": "europe-west1",
            "NOTION_CLIENT_ID": "client",
        }

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the folder's scripts."""
        return subprocess.run(
            ["sh", FOLDER / name, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def calls(self) -> list[str]:
        """What `gcloud` was called with."""
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def command(call: str) -> str:
    """The command of a call that is in our table."""
    return next(name for name in sorted(FLAGS, key=len, reverse=True) if call.startswith(f"{name} "))


def flags(call: str) -> set[str]:
    found = {word.split("=")[0].removeprefix("--") for word in call.split() if word.startswith("--")}
    return {flag.removeprefix("no-") for flag in found} - {"project", "format"}


@pytest.mark.parametrize("name", ["setup_database.sh", "deploy.sh"])
def test_a_script_says_all_that_it_will_do_and_does_nothing_without_a_yes(name: str, script: Script) -> None:
    said = script.run(name)
    assert said.returncode == 1
    assert script.calls == []
    assert said.stdout.startswith("This will run:\n")

    assert script.run(name, "--yes").returncode == 0
    made = [call for call in script.calls if " describe " not in call]
    assert len(made) > 4
    for call in made:
        assert f"gcloud {' '.join(call.split()[:2])}" in said.stdout


@pytest.mark.parametrize("name", ["setup_database.sh", "deploy.sh"])
def test_gcloud_has_each_command_and_flag(name: str, script: Script) -> None:
    script.run(name, "--yes")
    for call in script.calls:
        assert flags(call) - set(FLAGS[command(call)].split()) == set(), call


def test_the_table_of_flags_is_that_of_the_sdk() -> None:
    tree = SDK / "data" / "cli" / "gcloud_completions.py"
    if not tree.exists():
        pytest.skip("no Google Cloud SDK here to compare with")
    spec = importlib.util.spec_from_file_location("gcloud_completions", tree)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, known in FLAGS.items():
        node = module.STATIC_COMPLETION_CLI_TREE
        for word in name.split():
            node = node["commands"][word]
        assert {f"--{flag}" for flag in known.split()} <= set(node["flags"]), name


def test_the_databases_password_is_in_the_secret_alone(script: Script) -> None:
    done = script.run("setup_database.sh", "--yes")
    (url,) = script.secrets_file.read_text().split()
    assert url.startswith("postgresql+psycopg2://svp:")
    assert url.endswith("@/svp?host=/cloudsql/kitchen:europe-west1:svp")
    password = url.split(":")[2].split("@")[0]
    assert len(password) >= 32
    assert password not in done.stdout + done.stderr


def test_each_key_is_one_that_production_takes(script: Script) -> None:
    script.run("deploy.sh", "--yes")
    keys = script.secrets_file.read_text().split()
    assert len(set(keys)) == 3
    assert {len(key) for key in keys} == {44}


def test_all_programs_get_settings_that_they_know(script: Script) -> None:
    script.run("deploy.sh", "--yes")
    deployed = [call for call in script.calls if "--set-env-vars" in call]
    assert len(deployed) == 5
    known = {name for field in Settings.model_fields for name in variables(Settings, field)}
    others = {"GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_REGION", "FORWARDED_ALLOW_IPS"}
    for call in deployed:
        values = {word.split("=", 1)[0]: word.split("=", 1)[1] for word in call.split() if "=" in word}
        pairs = [*values["--set-env-vars"].split(","), *values["--set-secrets"].split(",")]
        assert {pair.split("=")[0] for pair in pairs} <= known | others
        assert "DATABASE_URL=svp-database-url:latest" in pairs
        settings = dict(pair.split("=", 1) for pair in values["--set-env-vars"].split(","))
        assert not Storage(address=settings["SVP_STORAGE"]).is_folder
    daemons = [call for call in script.calls if call.startswith("beta run worker-pools")]
    assert len(daemons) == 1
    assert "--scaling=1 " in daemons[0]


@pytest.fixture
def dagster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster as it is configured there, with storage in a folder."""
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: (nobody, "kitchen"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "kitchen")
    monkeypatch.setenv("GOOGLE_CLOUD_REGION", "europe-west1")
    monkeypatch.setenv("SVP_DAGSTER_CONFIG", str(FOLDER / "dagster.yaml"))
    (tmp_path / "dagster.yaml").write_text(instance_config(Settings()))
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def test_a_run_becomes_an_execution_of_the_job_that_was_deployed(
    dagster: dg.DagsterInstance, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = dagster.run_launcher
    assert isinstance(launcher, CloudRunRunLauncher)
    assert isinstance(dagster.compute_log_manager, NoOpComputeLogManager)
    asked: list[Any] = []

    def run_job(request: Any) -> Any:
        asked.append(request)
        return SimpleNamespace(metadata=SimpleNamespace(name="projects/kitchen/executions/svp-run-1"))

    monkeypatch.setattr(launcher.jobs_client, "run_job", run_job)
    code = RepositoryPythonOrigin(
        sys.executable, ModuleCodePointer("svp_dagster.definitions", "defs"), None, ["dagster"]
    )
    run = dagster.add_run(dg.DagsterRun("process_link", run_id=make_new_run_id()))
    origin = SimpleNamespace(location_name=_location())
    context = SimpleNamespace(
        dagster_run=SimpleNamespace(run_id=run.run_id, remote_job_origin=origin),
        job_code_origin=JobPythonOrigin("process_link", code),
    )
    monkeypatch.setattr(dagster, "report_engine_event", lambda **_: None)

    launcher.launch_run(context)

    (request,) = asked
    script.run("deploy.sh", "--yes")
    jobs = [call.split()[3] for call in script.calls if call.startswith("run jobs deploy")]
    assert request.name == "projects/kitchen/locations/europe-west1/jobs/svp-run"
    assert request.name.split("/")[-1] in jobs
    assert list(request.overrides.container_overrides[0].args)[:3] == ["dagster", "api", "execute_run"]
    assert request.overrides.timeout.total_seconds() > 3600
    assert dagster.get_runs()[0].tags["cloud_run_job_execution_id"] == "svp-run-1"


def _location() -> str:
    (location,) = yaml.safe_load((PROJECT / "workspace.yaml").read_text())["load_from"]
    return str(location["python_module"]["location_name"])


def test_files_lie_in_a_bucket_that_all_programs_and_nobody_else_may_use(script: Script) -> None:
    script.run("deploy.sh", "--yes")
    calls = [call for call in script.calls if call.startswith("storage buckets")]
    (created,) = (call for call in calls if call.startswith("storage buckets create gs://kitchen-svp "))
    assert "--public-access-prevention" in created
    assert script.calls.index(created) < next(
        place for place, call in enumerate(script.calls) if call.startswith("run jobs deploy")
    )
    members = re.findall(r"--member=serviceAccount:(\S+)@kitchen\S+ --role=roles/storage.objectUser", "\n".join(calls))
    deployed = {found for call in script.calls for found in re.findall(r"--service-account=([\w-]+)@", call)}
    assert set(members) == deployed


def test_the_build_pushes_the_image_that_is_deployed(script: Script) -> None:
    build = yaml.safe_load((FOLDER / "cloudbuild.yaml").read_text())
    assert build["images"] == ["${_IMAGE}"]
    script.run("deploy.sh", "--yes")
    (built,) = {word.split("_IMAGE=")[1] for call in script.calls for word in call.split() if "_IMAGE=" in word}
    assert {word.split("=")[1] for call in script.calls for word in call.split() if word.startswith("--image=")} == {
        built
    }
