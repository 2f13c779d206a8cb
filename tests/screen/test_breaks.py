"""Words as Vision parts them become lines, on one picture and on a contact sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud import vision as sdk

from svp_dagster.models import Word
from svp_dagster.screen import vision
from svp_dagster.screen.lines import join_words
from svp_dagster.screen.sheets import Layout, Sheet, words_by_tile
from tests.fakes import CountingMeter
from tests.sandbox.ai_service import AiService, ai_service
from tests.screen.test_engines import LIMIT_S, pictures, reader

PHONE = "Call (972) 243-2932!"


@pytest.fixture(scope="module")
def service() -> Iterator[AiService]:
    with ai_service() as service:
        yield service


def read(service: AiService, folder: Path, *lines: Any) -> list[str]:
    service.steer("reset")
    service.steer("vision", lines=list(lines), times=1)
    (words,) = reader(service).read(pictures(folder, 1), meter=CountingMeter(), limit_s=LIMIT_S)
    assert words is not None
    return [line.text for line in join_words(words)]


def line(text: str, **box: int) -> dict[str, Any]:
    return {"text": text, "left": 10, "top": 20, "width": 300, "height": 20} | box


def test_marks_stand_where_the_service_has_them(service: AiService, tmp_path: Path) -> None:
    assert read(service, tmp_path, PHONE, "#pasta", "200 g (7 oz.)", "“Don't” – ever…") == [
        PHONE,
        "#pasta",
        "200 g (7 oz.)",
        "“Don't” – ever…",
    ]


def test_a_line_that_isnt_level_or_begins_outside_of_the_picture_is_one_line(
    service: AiService, tmp_path: Path
) -> None:
    slope = line(PHONE, skew=120)
    below = line("Ask for #Ann & co.", top=45, skew=120)
    outside = line("@anna.cooks: pasta", top=-6, left=-30)
    assert read(service, tmp_path, outside, slope, below) == ["@anna.cooks: pasta", PHONE, "Ask for #Ann & co."]


def symbols(text: str, kind: str = "", *, before: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"text": letter} for letter in text]
    if kind:
        found[0 if before else -1]["property"] = {"detectedBreak": {"type": kind, "isPrefix": before}}
    return found


def words_of(*words: dict[str, Any], **paragraph: Any) -> list[Word]:
    """What is made of an answer with one paragraph."""
    blocks = [{"paragraphs": [{"words": list(words)} | paragraph]}]
    return answered({"fullTextAnnotation": {"pages": [{"blocks": blocks}]}})


def answered(response: dict[str, Any]) -> list[Word]:
    from google.protobuf.json_format import ParseDict

    class Client:
        def batch_annotate_images(self, **_: object) -> Any:
            answer = ParseDict({"responses": [response]}, sdk.BatchAnnotateImagesResponse.pb()())
            return sdk.BatchAnnotateImagesResponse.wrap(answer)

    found = vision.annotate(Client(), [Path(__file__)], timeout_s=1, limit_s=1)[0]
    assert isinstance(found, list)
    return found


def box(left: int, right: int, *, top: int = 0) -> dict[str, Any]:
    corners = ((left, top), (right, top), (right, top + 20), (left, top + 20))
    # A coordinate of 0 is left out of JSON.
    return {
        "vertices": [{name: value for name, value in zip("xy", corner, strict=True) if value} for corner in corners]
    }


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("", ["saltpepper"]),
        ("SPACE", ["salt pepper"]),
        ("SURE_SPACE", ["salt pepper"]),
        ("EOL_SURE_SPACE", ["salt", "pepper"]),
        ("LINE_BREAK", ["salt", "pepper"]),
        ("HYPHEN", ["salt-", "pepper"]),
    ],
)
def test_each_kind_of_break_parts_two_words(kind: str, texts: list[str]) -> None:
    salt = {"symbols": symbols("salt", kind), "boundingBox": box(0, 40)}
    pepper = {"symbols": symbols("pepper", "LINE_BREAK"), "boundingBox": box(48, 100)}
    assert [line.text for line in join_words(words_of(salt, pepper))] == texts


def test_a_break_may_stand_before_its_symbol() -> None:
    salt = {"symbols": symbols("salt"), "boundingBox": box(0, 40)}
    pepper = {"symbols": symbols("pepper", "SPACE", before=True), "boundingBox": box(48, 100)}
    assert [line.text for line in join_words(words_of(salt, pepper))] == ["salt pepper"]


def test_a_word_without_a_box_has_that_of_its_symbols_or_its_paragraph() -> None:
    letters = [letter | {"boundingBox": box(300, 340)} for letter in symbols("salt")]
    (of_symbols,) = words_of({"symbols": letters})
    (of_paragraph,) = words_of({"symbols": symbols("salt")}, boundingBox=box(500, 600))
    assert (of_symbols.left, of_symbols.right, of_symbols.top) == (300, 340, 0)
    assert (of_paragraph.left, of_paragraph.right) == (500, 600)


def test_a_line_ends_with_its_tile() -> None:
    layout = Layout(count=2, columns=2, tile_width=100, tile_height=50)
    sheet = Sheet(path=Path("sheet.jpg"), first=0, layout=layout)
    words = words_of(
        {"symbols": symbols("salt", "SPACE"), "boundingBox": box(90, 120, top=30)},
        {"symbols": symbols("pepper", "SPACE"), "boundingBox": box(150, 200, top=30)},
        {"symbols": symbols("!", "LINE_BREAK"), "boundingBox": box(205, 210, top=30)},
    )
    tiles = [[line.text for line in join_words(tile)] for tile in words_by_tile(sheet, words)]
    assert tiles == [["salt"], ["pepper !"]]


def test_a_wide_gap_parts_two_columns_but_no_mark_from_its_word() -> None:
    def word(text: str, left: int, right: int) -> dict[str, Any]:
        return {"symbols": symbols(text, "SPACE"), "boundingBox": box(left, right)}

    columns = words_of(word("left", 0, 40), word("right", 300, 340))
    leader = words_of(word("flour", 0, 50), word("…", 120, 130), word("200", 200, 230))
    assert [line.text for line in join_words(columns)] == ["left", "right"]
    assert [line.text for line in join_words(leader)] == ["flour … 200"]
