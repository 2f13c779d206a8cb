from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
import requests
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.cloud import vision

from tests.sandbox.ai_service import AiService, ai_service

LINES = ["Boil 200 g of pasta", "Add olive oil", "Follow the chef"]
TILE_WIDTH, TILE_HEIGHT, GUTTER = 540, 400, 24


@pytest.fixture(scope="module")
def service() -> Iterator[AiService]:
    with ai_service() as service:
        yield service


@pytest.fixture(autouse=True)
def as_new(service: AiService) -> None:
    service.steer("reset")


@pytest.fixture(scope="module")
def client(service: AiService) -> Iterator[Any]:
    with _client(service, key="k") as client:
        yield client


def _client(service: AiService, *, key: str) -> Any:
    options = ClientOptions(api_endpoint=service.url, api_key=key)
    return vision.ImageAnnotatorClient(transport="rest", client_options=options)


def tile(*lines: str) -> Any:
    pixels = np.full((TILE_HEIGHT, TILE_WIDTH, 3), 235, np.uint8)
    for place, line in enumerate(lines):
        cv2.putText(pixels, line, (24, 80 + 110 * place), cv2.FONT_HERSHEY_SIMPLEX, 1.3, (10, 10, 10), 3, cv2.LINE_AA)
    return pixels


def jpeg(pixels: Any) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())


def ask(
    client: Any,
    *images: bytes,
    kind: str = "TEXT_DETECTION",
    timeout_s: float = 30,
    hints: tuple[str, ...] = (),
) -> list[Any]:
    asked = [
        vision.AnnotateImageRequest(
            image=vision.Image(content=image),
            features=[vision.Feature(type_=getattr(vision.Feature.Type, kind))],
            image_context=vision.ImageContext(language_hints=hints),
        )
        for image in images
    ]
    return list(client.batch_annotate_images(requests=asked, retry=None, timeout=timeout_s).responses)


@pytest.mark.parametrize("kind", ["TEXT_DETECTION", "DOCUMENT_TEXT_DETECTION"])
def test_a_picture_is_really_read(client: Any, kind: str) -> None:
    (answer,) = ask(client, jpeg(tile(*LINES)), kind=kind)
    whole, *words = answer.text_annotations
    assert whole.description.splitlines() == LINES
    assert whole.locale == "en"
    assert [word.description for word in words] == " ".join(LINES).split()
    assert answer.full_text_annotation.text == whole.description


def test_words_have_boxes_where_they_stand(client: Any) -> None:
    (answer,) = ask(client, jpeg(tile("", "Left Right")))
    left, right = (word.bounding_poly.vertices for word in answer.text_annotations[1:])
    assert 10 <= left[0].x < left[1].x <= right[0].x < right[1].x <= 300
    assert all(130 <= corner.y <= 215 for corner in [*left, *right])


def test_the_whole_text_has_pages_blocks_words_symbols_and_breaks(client: Any) -> None:
    (answer,) = ask(client, jpeg(tile("Add olive")), hints=("fr",))
    (page,) = answer.full_text_annotation.pages
    assert (page.width, page.height) == (TILE_WIDTH, TILE_HEIGHT)
    (paragraph,) = page.blocks[0].paragraphs
    assert ["".join(symbol.text for symbol in word.symbols) for word in paragraph.words] == ["Add", "olive"]
    breaks = vision.TextAnnotation.DetectedBreak.BreakType
    ends = [word.symbols[-1].property.detected_break.type_ for word in paragraph.words]
    assert ends == [breaks.SPACE, breaks.LINE_BREAK]
    assert answer.text_annotations[0].locale == "fr"


def test_each_tile_of_a_contact_sheet_is_read_where_it_is(client: Any) -> None:
    columns, rows = 3, 2
    step_x, step_y = TILE_WIDTH + GUTTER, TILE_HEIGHT + GUTTER
    sheet = np.full((rows * step_y - GUTTER, columns * step_x - GUTTER, 3), 128, np.uint8)
    captions = ["apples", "bread", "cheese", "dates", "eggs", "flour"]
    for place, caption in enumerate(captions):
        x, y = place % columns * step_x, place // columns * step_y
        sheet[y : y + TILE_HEIGHT, x : x + TILE_WIDTH] = tile(f"Buy {caption}")
    (answer,) = ask(client, jpeg(sheet))
    seen = {}
    for word in answer.text_annotations[1:]:
        corner = word.bounding_poly.vertices[0]
        seen[corner.y // step_y * columns + corner.x // step_x, word.description] = True
    assert set(seen) == {(place, word) for place, caption in enumerate(captions) for word in ("Buy", caption)}


def test_a_picture_without_text_has_an_empty_answer(client: Any) -> None:
    (answer,) = ask(client, jpeg(tile()))
    assert not answer.text_annotations
    assert not answer.error.code


def test_a_bad_picture_fails_alone(client: Any, service: AiService) -> None:
    service.steer("vision", lines=["Hello"])
    bad, good = ask(client, b"no picture", jpeg(tile()))
    assert (bad.error.code, bad.error.message) == (3, "Bad image data.")
    assert good.text_annotations[0].description == "Hello"


def test_lines_can_be_laid_down(client: Any, service: AiService) -> None:
    service.steer(
        "vision", lines=["One", {"text": "Two three", "left": 100, "top": 300, "width": 90, "height": 20}], times=1
    )
    service.steer("vision", error={"code": 13, "message": "Internal error."})
    answer, failed = ask(client, *[jpeg(tile())] * 2)
    assert [word.description for word in answer.text_annotations[1:]] == ["One", "Two", "three"]
    assert (answer.text_annotations[3].bounding_poly.vertices[0].x, failed.error.code) == (140, 13)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("(972) 243-2932", ["(", "972", ")", "243", "-", "2932"]),
        ("Save this! #pasta", ["Save", "this", "!", "#", "pasta"]),
        ("Chef's 1.5 kg at 10:30, €5", ["Chef's", "1.5", "kg", "at", "10:30", ",", "€", "5"]),
        ("अंडे उबालें।", ["अंडे", "उबालें।"]),
        ("星ラーメン", ["星ラーメン"]),
    ],
)
def test_marks_are_words_of_their_own_and_breaks_say_what_belongs_together(
    client: Any, service: AiService, line: str, words: list[str]
) -> None:
    service.steer("vision", lines=[line, "next"])
    (answer,) = ask(client, jpeg(tile()))
    whole, *found = answer.text_annotations
    assert [word.description for word in found] == [*words, "next"]
    assert whole.description == answer.full_text_annotation.text == f"{line}\nnext"
    assert joined(answer.full_text_annotation) == f"{line}\nnext\n"


def joined(full_text: Any) -> str:
    """The text by the breaks after its symbols."""
    breaks = vision.TextAnnotation.DetectedBreak.BreakType
    ends = {breaks.UNKNOWN: "", breaks.SPACE: " ", breaks.EOL_SURE_SPACE: "\n", breaks.LINE_BREAK: "\n"}
    blocks = [block for page in full_text.pages for block in page.blocks]
    words = [word for block in blocks for paragraph in block.paragraphs for word in paragraph.words]
    return "".join(
        symbol.text + ends[symbol.property.detected_break.type_] for word in words for symbol in word.symbols
    )


def test_boxes_may_be_skewed_and_begin_outside_of_the_picture(client: Any, service: AiService) -> None:
    service.steer("vision", lines=[{"text": "to be", "left": -10, "top": -4, "width": 100, "height": 20, "skew": 50}])
    (answer,) = ask(client, jpeg(tile()))
    whole, to, be = ([(c.x, c.y) for c in word.bounding_poly.vertices] for word in answer.text_annotations)
    assert to == [(-10, -4), (30, 16), (30, 36), (-10, 16)]
    assert be == [(50, 26), (90, 46), (90, 66), (50, 46)]
    assert whole == [(-10, -4), (90, -4), (90, 66), (-10, 66)]
    first = answer.full_text_annotation.pages[0].blocks[0].paragraphs[0].words[0].symbols[0]
    assert [(c.x, c.y) for c in first.bounding_box.vertices] == [(-10, -4), (10, 6), (10, 26), (-10, 16)]


def test_a_line_that_is_not_level_is_read_with_skewed_boxes(client: Any) -> None:
    turned = cv2.getRotationMatrix2D((TILE_WIDTH / 2, TILE_HEIGHT / 2), -5, 1)
    pixels = cv2.warpAffine(tile("", "Left and right"), turned, (TILE_WIDTH, TILE_HEIGHT), borderValue=(235, 235, 235))
    (answer,) = ask(client, jpeg(pixels))
    corners = answer.text_annotations[1].bounding_poly.vertices
    assert corners[1].y > corners[0].y


def test_images_are_billed_though_the_answer_is_lost(service: AiService, client: Any) -> None:
    service.steer("vision", lines=["Hello"])
    service.steer("faults", path="annotate", cut="before_answer", when="after")
    with pytest.raises(requests.exceptions.ConnectionError):
        ask(client, *[jpeg(tile())] * 3)
    assert service.ledger == {"vision": {"calls": 1, "images": 3}}


def test_more_than_16_images_are_refused(client: Any) -> None:
    with pytest.raises(exceptions.BadRequest, match="Too many images"):
        ask(client, *[b"x"] * 17)


def test_a_request_over_10_megabytes_is_refused(client: Any) -> None:
    with pytest.raises(exceptions.BadRequest, match="payload size exceeds"):
        ask(client, bytes(8_000_000))


def test_features_other_than_text_are_refused(client: Any) -> None:
    with pytest.raises(exceptions.BadRequest, match="LABEL_DETECTION"):
        ask(client, jpeg(tile()), kind="LABEL_DETECTION")


def test_pictures_are_not_fetched_from_elsewhere(client: Any) -> None:
    image = vision.Image(source=vision.ImageSource(image_uri="https://example.com/a.jpg"))
    feature = vision.Feature(type_=vision.Feature.Type.TEXT_DETECTION)
    asked = [vision.AnnotateImageRequest(image=image, features=[feature])]
    (answer,) = client.batch_annotate_images(requests=asked, retry=None, timeout=5).responses
    assert answer.error.code == 14


def test_unknown_fields_are_refused(service: AiService) -> None:
    body = {"requests": [{"image": {"content": "", "colour": "red"}}]}
    answer = service.control.post("/v1/images:annotate", json=body, headers={"x-goog-api-key": "k"})
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "colour" in answer.json()["error"]["message"]


def test_a_wrong_key_is_refused(service: AiService) -> None:
    with _client(service, key="invalid") as client, pytest.raises(exceptions.BadRequest, match="API key") as caught:
        ask(client, b"x")
    assert caught.value.reason == "API_KEY_INVALID"


def test_an_api_that_is_not_enabled_is_named(service: AiService) -> None:
    with _client(service, key="disabled") as client, pytest.raises(exceptions.Forbidden, match="Vision API") as caught:
        ask(client, b"x")
    assert caught.value.reason == "SERVICE_DISABLED"


def test_a_missing_key_is_refused(service: AiService) -> None:
    answer = service.control.post("/v1/images:annotate", json={})
    assert (answer.status_code, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_rate_limits_and_slowness_come_as_errors_of_the_sdk(client: Any, service: AiService) -> None:
    limited = {"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}}
    service.steer("faults", path="annotate", status=429, headers={"Retry-After": "2"}, body=limited)
    with pytest.raises(exceptions.TooManyRequests):
        ask(client, b"x")
    service.steer("faults", path="annotate", delay_s=1, status=500)
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask(client, b"x", timeout_s=0.2)
