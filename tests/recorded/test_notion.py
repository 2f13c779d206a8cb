"""Every refusal that is known of Notion, and what it becomes: verdict, code, when to repeat, sentence.

The bodies in `tests/recorded/notion` are of our own making, in the shapes of recorded answers and of Notion's
documentation (developers.notion.com/reference/status-codes).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from svp_dagster.errors import SvpError
from svp_dagster.notion.client.failures import call_errors, classify
from svp_dagster.notion.client.oauth import NotionOAuth
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.client.sdk import open_client
from svp_dagster.notion.schema import ColumnType
from tests.notion.client.notion_examples import NOBODY
from tests.notion.client.notion_sandbox import CLIENT, REDIRECT_URI, NotionSandbox

RECORDED = Path(__file__).parent / "notion"
CASES = [case for file in sorted(RECORDED.glob("*.json")) for case in json.loads(file.read_text("utf-8"))]

recorded = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['call']}: {case['name']}")


@pytest.fixture
def answered(notion: NotionSandbox, case: dict[str, Any]) -> NotionSandbox:
    """A Notion that gives this answer to everything."""
    content_type = "text/html" if isinstance(case["body"], str) else "application/json"
    headers = {"Content-Type": content_type} | case["headers"]
    notion.fail("", times=None, status=case["status"], headers=headers, body=case["body"])
    return notion


@pytest.fixture
def calls(notion: NotionSandbox) -> Iterator[dict[str, Callable[[], object]]]:
    """The verbs that the answers are given to: each tried once, without waiting."""
    resource = NotionResource(base_url=notion.url, attempts=1)
    workspace = resource.workspace(notion.bot_id, notion.tokens, max_throttle_wait_s=0)
    oauth = NotionOAuth(base_url=notion.url, client_id=CLIENT[0], client_secret=SecretStr(CLIENT[1]), timeout_s=10)
    yield {
        "read": lambda: workspace.pending_rows(NOBODY, ColumnType.SELECT),
        "database": lambda: workspace.database(NOBODY),
        "row": lambda: workspace.set_row(NOBODY, {}),
        "page": lambda: workspace.update_page(NOBODY, {}),
        "sign_in": lambda: oauth.redeem("code", redirect_uri=REDIRECT_URI),
    }
    resource.close()


@recorded
def test_a_refusal_has_a_verdict(answered: NotionSandbox, case: dict[str, Any]) -> None:
    client = open_client(base_url=answered.url, timeout_s=10)

    with pytest.raises(call_errors()) as caught:
        client.request(path="users/me", method="GET", auth="token")

    client.close()
    assert classify(caught.value).name == case["verdict"]


@recorded
@pytest.mark.usefixtures("answered")
def test_a_refusal_becomes_a_failure_of_the_table(calls: dict[str, Callable[[], object]], case: dict[str, Any]) -> None:
    with pytest.raises(SvpError) as caught:
        calls[case["call"]]()

    error = caught.value
    assert (error.code, error.retry, error.sentence) == (case["code"], case["retry"], case["sentence"])
    if "retry_after_s" in case:
        assert error.retry_after_s == pytest.approx(case["retry_after_s"], abs=1)
    if "detail" in case:
        assert error.detail == case["detail"]


def test_every_error_code_that_notion_documents_is_among_them() -> None:
    codes = {case["body"].get("code") or case["body"].get("error") for case in CASES if isinstance(case["body"], dict)}
    assert codes >= {
        *("invalid_json", "invalid_request_url", "invalid_request", "invalid_grant", "validation_error"),
        *("missing_version", "unauthorized", "restricted_resource", "object_not_found", "conflict_error"),
        *("rate_limited", "internal_server_error", "bad_gateway", "service_unavailable"),
        *("database_connection_unavailable", "gateway_timeout", "service_overload"),
    }
