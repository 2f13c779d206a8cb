"""The dashboards in the tree are those that the script makes, and what runs them mounts what is there."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import yaml

OBSERVABILITY = Path(__file__).parents[3] / "deploy" / "observability"


def test_the_dashboards_are_as_the_script_makes_them() -> None:
    made: dict[str, str] = runpy.run_path(str(OBSERVABILITY / "make_dashboards.py"))["dashboards"]()
    kept = {path.name: path.read_text() for path in (OBSERVABILITY / "dashboards").iterdir()}
    assert kept == made


def test_every_panel_has_a_source_that_grafana_is_given() -> None:
    sources = yaml.safe_load((OBSERVABILITY / "grafana" / "datasources.yaml").read_text())["datasources"]
    for path in (OBSERVABILITY / "dashboards").iterdir():
        panels: list[dict[str, Any]] = json.loads(path.read_text())["panels"]
        assert panels
        assert {panel["datasource"]["uid"] for panel in panels} <= {source["uid"] for source in sources}
        assert all(panel["targets"] for panel in panels)


def test_what_is_mounted_is_there() -> None:
    services = yaml.safe_load((OBSERVABILITY / "compose.yaml").read_text())["services"]
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    files = [name for name in mounted if name.startswith("./")]
    assert len(files) > 5
    assert [name for name in files if not (OBSERVABILITY / name).exists()] == []
