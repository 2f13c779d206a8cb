from __future__ import annotations

import pytest

from svp_dagster.notion.ids import object_id

DASHED = "5e000000-0000-4000-8000-0000000000ab"
PLAIN = DASHED.replace("-", "")


@pytest.mark.parametrize(
    "text",
    [
        DASHED,
        PLAIN,
        f" {PLAIN.upper()}\n",
        f"https://www.notion.so/team/My-recipes-{PLAIN}",
        f"https://www.notion.so/{PLAIN}?v=0123456789abcdef0123456789abcdef&pvs=4",
        f"https://app.notion.com/p/{PLAIN}/#block",
    ],
)
def test_an_id_or_an_address_gives_the_id(text: str) -> None:
    assert object_id(text) == DASHED


@pytest.mark.parametrize(
    "text", ["", "recipes", "../users/me", f"{DASHED}/children", f"a{PLAIN}", PLAIN[1:], "https://[", "http://x/y"]
)
def test_anything_else_gives_none(text: str) -> None:
    assert object_id(text) is None
