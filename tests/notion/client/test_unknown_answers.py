"""What Notion says and no rule knows is reported."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from notion_client.errors import HTTPResponseError

from svp_dagster import unknown_answers
from svp_dagster.errors import Code, SvpError
from svp_dagster.notion.client.failures import ROW, is_worded, oauth_failure, refusal, report_unknown
from svp_dagster.notion.client.responses import parse_data_source, read
from tests.fakes import RecordingAnswers


@pytest.fixture
def reported() -> Iterator[RecordingAnswers]:
    recorder = RecordingAnswers()
    unknown_answers.keep_in(recorder)
    yield recorder
    unknown_answers.keep_in(None)


def answer(status: int, body: object) -> HTTPResponseError:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = httpx.Headers({"x-request-id": "1", "set-cookie": "session=secret"})
    return HTTPResponseError(code="", status=status, message="", headers=headers, raw_body_text=text)


def worded(code: str, message: str) -> dict[str, str]:
    return {"object": "error", "code": code, "message": message}


def test_a_refusal_that_no_rule_knows_is_reported(reported: RecordingAnswers) -> None:
    assert refusal(answer(400, worded("validation_error", "body.moon should be full")), ROW).code is Code.NOTION_REFUSED
    refusal(answer(404, worded("object_not_found", "Could not find page")), ROW)
    refusal(answer(403, worded("restricted_resource", "Insufficient permissions")), ROW)
    (one,) = reported.answers
    assert (one.service, one.status, one.kind) == ("Notion", 400, "validation_error")
    assert one.headers == {"x-request-id": "1"}
    assert "body.moon" in one.body


def test_a_refused_sign_in_that_no_rule_knows_is_reported(reported: RecordingAnswers) -> None:
    assert oauth_failure(answer(400, {"error": "invalid_scope"})).code is Code.NOTION_REFUSED
    oauth_failure(answer(400, {"error": "invalid_grant"}))
    oauth_failure(answer(401, {"error": "invalid_client"}))
    assert [one.kind for one in reported.answers] == ["invalid_scope"]


def test_a_page_of_somebody_else_is_reported_and_an_outage_is_not(reported: RecordingAnswers) -> None:
    page = answer(404, "<html>Not here</html>")
    assert not is_worded(page)
    assert is_worded(answer(502, "<html>bad gateway</html>"))
    assert is_worded(answer(409, worded("conflict_error", "Conflict")))
    report_unknown(page)
    (one,) = reported.answers
    assert (one.status, one.kind, one.body) == (404, "not worded by Notion", "<html>Not here</html>")


def test_a_response_of_another_shape_is_reported_without_what_people_wrote(reported: RecordingAnswers) -> None:
    with pytest.raises(SvpError):
        read(parse_data_source, {"object": "data_source", "title": [{"plain_text": "My diary"}]})
    (one,) = reported.answers
    assert one.body == "object, title"
    assert "parse_data_source" in one.kind
