"""What Dagster's Helm chart makes of our values, without Helm.

The keys are those of `helm/dagster/values.yaml` and `helm/dagster/schema` in https://github.com/dagster-io/dagster
(1.13), and `instance` makes what `templates/configmap-instance.yaml` and its helpers make there. Of both, only what our
values use is here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

VALUES = Path(__file__).parents[2] / "deploy" / "kubernetes" / "dagster-values.yaml"
RELEASE, NAMESPACE = "dagster", "svp"

_POD = """
image.repository image.tag image.pullPolicy env envConfigMaps envSecrets labels annotations nodeSelector affinity
tolerations podSecurityContext securityContext resources volumes volumeMounts schedulerName livenessProbe readinessProbe
startupProbe
"""
_KEYS = {
    "global": "postgresqlSecretName dagsterHome serviceAccountName celeryConfigSecretName",
    "dagsterWebserver": f"{_POD} replicaCount nameOverride pathPrefix service workspace enableReadOnly logLevel",
    "dagster-user-deployments": "enabled enableSubchart imagePullSecrets deployments",
    "dagster-user-deployments.deployments": f"""
        {_POD} name dagsterApiGrpcArgs codeServerArgs port includeConfigInLaunchedRuns.enabled service""",
    "runLauncher": "type",
    "runLauncher.config.k8sRunLauncher": """
        imagePullPolicy image jobNamespace loadInclusterConfig kubeconfigFile envConfigMaps envSecrets envVars volumes
        volumeMounts labels resources schedulerName failPodOnRunFailure securityContext runK8sConfig""",
    "postgresql": """
        enabled image postgresqlHost postgresqlUsername postgresqlPassword postgresqlDatabase postgresqlParams
        postgresqlScheme service.port""",
    "generatePostgresqlPasswordSecret": "",
    "generateCeleryConfigSecret": "",
    "dagsterDaemon": f"{_POD} enabled heartbeatTolerance deploymentLabels",
    "dagsterDaemon.runCoordinator": "enabled type",
    "dagsterDaemon.runCoordinator.config.customRunCoordinator": "module class config",
    "dagsterDaemon.runMonitoring": """
        enabled startTimeoutSeconds cancelTimeoutSeconds pollIntervalSeconds maxResumeRunAttempts
        freeSlotsAfterRunEndSeconds""",
    "dagsterDaemon.runRetries": "enabled maxRetries retryOnAssetOrOpFailure",
    "dagsterDaemon.sensors": "useThreads numWorkers numSubmitWorkers",
    "dagsterDaemon.schedules": "useThreads numWorkers numSubmitWorkers",
    "retention": "enabled sensor.purgeAfterDays schedule.purgeAfterDays autoMaterialize.purgeAfterDays",
    "telemetry": "enabled",
    "additionalInstanceConfig": "",
}
KEYS = {f"{above}.{key}".strip(".") for above, keys in _KEYS.items() for key in (keys.split() or [""])}
"""Paths of values that the chart has. What is below one of them is Kubernetes' or Dagster's own."""


def values() -> dict[str, Any]:
    """Our values."""
    loaded: dict[str, Any] = yaml.safe_load(VALUES.read_text())
    return loaded


def paths(value: Any, above: str = "") -> set[str]:
    """The paths of values, down to those of `KEYS`. An element of a list has the path of the list."""
    if above in KEYS or not isinstance(value, dict | list):
        return {above}
    if isinstance(value, list):
        return set().union(*(paths(each, above) for each in value))
    return set().union(*(paths(below, f"{above}.{key}".strip(".")) for key, below in value.items()))


def instance(given: dict[str, Any]) -> dict[str, Any]:
    """`dagster.yaml`, as the chart makes it of values."""
    daemon, storage = given["dagsterDaemon"], {"config": {"postgres_db": _postgresql(given)}}
    assert not daemon["runMonitoring"]["enabled"]
    assert not daemon["runRetries"]["enabled"]
    return {
        "run_storage": {"module": "dagster_postgres.run_storage", "class": "PostgresRunStorage", **storage},
        "event_log_storage": {"module": "dagster_postgres.event_log", "class": "PostgresEventLogStorage", **storage},
        "schedule_storage": {
            "module": "dagster_postgres.schedule_storage",
            "class": "PostgresScheduleStorage",
            **storage,
        },
        "run_launcher": {"module": "dagster_k8s", "class": given["runLauncher"]["type"], "config": _launcher(given)},
        "run_coordinator": daemon["runCoordinator"]["config"]["customRunCoordinator"],
        "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"},
        "sensors": _threads(daemon["sensors"]),
        "schedules": _threads(daemon["schedules"]),
        "telemetry": given["telemetry"],
        "retention": {
            kind: {"purge_after_days": given["retention"][kind]["purgeAfterDays"]} for kind in ("sensor", "schedule")
        },
        **given["additionalInstanceConfig"],
    }


def _threads(given: dict[str, Any]) -> dict[str, Any]:
    names = {"useThreads": "use_threads", "numWorkers": "num_workers", "numSubmitWorkers": "num_submit_workers"}
    return {names[key]: value for key, value in given.items()}


def _postgresql(given: dict[str, Any]) -> dict[str, Any]:
    database = given["postgresql"]
    return {
        "username": database["postgresqlUsername"],
        "password": {"env": "DAGSTER_PG_PASSWORD"},
        "hostname": database["postgresqlHost"],
        "db_name": database["postgresqlDatabase"],
        "port": database["service"]["port"],
        "params": {},
        "scheme": database["postgresqlScheme"],
    }


def _launcher(given: dict[str, Any]) -> dict[str, Any]:
    launcher = given["runLauncher"]["config"]["k8sRunLauncher"]
    run = launcher["runK8sConfig"]
    return {
        "load_incluster_config": True,
        "job_namespace": NAMESPACE,
        "image_pull_policy": launcher["imagePullPolicy"],
        "service_account_name": RELEASE,
        "dagster_home": given["global"]["dagsterHome"],
        "instance_config_map": f"{RELEASE}-instance",
        "postgres_password_secret": given["global"]["postgresqlSecretName"],
        "env_config_maps": [each["name"] for each in launcher["envConfigMaps"]],
        "env_secrets": [each["name"] for each in launcher["envSecrets"]],
        "volume_mounts": launcher["volumeMounts"],
        "volumes": launcher["volumes"],
        "labels": launcher["labels"],
        "resources": launcher["resources"],
        "security_context": launcher["securityContext"],
        "run_k8s_config": {"pod_spec_config": run["podSpecConfig"], "job_spec_config": run["jobSpecConfig"]},
    }
