"""`/metrics` for Prometheus: what all processes counted, and how the installation stands.

All of it comes from the store, so it is the same whichever app answers. With several, take the largest of each number
(`max without (instance)`), never their sum.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from itertools import groupby

from flask import Blueprint, Response, current_app
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from oauth_app.health import Readiness, latest_readiness
from oauth_app.security import limiter
from oauth_app.services import Services, services
from oauth_app.watch.dagster import pools
from svp_dagster.rows.spending.caps import month_of
from svp_dagster.store.installation.figures import Figures, figures
from svp_dagster.telemetry import tallies
from svp_dagster.telemetry.tallies import BOUNDS, BUCKET, SUM, Series

blueprint = Blueprint("metrics", __name__)

LIMIT = "60 per minute"

_COUNTS = {
    tallies.ROWS: "Rows that ended, by outcome, failure code and platform.",
    tallies.PAID_USD: "US dollars paid, by service and model.",
    tallies.USED_UNITS: "What was paid for: tokens, seconds, pictures.",
}
_HISTOGRAMS = {
    tallies.ROW_SECONDS: "From a run's place in the queue to its end.",
    tallies.RUN_SECONDS: "Runs, from start to end.",
    tallies.STAGE_SECONDS: "Stages of runs, by engine and failure code.",
    tallies.CALL_SECONDS: "Calls to services outside, by service and HTTP status.",
    tallies.TICK_SECONDS: "Ticks of sensors.",
}

Labels = tuple[tuple[str, str], ...]


@blueprint.get("/metrics")
@limiter.limit(LIMIT)
def show() -> Response:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Metrics(services(), latest_readiness(current_app)))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Metrics(Collector):
    def __init__(self, found: Services, readiness: Readiness) -> None:
        self._found, self._readiness = found, readiness

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        store, now = self._found.store, self._found.now()
        counted = tallies.tallies.take()
        store.tallies.add(counted)
        yield from counts(store.tallies.all())
        yield from _standing(figures(store.engine, month=month_of(now)[0], now=now))
        yield from self._of_machine()
        yield from self._of_pools()

    def _of_machine(self) -> Iterator[Metric]:
        checks = {name: float(check.state == "ok") for name, check in self._readiness.checks.items()}
        yield _by("svp_check_ok", "Checks of /ready that are well.", "check", checks)
        disk = shutil.disk_usage(self._found.settings.home)
        yield GaugeMetricFamily("svp_disk_free_bytes", "Free space where the installation keeps files.", disk.free)
        yield GaugeMetricFamily("svp_disk_size_bytes", "All space there.", disk.total)
        budget = self._found.settings.installation_budget_usd
        if budget is not None:
            yield GaugeMetricFamily("svp_budget_usd", "What all connections may spend in a month.", budget)

    def _of_pools(self) -> Iterator[Metric]:
        found = pools(self._found.settings)
        for name, words, values in (
            ("svp_pool_slots", "Slots of a concurrency pool of Dagster.", {pool.name: pool.slots for pool in found}),
            ("svp_pool_used_slots", "Slots that a step has taken.", {pool.name: pool.used for pool in found}),
            ("svp_pool_waiting_steps", "Steps that wait for a slot.", {pool.name: pool.waiting for pool in found}),
        ):
            yield _by(name, words, "pool", values)


def counts(kept: dict[Series, float]) -> Iterator[Metric]:
    """Yield the counters and histograms, each complete."""
    for name, words in _COUNTS.items():
        found = {series.labels: value for series, value in kept.items() if series.name == name}
        labels = _names(found)
        family = CounterMetricFamily(name.removesuffix("_total"), words, labels=labels)
        for given, value in found.items():
            family.add_metric(_values(given, labels), value)
        yield family
    for name, words in _HISTOGRAMS.items():
        yield _histogram(name, words, kept)


def _histogram(name: str, words: str, kept: dict[Series, float]) -> Metric:
    sums = {series.labels: value for series, value in kept.items() if series.name == name + SUM}
    buckets = [(series.labels, value) for series, value in kept.items() if series.name == name + BUCKET]
    by_labels = {
        labels: {dict(all_)["le"]: value for all_, value in group}
        for labels, group in groupby(
            sorted(buckets, key=lambda each: _without_le(each[0])), key=lambda each: _without_le(each[0])
        )
    }
    names = _names(sums)
    family = HistogramMetricFamily(name, words, labels=names)
    for labels, sum_ in sums.items():
        found, total, cumulative = by_labels.get(labels, {}), 0.0, []
        for bound in (*(f"{bound:g}" for bound in BOUNDS[name]), "+Inf"):
            total += found.get(bound, 0.0)
            cumulative.append((bound, total))
        family.add_metric(_values(labels, names), cumulative, sum_)
    return family


def _standing(found: Figures) -> Iterator[Metric]:
    yield _by("svp_rows", "Rows that aren't final, by status.", "status", found.rows)
    yield _by("svp_site_paused", "Whether a site is paused.", "platform", found.paused)
    yield from (
        GaugeMetricFamily(name, words, value)
        for name, words, value in (
            (
                "svp_backlog_rows",
                "Rows that the last poll left, since their connections had enough runs.",
                found.backlog,
            ),
            ("svp_oldest_ready_seconds", "Age of the oldest row that could be worked on.", found.oldest_ready_s),
            ("svp_poll_lag_seconds", "How late the longest due Link Database is.", found.poll_lag_s),
            ("svp_unsynced_rows", "Rows whose status Notion doesn't show yet.", found.unsynced),
            ("svp_connections", "Connections that are active.", found.connections),
            ("svp_spent_usd", "US dollars paid this month.", found.spent_usd),
        )
    )


def _by(name: str, words: str, label: str, values: dict[str, int] | dict[str, bool] | dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for given, value in values.items():
        family.add_metric([given], float(value))
    return family


def _names(found: Iterable[Labels]) -> list[str]:
    return sorted({name for labels in found for name, _ in labels})


def _values(labels: Labels, names: list[str]) -> list[str]:
    return [dict(labels).get(name, "") for name in names]


def _without_le(labels: Labels) -> Labels:
    return tuple(label for label in labels if label[0] != "le")
