"""What a video costs at list prices: `python -m benchmarks.cost`.

Clips of 15, 60 and 180 s in which espeak-ng speaks and a caption changes every two to four seconds go through the
stages, once as they are and once with the platform's own captions. The services are stand-ins that bill as the real
ones do: seconds of sound, pictures, tokens (four characters each). What they billed is multiplied with the list prices
of `svp_dagster.prices`; a difference to what our own ledger says ends the benchmark. The stand-in for Gemini answers in
few words: where it writes less than `ANSWER_TOKENS`, so many are counted in the table.

Then the same video is saved once more, which may cost nothing. The clip of 60 s goes through the stages with Gemini's
key alone, too: Gemini hears, and the screen is read on this machine. The last line sums up:

    usd_60s                the clip of 60 s without captions
    usd_60s_one_key        the same with Gemini's key alone
    second_save_calls      paid calls of all second saves

More than `MOST_USD_60S` or `MOST_USD_60S_ONE_KEY` for that clip, or a second save that is paid, fails.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from benchmarks.clips import Clip, clips, make
from benchmarks.stand_ins import StandIn, stand_ins
from svp_dagster.commands.pipeline import Options, Pipeline
from svp_dagster.commands.process import Tally
from svp_dagster.engines import choose_engines
from svp_dagster.models import CaptionTrack, LinkEntry, ProcessingType, Segment, Video
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.notion.templates import COOKING
from svp_dagster.prices import load_prices
from svp_dagster.rows.deferred_writes import DeferredWrites
from svp_dagster.rows.kept_contents import KeptContents
from svp_dagster.screen.vision import FEATURE
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Tokens
from svp_dagster.store.engine import migrate
from svp_dagster.store.store import Store, open_store

ROW = "benchmark"
SECONDS = (15, 60, 180)
ANSWER_TOKENS = 800
"""A value, its confidence and a quote for each of the template's columns, as a model may write them."""

MOST_USD_60S, MOST_USD_60S_ONE_KEY = 0.0105, 0.007

DESCRIPTION = "Tomato basil pasta, ready in fifteen minutes. Save it for later! #pasta #weeknight #easyrecipes"


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What the services billed for one run, and what that costs at list prices.

    `longer_answer_usd` is what isn't billed, as the stand-in writes little; `tokens_written` has it.
    """

    calls: int
    sound_s: float
    pictures: int
    tokens_read: int
    tokens_written: int
    speech_usd: float
    screen_usd: float
    summary_usd: float
    longer_answer_usd: float

    @property
    def billed_usd(self) -> float:
        """What the stand-ins billed."""
        return self.speech_usd + self.screen_usd + self.summary_usd

    @property
    def total_usd(self) -> float:
        """What it costs with a model that writes more."""
        return self.billed_usd + self.longer_answer_usd


def main() -> None:
    """Print the table and the sum."""
    _print_head()
    at_60_s, second_calls = 0.0, 0
    with tempfile.TemporaryDirectory() as scratch, stand_ins(Path(scratch)) as outside:
        migrate(open_store(Settings()).engine)
        _add_row(open_store(Settings()))
        chosen = {clip.duration_s: clip for clip in clips() if clip.name == "speech" and clip.duration_s in SECONDS}
        paths = {
            clip: make(clip, Path(scratch), imageio_ffmpeg.get_ffmpeg_exe(), spoken=True) for clip in chosen.values()
        }
        for clip, path in paths.items():
            for captioned in (False, True):
                first, second = _saved_twice(outside.ai, clip, path, captioned=captioned)
                second_calls += second.calls
                if clip.duration_s == 60 and not captioned:
                    at_60_s = first.total_usd
        first, second = _with_one_key(outside.ai, chosen[60], paths[chosen[60]])
        second_calls += second.calls
        one_key = first.total_usd
    print(f"usd_60s={at_60_s:.4f} usd_60s_one_key={one_key:.4f} second_save_calls={second_calls}")
    if at_60_s > MOST_USD_60S or one_key > MOST_USD_60S_ONE_KEY or second_calls:
        sys.exit(1)


def _with_one_key(ai: StandIn, clip: Clip, path: Path) -> tuple[Bill, Bill]:
    print("\nWith Gemini's key alone:\n")
    _print_head()
    with _gemini_alone():
        return _saved_twice(ai, clip, path, captioned=False)


def _saved_twice(ai: StandIn, clip: Clip, path: Path, *, captioned: bool) -> tuple[Bill, Bill]:
    """Save a video, then once more, and print what the first cost."""
    first = _run(ai, clip, path, captioned=captioned)
    assert captioned or first.sound_s, "no speech was found, so its cost was not measured"
    second = _run(ai, clip, path, captioned=captioned)
    _print_row(clip, first, second, captioned=captioned)
    return first, second


@contextmanager
def _gemini_alone() -> Iterator[None]:
    """Take the other keys out of the environment for a while."""
    taken = {name: os.environ.pop(name) for name in ("OPENAI_API_KEY", "GOOGLE_VISION_API_KEY")}
    try:
        yield
    finally:
        os.environ |= taken


def _add_row(store: Store) -> None:
    """Add the row that the results belong to."""
    now, names = datetime.now(UTC), dict.fromkeys(("workspace_name", "workspace_icon", "owner_id", "owner_name"), "")
    tokens = Tokens(access="", refresh=None)
    connection = store.connections.save(bot_id=ROW, workspace_id=ROW, tokens=tokens, now=now, **names)
    row = LinkEntry(page_id=ROW, connection_id=connection.id, url="", tag="", last_edited_time=now)
    store.entries.request(row, now=now)


def _run(ai: StandIn, clip: Clip, path: Path, *, captioned: bool) -> Bill:
    """Save a video: all that the stages cost, by the stand-ins' ledger."""
    ai.steer("reset")
    said = [item.text for item in clip.items if item.style == "outline"]
    ai.steer("speech", segments=_segments(said, clip.duration_s))
    ai.steer("vision", lines=[item.text for item in clip.items])
    tally, settings = Tally(load_prices(None)), Settings()
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(
            engines=choose_engines(settings),
            contents=KeptContents(open_store(settings), DeferredWrites(), page_id=ROW),
            meter=tally,
            folder=Path(folder),
            watch=_unwatched,
        )
        video = _as_a_post(pipeline.fetch(path), said, captioned=captioned)
        transcript, screen_text = pipeline.perceive(video, ProcessingType.FULL)
        pipeline.sum_up(video, transcript, screen_text, Options(data_schema=_columns(), prompt=COOKING.prompt))
    return _checked(_bill(ai.ask("ledger"), tally, settings), tally)


def _as_a_post(video: Video, said: list[str], *, captioned: bool) -> Video:
    """The video as a site gives it: with the uploader's words, and with captions where there are any."""
    segments = tuple(
        Segment(start_s=one["start"], end_s=one["end"], text=one["text"])
        for one in _segments(said, round(video.duration_s or 0))
    )
    captions = (CaptionTrack(language="en", translated=False, segments=segments),) if captioned else ()
    # Another key, or the captioned save would find the summary's material changed and the screen text kept.
    changes = {"media_key": f"{video.media_key}:{captioned}", "description": DESCRIPTION, "captions": captions}
    return video.model_copy(update=changes)


def _segments(said: list[str], duration_s: int) -> list[dict[str, Any]]:
    """One sentence after the other, spread over the video."""
    each_s = duration_s / len(said)
    return [
        {"start": number * each_s, "end": (number + 1) * each_s, "text": f"{text}."} for number, text in enumerate(said)
    ]


def _columns() -> DataSourceSchema:
    """Those of the template *Cooking*."""
    columns = tuple(
        Column(
            id=name,
            name=name,
            type=config["type"],
            description=config.get("description", ""),
            options=tuple(option["name"] for option in config[config["type"]].get("options", ())),
        )
        for name, config in COOKING.columns.items()
    )
    return DataSourceSchema(data_source_id="", database_id="", title=COOKING.name, columns=columns)


def _bill(ledger: dict[str, dict[str, float]], tally: Tally, settings: Settings) -> Bill:
    """The ledger's bill. It doesn't know which of Gemini's calls were for speech: our own does."""
    prices = load_prices(None)
    heard = [call.detail for call in tally.calls if call.service == "speech" and call.unit == "tokens"]
    speech_read = sum(tokens["input"] for tokens in heard)
    speech_written = sum(tokens["output"] + tokens["thought"] for tokens in heard)
    whisper_s = ledger.get("openai", {}).get("audio_s", 0.0)
    pictures = int(ledger.get("vision", {}).get("images", 0))
    gemini = ledger.get("gemini", {})
    read = int(gemini.get("prompt_tokens", 0)) - speech_read
    written = int(gemini.get("output_tokens", 0)) - speech_written
    missing = max(0, ANSWER_TOKENS - written) if gemini else 0
    return Bill(
        calls=int(sum(service["calls"] for service in ledger.values())),
        sound_s=whisper_s + gemini.get("audio_s", 0.0),
        pictures=pictures,
        tokens_read=read,
        tokens_written=written + missing,
        speech_usd=_known(prices.of_speech(settings.speech_model, seconds=whisper_s))
        + _known(prices.of_tokens(settings.gemini_model, read=speech_read, written=speech_written)),
        screen_usd=_known(prices.of_images(FEATURE, count=pictures)),
        summary_usd=_known(prices.of_tokens(settings.gemini_model, read=read, written=written)),
        longer_answer_usd=_known(prices.of_tokens(settings.gemini_model, read=0, written=missing)),
    )


def _known(price: float | None) -> float:
    assert price is not None, "a model without a list price"
    return price


def _checked(bill: Bill, tally: Tally) -> Bill:
    """The bill, if our own ledger agrees with it to a hundredth of a cent."""
    ours = sum(_known(call.cost_usd) for call in tally.calls)
    assert abs(ours - bill.billed_usd) < 0.0001, f"our ledger says ${ours:.5f}, the services ${bill.billed_usd:.5f}"
    return bill


def _print_head() -> None:
    print("| clip | captions | sound | pictures | tokens in + out | speech | screen | summary | **all** | again |")
    print("|---|---|---|---|---|---|---|---|---|---|")


def _print_row(clip: Clip, first: Bill, second: Bill, *, captioned: bool) -> None:
    parts = [
        f"{clip.duration_s} s, {clip.width_px} × {clip.height_px}",
        "yes" if captioned else "no",
        f"{first.sound_s:.0f} s",
        f"{first.pictures}",
        f"{first.tokens_read:,} + {first.tokens_written:,}",
        f"${first.speech_usd:.4f}",
        f"${first.screen_usd:.4f}",
        f"${first.summary_usd + first.longer_answer_usd:.4f}",
        f"**${first.total_usd:.4f}**",
        f"{second.calls} calls",
    ]
    print(f"| {' | '.join(parts)} |", flush=True)


@contextmanager
def _unwatched(_: str) -> Iterator[Callable[[float], None]]:
    yield lambda _: None


if __name__ == "__main__":
    main()
