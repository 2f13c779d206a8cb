"""Whoever launches a run writes its config. It must not name an address, a key or a variable of the environment."""

import json
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from svp_dagster.definitions import defs
from svp_dagster.download.links import parse_link
from svp_dagster.errors import SvpError
from svp_dagster.models import Span
from tests.fakes import CountingMeter
from tests.media.making import picture, sound
from tests.security.dagster_web import DagsterWeb, dagster_web
from tests.security.listener import Listener, listening
from tests.store.examples import LINK
from tests.summary.recipe import wanted

pytestmark = pytest.mark.slow

VARIABLE = "NOTION_CLIENT_SECRET"
SECRETS = {
    VARIABLE: "canary-notion",
    "OPENAI_API_KEY": "canary-openai",
    "GOOGLE_VISION_API_KEY": "canary-vision",
    "GEMINI_API_KEY": "canary-gemini",
    "SVP_EGRESS_PROXY": "http://canary-user:canary-password@127.0.0.1:9",
}
"""Every engine that has a key is chosen, and each secret can be told from all else."""

LOCATION = {"python_module": {"module_name": "svp_dagster.definitions", "location_name": "svp_dagster"}}
READS_VARIABLES = {"StringSourceType", "IntSourceType", "BoolSourceType"}
"""Dagster's config types that take `{"env": NAME}` instead of a value."""

Json = dict[str, Any]


def overrides(url: str) -> dict[str, Json]:
    """Return what a run's config would say to redirect each client to `url` with another secret as its key.

    Those that call nobody could be given other limits, or be made to show a secret.
    """
    stolen = {"env": VARIABLE}
    return {
        "downloader": {"proxy": url},
        "speech": {"base_url": f"{url}/v1", "api_key": stolen, "attempts": 1},
        "screen_reader": {"endpoint": url, "api_key": stolen},
        "summarizer": {"base_url": url, "api_key": stolen, "attempts": 1},
        "link_rows": {"output_language": stolen, "monthly_budget_usd": 1e9},
        "kept_media": {"storage": {"address": stolen}},
        "work_folder": {"root": stolen},
        "site_rules": {"extra_hosts": ["evil.example"]},
        "page_options": {"block_budget": stolen},
        "io_manager": {"base_dir": stolen},
    }


def use_downloader(downloader: Any, folder: Path) -> None:
    downloader.fetch(parse_link(LINK), folder=folder)


def use_speech(speech: Any, folder: Path) -> None:
    heard = sound(folder / "heard.wav", "sine=duration=2:sample_rate=16000")
    speech.transcribe(heard, speech=[Span(0.0, 2.0)], meter=CountingMeter())


def use_screen_reader(reader: Any, folder: Path) -> None:
    import cv2

    cv2.imwrite(str(folder / "sheet.jpg"), picture(size=(90, 160)))
    reader.read([folder / "sheet.jpg"], meter=CountingMeter(), limit_s=2.0)


def use_summarizer(summarizer: Any, folder: Path) -> None:
    summarizer.summarize(wanted(), meter=CountingMeter())


USES: dict[str, Callable[[Any, Path], None]] = {
    "downloader": use_downloader,
    "speech": use_speech,
    "screen_reader": use_screen_reader,
    "summarizer": use_summarizer,
}
"""What makes each client send its first request."""


@pytest.fixture
def evil() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def location(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    """The real code location of an installation with every key."""
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return defs()


@pytest.fixture(scope="module")
def real_web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterWeb]:
    """Dagster's web server with the real code location and every key."""
    with dagster_web(tmp_path_factory.mktemp("real"), location=LOCATION, settings=SECRETS) as started:
        yield started


def job_that(key: str, definitions: dg.Definitions, use: Callable[[Any], None]) -> dg.JobDefinition:
    """Return a job that uses one resource of the code location."""

    @dg.op(required_resource_keys={key})
    def uses(context: dg.OpExecutionContext) -> None:
        use(getattr(context.resources, key))

    @dg.job(resource_defs=dict(definitions.resources or {}))
    def attack() -> None:
        uses()

    return attack


@pytest.mark.parametrize("key", USES)
def test_no_run_config_leads_a_client_to_another_address(
    location: dg.Definitions, evil: Listener, tmp_path: Path, key: str
) -> None:
    def use(resource: Any) -> None:
        with pytest.raises(SvpError):
            USES[key](resource, tmp_path)

    attack = job_that(key, location, use)
    config = {"resources": {key: {"config": overrides(evil.url)[key]}}}
    with pytest.raises(dg.DagsterInvalidConfigError):
        attack.execute_in_process(run_config=config)
    assert evil.heard == []


def test_no_resource_takes_any_configuration(location: dg.Definitions) -> None:
    resources = location.resources or {}
    assert resources.keys() >= overrides("").keys()
    for key in resources:
        job = job_that(key, location, lambda _: None)
        dg.validate_run_config(job, {"resources": {key: {"config": {}}}})
        for config in (overrides("http://evil.example").get(key), {"x": 1}, {"env": VARIABLE}, "x"):
            if config is not None:
                with pytest.raises(dg.DagsterInvalidConfigError):
                    dg.validate_run_config(job, {"resources": {key: {"config": config}}})


def test_the_platform_of_a_canary_is_no_way_to_read_a_variable(location: dg.Definitions) -> None:
    def config(platform: Any) -> Json:
        return {"ops": {"download_canary": {"config": {"platform": platform}}}}

    canary = location.resolve_job_def("canary")
    dg.validate_run_config(canary, config("tiktok"))
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(canary, config({"env": VARIABLE}))


def test_resources_show_no_secret_in_memory(location: dg.Definitions) -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_resources(dict(location.resources or {}), instance=instance) as made,
    ):
        shown = repr(made._asdict())
    assert "max_duration_s" in shown
    assert "canary" not in shown


@pytest.mark.usefixtures("location")
def test_a_code_location_that_can_not_be_loaded_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_MAX_DURATION_S", "canary-by-mistake")
    with pytest.raises(Exception, match=r"resources\.py") as caught:
        defs()
    shown = "".join(traceback.format_exception(caught.value))
    assert "max_duration_s" in shown.lower()
    assert "canary" not in shown


@pytest.mark.parametrize("key", ["speech", "screen_reader", "summarizer"])
def test_a_run_that_fails_shows_no_secret(
    location: dg.Definitions, evil: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    for name, address in {"OPENAI_BASE_URL": "/v1", "SVP_VISION_ENDPOINT": "", "GOOGLE_GEMINI_BASE_URL": ""}.items():
        monkeypatch.setenv(name, f"{evil.url}{address}")
    job = job_that(key, defs(), lambda resource: USES[key](resource, tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        run = job.execute_in_process(instance=instance, raise_on_error=False)
        shown = " ".join(map(str, instance.all_logs(run.run_id)))
    assert not run.success
    assert evil.heard
    assert "SvpError" in shown
    assert "canary" not in shown


SELECTOR = {"repositoryLocationName": "svp_dagster", "repositoryName": "__repository__"}
LAUNCH = """mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PythonError { message }
  }
}"""
SCHEMA = """query ($selector: PipelineSelector!) {
  runConfigSchemaOrError(selector: $selector) { __typename ... on RunConfigSchema { allConfigTypes { key } } }
}"""
RESOURCES = """query ($selector: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $selector) {
    __typename
    ... on ResourceDetailsList {
      results { name description resourceType configFields { name } configuredValues { key value } }
    }
  }
}"""


def asked(web: DagsterWeb, query: str, variables: Json) -> Json:
    """Return the data of an answer."""
    answer = web.send("POST", "/graphql", json={"query": query, "variables": variables}).raise_for_status().json()
    assert "errors" not in answer, answer
    data: Json = answer["data"]
    return data


def launch(web: DagsterWeb, job: str, config: Json, *, partition: str = "") -> Json:
    """Return what came of launching a run with this config."""
    tags = [{"key": "dagster/partition", "value": partition}] if partition else []
    params = {
        "selector": {**SELECTOR, "pipelineName": job},
        "runConfigData": json.dumps(config),
        "mode": "default",
        "executionMetadata": {"tags": tags},
    }
    return dict(asked(web, LAUNCH, {"params": params})["launchRun"])


@pytest.mark.parametrize("key", overrides(""))
def test_a_launch_that_overrides_a_resource_is_refused(real_web: DagsterWeb, evil: Listener, key: str) -> None:
    config = {"resources": {key: {"config": overrides(evil.url)[key]}}}
    refused = launch(real_web, "process_link", config, partition="row")
    assert refused["__typename"] == "RunConfigValidationInvalid"
    assert "unexpected config entr" in refused["errors"][0]["message"]
    assert evil.heard == []


def test_a_launch_of_a_canary_that_names_a_variable_is_refused(real_web: DagsterWeb) -> None:
    config = {"ops": {"download_canary": {"config": {"platform": {"env": VARIABLE}}}}}
    assert launch(real_web, "canary", config)["__typename"] == "RunConfigValidationInvalid"


@pytest.mark.parametrize("job", ["process_link", "canary", "__ASSET_JOB"])
def test_nothing_in_the_config_of_a_run_can_name_a_variable(real_web: DagsterWeb, job: str) -> None:
    """Ops, executor and loggers as well as resources: no field has a type that reads the environment."""
    schema = asked(real_web, SCHEMA, {"selector": {**SELECTOR, "pipelineName": job}})["runConfigSchemaOrError"]
    types = {found["key"] for found in schema["allConfigTypes"]}
    assert "String" in types
    assert not [key for key in types if any(name in key for name in READS_VARIABLES)]


def test_the_ui_shows_no_configuration_of_a_resource(real_web: DagsterWeb) -> None:
    answer = asked(real_web, RESOURCES, {"selector": SELECTOR})["allTopLevelResourceDetailsOrError"]
    assert {found["name"] for found in answer["results"]} >= overrides("").keys()
    for found in answer["results"]:
        assert (found["configFields"], found["configuredValues"]) == ([], []), found["name"]
    assert "canary" not in json.dumps(answer)
