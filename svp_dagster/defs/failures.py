"""How a failure gets from a run to its row: the op's failure event carries it, and the sensors and sweeps read it.

Dagster's event log is the one channel. It outlives the process, and it still has the failure when the store comes back.
"""

from __future__ import annotations

import dagster as dg

from svp_dagster.errors import ClaimLost, Code, EntryGone, Retry, SvpError

_LOST_CLAIM = "lost_claim"


class StageFailure(dg.Failure):
    """A failure of the table as Dagster's. Dagster's log shows its sentence instead of a stack trace."""

    def __init__(self, error: SvpError) -> None:
        metadata: dict[str, str | float] = {"code": error.code.value, "retry": error.retry.value}
        if error.retry_after_s is not None:
            metadata["retry_after_s"] = error.retry_after_s
        super().__init__(error.sentence, metadata=metadata)


class LostClaim(dg.Failure):
    """The end of a run whose row another run works on, or is gone. It says nothing about the row."""

    def __init__(self, error: ClaimLost) -> None:
        is_gone = isinstance(error, EntryGone)
        words = "This row is not known (any more): its owner's data were deleted, or it was never read."
        super().__init__(words if is_gone else "Another run works on this row.", metadata={_LOST_CLAIM: True})


class RunHasFailed(dg.Failure):
    """The end of an op of a run in which another op has failed already. Dagster goes on with ops beside that one."""

    def __init__(self) -> None:
        super().__init__("Another op of this run has failed, so nothing more is spent on the row.")


def has_failed(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether an op of this run has failed for good."""
    return bool(instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE))


def recorded_failure(event: dg.DagsterEvent) -> SvpError | None:
    """Return the failure that an op of the run raised, from the run's failure event. None where no op raised one."""
    sentence, metadata = _raised(event)
    if "code" not in metadata:
        return None
    retry_after_s = metadata.get("retry_after_s")
    return SvpError(
        Code(str(metadata["code"])),
        retry=Retry(str(metadata["retry"])),
        sentence=sentence,
        detail="recorded by the run",
        retry_after_s=None if retry_after_s is None else float(str(retry_after_s)),
    )


def failure_of_run(instance: dg.DagsterInstance, run_id: str) -> SvpError | None:
    """Return the failure that an op of this run raised. None for a run that didn't fail, or not in an op."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    found = [recorded_failure(entry.dagster_event) for entry in entries if entry.dagster_event is not None]
    return next((error for error in found if error is not None), None)


def lost_claim(event: dg.DagsterEvent) -> bool:
    """Whether the run ended because another run works on its row, or the row is gone."""
    return _LOST_CLAIM in _raised(event)[1]


def _raised(event: dg.DagsterEvent) -> tuple[str, dict[str, object]]:
    """The words and the metadata of the `dg.Failure` that ended the run; empty where it ended for another reason."""
    # A run that was declared failed from outside has no failure data.
    step = event.job_failure_data.first_step_failure_event if event.event_specific_data else None
    raised = step.step_failure_data.user_failure_data if step is not None else None
    if raised is None:
        return "", {}
    return raised.description or "", {name: value.value for name, value in raised.metadata.items()}
