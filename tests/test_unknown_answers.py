"""What is reported of an answer that no rule knows."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest

from svp_dagster import unknown_answers
from svp_dagster.unknown_answers import MAX_BODY_CHARS, report
from tests.fakes import RecordingAnswers


@pytest.fixture
def kept() -> Iterator[RecordingAnswers]:
    recorder = RecordingAnswers()
    unknown_answers.keep_in(recorder)
    yield recorder
    unknown_answers.keep_in(None)


def test_no_secret_is_reported(kept: RecordingAnswers) -> None:
    headers = {
        "Set-Cookie": "session=1",
        "Authorization": "Bearer abcdefgh",
        "x-goog-api-key": "AIzaSyAbcdefgh",
        "X-Request-Id": "req_1",
        "Location": "https://example.org/?access_token=abcdef&page=2",
    }
    body = "Incorrect key sk-proj-abcdefgh, AIzaSyAbcdefgh, Bearer eyJhbGciOi or ?key=abc123 was used"
    report("Example", status=418, kind="teapot", headers=headers, body=body)
    (answer,) = kept.answers
    assert answer.headers == {"x-request-id": "req_1", "location": "https://example.org/?…&page=2"}
    assert answer.body == "Incorrect key …, …, … or ?… was used"


def test_a_long_body_is_cut_after_its_secrets_are_taken_out(kept: RecordingAnswers) -> None:
    report("Example", status=418, kind="teapot", body=b"x" * (MAX_BODY_CHARS - 10) + b" sk-abcdefghijklmnop")
    (answer,) = kept.answers
    assert answer.body.endswith("x …")
    report("Example", status=418, kind="teapot", body=b"\xff" * 100_000)
    assert len(kept.answers[1].body) == MAX_BODY_CHARS


def test_the_log_has_each_kind_once(kept: RecordingAnswers, caplog: pytest.LogCaptureFixture) -> None:
    threads = [Thread(target=report, args=["Once"], kwargs={"status": 418, "kind": "logged"}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report("Once", status=419, kind="logged")
    assert len([record for record in caplog.records if "no rule knows" in record.getMessage()]) == 2
    assert len(kept.answers) == 9


def test_a_store_that_fails_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    unknown_answers.keep_in(RecordingAnswers(RuntimeError("secret address")))
    report("Example", status=418, kind="teapot")
    unknown_answers.keep_in(None)
    assert "RuntimeError" in caplog.text
    assert "secret address" not in caplog.text


def test_a_token_of_ours_is_taken_out_and_the_name_of_a_setting_is_not(kept: RecordingAnswers) -> None:
    report("Example", status=418, kind="teapot", body="svp_abcdefgh was sent, set SVP_GEMINI_MODEL")
    assert kept.answers[0].body == "… was sent, set SVP_GEMINI_MODEL"
