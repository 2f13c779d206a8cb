"""Which failed runs the operator is alerted of: those with a cause that an operator can do something about."""

from datetime import UTC, datetime

import dagster as dg

from svp_dagster.alerts.channels import AlertChannels
from svp_dagster.alerts.rules import AlertRules
from svp_dagster.defs import runs
from svp_dagster.defs.failures import lost_claim, recorded_failure
from svp_dagster.errors import OPERATOR_CODES, Code, failure
from svp_dagster.rows.link_rows import LinkRows


@dg.run_failure_sensor(
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Note each cause of failed runs that you can do something about, such as a rejected key, for "
    "`operator_alerts` to send. What a row's owner has to mend is no cause. Stop it to get no alerts of runs.",
)
def failure_alerts(
    context: dg.RunFailureSensorContext,
    link_rows: dg.ResourceParam[LinkRows],
    alert_channels: dg.ResourceParam[AlertChannels],
    alert_rules: dg.ResourceParam[AlertRules],
) -> None:
    """Record an alert for a run of any job that failed, if its cause is the operator's. It says nothing of the row."""
    run = context.dagster_run
    found = cause_of(run, context.failure_event)
    if found is None or not alert_channels.is_set:
        return
    cause, sentence = found
    link_rows.store.alerts.record(cause, sentence=sentence, link=alert_rules.run(run.run_id), at=datetime.now(UTC))


def cause_of(run: dg.DagsterRun, event: dg.DagsterEvent) -> tuple[str, str] | None:
    """Return the cause of a run's failure, and its sentence. None for one that isn't for the operator."""
    if run.tags.get("dagster/will_retry") == "true" or lost_claim(event):
        return None
    if runs.PARTITION_TAG not in run.tags or run.tags.get(runs.KIND_TAG) == runs.HOUSEKEEPING:
        return f"failed job {run.job_name}", f"The job {run.job_name} failed. Its run's log says why."
    error = recorded_failure(event) or runs.resource_init_error(run) or failure(Code.INTERRUPTED)
    return (error.code.value, error.sentence) if error.code in OPERATOR_CODES else None
