"""`/metrics`: what Prometheus reads, and who may."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from oauth_app.app import create_app
from svp_dagster.store.crypto import new_key
from svp_dagster.store.store import Store
from svp_dagster.telemetry.tallies import BOUNDS, CALL_SECONDS, PAID_USD, ROWS, USED_UNITS, Tallies, tallies
from tests.oauth_app.dagster_stand_in import dagster
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token

OBSERVABILITY = Path(__file__).parents[3] / "deploy" / "observability"
TOKEN = "a-token-that-prometheus-has-and-nobody-else"


@pytest.fixture
def environment(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An installation with a token for Prometheus."""
    environment.setenv("SVP_METRICS_TOKEN", TOKEN)
    return environment


@pytest.fixture(autouse=True)
def _nothing_counted(app: Flask) -> None:
    """Leave out what this process counted before."""
    tallies.take()


def scrape(app: Flask, token: str = TOKEN) -> str:
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    return answer.text


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return samples(text)[name, frozenset(labels.items())]


def test_what_processes_counted_is_added_up(app: Flask, store: Store) -> None:
    for _ in range(2):
        process = Tallies()
        process.add(ROWS, outcome="failed", code="gone", platform="tiktok")
        for seconds in (0.07, 0.2, 700):
            process.observe(CALL_SECONDS, seconds, service="notion", status="200")
        store.tallies.add(process.take())
    text = scrape(app)
    assert value(text, ROWS, outcome="failed", code="gone", platform="tiktok") == 2
    called = {"service": "notion", "status": "200"}
    assert value(text, f"{CALL_SECONDS}_bucket", **called, le="0.05") == 0
    assert value(text, f"{CALL_SECONDS}_bucket", **called, le="0.25") == 4
    assert value(text, f"{CALL_SECONDS}_bucket", **called, le="120") == 4
    assert value(text, f"{CALL_SECONDS}_count", **called) == 6
    assert value(text, f"{CALL_SECONDS}_sum", **called) == pytest.approx(1400.54)


def test_what_the_app_itself_counted_is_there_and_is_counted_once(app: Flask) -> None:
    tallies.add(ROWS, outcome="failed", code="row_gone", platform="")
    assert [value(scrape(app), ROWS, outcome="failed", code="row_gone", platform="") for _ in range(2)] == [1, 1]


def test_rows_that_wait_are_counted_with_their_age(app: Flask, ada: Person, store: Store) -> None:
    store.databases.poll_now(ada.connection_id, now=datetime.now(UTC))
    link = {"url": "https://www.tiktok.com/@ada/video/7300000000000000001", "tag": "cooking"}
    (database,) = store.databases.content_databases(ada.connection_id)
    assert ada.ask("POST", "/api/entries", link | {"tag": database.tag}).status_code < 300
    text = scrape(app)
    assert value(text, "svp_rows", status="pending") == 1
    assert value(text, "svp_rows", status="waiting") == 0
    assert 0 <= value(text, "svp_oldest_ready_seconds") < 60
    assert value(text, "svp_connections") == 1
    assert value(text, "svp_disk_free_bytes") > 0
    assert value(text, "svp_check_ok", check="database") == 1
    assert value(text, "svp_check_ok", check="daemon") == 0


def test_the_slots_of_pools_are_as_dagster_counts_them(
    environment: pytest.MonkeyPatch, tmp_path: Path, store: Store
) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance, dagster(instance=instance) as url:
        pools = instance.event_log_storage
        pools.set_concurrency_slots("summary", 2)
        for step in ("first", "second", "third"):
            pools.claim_concurrency_slot("summary", "run", step)
        environment.setenv("SVP_DAGSTER_URL", url)
        text = scrape(create_app())
    assert value(text, "svp_pool_slots", pool="summary") == 2
    assert value(text, "svp_pool_used_slots", pool="summary") == 2
    assert value(text, "svp_pool_waiting_steps", pool="summary") == 1


def test_no_label_is_a_persons_word_and_no_secret_is_in_it(app: Flask, ada: Person, store: Store) -> None:
    (database,) = store.databases.content_databases(ada.connection_id)
    text = scrape(app)
    for said in (database.tag, ada.connection_id, TOKEN, make_token(ada)):
        assert said not in text


@pytest.mark.parametrize("token", ["", "wrong", "Bearer"])
def test_nobody_reads_it_without_the_token(app: Flask, ada: Person, token: str) -> None:
    secret = token or make_token(ada)
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.is_json) == (401, True)
    assert ada.client.get("/metrics").status_code == 401


def test_without_a_token_of_its_own_the_operators_key_opens_it(environment: pytest.MonkeyPatch, app: Flask) -> None:
    key = new_key()
    environment.delenv("SVP_METRICS_TOKEN")
    environment.setenv("SVP_OPERATOR_KEY", key)
    client = create_app().test_client()
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_promtool_finds_nothing_wrong_with_it(app: Flask) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    tallies.observe(CALL_SECONDS, 0.1, service="notion", status="none")
    done = subprocess.run([promtool, "check", "metrics"], input=scrape(app), capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_rules_and_dashboards_name_metrics_that_there_are(app: Flask, store: Store) -> None:
    process = Tallies()
    for name in BOUNDS:
        process.observe(name, 1, code="")
    for name in (ROWS, PAID_USD, USED_UNITS):
        process.add(name, 1, code="")
    store.tallies.add(process.take())
    there = {name for name, _ in samples(scrape(app))} | {
        "svp_site_paused",
        "svp_pool_slots",
        "svp_pool_used_slots",
        "svp_pool_waiting_steps",
    }
    files = [OBSERVABILITY / "alerts.yaml", *(OBSERVABILITY / "dashboards").iterdir()]
    named = {name for path in files for name in re.findall(r"\bsvp_[a-z_]+", path.read_text())}
    assert named - there == set()
    assert {"svp_rows_total", "svp_stage_seconds_bucket"} <= named
