"""What the catalogue shows, and what it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from svp_dagster import engines
from svp_dagster.commands.processes import PROJECT
from svp_dagster.defs.checks import MIN_COLUMNS_FILLED, SPECS
from tests.defs.graphql import IMPLICIT
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, WrittenPosts

pytest_plugins = ("tests.media_site",)

PASTA = "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501"
LINEAGE = {
    "video": set(),
    "transcript": {"video"},
    "screen_text": {"video"},
    "summary": {"video", "transcript", "screen_text"},
    "content_page": {"summary"},
}


@pytest.fixture
def posts(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> WrittenPosts:
    posts = WrittenPosts()
    monkeypatch.setattr(engines, "downloader", lambda _settings: posts)
    return posts


def test_the_lineage_of_the_catalogue_is_the_one_of_the_documentation(installation: Installation) -> None:
    graph = installation.definitions.resolve_asset_graph()

    found = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}

    assert {name: {key.to_user_string() for key in node.parent_keys} for name, node in found.items()} == LINEAGE
    for node in found.values():
        assert node.description
        assert node.owners
        assert node.kinds


def test_the_code_references_lead_to_the_functions_that_make_an_asset(installation: Installation) -> None:
    graph = installation.definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        references = graph.get(key).metadata["dagster/code_references"]
        assert isinstance(references, dg.CodeReferencesMetadataValue)
        for reference in references.code_references:
            assert isinstance(reference, dg.LocalFileCodeReference)
            line = Path(reference.file_path).read_text().splitlines()[(reference.line_number or 0) - 1]
            assert line.startswith("def ")


def test_every_job_op_and_check_has_a_description(installation: Installation) -> None:
    repository = installation.definitions.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if job.name != IMPLICIT]
    ops = {node for job in jobs for node in job.all_node_defs}
    assert len(ops) > 5
    assert SPECS
    shown: tuple[Any, ...] = (*jobs, *ops, *SPECS)
    for each in shown:
        assert each.description, each.name


def materialize(installation: Installation, page_id: str) -> dg.ExecuteInProcessResult:
    """Materialize the assets of a row in the catalogue."""
    job = installation.definitions.resolve_job_def(IMPLICIT)
    selected = job.get_subset(asset_selection={dg.AssetKey(name) for name in LINEAGE})
    installation.add_partition(page_id)
    key = installation.key(page_id)
    return selected.execute_in_process(instance=installation.instance, partition_key=key, raise_on_error=False)


def test_materialize_in_the_catalogue_makes_the_page_of_the_chosen_partition_again(
    installation: Installation, posts: WrittenPosts
) -> None:
    row = installation.process(SOUP, "cooking")

    again = materialize(installation, row["id"])

    assert again.success
    assert len(installation.content_pages("cooking")) == 1
    assert installation.materialized("content_page", row["id"]) == {
        **installation.materialized("content_page", row["id"]),
        "page": row["result"],
        "created": False,
    }


def test_the_run_of_a_row_has_an_op_for_each_asset_and_no_more(installation: Installation) -> None:
    """Each op, input and output costs writes to Dagster's database. Freshness is about all rows, not about this one."""
    ops = installation.definitions.resolve_job_def("process_link").all_node_defs
    assert [op.name for op in ops if isinstance(op, dg.OpDefinition)] == [
        "download",
        "transcribe",
        "read_screen",
        "summarize",
        "publish",
    ]


def test_what_the_catalogue_runs_has_the_executor_and_the_pools_of_the_job(installation: Installation) -> None:
    jobs = [installation.definitions.resolve_job_def(name) for name in ("process_link", IMPLICIT)]
    assert {job.executor_def.name for job in jobs} == {"in_process"}
    pools = [{node.name: node.pool for node in job.all_node_defs if isinstance(node, dg.OpDefinition)} for job in jobs]
    assert pools[1] == {**pools[0], "content_page_freshness": None}


def test_a_part_of_a_row_s_assets_is_never_made_without_the_rest(installation: Installation) -> None:
    """A summary alone would leave its row unfinished. The catalogue asks for the others by itself."""
    with pytest.raises(dg.DagsterInvalidSubsetError):
        installation.definitions.resolve_job_def(IMPLICIT).get_subset(asset_selection={dg.AssetKey("summary")})


def test_a_failed_run_of_the_catalogue_ends_its_row_as_one_of_the_job_does(
    installation: Installation, posts: WrittenPosts
) -> None:
    row = installation.process(SOUP, "cooking")
    places = installation.store.databases.for_tag(installation.connection_id, "cooking")
    assert places is not None
    installation.notion.client.databases.update(places.database_id, in_trash=True)

    run = materialize(installation, row["id"])
    installation.after_failure(run.run_id)

    assert installation.row(row["id"])["status"] == "failed"
    sensor = installation.definitions.resolve_sensor_def("failed_runs")
    assert not sensor.targets  # of all jobs


def test_crashed_runs_are_started_again_however_they_were_launched(installation: Installation) -> None:
    retries = yaml.safe_load((PROJECT / "dagster.yaml").read_text())["run_retries"]
    assert retries == {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}
    job = installation.definitions.resolve_job_def("process_link")
    assert not [tag for tag in job.run_tags if "retr" in tag]


def evaluations(installation: Installation, run_id: str) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks of a run, by name."""
    found = installation.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    made = [entry.dagster_event.event_specific_data for entry in found if entry.dagster_event]
    return {each.check_name: each for each in made if isinstance(each, dg.AssetCheckEvaluation)}


def test_each_page_is_measured_by_checks_whose_numbers_make_a_chart(installation: Installation) -> None:
    page_id = installation.add_row(PASTA, "cooking")
    (run,) = installation.run_requested()

    checks = evaluations(installation, run.run_id)

    assert checks.keys() == {"heard", "read", "evidence_checked", "columns_filled", "quotes_support"}
    for check in checks.values():
        assert check.severity is dg.AssetCheckSeverity.WARN
        assert check.partition == installation.key(page_id)
        assert not check.blocking
    words = checks["heard"].metadata["words"]
    assert isinstance(words, dg.IntMetadataValue)
    assert (words.value or 0) > 5
    filled = checks["columns_filled"].metadata["share"]
    assert isinstance(filled, dg.FloatMetadataValue)
    assert checks["columns_filled"].passed == ((filled.value or 0.0) >= MIN_COLUMNS_FILLED)
