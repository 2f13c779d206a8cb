"""Whoever looks at the Dagster UI reads what each thing there is for, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from svp_dagster.definitions import defs

IMPLICIT = "__ASSET_JOB"


def described(kind: str) -> Iterator[tuple[str, str | None]]:
    """The names and descriptions of all things of a kind."""
    repository = defs().get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if job.name != IMPLICIT]
    match kind:
        case "sensors":
            yield from ((each.name, each.description) for each in repository.sensor_defs)
        case "schedules":
            yield from ((each.name, each.description) for each in repository.schedule_defs)
        case "jobs":
            yield from ((each.name, each.description) for each in jobs)
        case _:
            yield from ((node.name, node.description) for job in jobs for node in job.all_node_defs)


@pytest.mark.parametrize("kind", ["sensors", "schedules", "jobs", "ops"])
def test_everything_that_the_ui_lists_is_described(kind: str) -> None:
    found = dict(described(kind))
    assert found
    assert [name for name, description in found.items() if not (description or "").endswith(".")] == []
