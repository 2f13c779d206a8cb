"""Files that get past the door and that nobody should upload: each ends by itself, with its sentence or its result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from svp_dagster.errors import Code
from svp_dagster.media.kinds import upload_kind
from svp_dagster.models import Status
from tests.defs.installation import Installation
from tests.defs.test_direct_entries import upload
from tests.media import odd_uploads as odd
from tests.sandbox.ai_service import AiService, ai_service

pytest_plugins = ("tests.media_site",)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

AGAIN = "upload it again"
NOTHING = "Nothing was found in this file"
WORDS_OF_POSTS = re.compile(r"\b(link|post|site|row|pending|downloaded|browser|Notion|None)\b")

REFUSED: list[tuple[odd.Maker, str, Code, str]] = [
    (odd.without_its_index, ".mp4", Code.MEDIA_UNREADABLE, AGAIN),
    (odd.broken_off, ".mp4", Code.MEDIA_TRUNCATED, "The file breaks off: 3 of 4 seconds can be read"),
    (odd.without_streams, ".mp4", Code.MEDIA_UNREADABLE, "This file can't be read"),
    (odd.of_black_silence, ".mp4", Code.NOTHING_TO_READ, NOTHING),
    (odd.of_zeros, ".mp4", Code.AUDIO_UNREADABLE, "The file's sound can't be decoded"),
    (odd.of_three_hours, ".m4a", Code.TOO_LONG, "This file is 3.0 hours long; at most 30 minutes"),
    (odd.encrypted, ".m4a", Code.AUDIO_UNREADABLE, AGAIN),
    (odd.of_a_shop, ".m4a", Code.MEDIA_UNREADABLE, AGAIN),
    (odd.of_an_unknown_codec, ".mov", Code.MEDIA_UNREADABLE, AGAIN),
    (odd.tags_alone, ".mp3", Code.MEDIA_UNREADABLE, AGAIN),
    (odd.lies_about_its_size, ".wav", Code.NOTHING_TO_READ, NOTHING),
    (odd.lies_about_its_channels, ".wav", Code.MEDIA_TRUNCATED, AGAIN),
    (odd.unpacks_to_far_more, ".mkv", Code.NOTHING_TO_READ, NOTHING),
    (odd.has_thousands_of_streams, ".mkv", Code.NOTHING_TO_READ, NOTHING),
    (odd.claims_huge_pictures, ".mkv", Code.TOO_LARGE, "This file is 60000 × 60000 pixels large"),
    (odd.of_one_pixel, ".mkv", Code.NOTHING_TO_READ, NOTHING),
    (odd.picture_bomb, ".png", Code.TOO_LARGE, "This file is 60000 × 60000 pixels large"),
    (odd.claims_to_be_huge, ".jpg", Code.TOO_LARGE, "This file is 65000 × 65000 pixels large"),
    (odd.half_a_picture, ".png", Code.MEDIA_UNREADABLE, "Check that it opens, and upload it again"),
    (odd.beginning_of_a_picture, ".jpg", Code.MEDIA_UNREADABLE, AGAIN),
]

TAKEN: list[tuple[odd.Maker, str, str]] = [
    (odd.without_a_picture, ".mp4", "Segment one"),
    (odd.without_length, ".mp4", "The Salt Road"),
    (odd.of_an_old_codec, ".mov", "The Salt Road"),
    (odd.has_a_huge_attachment, ".mkv", "- 0:0"),
    (odd.moving_picture, ".png", "Slide 1: The Salt Road"),
]


@pytest.fixture(autouse=True)
def ai(monkeypatch: pytest.MonkeyPatch) -> Iterator[AiService]:
    """A speech engine: without one, sound alone would fail for want of a key."""
    with ai_service() as service:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-speech")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
        yield service


def made(make: odd.Maker, path: Path) -> Path:
    """The file, which the door takes for what its name says."""
    make(path)
    kind = upload_kind(path.read_bytes()[:512])
    assert kind is not None
    assert kind.suffix == path.suffix
    return path


@pytest.mark.parametrize(
    ("make", "suffix", "code", "words"), [pytest.param(*each, id=each[0].__name__) for each in REFUSED]
)
def test_a_file_that_gives_nothing_ends_with_a_sentence_about_a_file(
    installation: Installation, ai: AiService, tmp_path: Path, make: odd.Maker, suffix: str, code: Code, words: str
) -> None:
    page_id = upload(installation, made(make, tmp_path / f"a{suffix}"), filename=f"Summer in Porto{suffix}")

    installation.run_requested()

    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code) == (Status.FAILED, code)
    assert words in (entry.sentence or "")
    assert WORDS_OF_POSTS.search(entry.sentence or "") is None
    assert entry.title == "Summer in Porto"
    assert (entry.retry_at, installation.run_requested()) == (None, [])
    assert ai.ledger.get("openai", {}).get("calls", 0) == 0


@pytest.mark.parametrize(("make", "suffix", "words"), [pytest.param(*each, id=each[0].__name__) for each in TAKEN])
def test_an_odd_file_gives_what_it_has(
    installation: Installation, tmp_path: Path, make: odd.Maker, suffix: str, words: str
) -> None:
    page_id = upload(installation, made(make, tmp_path / f"a{suffix}"))

    installation.run_requested()

    assert installation.entry(page_id).status is Status.COMPLETED
    outcome = installation.store.library.get(page_id)
    assert outcome is not None
    assert words in outcome.summary.properties["show_notes"].value
