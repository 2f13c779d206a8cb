"""An answer that unpacks to a thousand times its size, or never ends, is refused while it is small."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sandbox.bombs import INFLATED_BYTES, Bomb
from sandbox.faults import Fault
from sandbox.media.server import MediaSandbox
from svp_dagster import bounded_http
from svp_dagster.download import yt_dlp_network
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.errors import Code, SvpError
from svp_dagster.models import Span
from svp_dagster.screen.engines import VisionReader
from svp_dagster.speech.engines import OpenAISpeech
from tests.download.downloads import A_SHORT_LINK, link, refusal
from tests.fakes import CountingMeter
from tests.media.making import CLIPS, sound
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.sandbox.ai_service import AiService
from tests.summary.gemini_examples import engine, run

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site",)

PACKED: list[Bomb] = ["gzip", "deflate", "br", "zstd", "gzip, gzip"]
BOMBS: list[Bomb] = [*PACKED, "endless", "dripping"]
DEEP = '{"a":' * 200_000
MOST_BYTES = 100_000_000
"""Of memory: half of what a bomb unpacks to."""


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is endless to a test. The limits of bytes are those of the product."""
    monkeypatch.setattr(bounded_http, "MAX_ANSWER_S", 0.5)


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def failed(call: Callable[[], object]) -> SvpError:
    with little_memory(), pytest.raises(SvpError) as caught:
        call()
    return caught.value


def test_the_bombs_are_larger_than_what_may_be_held() -> None:
    assert 2 * MOST_BYTES <= INFLATED_BYTES


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_answer_of_notion_s(notion: NotionSandbox, bomb: Bomb) -> None:
    notion.faults.add(Fault(path="users/me", bomb=bomb, times=None))

    refused = failed(notion.workspace().me)

    assert (refused.code, refused.sentence) == (Code.NOTION_UNREACHABLE, "Notion didn't answer properly.")


@pytest.mark.parametrize("status", [200, 400])
def test_json_of_notion_s_that_is_nested_too_deeply(notion: NotionSandbox, status: int) -> None:
    notion.faults.add(Fault(path="users/me", status=status, body=DEEP, times=None))

    assert failed(notion.workspace().me).code is Code.NOTION_UNREACHABLE


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_answer_of_openai_s(running_ai: AiService, tmp_path: Path, bomb: Bomb) -> None:
    running_ai.steer("reset")
    running_ai.steer("faults", path="audio/transcriptions", bomb=bomb, times=None)
    speech = OpenAISpeech(api_key="sk-key", base_url=f"{running_ai.url}/v1", timeout_s=10.0)
    heard = sound(tmp_path / "a.wav", "sine=duration=2")

    refused = failed(lambda: speech.transcribe(heard, speech=[Span(0.2, 1.5)], meter=CountingMeter()))

    assert refused.code is Code.SERVICE_UNREACHABLE


def test_json_of_openai_s_that_is_nested_too_deeply(running_ai: AiService, tmp_path: Path) -> None:
    running_ai.steer("reset")
    deep = {"path": "audio/transcriptions", "status": 200, "body": DEEP, "times": None}
    running_ai.steer("faults", headers={"Content-Type": "application/json"}, **deep)
    speech = OpenAISpeech(api_key="sk-key", base_url=f"{running_ai.url}/v1", timeout_s=10.0)
    heard = sound(tmp_path / "a.wav", "sine=duration=2")

    refused = failed(lambda: speech.transcribe(heard, speech=[Span(0.2, 1.5)], meter=CountingMeter()))

    assert refused.code is Code.SPEECH_FAILED


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_answer_of_gemini_s(gemini: AiService, bomb: Bomb) -> None:
    gemini.steer("faults", path="generateContent", bomb=bomb, times=None)

    assert failed(lambda: run(engine(gemini))).code is Code.SERVICE_UNREACHABLE


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_answer_of_vision_s(running_ai: AiService, bomb: Bomb) -> None:
    running_ai.steer("reset")
    running_ai.steer("faults", path="images:annotate", bomb=bomb, times=None)
    reader = VisionReader(api_key="key", endpoint=running_ai.url, timeout_s=5.0)

    refused = failed(lambda: reader.read([CLIPS / "cafe.jpg"], meter=CountingMeter(), limit_s=2.0))

    assert refused.code is Code.SERVICE_UNREACHABLE


def test_json_of_vision_s_that_is_nested_too_deeply(running_ai: AiService) -> None:
    running_ai.steer("reset")
    running_ai.steer("faults", path="images:annotate", status=200, body=DEEP, times=None)
    reader = VisionReader(api_key="key", endpoint=running_ai.url, timeout_s=5.0)

    refused = failed(lambda: reader.read([CLIPS / "cafe.jpg"], meter=CountingMeter(), limit_s=2.0))

    assert refused.code is Code.SERVICE_UNREACHABLE


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_answer_to_a_check_of_an_address(notion: NotionSandbox, bomb: Bomb) -> None:
    notion.faults.add(Fault(path="users/me", bomb=bomb, times=None))

    with little_memory(), pytest.raises(httpx.HTTPError):
        bounded_http.get(f"{notion.url}/v1/users/me", service="notion", timeout_s=5.0)


@pytest.mark.parametrize("bomb", [*PACKED, "endless"])
@pytest.mark.parametrize(
    ("name", "path"),
    [("pasta", "/www.tiktok.com/"), ("pancakes", "/www.instagram.com/$"), ("pancakes", "api/graphql")],
)
def test_a_page_of_a_site(site: MediaSandbox, tmp_path: Path, name: str, path: str, bomb: Bomb) -> None:
    site.faults.add(Fault(path=path, bomb=bomb, times=None))

    refused = failed(lambda: refusal_of(site, tmp_path, name))

    assert (refused.code, refused.sentence) == (Code.SITE_UNREACHABLE, "The site didn't answer properly.")


def refusal_of(site: MediaSandbox, folder: Path, name: str) -> None:
    raise refusal(YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5), link(name), folder)


@pytest.mark.parametrize("bomb", [*PACKED, "endless"])
def test_the_page_behind_a_short_link(site: MediaSandbox, tmp_path: Path, bomb: Bomb) -> None:
    site.faults.add(Fault(path=r"/v[mt]\.tiktok\.com/", bomb=bomb, times=None))
    downloader = YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5)

    with little_memory():
        assert refusal(downloader, A_SHORT_LINK, tmp_path).code is Code.POST_UNAVAILABLE


@pytest.mark.parametrize("bomb", [*PACKED, "endless"])
def test_covers_and_captions(site: MediaSandbox, tmp_path: Path, bomb: Bomb) -> None:
    site.faults.add(Fault(path=r"\.(jpg|vtt)$", bomb=bomb, times=None))

    with little_memory():
        video = YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5).fetch(link("pasta"), folder=tmp_path)

    assert video.video_path is not None
    assert (video.cover_path, video.captions) == (None, ())


@pytest.mark.parametrize("bomb", ["gzip", "br"])
def test_a_video(site: MediaSandbox, tmp_path: Path, bomb: Bomb) -> None:
    site.faults.add(Fault(path=r"pasta\.mp4", bomb=bomb, times=None))
    downloader = YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5, max_size_bytes=20_000_000)

    with little_memory():
        assert refusal(downloader, link("pasta"), tmp_path).code is Code.TOO_LARGE
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < MOST_BYTES


def test_the_client_that_unpacks_before_it_counts_is_not_used(tmp_path: Path) -> None:
    with yt_dlp_network.GuardedYoutubeDL({}, None, max_size_bytes=1) as made:
        assert set(made._request_director.handlers) == {"_GuardedCurl", "_GuardedRequests"}
