from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.models import Word
from svp_dagster.screen import vision
from svp_dagster.screen.engines import LocalReader, VisionReader
from svp_dagster.screen.scripts import tesseract
from svp_dagster.screen.scripts.second_reading import CERTAINTY_FLOOR
from svp_dagster.screen.sheets import write_sheets
from tests.fakes import CountingMeter
from tests.media.making import picture
from tests.sandbox.ai_service import AiService, ai_service

KEY = "secret-of-the-installation"
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def service() -> Iterator[AiService]:
    with ai_service() as service:
        yield service


@pytest.fixture(autouse=True)
def as_new(service: AiService) -> None:
    service.steer("reset")


def reader(service: AiService, **settings: Any) -> VisionReader:
    given: dict[str, Any] = {"api_key": KEY, "endpoint": service.url, "timeout_s": 5.0}
    return VisionReader(**given | settings)


def pictures(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number:02}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), picture(size=(90, 160), seed=number))
    return paths


def lay_down(service: AiService, *lines: str, times: int = 1) -> None:
    service.steer("vision", lines=list(lines), times=times)


def texts(words: list[Word] | None) -> list[str]:
    assert words is not None
    return [word.text for word in words]


def failed(vision_reader: VisionReader, paths: list[Path], *, limit_s: float = LIMIT_S) -> SvpError:
    with pytest.raises(SvpError) as caught:
        vision_reader.read(paths, meter=CountingMeter(), limit_s=limit_s)
    for text in (str(caught.value), caught.value.sentence, caught.value.detail):
        assert KEY not in text
    return caught.value


def test_each_picture_gives_its_words_with_their_boxes(service: AiService, tmp_path: Path) -> None:
    service.steer("vision", lines=[{"text": "Boil pasta", "left": 10, "top": 20, "width": 60, "height": 12}], times=1)
    lay_down(service, "Fry")
    first, second = reader(service).read(pictures(tmp_path, 2), meter=CountingMeter(), limit_s=LIMIT_S)
    assert texts(first) == ["Boil", "pasta"]
    assert texts(second) == ["Fry"]
    assert first is not None
    boil, pasta = first
    assert (boil.left, boil.top, boil.bottom) == (10, 20, 32)
    assert boil.right < pasta.left < pasta.right <= 70


def test_a_picture_without_text_has_no_words(service: AiService, tmp_path: Path) -> None:
    lay_down(service)
    assert reader(service).read(pictures(tmp_path, 1), meter=CountingMeter(), limit_s=LIMIT_S) == [[]]


def test_each_picture_is_recorded_once(service: AiService, tmp_path: Path) -> None:
    lay_down(service, "a", times=3)
    meter = CountingMeter()
    reader(service).read(pictures(tmp_path, 3), meter=meter, limit_s=LIMIT_S)
    (call,) = meter.calls
    assert (call.service, call.units, call.unit) == ("screen", 3, "images")


def test_many_pictures_go_in_requests_of_sixteen(service: AiService, tmp_path: Path) -> None:
    lay_down(service, "a", times=20)
    read = reader(service).read(pictures(tmp_path, 20), meter=CountingMeter(), limit_s=LIMIT_S)
    assert [texts(words) for words in read] == [["a"]] * 20
    assert [len(request["body"]["requests"]) for request in service.requests] == [16, 4]


def test_large_pictures_go_in_requests_that_the_service_takes(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(5)]
    for path in paths:
        path.write_bytes(bytes(3_000_000))
    assert [len(batch) for batch in vision.batches(paths)] == [2, 2, 1]
    assert vision.batches([]) == []


def test_a_picture_that_fails_alone_is_sent_once_more(service: AiService, tmp_path: Path) -> None:
    lay_down(service, "first")
    service.steer("vision", error={"code": 14, "message": "try again"}, times=1)
    lay_down(service, "second")
    meter = CountingMeter()
    read = reader(service).read(pictures(tmp_path, 2), meter=meter, limit_s=LIMIT_S)
    assert [texts(words) for words in read] == [["first"], ["second"]]
    assert [call.units for call in meter.calls] == [1, 1]


def test_a_picture_that_can_not_be_read_leaves_the_others(service: AiService, tmp_path: Path) -> None:
    lay_down(service, "first")
    service.steer("vision", error={"code": 3, "message": "Bad image data."})
    meter = CountingMeter()
    read = reader(service).read(pictures(tmp_path, 2), meter=meter, limit_s=LIMIT_S)
    assert read[1] is None
    assert texts(read[0]) == ["first"]
    assert sum(call.units for call in meter.calls) == 1


def test_if_no_picture_can_be_read_that_is_the_failure(service: AiService, tmp_path: Path) -> None:
    service.steer("vision", error={"code": 3, "message": "Bad image data."})
    assert failed(reader(service), pictures(tmp_path, 1)).code is Code.SCREEN_FAILED


def test_a_passing_outage_is_waited_out(service: AiService, tmp_path: Path) -> None:
    service.steer("faults", path="annotate", status=503, times=1)
    lay_down(service, "a")
    read = reader(service).read(pictures(tmp_path, 1), meter=CountingMeter(), limit_s=LIMIT_S)
    assert texts(read[0]) == ["a"]


def test_a_missing_key_and_a_wrong_one_name_the_setting(service: AiService, tmp_path: Path) -> None:
    for key in ("", f"invalid-{KEY}"):
        error = failed(reader(service, api_key=key), pictures(tmp_path, 1))
        assert error.code is Code.KEY_REJECTED
        assert "GOOGLE_VISION_API_KEY" in error.sentence


def test_an_unusable_credentials_file_is_a_matter_of_configuration(service: AiService, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    for content in ("", "{}", '{"type": "service_account"}'):
        file.write_text(content)
        broken = reader(service, api_key="", credentials_file=str(file))
        assert failed(broken, pictures(tmp_path, 1)).code is Code.MISCONFIGURED
    missing = reader(service, api_key="", credentials_file=str(tmp_path / "nothing.json"))
    assert failed(missing, pictures(tmp_path, 1)).code is Code.MISCONFIGURED


DISABLED = {
    "error": {
        "code": 403,
        "status": "PERMISSION_DENIED",
        "message": "Cloud Vision API has not been used",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "x"}],
    }
}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 503}, Code.SERVICE_UNREACHABLE),
        ({"status": 429, "body": {"error": {"code": 429, "message": "Quota"}}}, Code.QUOTA_EXHAUSTED),
        ({"status": 403, "body": DISABLED}, Code.MISCONFIGURED),
        ({"status": 400, "body": {"error": {"code": 400, "message": "Too large"}}}, Code.SCREEN_FAILED),
        ({"cut": "before_answer"}, Code.SERVICE_UNREACHABLE),
        ({"cut": "mid_answer"}, Code.SERVICE_UNREACHABLE),
        ({"delay_s": 1.0}, Code.SERVICE_UNREACHABLE),
        ({"garbage": "html"}, Code.SERVICE_UNREACHABLE),
        ({"garbage": "broken_json"}, Code.SERVICE_UNREACHABLE),
    ],
    ids=["503", "429", "disabled", "400", "cut", "half", "slow", "html", "broken json"],
)
def test_every_way_to_fail_is_a_failure_of_the_table(
    service: AiService, tmp_path: Path, fault: dict[str, Any], code: Code
) -> None:
    lay_down(service, "a", times=50)
    service.steer("faults", path="annotate", times=None, **fault)
    assert failed(reader(service, timeout_s=0.4), pictures(tmp_path, 1), limit_s=0.8).code is code


def test_nothing_is_sent_without_budget(service: AiService, tmp_path: Path) -> None:
    with pytest.raises(SvpError) as caught:
        reader(service).read(pictures(tmp_path, 1), meter=CountingMeter(calls_allowed=0), limit_s=LIMIT_S)
    assert caught.value.code is Code.BUDGET_REACHED
    assert service.requests == []


def test_a_budget_that_ends_in_between_leaves_what_was_read(service: AiService, tmp_path: Path) -> None:
    lay_down(service, "a", times=20)
    read = reader(service).read(pictures(tmp_path, 20), meter=CountingMeter(calls_allowed=1), limit_s=LIMIT_S)
    assert [words is None for words in read] == [False] * 16 + [True] * 4


def test_the_key_is_not_shown(service: AiService) -> None:
    assert KEY not in repr(reader(service))


LINES = [("Boil 200 g of pasta", "and salt it"), ("Fry two onions", "for 10 minutes")]


def test_the_local_engine_reads_sheets(tmp_path: Path) -> None:
    frames = [picture(*lines, size=(540, 960), height_px=40) for lines in LINES]
    (sheet,) = write_sheets(frames, tmp_path, tiles=6)
    meter = CountingMeter()
    (words,) = LocalReader().read([sheet.path], meter=meter, limit_s=60)
    assert words is not None
    found = "".join("".join(word.text.split()) for word in words)
    assert all("".join(line.split()) in found for lines in LINES for line in lines)
    first = next(word for word in words if word.text.startswith("Boil"))
    left, top = sheet.layout.corner(0)
    assert first.left == pytest.approx(left + 20, abs=12)
    assert first.top == pytest.approx(top + 70, abs=20)
    assert meter.calls == []


def test_the_local_engine_reads_a_line_across_a_strip(tmp_path: Path) -> None:
    said = "boil the pasta, fry two onions, add the basil and serve it all at once with a lemon"
    (sheet,) = write_sheets([picture(said, size=(2600, 200), height_px=36, grain=0)], tmp_path, tiles=1)
    (words,) = LocalReader().read([sheet.path], meter=CountingMeter(), limit_s=60)
    found = "".join("".join(word.text.split()) for word in words or [])
    assert all(part in found for part in ("boil", "pasta", "onions", "basil", "lemon"))


def test_the_local_engine_finds_nothing_in_an_empty_picture_and_stops_in_time(tmp_path: Path) -> None:
    (path,) = pictures(tmp_path, 1)
    assert LocalReader().read([path], meter=CountingMeter(), limit_s=60) == [[]]
    assert LocalReader().read([path, path], meter=CountingMeter(), limit_s=0) == [None, None]


def test_pictures_that_were_paid_for_before_the_store_failed_are_not_sent_again(
    service: AiService, tmp_path: Path
) -> None:
    lay_down(service, "a", times=20)
    paths, vision_reader = pictures(tmp_path, 20), reader(service)
    meter = CountingMeter(calls_allowed=1, refusal=ConnectionError("the store is gone"))
    with pytest.raises(ConnectionError):
        vision_reader.read(paths, meter=meter, limit_s=LIMIT_S)
    assert [call.units for call in meter.calls] == [16]

    read = vision_reader.read(paths, meter=meter.raised(calls=1), limit_s=LIMIT_S)
    assert [texts(words) for words in read] == [["a"]] * 20
    assert [len(request["body"]["requests"]) for request in service.requests] == [16, 4]


def test_a_line_without_a_letter_that_the_local_engine_knows_comes_without_text(tmp_path: Path) -> None:
    from rapidocr.ch_ppocr_rec import TextRecognizer, TextRecOutput

    path = tmp_path / "line.png"
    cv2.imwrite(str(path), picture("Boil", size=(540, 300), height_px=40))
    unknown = TextRecOutput([np.zeros((9, 9))], ("",), [0.0], (("", 0.0, None),), 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tesseract, "installed_languages", frozenset)
        patch.setattr(TextRecognizer, "__call__", lambda *_: unknown)
        (words,) = LocalReader().read([path], meter=CountingMeter(), limit_s=60)
    assert [(word.text, word.certainty) for word in words or []] == [("", 0.0)]
    (words,) = LocalReader().read([path], meter=CountingMeter(), limit_s=60)
    assert [word.text for word in words or []] == ["Boil"]
    assert all(word.certainty is not None and word.certainty >= CERTAINTY_FLOOR for word in words or [])
