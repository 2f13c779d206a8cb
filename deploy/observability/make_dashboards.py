"""Make the Grafana dashboards: `python deploy/observability/make_dashboards.py` writes them to `dashboards/`.

They need a Prometheus and a Tempo as data sources, which `compose.yaml` provides.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, tempo, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import ReduceDataOptions
from grafana_foundation_sdk.models.dashboard import Dashboard, DataSourceRef

FOLDER = Path(__file__).parent / "dashboards"
METRICS = DataSourceRef(type_val="prometheus", uid="prometheus")
TRACES = DataSourceRef(type_val="tempo", uid="tempo")
WIDE, HALF, THIRD, QUARTER, LOW, HIGH = 24, 12, 8, 6, 4, 8

MADE, FAILED = '{outcome!="failed"}', '{outcome="failed"}'

Query = tuple[str, str]
"""An expression, and the legend of its series."""


def counted(metric: str, by: str = "", *, where: str = "", how: str = "increase") -> str:
    """Return the growth of a counter. Every app shows the same one, so the largest is taken, never the sum."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (max without (instance, pod) ({how}({metric}{where}[$__rate_interval])))"


def of_a_day(metric: str, where: str = "") -> str:
    """Return the growth of a counter within the last day."""
    return f"sum(max without (instance, pod) (increase({metric}{where}[1d])))"


def quantile(metric: str, by: str, *, share: float = 0.95, where: str = "") -> str:
    """Return a quantile of a histogram."""
    return f"histogram_quantile({share}, {counted(metric + '_bucket', f'le, {by}', where=where, how='rate')})"


def mean(metric: str, by: str = "") -> str:
    """Return the mean of a histogram."""
    return f"{counted(metric + '_sum', by, how='rate')} / ({counted(metric + '_count', by, how='rate')} > 0)"


def lines(title: str, queries: Sequence[Query], *, unit: str = "short", span: int = HALF) -> timeseries.Panel:
    """Return a chart over time."""
    panel = timeseries.Panel().title(title).unit(unit).datasource(METRICS).span(span).height(HIGH).fill_opacity(10)
    for expression, legend in queries:
        panel.with_target(prometheus.Dataquery().expr(expression).legend_format(legend))
    return panel


def number(title: str, expression: str, *, unit: str = "short", span: int = QUARTER) -> stat.Panel:
    """Return one number, as it is now."""
    last = ReduceDataOptions(calcs=["lastNotNull"])
    panel = stat.Panel().title(title).unit(unit).datasource(METRICS).span(span).height(LOW)
    return panel.reduce_options(_Built(last)).with_target(prometheus.Dataquery().expr(expression).instant())


class _Built:
    """What the SDK takes where it asks for a builder."""

    def __init__(self, made: ReduceDataOptions) -> None:
        self._made = made

    def build(self) -> ReduceDataOptions:
        """Return what was made."""
        return self._made


def board(
    uid: str, title: str, panels: Sequence[object], *, asks_for: dashboard.TextBoxVariable | None = None
) -> Dashboard:
    """Return a dashboard with these panels, one after the other. `asks_for` is a field above them."""
    made = dashboard.Dashboard(title).uid(uid).tags(["svp"]).refresh("30s").time("now-6h", "now").timezone("browser")
    for panel in panels:
        made.with_panel(panel)  # type: ignore[arg-type]  # any builder of a panel
    if asks_for is not None:
        made.with_variable(asks_for)
    return made.build()


def overview() -> Dashboard:
    """Return what an operator looks at first."""
    failed = counted("svp_rows_total", where=FAILED)
    return board(
        "svp-overview",
        "Overview",
        [
            number(
                "Pages made, last day",
                of_a_day("svp_rows_total", MADE),
            ),
            number("Failed, last day", of_a_day("svp_rows_total", FAILED)),
            number("Rows that could start", 'max(svp_rows{status="pending"}) + max(svp_backlog_rows)'),
            number("Oldest of them", "max(svp_oldest_ready_seconds)", unit="s"),
            lines("Rows that ended", [(counted("svp_rows_total", "outcome"), "{{outcome}}")]),
            lines("Failures by code", [(counted("svp_rows_total", "code", where=FAILED), "{{code}}")]),
            lines(
                "Share that fails", [(f"{failed} / ({counted('svp_rows_total')} > 0)", "failed")], unit="percentunit"
            ),
            lines(
                "Rows by status", [("max by (status) (svp_rows)", "{{status}}"), ("max(svp_backlog_rows)", "backlog")]
            ),
            lines(
                "Slots of pools",
                [
                    ("max by (pool) (svp_pool_used_slots / svp_pool_slots)", "{{pool}} taken"),
                ],
                unit="percentunit",
            ),
            lines("Steps that wait for a slot", [("max by (pool) (svp_pool_waiting_steps)", "{{pool}}")]),
            lines("Checks", [("min by (check) (svp_check_ok)", "{{check}}")], span=THIRD),
            lines("Lag of polls", [("max(svp_poll_lag_seconds)", "lag")], unit="s", span=THIRD),
            lines("Ticks, p95", [(quantile("svp_tick_seconds", "sensor"), "{{sensor}}")], unit="s", span=THIRD),
            lines(
                "Calls that fail", [("svp:calls_failed:rate15m / svp:calls:rate15m", "{{service}}")], unit="percentunit"
            ),
            lines("Unsynced statuses", [("max(svp_unsynced_rows)", "rows")], span=QUARTER),
            lines("Free space", [("min(svp_disk_free_bytes)", "free")], unit="bytes", span=QUARTER),
        ],
    )


def life() -> Dashboard:
    """Return where the time of a row goes."""
    search = tempo.TempoQuery().query_type("traceql").query('{ name = "row" && span.svp.entry =~ "$entry" }').limit(50)
    traces = table.Panel().title("Rows").datasource(TRACES).span(WIDE).height(HIGH).with_target(search)
    return board(
        "svp-row",
        "A row's life",
        [
            lines(
                "From the queue to the end",
                [(mean("svp_row_seconds"), "mean"), (quantile("svp_row_seconds", "platform"), "p95 {{platform}}")],
                unit="s",
            ),
            lines(
                "Runs",
                [(mean("svp_run_seconds"), "mean"), (quantile("svp_run_seconds", "platform"), "p95 {{platform}}")],
                unit="s",
            ),
            lines("Stages, mean", [(mean("svp_stage_seconds", "stage"), "{{stage}}")], unit="s"),
            lines("Stages, p95", [(quantile("svp_stage_seconds", "stage"), "{{stage}}")], unit="s"),
            lines(
                "Stages by engine, p95",
                [(quantile("svp_stage_seconds", "stage, engine", where='{engine!=""}'), "{{stage}} {{engine}}")],
                unit="s",
            ),
            lines(
                "Calls, p95",
                [(quantile("svp_call_seconds", "service", where='{service!="probe"}'), "{{service}}")],
                unit="s",
            ),
            traces,
        ],
        asks_for=dashboard.TextBoxVariable("entry").label("Entry (its id)").default_value(".*"),
    )


def sites() -> Dashboard:
    """Return how the sites do."""
    return board(
        "svp-sites",
        "Sites",
        [
            lines("Paused", [("max by (platform) (svp_site_paused)", "{{platform}}")]),
            lines("Rows that ended", [(counted("svp_rows_total", "platform, outcome"), "{{platform}} {{outcome}}")]),
            lines(
                "Failures",
                [(counted("svp_rows_total", "platform, code", where=FAILED), "{{platform}} {{code}}")],
            ),
            lines(
                "Downloads, p95",
                [(quantile("svp_stage_seconds", "platform", where='{stage="download"}'), "{{platform}}")],
                unit="s",
            ),
            lines(
                "Requests by status",
                [(counted("svp_call_seconds_count", "status", where='{service="site"}'), "{{status}}")],
            ),
            lines(
                "Requests, p95", [(quantile("svp_call_seconds", "service", where='{service="site"}'), "p95")], unit="s"
            ),
        ],
    )


def costs() -> Dashboard:
    """Return what is paid, for what."""
    paid, rows = counted("svp_paid_usd_total"), counted("svp_rows_total", where=MADE)
    return board(
        "svp-costs",
        "Costs",
        [
            number("This month", "max(svp_spent_usd)", unit="currencyUSD", span=THIRD),
            number("Of the budget", "max(svp_spent_usd) / max(svp_budget_usd)", unit="percentunit", span=THIRD),
            number(
                "A page",
                f"{of_a_day('svp_paid_usd_total')} / {of_a_day('svp_rows_total', MADE)}",
                unit="currencyUSD",
                span=THIRD,
            ),
            lines(
                "Dollars by service",
                [(counted("svp_paid_usd_total", "service, model"), "{{service}} {{model}}")],
                unit="currencyUSD",
            ),
            lines("Dollars a page", [(f"{paid} / ({rows} > 0)", "a page")], unit="currencyUSD"),
            lines("Tokens", [(counted("svp_used_units_total", "model", where='{unit="tokens"}'), "{{model}}")]),
            lines(
                "Other units",
                [(counted("svp_used_units_total", "model, unit", where='{unit!="tokens"}'), "{{model}} {{unit}}")],
            ),
        ],
    )


def dashboards() -> dict[str, str]:
    """Return the JSON of every dashboard, by the name of its file."""
    made = {"overview": overview(), "row": life(), "sites": sites(), "costs": costs()}
    return {f"{name}.json": JSONEncoder(sort_keys=True, indent=2).encode(each) + "\n" for name, each in made.items()}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in dashboards().items():
        (FOLDER / name).write_text(text)
        sys.stdout.write(f"{FOLDER / name}\n")


if __name__ == "__main__":
    main()
