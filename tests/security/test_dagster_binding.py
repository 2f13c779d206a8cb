"""Nothing but the operator's own setting shows the Dagster UI to other machines."""

from __future__ import annotations

from pathlib import Path

from svp_dagster.settings import Settings

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"
APP_PORT = "8600"


def test_the_dagster_ui_listens_on_the_loopback_interface() -> None:
    assert Settings().dagster_host == "127.0.0.1"


def test_the_image_publishes_the_app_alone() -> None:
    lines = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()
    exposed = {port for line in lines if line.startswith("EXPOSE ") for port in line.split()[1:]}
    assert exposed == {APP_PORT}
    assert not [line for line in lines if "SVP_DAGSTER_HOST=" in line and not line.startswith("#")]
