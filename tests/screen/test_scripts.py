"""Scripts that RapidOCR's models don't know: read by Tesseract, or named in the note."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import pytest
from PIL import ImageFont

from svp_dagster.models import ProcessingType, ScreenText, Video, Word
from svp_dagster.screen.engines import LocalReader
from svp_dagster.screen.scripts import second_reading, tesseract
from svp_dagster.screen.scripts.tesseract import Reading
from svp_dagster.screen.stage import read_screen
from tests.fakes import ContentsInMemory, CountingMeter
from tests.media.making import Picture
from tests.screen.lettering import FONTS, frame, need_tesseract

pytestmark = pytest.mark.slow

NOTE = "Text in a script that this reader can't read."


@pytest.fixture
def without_tesseract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract, "installed_languages", frozenset)


def read(shown: Picture, folder: Path) -> ScreenText:
    path = folder / "slide.png"
    cv2.imwrite(str(path), shown)
    return read_screen(
        Video(media_key="tiktok:1", url="https://x", slides=(path,)),
        processing_type=ProcessingType.FULL,
        reader=LocalReader(),
        contents=ContentsInMemory(),
        meter=CountingMeter(),
        folder=folder,
        with_sheet=False,
    )


def line(text: str, *, certainty: float, width: float = 400) -> Word:
    return Word(text=text, left=20, top=20, right=20 + width, bottom=60, certainty=certainty)


@pytest.mark.parametrize(
    ("font", "lines"),
    [
        ("NotoSans-Bold", ["Сварите макароны в кастрюле", "и посолите воду"]),
        ("NotoSansArabic-Bold", ["نسلق الأرز في ماء مملح", "لمدة عشرين دقيقة"]),
        ("NotoSansThai-Bold", ["อาหารอร่อยและราคาถูกมาก", "เด็กเข้าฟรี"]),
        ("NotoSans-Bold", ["Thêm hai muỗng nước mắm", "Chúc các bạn ngon miệng"]),
    ],
    ids=["Cyrillic", "Arabic", "Thai", "Vietnamese"],
)
def test_a_line_in_another_script_is_read_beside_a_latin_one(tmp_path: Path, font: str, lines: list[str]) -> None:
    need_tesseract()
    found = read(frame(*lines, "Dinner for two", font=font), tmp_path)
    # Tesseract puts spaces between some Thai words.
    spaceless = [found_line.text.replace(" ", "") for found_line in found.lines]
    assert spaceless == [shown.replace(" ", "") for shown in (*lines, "Dinner for two")]
    assert found.note == ""


@pytest.mark.usefixtures("without_tesseract")
def test_what_no_engine_reads_here_is_a_note_and_no_line(tmp_path: Path) -> None:
    found = read(frame("Сварите макароны в кастрюле", "и посолите воду", "Dinner for two"), tmp_path)
    assert [found_line.text for found_line in found.lines] == ["Dinner for two"]
    assert found.note == NOTE


@pytest.mark.usefixtures("without_tesseract")
def test_greek_letters_without_their_accents_are_no_line(tmp_path: Path) -> None:
    found = read(frame("Βράστε τα μακαρόνια", "για δέκα λεπτά", "Dinner for two"), tmp_path)
    assert [found_line.text for found_line in found.lines] == ["Dinner for two"]
    assert found.note == NOTE


def test_tesseract_reads_nothing_of_a_latin_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def read_lines(_lines: Sequence[object], languages: str, *, limit_s: float) -> list[Reading]:
        asked.append(languages)
        return []

    monkeypatch.setattr(tesseract, "read_lines", read_lines)
    found = read(frame("Boil the pasta", "Le café est fermé", "Zwei Löffel Öl"), tmp_path)
    assert len(found.lines) == 3
    assert asked == []


@pytest.mark.parametrize(
    ("text", "certainty", "unclear"),
    [
        ("Boil the pasta in water", 0.99, False),
        ("お湯を沸かして塩を入れ", 0.99, False),
        ("S P R I N G", 0.98, False),
        ("", 0.0, True),
        ("  25 ", 0.93, True),
        ("n7n Dy Da nixn", 0.6, True),
        (" μακαρνια", 0.86, True),
        ("5 kΩ and 3 µm of wire", 0.97, False),
    ],
)
def test_a_line_is_unclear_where_letters_are_missing(text: str, certainty: float, unclear: bool) -> None:
    assert second_reading.is_unclear(line(text, certainty=certainty)) is unclear


def test_a_high_box_is_no_line_of_another_script() -> None:
    assert not second_reading.is_unclear(line("", certainty=0.0, width=40))


def test_the_recipe_changes_with_the_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = []
    for languages in (frozenset[str](), frozenset({"eng", "tha"}), frozenset({"eng", "tha", "kor"})):
        monkeypatch.setattr(tesseract, "installed_languages", lambda languages=languages: languages)
        recipes.append(LocalReader().recipe)
    assert len(set(recipes)) == 3
    assert recipes[2].endswith("tesseract=kor+tha")


def test_the_reading_on_which_drawings_agree_is_certain() -> None:
    shown = [Reading(certainty, "Βράστε τα μακαρόνια") for certainty in (0.57, 0.71, 0.44)]
    assert second_reading.agreed([*shown, Reading(0.36, "Βράστε]ται")]) == Reading(0.8, "Βράστε τα μακαρόνια")


def test_one_uncertain_reading_stays_uncertain() -> None:
    readings = [Reading(0.62, "Π .. κ"), Reading(0.5, "σι ου"), Reading(0.0, "")]
    assert second_reading.agreed(readings).certainty < 0.8
    assert second_reading.agreed([Reading(0.0, "")] * 6) == Reading(0.0, "")


def test_a_more_certain_reading_loses_against_two_that_agree() -> None:
    readings = [Reading(0.94, "สืบบาท"), Reading(0.9, "สิบบาท"), Reading(0.91, "สิบบาท")]
    assert second_reading.agreed(readings).text == "สิบบาท"


@pytest.mark.parametrize("shown", [["Boil the pasta"], ["Boil"], ["Top tempo"], ["Beer", "Hot pot"]])
def test_a_latin_line_that_is_hard_to_read_is_no_cyrillic_one(tmp_path: Path, shown: list[str]) -> None:
    need_tesseract()
    assert [word.text for word in again(shown, tmp_path)] == [""] * len(shown)


def test_a_short_cyrillic_line_is_read_beside_a_longer_one(tmp_path: Path) -> None:
    need_tesseract()
    shown = ["Сварите макароны в кастрюле", "суп"]
    assert [word.text for word in again(shown, tmp_path)] == shown


def again(shown: list[str], folder: Path) -> list[Word]:
    """Read lines again of which RapidOCR is not certain."""
    path = folder / "slide.png"
    cv2.imwrite(str(path), frame(*shown))
    font = ImageFont.truetype(str(FONTS / "NotoSans-Bold.ttf"), 40)
    words = []
    for number, text in enumerate(shown):
        left, top, right, bottom = font.getbbox(text, anchor="la")
        y = 120 + number * 100
        words.append(
            Word(text="B", left=34 + left, top=y + top - 6, right=46 + right, bottom=y + bottom + 6, certainty=0.4)
        )
    [found] = second_reading.read_again([path], [words], limit_s=60)
    assert found is not None
    return found
