"""What stands in `deploy/kubernetes`, checked by Kubernetes' schemas and by Dagster itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import kubernetes_validate
import pytest
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.utils import make_new_run_id
from dagster_k8s import K8sRunLauncher
from dagster_postgres.utils import pg_url_from_config
from kubernetes.client import ApiClient
from kubernetes.config import incluster_config

from svp_dagster.commands.processes import PROJECT
from svp_dagster.defs.run_queue.coordinator import RowRunCoordinator
from svp_dagster.environment.secret_files import variables
from svp_dagster.settings import Settings
from tests.deploy.chart import KEYS, instance, paths, values

FOLDER = PROJECT / "deploy" / "kubernetes"
KUBERNETES = "1.33"
IMAGE = "registry.example.org/svp:1"


def documents(*folders: str) -> list[dict[str, Any]]:
    """The manifests of folders, in their order."""
    files = [path for folder in folders for path in sorted((FOLDER / folder).glob("*.yaml"))]
    texts = [path.read_text() for path in files if path.name != "kustomization.yaml"]
    found = [each for text in texts for each in yaml.safe_load_all(text)]
    assert found
    return found


ALL = documents("app", "postgresql")


def pod_specs(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pods that manifests make, by name."""
    specs = {}
    for each in manifests:
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            specs[each["metadata"]["name"]] = spec["template"]["spec"]
    return specs


@pytest.mark.parametrize("manifest", ALL, ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_kubernetes_takes_each_manifest(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("folder", ["app", "postgresql"])
def test_a_kustomization_names_each_file_of_its_folder(folder: str) -> None:
    named = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text())["resources"]
    assert sorted(named) == sorted(
        path.name for path in (FOLDER / folder).glob("*.yaml") if path.name != "kustomization.yaml"
    )
    if shutil.which("kubectl"):
        subprocess.run(["kubectl", "kustomize", FOLDER / folder], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "spec"), pod_specs(ALL).items(), ids=lambda each: each if isinstance(each, str) else ""
)
def test_no_pod_may_more_than_it_needs(name: str, spec: dict[str, Any]) -> None:
    assert_is_confined(spec)
    assert spec.get("automountServiceAccountToken") is False or name == "svp-dagster"


def assert_is_confined(spec: dict[str, Any]) -> None:
    assert spec["securityContext"]["runAsNonRoot"] is True
    for container in spec["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted <= {volume["name"] for volume in spec["volumes"]} | {"data"}
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_services_and_policies_choose_pods_that_are_there() -> None:
    names = {
        name
        for each in ALL
        for name in [
            each.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {}).get("app.kubernetes.io/name")
        ]
        if name
    }
    services = {each["metadata"]["name"]: each["spec"]["selector"] for each in ALL if each["kind"] == "Service"}
    assert {selector["app.kubernetes.io/name"] for selector in services.values()} <= names
    ingress = next(each for each in ALL if each["kind"] == "Ingress")
    backends = {
        path["backend"]["service"]["name"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]
    }
    assert backends == {"svp-app", "svp-dagster"} <= set(services)
    assert values()["postgresql"]["postgresqlHost"] in services


def test_the_settings_are_ones_that_the_program_knows() -> None:
    settings = next(each for each in ALL if each["kind"] == "ConfigMap")["data"]
    known = {name for field in Settings.model_fields for name in variables(Settings, field)}
    assert {name for name in settings if not name.startswith("AWS_")} <= known
    for value in settings.values():
        assert isinstance(value, str)


def test_the_chart_has_each_of_our_values() -> None:
    given = paths(values())
    assert len(given) > 40
    assert given - KEYS == set()
    assert paths({"dagsterDaemon": {"runCoordinatr": {"enabled": True}}}) - KEYS


def test_the_instance_is_that_of_dagster_yaml_but_for_where_things_are() -> None:
    ours = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
    made = instance(values())
    assert set(ours) <= set(made)
    differs = {section for section in ours if ours[section] != made[section]}
    assert differs == {"run_launcher", "run_monitoring"}
    slower = {"start_timeout_seconds": 300, "poll_interval_seconds": 15}  # a pod is a while in coming
    assert made["run_monitoring"] == ours["run_monitoring"] | slower
    assert set(made) - set(ours) == {"run_storage", "event_log_storage", "schedule_storage"}


def test_the_address_of_the_database_names_the_driver_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    config = instance(values())["run_storage"]["config"]
    config["postgres_db"]["password"] = "p"
    assert pg_url_from_config(config) == "postgresql+psycopg2://svp:p@svp-postgresql:5432/svp"


@pytest.fixture
def in_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pod with a service account has."""
    for name, text in (("SERVICE_TOKEN_FILENAME", "token"), ("SERVICE_CERT_FILENAME", "certificate")):
        (tmp_path / text).write_text(text)
        monkeypatch.setattr(incluster_config, name, str(tmp_path / text))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "9")


@pytest.fixture
def dagster(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster as the chart configures it, with storage in a folder."""
    config = {key: value for key, value in instance(values()).items() if not key.endswith("_storage")}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config))
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def test_dagster_takes_the_configuration_and_keeps_our_limits(dagster: dg.DagsterInstance) -> None:
    assert isinstance(dagster.run_coordinator, RowRunCoordinator)
    queue = dagster.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == 6
    assert {limit["key"] for limit in queue.tag_concurrency_limits} == {"svp/kind", "svp/connection", "svp/video"}
    assert dagster.run_monitoring_enabled
    assert dagster.run_retries_max_retries == 2
    assert isinstance(dagster.compute_log_manager, NoOpComputeLogManager)


@pytest.mark.usefixtures("in_cluster")
def test_a_run_becomes_a_job_that_kubernetes_takes_and_that_may_nothing(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = dagster.run_launcher
    assert isinstance(launcher, K8sRunLauncher)
    made: list[Any] = []
    monkeypatch.setattr(
        launcher._api_client.batch_api,
        "create_namespaced_job",
        lambda body, namespace, **_: made.append((namespace, body)),
    )
    code = RepositoryPythonOrigin(
        executable_path=sys.executable,
        code_pointer=ModuleCodePointer("svp_dagster.definitions", "defs"),
        container_image=IMAGE,
        entry_point=["dagster"],
        container_context={},
    )
    run = dagster.add_run(
        dg.DagsterRun("process_link", run_id=make_new_run_id(), job_code_origin=JobPythonOrigin("process_link", code))
    )

    launcher.launch_run(SimpleNamespace(dagster_run=run))  # type: ignore[arg-type]

    ((namespace, job),) = made
    manifest = ApiClient().sanitize_for_serialization(job)
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    spec = manifest["spec"]["template"]["spec"]
    assert_is_confined(spec)
    assert namespace == "svp"
    assert spec["containers"][0]["image"] == IMAGE
    assert spec["automountServiceAccountToken"] is False
    assert manifest["spec"]["activeDeadlineSeconds"] > 3600
    runs = next(each for each in ALL if each["metadata"]["name"] == "svp-runs")["spec"]["podSelector"]["matchLabels"]
    assert runs.items() <= manifest["spec"]["template"]["metadata"]["labels"].items()


def test_a_process_that_works_on_a_run_needs_nothing_of_kubernetes(dagster: dg.DagsterInstance) -> None:
    @dg.op
    def work() -> int:
        return 1

    @dg.job
    def shift() -> None:
        work()

    assert shift.execute_in_process(instance=dagster).success
