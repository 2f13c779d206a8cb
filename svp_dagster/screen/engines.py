"""The engines that read text in pictures: Google Vision, and RapidOCR on this machine."""

from __future__ import annotations

import ctypes
import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic import Field, PrivateAttr, SecretStr

from svp_dagster.component import Component
from svp_dagster.errors import SvpError
from svp_dagster.models import Usage, Word
from svp_dagster.packages import load
from svp_dagster.ports import Meter
from svp_dagster.screen import figures, vision
from svp_dagster.screen.lines import is_level
from svp_dagster.screen.scripts import second_reading, table

PAID_TILES = 30
"""6 × 5 frames. Measured: one such picture of a 60 s clip yields all the words that two of 15 frames yield."""

LOCAL_TILES = 4
"""Pictures are free here. Reading takes the same time for one to six frames a picture, but memory grows."""

SEARCH_SIDE_PX = 1792
"""Detection runs on a picture scaled down to this side, recognition on the full size. Four frames are scaled to 0.9:
that saves a seventh of the time and misses nothing (measured: none of 960 lines of 26 to 44 px on 1080 × 1920, three in
full size). At 0.8 some small print is missed."""

MAX_SIDE_PX = 6000
"""RapidOCR scales larger pictures down before reading, which would make a contact sheet illegible."""

MAX_CANDIDATES = 5000
"""RapidOCR's default of 1,000 is too low for a sheet of frames with a busy background."""

SEARCH_PIXELS = 1_850_000
"""Four frames at that side. Detection takes 250 bytes a pixel, so a square sheet is scaled down further."""

MAX_LINE_RATIO = 50
"""Width of the widest line that is read as it is, in heights: letters of 22 px from edge to edge of a frame. Wider ones
are squeezed, because recognition takes 40 kB a pixel."""

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""Stands for a line without a letter that the model knows. RapidOCR drops lines without text."""

_LARGE_BLOCK_BYTES = 4 * 1024**2
"""With blocks of this size returned, a page full of text takes 0.5 GB instead of 0.8 (measured)."""
_M_MMAP_THRESHOLD = -3  # Source: glibc, malloc.h

_one_at_a_time = Lock()


class VisionReader(Component):
    """Google Cloud Vision, paid by the picture, with an API key or a service account."""

    api_key: SecretStr | None = Field(default=None, description="Key of the Vision API.")
    credentials_file: Path | None = Field(
        default=None, description="Key file of a service account, used without an API key."
    )
    endpoint: str = Field(default="", description="Another address of the API, scheme included.")
    timeout_s: float = Field(default=30.0, gt=0, description="Time limit of one call.")
    tiles: int = Field(default=PAID_TILES, ge=1, description="Frames in one paid picture.")

    _client: Any = PrivateAttr(default=None)
    _words: dict[str, list[Word]] = PrivateAttr(default_factory=dict)
    """Words of paid pictures by digest, until the stage has them. A repeated stage continues from them."""

    @property
    def source(self) -> str:
        """The service's name."""
        return vision.SERVICE

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return f"vision 3 {vision.FEATURE}"

    def read(self, pictures: Sequence[Path], *, meter: Meter, limit_s: float) -> list[list[Word] | None]:
        """Return the words of each picture, None for one that could not be read in time. Sends up to 16 a request.

        A picture that fails alone is sent once more. If no picture could be read, raises `key_rejected`,
        `quota_exhausted`, `service_unreachable`, `screen_failed`, `misconfigured`, or what the meter raises.
        """
        ends = time.monotonic() + limit_s
        digests = {picture: hashlib.sha256(picture.read_bytes()).hexdigest() for picture in pictures}
        problem = self._read_missing(digests, meter=meter, ends=ends)
        if problem is not None and vision.may_pass(problem):
            problem = self._read_missing(digests, meter=meter, ends=ends) or problem
        words = [self._words.get(digests[picture]) for picture in pictures]
        if problem is not None and all(found is None for found in words):
            raise problem
        self._words.clear()
        return words

    def _read_missing(self, digests: Mapping[Path, str], *, meter: Meter, ends: float) -> SvpError | None:
        """Read the pictures whose words aren't known yet. Returns the last problem, raises it if no words are known."""
        problem: SvpError | None = None
        missing = {digest: picture for picture, digest in digests.items() if digest not in self._words}
        for batch in vision.batches(list(missing.values())):
            left_s = ends - time.monotonic()
            if left_s <= 0:
                break
            try:
                meter.require_budget()
                answers = vision.annotate(self._opened(), batch, timeout_s=self.timeout_s, limit_s=left_s)
            except SvpError as error:
                if self._words.keys().isdisjoint(digests.values()):
                    raise
                return error
            found = {
                digests[picture]: words
                for picture, words in zip(batch, answers, strict=True)
                if isinstance(words, list)
            }
            self._words.update(found)
            if found:
                meter.record(Usage(service="screen", model=vision.FEATURE, units=len(found), unit="images"))
            problem = next((answer for answer in answers if isinstance(answer, SvpError)), problem)
        return problem

    def _opened(self) -> Any:
        if self._client is None:
            self._client = vision.open_client(
                api_key=self.api_key, credentials_file=self.credentials_file, endpoint=self.endpoint
            )
        return self._client


class LocalReader(Component):
    """RapidOCR with the models in its wheel, free of charge. Returns lines instead of words.

    Lines in other scripts than Latin, Chinese and Japanese are read by Tesseract, where it is installed. A line of
    which neither is certain comes without text.
    """

    tiles: int = Field(default=LOCAL_TILES, ge=1, description="Frames in one picture.")

    @property
    def source(self) -> str:
        """The engine's name."""
        return "RapidOCR"

    @property
    def recipe(self) -> str:
        """Engine, model, parameters and Tesseract's languages in one line."""
        languages = "+".join(table.installed_languages())
        floor = second_reading.CERTAINTY_FLOOR
        return f"rapidocr 7 search={SEARCH_SIDE_PX},{SEARCH_PIXELS} floor={floor} tesseract={languages}"

    def read(self, pictures: Sequence[Path], *, meter: Meter, limit_s: float) -> list[list[Word] | None]:  # noqa: ARG002 (nothing is paid)
        """Return the lines of each picture, None for those that `limit_s` left no time for."""
        ends = time.monotonic() + limit_s
        words = [_lines(picture) if time.monotonic() < ends else None for picture in pictures]
        return second_reading.read_again(pictures, words, limit_s=ends - time.monotonic())


def _lines(picture: Path) -> list[Word]:
    with _one_at_a_time:
        result = _rapidocr()(str(picture))
    if result.boxes is None or result.txts is None:
        return []
    return [
        Word(
            text="" if text == UNREADABLE else text,
            left=float(box[:, 0].min()),
            top=float(box[:, 1].min()),
            right=float(box[:, 0].max()),
            bottom=float(box[:, 1].max()),
            certainty=certainty,
            is_level=is_level(box[0], box[1]),
        )
        for box, text, certainty in zip(result.boxes, result.txts, result.scores, strict=True)
    ]


def _give_back_large_blocks() -> None:
    """Let glibc return each large block to the system once it is freed."""
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def _give_back_free_memory() -> None:
    """Let glibc return what is free: else one step's memory stays, in pieces, while the next asks for its own."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _search_side_px(height: int, width: int) -> int:
    """Return the longer side to which a picture is scaled down for detection."""
    shape = max(height, width) / min(height, width)
    return min(SEARCH_SIDE_PX, round(math.sqrt(SEARCH_PIXELS * shape)))


@cache
def _rapidocr() -> Any:
    """Load the engine for the first picture (1.3 s, 0.4 GB)."""
    _give_back_large_blocks()
    load("rapidocr")
    import cv2
    from rapidocr import RapidOCR
    from rapidocr.ch_ppocr_rec import TextRecInput

    class Reader(RapidOCR):
        def detect_and_crop(self, picture: Any, *record: Any) -> Any:
            _give_back_free_memory()
            detector: Any = self._load_det_model()  # type: ignore[no-untyped-call]
            detector.limit_side_len = _search_side_px(*picture.shape[:2])
            return super().detect_and_crop(picture, *record)

        def recognize_txt(self, lines: list[Any]) -> Any:
            _give_back_free_memory()
            found: Any = super().recognize_txt([squeezed(line) for line in lines])
            texts = (
                figures.checked(text, line, read=self._read, places=self._places)
                for text, line in zip(found.txts, lines, strict=True)
            )
            found.txts = tuple(text if text.strip() else UNREADABLE for text in texts)
            return found

        def _read(self, line: Any) -> tuple[str, float]:
            found: Any = super().recognize_txt([line])
            return found.txts[0], found.scores[0]

        def _places(self, line: Any) -> list[tuple[str, float]]:
            recognizer: Any = self._load_rec_model()  # type: ignore[no-untyped-call]
            (found,) = recognizer(TextRecInput(img=[line], return_word_box=True)).word_results
            words = zip(found.words, found.word_cols, strict=True)
            spaced = [[*zip(word, columns, strict=True), (" ", columns[-1])] for word, columns in words]
            return [(letter, (column + 0.5) / found.line_txt_len) for word in spaced for letter, column in word]

    def squeezed(line: Any) -> Any:
        height, width = line.shape[:2]
        widest = MAX_LINE_RATIO * height
        return line if width <= widest else cv2.resize(line, (widest, height), interpolation=cv2.INTER_AREA)

    return Reader(
        params={
            "Global.use_cls": False,  # upright text only: the frames are upright
            "Global.max_side_len": MAX_SIDE_PX,
            "Global.log_level": "error",
            "Global.text_score": 0.0,  # what isn't certain is needed too: it says where text is that can't be read
            "Det.limit_type": "max",
            "Det.max_candidates": MAX_CANDIDATES,
            "Rec.rec_batch_num": 1,  # six lines at once take six times the memory and no less time (measured)
        }
    )
