"""Tallies of what became of rows, and of what calls cost."""

from __future__ import annotations

from svp_dagster.errors import Code
from svp_dagster.models import LinkEntry, PaidCall
from svp_dagster.telemetry.tallies import PAID_USD, ROWS, USED_UNITS, tallies


def count_completed(link: LinkEntry, *, again: bool) -> None:
    """Count a row whose page was made, `again` in a redo."""
    tallies.add(ROWS, outcome="made_again" if again else "completed", code="", platform=_platform(link))


def count_failed(link: LinkEntry, code: Code | None) -> None:
    """Count a row that failed for good."""
    tallies.add(ROWS, outcome="failed", code=str(code or ""), platform=_platform(link))


def count_paid(call: PaidCall) -> None:
    """Count what a call used and cost. One of unknown price costs nothing here; the ledger tells them apart."""
    tallies.add(USED_UNITS, call.units, service=call.service, model=call.model, unit=call.unit)
    tallies.add(PAID_USD, call.cost_usd or 0.0, service=call.service, model=call.model)


def _platform(link: LinkEntry) -> str:
    return link.link.platform if link.link else ""
