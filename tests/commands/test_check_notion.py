"""`svp check` and Notion: what it says of the stand-in, and of one that answers otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Response, request

from sandbox.faults import FaultPlan
from sandbox.notion.server import create_app
from sandbox.recorder import Recorder
from sandbox.serving import serve
from svp_dagster.commands.checks.line import CheckLine, Questions
from svp_dagster.commands.checks.notion import BLOCKS_MADE, check_notion
from svp_dagster.commands.checks.probe import Probe
from svp_dagster.models import JsonObject
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.client.workspace import Workspace
from tests.commands.checking import line, verdicts
from tests.notion.client.notion_sandbox import CLIENT, KnownTokens, NotionSandbox, RunningNotion

Results = list[dict[str, Any]]
WRITTEN = ("page", "append", "update", "archive")


def check(notion: NotionSandbox, questions: Questions, *, tokens: KnownTokens | None = None) -> list[CheckLine]:
    calls = notion.resource.calls(notion.bot_id, tokens or notion.tokens)
    workspace, probe = (Workspace(calls, connection_id="c"), Probe(calls, connection_id="c"))
    return check_notion(workspace, probe, questions, parent_id=notion.page_id)


@contextmanager
def notion_with(results: Callable[[Results, int], Results]) -> Iterator[NotionSandbox]:
    """A stand-in whose appends with a position answer `results(true results, number of new blocks)`."""
    faults, recorder = FaultPlan(), Recorder()
    app = create_app(faults=faults, recorder=recorder, client=CLIENT)

    @app.after_request
    def change(response: Response) -> Response:
        if request.method == "PATCH" and request.path.endswith("/children") and response.status_code == 200:
            body = json.loads(response.get_data())
            body["results"] = results(body["results"], len(request.get_json()["children"]))
            response.set_data(json.dumps(body))
        return response

    with serve(app) as served:
        resource = NotionResource(base_url=served.url, timeout_s=10, backoff_s=0.01)
        running = RunningNotion(url=served.url, faults=faults, recorder=recorder, resource=resource)
        with running.fresh_workspace() as made:
            yield made
        resource.close()
    app.close()


def pages_below(notion: NotionSandbox) -> Results:
    listed = notion.raw.get(f"/v1/blocks/{notion.page_id}/children").raise_for_status().json()
    return [block for block in listed["results"] if block["type"] == "child_page"]


def test_the_stand_in_answers_as_expected_and_keeps_nothing(notion: NotionSandbox, questions: Questions) -> None:
    lines = check(notion, questions)
    asked = ["token", "search", *WRITTEN]
    expected = {f"notion: {name}": "ok" for name in asked} | {"notion: linked views, wikis": "skipped"}
    assert verdicts(lines) == expected
    assert line(lines, "notion: append").got == "the new blocks, then all that follow"
    assert pages_below(notion) == []
    made = [record for record in notion.requests("POST", "/v1/pages") if record.status == 200]
    assert len(made) == 1


def test_the_number_of_blocks_that_is_announced_is_not_exceeded(notion: NotionSandbox, questions: Questions) -> None:
    check(notion, questions)

    def count(blocks: Results) -> int:
        return sum(1 + count(block[block["type"]].get("children", [])) for block in blocks)

    written = [record for record in notion.requests() if record.status == 200 and isinstance(record.body, dict)]
    assert sum(count(record.body.get("children", [])) for record in written) == BLOCKS_MADE


@pytest.mark.parametrize(
    ("results", "got", "advice"),
    [
        (lambda results, new: results[:new], "the new blocks alone", "Nothing breaks"),
        (lambda results, new: results[new:] + results[:new], "the new blocks last of 5", "Please report it"),
        (lambda results, new: results[::-1], "the new blocks at place 5, 4 of 5", "Please report it"),
    ],
    ids=["only the new", "the last n", "backwards"],
)
def test_other_answers_to_an_append_are_told_apart(
    questions: Questions, results: Callable[[Results, int], Results], got: str, advice: str
) -> None:
    with notion_with(results) as notion:
        append = line(check(notion, questions), "notion: append")
    assert (append.verdict, append.got) == ("differs", got)
    assert advice in append.advice


def test_a_wrong_token_is_a_sentence_and_nothing_is_made(notion: NotionSandbox, questions: Questions) -> None:
    lines = check(notion, questions, tokens=KnownTokens({notion.bot_id: "ntn_wrong-canary"}))
    token = line(lines, "notion: token")
    assert (token.verdict, token.got) == ("failed", "not_connected: no fresh token")
    assert "Connect Notion again on the app's start page" in token.advice
    assert line(lines, "notion: page").verdict == "failed"
    assert line(lines, "notion: append").verdict == "skipped"
    assert pages_below(notion) == []


def test_the_page_is_thrown_away_though_appending_fails(notion: NotionSandbox, questions: Questions) -> None:
    notion.fail("/children", method="PATCH", times=None, status=500)
    lines = check(notion, questions)
    assert line(lines, "notion: append").verdict == "failed"
    assert line(lines, "notion: archive").verdict == "ok"
    assert pages_below(notion) == []


class _StoppedWorkspace(Workspace):
    """Is stopped by Ctrl-C while the page is filled."""

    def replace_body(self, page_id: str, blocks: Sequence[JsonObject]) -> None:
        raise KeyboardInterrupt


def test_the_page_is_thrown_away_though_the_operator_stops(notion: NotionSandbox, questions: Questions) -> None:
    calls = notion.resource.calls(notion.bot_id, notion.tokens)
    workspace, probe = _StoppedWorkspace(calls, connection_id="c"), Probe(calls, connection_id="c")
    with pytest.raises(KeyboardInterrupt):
        check_notion(workspace, probe, questions, parent_id=notion.page_id)
    assert len(notion.requests("POST", "/v1/pages")) == 1
    assert pages_below(notion) == []


def test_a_page_whose_answer_is_lost_is_found_and_thrown_away(notion: NotionSandbox, questions: Questions) -> None:
    notion.fail("/v1/pages$", method="POST", when="after", cut="before_answer")
    lines = check(notion, questions)
    assert line(lines, "notion: page").verdict == "ok"
    assert pages_below(notion) == []


def test_without_a_page_to_write_on_the_line_says_how_to_share_one(notion: NotionSandbox, questions: Questions) -> None:
    notion.unshare(notion.page_id)
    calls = notion.resource.calls(notion.bot_id, notion.tokens)
    lines = check_notion(Workspace(calls, connection_id="c"), Probe(calls, connection_id="c"), questions, parent_id="")
    assert line(lines, "notion: search").got == "0 pages, 0 data sources"
    assert "••• → Connections" in line(lines, "notion: search").advice
    assert line(lines, "notion: page").verdict == "skipped"


def test_a_parent_that_is_not_shared_is_named(notion: NotionSandbox, questions: Questions) -> None:
    calls = notion.resource.calls(notion.bot_id, notion.tokens)
    workspace, probe = Workspace(calls, connection_id="c"), Probe(calls, connection_id="c")
    for parent_id in ("0f7c1a52-6a4e-4c86-9d0b-2f6f8f1f2a3b", "no id"):
        page = line(check_notion(workspace, probe, questions, parent_id=parent_id), "notion: page")
        assert page.verdict == "failed"
        assert page.advice.startswith("The page for the check can't be found")
