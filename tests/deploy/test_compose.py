"""`deploy/compose.yaml` by the Compose specification, and by what our programs know."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from compose_spec import PyCompose

from svp_dagster.cli import main
from svp_dagster.commands.processes import PROJECT
from svp_dagster.environment.secret_files import variables
from svp_dagster.settings import Settings

FOLDER = PROJECT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "svp"}
OTHERS_VARIABLES = {"FORWARDED_ALLOW_IPS"}
"""Read by uvicorn: https://www.uvicorn.org/settings/#http."""


def test_it_is_one_by_the_specification() -> None:
    assert set(PyCompose.from_yaml(_interpolated(yaml.safe_dump(COMPOSE))).service_names()) == set(SERVICES)
    assert set(OURS) == {"prepare", "code", "daemon", "dagster", "app"}


def _interpolated(text: str) -> str:
    """The file with a word for each variable, as Compose puts their values in before it checks."""
    return re.sub(r"\$\{[^}]+\}", "word", text)


@pytest.mark.parametrize("name", OURS)
def test_each_program_is_one_that_we_have_and_is_confined(name: str) -> None:
    service = OURS[name]
    program, *arguments = service["command"]
    if program == "svp":
        assert isinstance(main.commands.get(arguments[0]), click.Command)
    for option in (argument for argument in arguments if argument.endswith(".yaml")):
        assert (PROJECT / option).exists()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/tmp"]
    known = {variable for field in Settings.model_fields for variable in variables(Settings, field)}
    assert set(service["environment"]) <= known | OTHERS_VARIABLES


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert SERVICES["postgresql"]["networks"] == ["database"]


def test_each_service_says_whether_it_is_well_and_waits_for_those_that_it_needs() -> None:
    image_says = "app"  # HEALTHCHECK of the Dockerfile
    assert [name for name, service in SERVICES.items() if "healthcheck" not in service and name != image_says] == []
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)


def test_what_it_mounts_is_there_and_each_volume_is_declared() -> None:
    sources = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = {source for source in sources if source.startswith(".")}
    assert {name for name in files if not (FOLDER / name).exists()} == {"./backups"}  # made by Docker
    assert {source for source in sources if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_the_code_server_is_found_where_it_listens() -> None:
    (location,) = yaml.safe_load((FOLDER / "compose-workspace.yaml").read_text())["load_from"]
    server = location["grpc_server"]
    assert server["host"] in SERVICES
    assert str(server["port"]) in SERVICES["code"]["command"]
    caddy = (FOLDER / "Caddyfile").read_text()
    backends = dict(re.findall(r"reverse_proxy (\w+):(\d+)", caddy))
    assert backends == {
        "app": SERVICES["app"]["environment"]["SVP_APP_PORT"],
        "dagster": SERVICES["dagster"]["environment"]["SVP_DAGSTER_PORT"],
    }


@pytest.mark.parametrize("script", sorted(FOLDER.rglob("*.sh")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_shellcheck_finds_nothing_in_a_script(script: Path) -> None:
    shellcheck = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert shellcheck
    found = subprocess.run([shellcheck, "--external-sources", script], capture_output=True, text=True, timeout=60)
    assert found.stdout == ""
    assert found.returncode == 0
