"""List prices of the paid services, in US dollars. A model that isn't listed has an unknown price, not a price of 0.

Prices change, so each names the month of its lookup. A JSON file overrides or adds any of them:

    {"gemini-3.5-flash-lite": {"million_tokens_read_usd": 0.3, "million_tokens_written_usd": 2.5}}
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field

from svp_dagster.errors import Code, failure
from svp_dagster.models import PaidCall, Usage, Value


class Price(Value):
    """What a model costs per unit that its service bills. Figures that don't apply are None."""

    minute_usd: float | None = Field(default=None, ge=0)
    thousand_images_usd: float | None = Field(default=None, ge=0)
    million_tokens_read_usd: float | None = Field(default=None, ge=0)
    million_tokens_written_usd: float | None = Field(default=None, ge=0)
    source: str = "price file"
    as_of: str = ""


_OPENAI = {"source": "OpenAI, API pricing", "as_of": "2026-11"}
# Read tokens cost the same in text, pictures, video and sound.
_GEMINI = {"source": "Google, Gemini API pricing", "as_of": "2026-11"}
_VISION = {"source": "Google, Cloud Vision pricing (beyond the free 1,000 a month)", "as_of": "2026-11"}

LISTED: dict[str, Price] = {
    "whisper-1": Price(minute_usd=0.006, **_OPENAI),
    "gpt-transcribe": Price(minute_usd=0.0045, **_OPENAI),
    "TEXT_DETECTION": Price(thousand_images_usd=1.50, **_VISION),
    "gemini-3.5-flash-lite": Price(million_tokens_read_usd=0.30, million_tokens_written_usd=2.50, **_GEMINI),
}


class Prices(Value):
    """A price table. Costs are in US dollars, None where the price is unknown."""

    table: dict[str, Price]

    def priced(self, usage: Usage) -> PaidCall:
        """Return the usage with its cost."""
        return PaidCall(**dict(usage), cost_usd=self.cost_usd(usage))

    def cost_usd(self, usage: Usage) -> float | None:
        """Return what a usage costs."""
        match usage.unit:
            case "seconds":
                return self.of_speech(usage.model, seconds=usage.units)
            case "images":
                return self.of_images(usage.model, count=usage.units)
            case "tokens":
                return self._of_counted_tokens(usage)

    def of_speech(self, model: str, *, seconds: float) -> float | None:
        """Return the cost of transcribing `seconds` of sound."""
        price = self._price(model).minute_usd
        return None if price is None else price * seconds / 60

    def of_images(self, model: str, *, count: float) -> float | None:
        """Return the cost of reading `count` images."""
        price = self._price(model).thousand_images_usd
        return None if price is None else price * count / 1000

    def of_tokens(self, model: str, *, read: int, written: int) -> float | None:
        """Return the cost of `read` input tokens and `written` output tokens, thoughts included."""
        price = self._price(model)
        if price.million_tokens_read_usd is None or price.million_tokens_written_usd is None:
            return None
        return (price.million_tokens_read_usd * read + price.million_tokens_written_usd * written) / 1_000_000

    def _of_counted_tokens(self, usage: Usage) -> float | None:
        if not usage.detail:
            return None
        counts = usage.detail
        return self.of_tokens(usage.model, read=counts["input"], written=counts["output"] + counts["thought"])

    def _price(self, model: str) -> Price:
        return self.table.get(model, Price())


def load_prices(overrides: Path | None) -> Prices:
    """Return the listed prices, overridden by those of a JSON file. Raises `misconfigured` for an unusable file."""
    if overrides is None:
        return Prices(table=LISTED)
    try:
        given = {model: Price.model_validate(price) for model, price in json.loads(overrides.read_bytes()).items()}
    except (OSError, ValueError, AttributeError) as error:
        reason = f"the price file {overrides.name} (SVP_PRICES_FILE) can't be used"
        raise failure(Code.MISCONFIGURED, reason=reason, detail=type(error).__name__) from error
    return Prices(table=LISTED | given)
