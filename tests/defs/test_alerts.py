"""What the operator is alerted of: what an operator can mend, once, and nothing about whose row it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from svp_dagster.alerts import channels
from svp_dagster.defs.alerts.freshness import CHECK, CONTENT_PAGE, Watch
from svp_dagster.errors import TABLE, Code, failure
from svp_dagster.store.installation.platforms import FailedPost
from tests.alerts.inbox import TOKEN, Inbox, inbox
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, WrittenPosts
from tests.defs.rows_with_runs import new_run

pytest_plugins = ("tests.media_site",)

REJECTED = failure(Code.KEY_REJECTED, service="OpenAI", setting="OPENAI_API_KEY")


@pytest.fixture
def webhook(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """Where the installation's alerts go."""
    with inbox() as made:
        monkeypatch.setenv("SVP_ALERT_URLS", made.address)
        yield made


def fail_rows(installation: Installation, error: Any, *, rows: int = 1) -> list[str]:
    """Let the runs of so many new rows fail. Returns the runs' ids."""
    installation.downloader = WrittenPosts(error=error)
    for number in range(rows):
        installation.add_row(f"{SOUP}{number}", "cooking")
    runs = installation.run_requested()
    assert [run.success for run in runs] == [False] * rows
    for run in runs:
        installation.after_failure(run.run_id, sensor="failure_alerts")
    return [run.run_id for run in runs]


def pause_tiktok(installation: Installation) -> None:
    installation.store.platforms.failed(
        "tiktok",
        failed=FailedPost(connection_id=installation.connection_id, post="1"),
        code=Code.SITE_CHANGED,
        rows_to_pause=1,
        downloader="yt-dlp",
        now=datetime.now(UTC),
    )


def leave_waiting(installation: Installation, url: str = SOUP) -> str:
    """A row that the store has known for long, and that got no run."""
    page_id = installation.add_row(url, "cooking")
    installation.tick()
    installation.let_time_pass("updated_at")
    return page_id


def test_many_rows_that_fail_for_one_reason_are_one_alert_with_its_sentence_and_a_link(
    installation: Installation, webhook: Inbox
) -> None:
    run_ids = fail_rows(installation, REJECTED, rows=3)

    installation.evaluate("operator_alerts")
    installation.evaluate("operator_alerts")

    (alert,) = webhook.alerts
    sentence, times, link = alert["message"].split("\n")
    assert alert["title"] == "Social Video Processor at localhost: key_rejected"
    assert sentence == REJECTED.sentence
    assert times.startswith("3 times since ")
    assert link == f"http://127.0.0.1:3000/runs/{run_ids[-1]}"


def test_an_alert_says_nothing_about_the_row(installation: Installation, webhook: Inbox) -> None:
    fail_rows(installation, failure(Code.INTERNAL, detail="Soup of the day"))

    installation.evaluate("operator_alerts")

    (alert,) = webhook.alerts
    (entry,) = installation.store.sweep.failed(code=None, limit=2)
    for private in ("Soup", "tiktok.com", entry.link.page_id, installation.connection_id, "Kitchen", "cooking"):
        assert private not in str(alert)


@pytest.mark.parametrize(
    "code", [Code.GONE, Code.PRIVATE, Code.LOGIN_REQUIRED, Code.NOTHING_TO_READ, Code.RATE_LIMITED]
)
def test_what_is_not_the_operators_to_mend_is_no_alert(installation: Installation, webhook: Inbox, code: Code) -> None:
    fail_rows(installation, failure(code))  # type: ignore[call-overload]

    installation.evaluate("operator_alerts")

    assert webhook.asked == []


def test_a_killed_run_is_an_alert_unless_dagster_starts_it_again(installation: Installation, webhook: Inbox) -> None:
    run = new_run(installation, leave_waiting(installation))
    installation.instance.report_run_failed(run)
    installation.instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    installation.after_failure(run.run_id, sensor="failure_alerts")
    installation.evaluate("operator_alerts")
    assert webhook.alerts == []

    installation.instance.add_run_tags(run.run_id, {"dagster/will_retry": "false"})
    installation.after_failure(run.run_id, sensor="failure_alerts")
    installation.evaluate("operator_alerts")

    assert [alert["title"].split(": ")[1] for alert in webhook.alerts] == ["interrupted"]


def test_a_job_that_keeps_house_and_fails_is_an_alert(installation: Installation, webhook: Inbox) -> None:
    run = installation.instance.create_run_for_job(installation.definitions.resolve_job_def("retention"))
    installation.instance.report_run_failed(run)

    installation.after_failure(run.run_id, sensor="failure_alerts")
    installation.evaluate("operator_alerts")

    (alert,) = webhook.alerts
    assert alert["title"].endswith(": failed job retention")
    assert f"/runs/{run.run_id}" in alert["message"]


def test_a_paused_platform_is_one_alert_however_long_it_lasts(installation: Installation, webhook: Inbox) -> None:
    pause_tiktok(installation)

    installation.evaluate("operator_alerts")
    let_alerts_age(installation)
    installation.evaluate("operator_alerts")

    (alert,) = webhook.alerts
    assert alert["title"].endswith(": paused tiktok")
    assert alert["message"].startswith(f"Downloads from TikTok are paused: {TABLE[Code.SITE_CHANGED].sentence}\nAt ")
    assert alert["message"].endswith("/operator")


def test_a_service_that_refuses_delays_nothing_and_is_logged_once(
    installation: Installation, webhook: Inbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    webhook.status = 500
    fail_rows(installation, REJECTED)
    capfd.readouterr()

    for _ in range(3):
        installation.evaluate("operator_alerts")
        let_alerts_age(installation)
    assert len(webhook.asked) == 3
    logged = capfd.readouterr().err
    assert logged.count("was not taken by JSON") == 1
    assert TOKEN not in logged

    webhook.status = 200
    installation.evaluate("operator_alerts")
    assert webhook.titles == ["Social Video Processor at localhost: key_rejected"]


def test_a_service_that_never_answers_ends_the_tick_after_one_try(
    installation: Installation, webhook: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "LIMIT_S", 0.3)
    webhook.is_silent = True
    fail_rows(installation, REJECTED)
    pause_tiktok(installation)

    result = installation.evaluate("operator_alerts")

    assert isinstance(result, dg.SkipReason)
    assert result.skip_message == "0 alerts were sent."
    assert len(webhook.asked) == 1


def test_without_an_address_nothing_is_noted_or_sent(installation: Installation) -> None:
    fail_rows(installation, REJECTED)
    leave_waiting(installation)
    for sensor in ("page_freshness", "operator_alerts"):
        installation.evaluate(sensor)

    assert installation.store.alerts.begin_next(now=datetime.now(UTC) + timedelta(days=1)) is None


def test_rows_that_wait_while_no_page_is_made_are_an_alert_and_a_failed_check(
    installation: Installation, webhook: Inbox
) -> None:
    fresh = installation.evaluate("page_freshness")
    assert reported(fresh) == [True]
    leave_waiting(installation)

    stale = installation.evaluate("page_freshness", cursor=watched_for_hours(fresh))
    again = installation.evaluate("page_freshness", cursor=cursor_of(stale))
    installation.evaluate("operator_alerts")

    assert (reported(stale), reported(again)) == ([False], [])
    (alert,) = webhook.alerts
    assert alert["title"].endswith(": no new pages")
    assert alert["message"].startswith("1 row waits, the first since 2026-01-01 00:00 UTC. No page was made yet.")


def test_pages_are_fresh_again_with_the_next_one(installation: Installation, webhook: Inbox) -> None:
    installation.downloader = WrittenPosts()
    fresh = installation.evaluate("page_freshness")
    page_id = leave_waiting(installation)
    stale = installation.evaluate("page_freshness", cursor=watched_for_hours(fresh))
    installation.add_partition(page_id)
    assert installation.run(page_id).success

    assert reported(installation.evaluate("page_freshness", cursor=cursor_of(stale))) == [True]


@pytest.mark.parametrize("pause", [timedelta(0), timedelta(hours=9)], ids=["first start", "after a night"])
def test_rows_that_waited_while_the_machine_was_off_have_their_time_first(
    installation: Installation, webhook: Inbox, pause: timedelta
) -> None:
    cursor = watched_for_hours(installation.evaluate("page_freshness"), ended=pause) if pause else None
    leave_waiting(installation)

    assert False not in reported(installation.evaluate("page_freshness", cursor=cursor))
    installation.evaluate("operator_alerts")
    assert webhook.asked == []


def test_rows_that_wait_for_a_post_or_a_turn_do_not_make_pages_stale(
    installation: Installation, webhook: Inbox
) -> None:
    fail_rows(installation, failure(Code.RATE_LIMITED))
    installation.let_time_pass("updated_at", "waiting_since")

    fresh = installation.evaluate("page_freshness")
    assert reported(installation.evaluate("page_freshness", cursor=watched_for_hours(fresh))) == []


def test_an_operator_can_execute_the_check_of_freshness(installation: Installation) -> None:
    leave_waiting(installation)
    job = installation.definitions.resolve_implicit_global_asset_job_def()

    run = job.get_subset(asset_check_selection={dg.AssetCheckKey(CONTENT_PAGE, CHECK)}).execute_in_process(
        instance=installation.instance
    )

    (evaluation,) = run.get_asset_check_evaluations()
    assert evaluation.passed is False
    assert (evaluation.description or "").startswith("1 row waits")


def reported(result: dg.SensorResult | dg.SkipReason) -> list[bool]:
    """What a tick of the sensor reported for the check."""
    assert isinstance(result, dg.SensorResult)
    return [event.passed for event in result.asset_events if isinstance(event, dg.AssetCheckEvaluation)]


def watched_for_hours(result: dg.SensorResult | dg.SkipReason, *, ended: timedelta = timedelta(0)) -> str:
    """The cursor of a sensor whose ticks came for hours, until so long ago."""
    watch = Watch.model_validate_json(cursor_of(result))
    times = {"began_at": watch.began_at - timedelta(hours=30), "seen_at": watch.seen_at - ended}
    return watch.model_copy(update=times).model_dump_json()


def cursor_of(result: dg.SensorResult | dg.SkipReason) -> str:
    assert isinstance(result, dg.SensorResult)
    assert result.cursor is not None
    return result.cursor


def let_alerts_age(installation: Installation) -> None:
    """Let everything that was tried or sent be hours ago."""
    with installation.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE alerts SET tried_at = CASE WHEN tried_at IS NULL THEN NULL ELSE '2026-01-01 00:00:00' END,"
            " sent_at = CASE WHEN sent_at IS NULL THEN NULL ELSE '2026-01-01 00:00:00' END"
        )
