from __future__ import annotations

import json
from pathlib import Path

import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.models import Usage
from svp_dagster.prices import LISTED, load_prices


def test_each_service_is_charged_by_its_unit() -> None:
    prices = load_prices(None)
    assert prices.of_speech("whisper-1", seconds=90) == pytest.approx(0.009)
    assert prices.of_images("TEXT_DETECTION", count=2) == pytest.approx(0.003)
    assert prices.of_tokens("gemini-3.5-flash-lite", read=10_000, written=1_000) == pytest.approx(0.0055)


def test_the_price_of_an_unlisted_model_or_another_unit_is_unknown() -> None:
    prices = load_prices(None)
    assert prices.of_tokens("gemini-9", read=1, written=1) is None
    assert prices.of_speech("gemini-3.5-flash-lite", seconds=1) is None
    assert prices.of_images("whisper-1", count=1) is None


def test_a_usage_is_priced_by_its_unit() -> None:
    prices = load_prices(None)
    sound = Usage(service="speech", model="whisper-1", units=90, unit="seconds")
    pictures = Usage(service="screen", model="TEXT_DETECTION", units=2, unit="images")
    counts = {"input": 10_000, "output": 600, "thought": 400}
    tokens = Usage(service="summary", model="gemini-3.5-flash-lite", units=11_000, unit="tokens", detail=counts)
    assert [prices.cost_usd(usage) for usage in (sound, pictures, tokens)] == pytest.approx([0.009, 0.003, 0.0055])
    call = prices.priced(tokens)
    assert (call.units, call.detail) == (11_000, counts)
    assert call.cost_usd == pytest.approx(0.0055)


def test_tokens_that_were_not_counted_have_an_unknown_price() -> None:
    uncounted = Usage(service="summary", model="gemini-3.5-flash-lite", units=0, unit="tokens")
    assert load_prices(None).cost_usd(uncounted) is None


def test_every_listed_price_tells_where_and_when_it_was_found() -> None:
    assert all(price.source and price.as_of for price in LISTED.values())


def test_a_file_overrides_and_adds_prices(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"whisper-1": {"minute_usd": 0.0}, "mine": {"thousand_images_usd": 2}}))
    prices = load_prices(path)
    assert prices.of_speech("whisper-1", seconds=60) == 0
    assert prices.of_images("mine", count=500) == 1
    assert prices.of_images("TEXT_DETECTION", count=1000) == 1.5


@pytest.mark.parametrize("text", ["", "[]", '{"a": 3}', '{"a": {"minute_usd": -1}}', '{"a": {"minute": 1}}', "\udcff"])
def test_a_file_that_can_not_be_used_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(SvpError) as caught:
        load_prices(path)
    assert caught.value.code is Code.MISCONFIGURED
    assert "prices.json" in caught.value.sentence


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SvpError, match="FileNotFoundError"):
        load_prices(tmp_path / "nowhere.json")
