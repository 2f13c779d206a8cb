"""The engine without a key leaves blank what it can't know."""

from __future__ import annotations

from typing import Any

import pytest

from svp_dagster.models import ScreenLine, ScreenText, Transcript, Video
from svp_dagster.notion.schema import Column
from svp_dagster.summary.extractive import extract
from svp_dagster.summary.material import Material, gather
from tests.notion.schemas import column
from tests.summary.recipe import material


def value(made: Column, text: Material) -> Any:
    properties, _ = extract.extract(text, [made])
    return properties[made.name].value if properties else None


@pytest.mark.parametrize(
    ("option", "caption"),
    [
        ("Vegan", "This isn't vegan."),
        ("Pool", "There's no pool."),
        ("Bar", "Skip the hotel bar though."),
        ("Castle", "We never booked the castle."),
        ("Hunde", "Hunde sind hier nicht erlaubt."),
        ("Sahne", "Sahne kommt bei mir nicht rein."),
        ("Restaurant", "Kein Restaurant weit und breit."),
        ("Perros", "No se permiten perros."),
        ("Vegana", "Es vegetariana, pero vegana no."),
        ("Cebolla", "Tortilla sin cebolla."),
        ("Four", "Une tarte qui ne passe jamais au four."),
        ("Impermeabile", "Non è impermeabile."),
        ("Glúten", "Bolo sem glúten."),
        ("カフェ", "ここはカフェではないです。"),
        ("電子レンジ", "電子レンジは使いません。"),
        ("禁煙", "禁煙ではありません。"),
        ("辣", "这碗面不辣。"),
        ("비건", "비건이 아니에요."),
    ],
)
def test_what_is_denied_is_neither_an_option_nor_a_check_mark(option: str, caption: str) -> None:
    text = material(caption=caption)
    assert value(column("Kind", "select", options=(option,)), text) is None
    assert value(column("Kinds", "multi_select", options=(option,)), text) is None
    assert value(column(option, "checkbox"), text) is None


def test_what_is_denied_in_one_clause_may_be_named_in_the_next() -> None:
    text = material(caption="ここはカフェではないです、昔ながらの喫茶店です。 Not a bar, but a restaurant.")
    assert value(column("種類", "select", options=("カフェ", "喫茶店")), text) == "喫茶店"
    assert value(column("Kind", "select", options=("Bar", "Restaurant")), text) == "Restaurant"


def test_what_is_named_once_in_speech_alone_is_named_in_passing() -> None:
    cuisine = column("Cuisine", "select", options=("Thai", "Italian"))
    vegan = column("Vegan", "checkbox")
    once = material(speech="I once had this at a Thai place, where a friend of mine ate vegan.")
    assert (value(cuisine, once), value(vegan, once)) == (None, None)
    twice = material(speech="A Thai curry that is vegan.|Thai food is best, and vegan food too.")
    assert (value(cuisine, twice), value(vegan, twice)) == ("Thai", True)
    written = material(caption="Thai, vegan")
    assert (value(cuisine, written), value(vegan, written)) == ("Thai", True)


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("Gluten free", "Is it gluten free? You tell me."),
        ("Vegan", "Ist das vegan? Schreibt es in die Kommentare."),
        ("Vegana", "¿Es vegana?"),
        ("Wi-Fi", "Wi-Fiはありますか。"),
        ("辣", "辣吗？"),
    ],
)
def test_a_question_sets_no_check_mark(name: str, caption: str) -> None:
    assert value(column(name, "checkbox"), material(caption=caption)) is None


def test_hashtags_make_no_new_options() -> None:
    text = material(caption="#pasta #fyp")
    assert value(column("Tags", "multi_select"), text) is None
    assert value(column("Tags", "multi_select", options=("Pasta", "Rice")), text) == ["Pasta"]


def test_the_uploader_is_no_author() -> None:
    text = material(caption="Hi", uploader="booktok_lou")
    assert value(column("Author", "rich_text"), text) is None
    assert value(column("Channel", "rich_text"), text) == "booktok_lou"


def on_screen(*lines: tuple[str, float, float]) -> Material:
    shown = tuple(ScreenLine(text=text, first_s=first, last_s=last) for text, first, last in lines)
    return gather(
        video=Video(media_key="tiktok:1", url="https://www.tiktok.com/@a/video/1"),
        transcript=Transcript(),
        screen_text=ScreenText(lines=shown),
        budget_chars=60_000,
    )


def test_an_item_without_an_amount_belongs_to_the_items_that_it_stands_with() -> None:
    text = on_screen(
        ("MUSTARD TRAYBAKE", 0.0, 20.0),
        ("800 g potatoes", 5.0, 9.0),
        ("3 tbsp mustard", 5.0, 9.0),
        ("rosemary", 6.0, 9.0),
        ("Follow for more recipes", 30.0, 33.0),
    )
    assert value(column("Ingredients", "rich_text"), text) == "800 g potatoes\n3 tbsp mustard\nrosemary"


def test_an_item_without_an_amount_belongs_to_the_list_of_a_caption() -> None:
    text = material(caption="So good!\n- 200 g rice\n- 2 cups stock\n- salt\nEnjoy")
    assert value(column("Ingredients", "rich_text"), text) == "200 g rice\n2 cups stock\nsalt"


@pytest.mark.parametrize(
    ("caption", "screen", "title"),
    [
        ("Save this for your next trip ✈️", ("Casa das Camélias, Porto",), "Casa das Camélias, Porto"),
        ("Speichert euch das!", ("Museum für Naturkunde",), "Museum für Naturkunde"),
        ("¿Conocías este lugar?", ("Ruta del río Borosa",), "Ruta del río Borosa"),
        ("保存してね！", ("喫茶ロンドン", "営業時間 9:00〜19:00"), "喫茶ロンドン"),
        ("You need to try this place", ("Tokyo Nights Ramen Bar",), "Tokyo Nights Ramen Bar"),
        ("Für 4 Portionen", ("Kürbissuppe",), "Kürbissuppe"),
        ("Creamy lemon pasta. Save this!", ("Boil 8 minutes",), "Creamy lemon pasta."),
        ("Save this for later", (), "Save this for later"),
    ],
)
def test_a_title_names_the_thing_where_anything_does(caption: str, screen: tuple[str, ...], title: str) -> None:
    assert extract.title(material(caption=caption, screen=screen)).value == title


def test_the_overview_leaves_out_what_is_said_to_the_viewers() -> None:
    text = material(caption="Follow me for more! Lemon pasta with basil.")
    assert extract.overview(text) == "Lemon pasta with basil."
