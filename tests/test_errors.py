"""The failure table and what is made from it."""

from __future__ import annotations

import errno
import inspect
import re
import string
from pathlib import Path
from typing import get_args, get_overloads, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.causes import as_failure
from svp_dagster.commands.failures_page import render
from svp_dagster.errors import (
    MAX_FACT_CHARS,
    OPERATOR_CODES,
    TABLE,
    Code,
    Options,
    Retry,
    SvpError,
    failure,
    failure_of,
    worded,
)

FIT_ROWS_ALONE = frozenset({Code.ROW_GONE, Code.ROW_CHANGED, Code.NOT_CONNECTED, Code.LINKED_VIEW})
"""Failures of Notion that have nothing to say to others, or have it said by the app."""
OF_SITES = frozenset(list(Code)[list(Code).index(Code.LOGIN_REQUIRED) : list(Code).index(Code.TOO_LONG)]) - {Code.GONE}
"""Failures that only a site has. An upload has no site."""
NOT_OF_FILES = OF_SITES | {Code.UNSUPPORTED_LINK, Code.SOUND_ONLY}
REPOSITORY = Path(__file__).parent.parent
NOTIONS_TEXT_LIMIT = 2000

every_code = pytest.mark.parametrize("code", list(Code))


def placeholders(code: Code) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(TABLE[code].sentence) if name is not None}


def example(code: Code, fact: str = "so") -> SvpError:
    return failure_of(code, dict.fromkeys(placeholders(code), fact))


def because_of(cause: Exception, error: Exception) -> Exception:
    """What `raise error from cause` gives."""
    error.__cause__ = cause
    return error


def while_handling(context: Exception, error: Exception) -> Exception:
    """What `raise error` gives in an `except` block."""
    error.__context__ = context
    return error


def test_the_table_has_every_code_and_no_other() -> None:
    assert list(TABLE) == list(Code)


@every_code
def test_a_sentence_ends_with_a_full_stop_and_names_its_placeholders(code: Code) -> None:
    sentence = TABLE[code].sentence
    assert sentence.endswith(".")
    assert sentence[0].isupper() or sentence[0] == "{"
    assert "  " not in sentence
    assert all(name.isidentifier() for name in placeholders(code))
    assert "{" not in example(code).sentence


@every_code
def test_a_failure_says_when_repeating_helps(code: Code) -> None:
    error = example(code)
    assert error.retry is TABLE[code].retry
    assert error.code is code


@every_code
def test_what_waits_knows_how_long(code: Code) -> None:
    assert (TABLE[code].later_s > 0) == (TABLE[code].retry is Retry.LATER)
    assert (example(code).retry_after_s is not None) == (TABLE[code].retry is Retry.LATER)


@every_code
@given(fact=st.text())
def test_any_fact_gives_one_printable_line_that_fits_notion(code: Code, fact: str) -> None:
    sentence = example(code, fact).sentence
    assert len(sentence) <= NOTIONS_TEXT_LIMIT
    assert not {"\n", "\0", "\u202e"} & set(sentence)
    assert len(example(code, "x" * 1_000_000).sentence) <= NOTIONS_TEXT_LIMIT


def test_a_long_fact_is_cut_with_a_mark() -> None:
    assert failure(Code.NOTION_REFUSED, reason="x" * 1000).sentence.count("x") == MAX_FACT_CHARS - 1
    assert "x…." in failure(Code.NOTION_REFUSED, reason="x" * 1000).sentence


def test_a_facts_braces_and_joined_signs_stay_as_they_are() -> None:
    sentence = failure(Code.UNKNOWN_TAG, reason="No database for “{reason} می‌خواهم 👩‍🍳”").sentence
    assert "“{reason} می‌خواهم 👩‍🍳”" in sentence


def test_a_missing_fact_is_a_defect() -> None:
    with pytest.raises(KeyError):
        failure_of(Code.TOO_LONG, {})


def test_the_type_checker_knows_the_facts_that_each_sentence_needs() -> None:
    declared: dict[Code, set[str]] = {}
    for overload in get_overloads(failure):
        needed = {name for name, one in inspect.signature(overload).parameters.items() if one.kind is one.KEYWORD_ONLY}
        declared |= dict.fromkeys(get_args(get_type_hints(overload)["code"]), needed)

    assert declared == {code: placeholders(code) for code in Code}
    assert not set(Options.__annotations__) & set().union(*declared.values())


def test_the_cause_may_know_better_when_to_repeat() -> None:
    assert failure(Code.SITE_UNREACHABLE, retry=Retry.NEVER).retry is Retry.NEVER
    assert failure(Code.SITE_CHANGED, retry=Retry.NOW).retry_after_s is None
    later = failure(Code.SITE_UNREACHABLE, retry=Retry.LATER)
    assert later.retry is Retry.LATER
    assert later.retry_after_s


@pytest.mark.parametrize("asked_s", [0.0, 7.5])
def test_the_wait_that_a_service_asks_for_comes_first(asked_s: float) -> None:
    assert failure(Code.RATE_LIMITED, retry_after_s=asked_s).retry_after_s == asked_s
    assert failure(Code.NOTION_UNREACHABLE, retry_after_s=asked_s).retry_after_s == asked_s


def test_the_log_gets_the_detail_and_the_person_the_sentence() -> None:
    error = failure(Code.GONE, detail="HTTP 404")
    assert str(error) == "gone: HTTP 404"
    assert "404" not in error.sentence
    assert str(failure(Code.GONE)) == f"gone: {error.sentence}"


def test_a_failure_is_its_own() -> None:
    error = failure(Code.GONE)
    assert as_failure(error) is error


def test_a_failure_is_found_behind_what_it_led_to() -> None:
    gone = failure(Code.GONE)
    assert as_failure(because_of(gone, RuntimeError())) is gone
    assert as_failure(while_handling(gone, RuntimeError())) is gone
    assert as_failure(because_of(while_handling(gone, RuntimeError()), ValueError())) is gone


def test_the_nearest_failure_counts() -> None:
    near, far = failure(Code.SUMMARY_INVALID), failure(Code.GONE)
    assert as_failure(because_of(because_of(far, near), RuntimeError())) is near


def test_a_failure_that_was_dealt_with_is_not_the_cause() -> None:
    error = while_handling(failure(Code.GONE), RuntimeError())
    error.__suppress_context__ = True  # raise … from None
    assert as_failure(error).code is Code.INTERNAL


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such(number: int) -> None:
    full = as_failure(because_of(OSError(number, "No space left", "/secret/place"), RuntimeError()))
    assert full.code is Code.STORAGE_FULL
    assert "/secret/place" not in f"{full} {full.sentence}"
    assert as_failure(OSError(errno.EACCES, "Permission denied")).code is Code.INTERNAL


def test_anything_else_is_internal_and_its_words_stay_inside() -> None:
    internal = as_failure(ValueError("token ntn_secret"))
    assert (internal.code, internal.detail) == (Code.INTERNAL, "ValueError")
    assert "ntn_secret" not in f"{internal!r} {internal} {internal.sentence}"


def test_causes_in_a_circle_come_to_an_end() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert as_failure(first).code is Code.INTERNAL


def test_the_page_of_failures_is_up_to_date() -> None:
    assert (REPOSITORY / "docs" / "failures.md").read_text() == render()


def test_the_page_has_a_row_for_every_code() -> None:
    rows = [line for line in render().splitlines() if line.startswith("| `")]
    assert len(rows) == len(Code)
    assert all(row.count("|") == 4 for row in rows)
    assert "after 15 min, or when the service says" in render()
    assert "after 6 h, or when the service says" in render()


def test_what_the_operator_is_alerted_of_holds_no_fact_about_a_row() -> None:
    facts = {code: placeholders(code) for code in OPERATOR_CODES}
    assert facts.pop(Code.MISCONFIGURED) == {"reason"}
    assert set().union(*facts.values()) <= {"service", "setting", "model"}


@every_code
def test_an_entry_without_a_row_is_not_sent_to_notion_to_try_again(code: Code) -> None:
    sentence = worded(example(code).sentence, has_row=False, is_upload=False)
    assert "pending" not in sentence
    assert "url column" not in sentence
    assert code in FIT_ROWS_ALONE or not re.search(r"\brow\b", sentence)


@pytest.mark.parametrize("code", [code for code in Code if code not in NOT_OF_FILES])
def test_a_failure_of_a_file_has_words_for_a_file(code: Code) -> None:
    sentence = worded(example(code).sentence, has_row=False, is_upload=True)
    assert code in FIT_ROWS_ALONE or not re.search(r"\b(link|post|site|row|downloaded|browser)\b", sentence), sentence


@every_code
def test_the_sentences_of_rows_stay_as_they_are(code: Code) -> None:
    assert worded(example(code).sentence, has_row=True, is_upload=False) == example(code).sentence
