"""Posts whose facts are kept, so that a page can be made again without asking its site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from svp_dagster.download.kept_media import without_files
from svp_dagster.models import ProcessingType, ScreenText, Transcript, Video
from svp_dagster.ports import Contents
from svp_dagster.screen import stage as screen
from svp_dagster.speech import stage as speech
from svp_dagster.summary.material import holds_text

KIND: Final = "video"
RECIPE: Final = "facts 1"
HEARD_AND_READ: Final = frozenset({speech.KIND, screen.KIND})
"""The kinds of which a redo takes the newest result, whichever engine made it: it pays for the summary alone."""


def keep_facts(contents: Contents, video: Video) -> None:
    """Keep what is known of a post, without its files."""
    contents.put(video.media_key, KIND, RECIPE, without_files(video))


def kept_post(contents: Contents, media_key: str, processing_type: ProcessingType) -> Video | None:
    """Return a post without its files, if all that its page needs of them is kept.

    A page that was made of pictures alone needs them again.
    """
    facts = contents.get(media_key, KIND, RECIPE, Video)
    if facts is None:
        return None
    needed = set(needed_kinds(facts, processing_type))
    transcript = speech.from_captions(facts.captions) or contents.get(media_key, speech.KIND, "", Transcript)
    screen_text = contents.get(media_key, screen.KIND, "", ScreenText)
    if (speech.KIND in needed and transcript is None) or (screen.KIND in needed and screen_text is None):
        return None
    has_text = holds_text(video=facts, transcript=transcript or Transcript(), screen_text=screen_text or ScreenText())
    return facts if has_text else None


def needed_kinds(video: Video, processing_type: ProcessingType) -> Iterator[str]:
    """Yield the kinds of the results that only the files of a post could replace."""
    if speech.needs_engine(video, processing_type):
        yield speech.KIND
    if screen.needs_reader(video, processing_type):
        yield screen.KIND
