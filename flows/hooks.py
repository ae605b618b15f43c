"""What is noted when a flow run does not end well: on the run's page, and in its record where its process could not.

`failed` is called by the run's own process. `crashed` and `cancelled` may be called by the worker after that process
was killed, so nothing heavy is imported here. Prefect names the arguments, so their names are not ours to choose.
"""

from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import Flow, FlowRun, State, StateType
from prefect.states import Cancelling

from artifacts.errors import RecordDamaged
from artifacts.runs import INTERRUPTED, RunRecord, Runs
from artifacts.store import Store


def failed(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Say on the page what went wrong and what to do."""
    _note(flow_run, state, _record(flow_run), "failed")


def crashed(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Close the record of a killed process, and say on the page how to go on."""
    record = _closed(flow_run, "interrupted", "its process was killed; what had ended is in the store")
    _note(flow_run, state, record, "crashed")


def cancelled(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Close the record where the process was killed before it could, and say on the page how to go on."""
    record = _closed(flow_run, "cancelled", "cancelled; what had ended is in the store")
    _note(flow_run, state, record, "was cancelled")


ALL: dict[str, Any] = {"on_failure": [failed], "on_crashed": [crashed], "on_cancellation": [cancelled]}


def study_failed(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Say on a study's page what went wrong and what to do."""
    _note_study(flow_run, state, "failed")


def study_crashed(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Cancel the trials that a killed study sent to the pool, which nobody waits for; its processes have ended."""
    _cancel_trials(flow_run, "crashed")
    _note_study(flow_run, state, "crashed")


def study_cancelled(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """As `study_crashed`, where the study's process was killed before it could."""
    _cancel_trials(flow_run, "was cancelled")
    _note_study(flow_run, state, "was cancelled")


STUDY: dict[str, Any] = {
    "on_failure": [study_failed],
    "on_crashed": [study_crashed],
    "on_cancellation": [study_cancelled],
}
UNDER_WAY = (StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING)


def _cancel_trials(study: FlowRun, how: str) -> None:
    wanted = FlowRunFilter(
        parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[study.id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(UNDER_WAY))),
    )
    with get_client(sync_client=True) as client:
        for trial in client.read_flow_runs(flow_run_filter=wanted):
            client.set_flow_run_state(trial.id, Cancelling(message=f"Its study {how}."))


def _note_study(run: FlowRun, state: State, how: str) -> None:
    text = (
        f"# The study {how}\n\n{_quoted(state.message or '')}\n\n"
        "Its plan and all trials that had ended are in the store, and are not computed again.\n\n"
        "**Go on** with *Retry* on this page, or with the same study anywhere: it begins where this one stopped."
    )
    _artifact(run, f"The study {how}.", text)


def _record(run: FlowRun) -> RunRecord | None:
    """None where the run ended before it began one: a wrong recipe, say."""
    try:
        return Runs(Store()).get(str(run.id))
    except (OSError, RecordDamaged):
        return None


def _closed(run: FlowRun, state: str, message: str) -> RunRecord | None:
    record = _record(run)
    if record is None or record.state != INTERRUPTED:
        return record
    return Runs(Store()).update(record, state=state, message=message)


def _note(run: FlowRun, state: State, record: RunRecord | None, how: str) -> None:
    said = f"Run {record.number} {how}." if record else f"The run {how} before it began."
    _artifact(run, said, page(record, how, state.message or ""))


def _artifact(run: FlowRun, said: str, text: str) -> None:
    with get_client(sync_client=True) as client:
        client.create_artifact(ArtifactCreate(type="markdown", description=said, data=text, flow_run_id=run.id))


def page(record: RunRecord | None, how: str, message: str) -> str:
    """Markdown: what happened, where, what was kept, how to go on."""
    if record is None:
        return (
            f"# The run {how} before its first step\n\n{_quoted(message)}\n\nStart it again with what the message asks."
        )
    ended = [entry["step"] for entry in record.steps if entry["status"] in ("hit", "ran")]
    stopped = next((entry["step"] for entry in record.steps if entry["status"] == "failed"), None)
    where = f" at `{stopped}`" if stopped else ""
    kept = ", ".join(f"`{step}`" for step in ended) or "nothing yet"
    return (
        f"# Run {record.number} {how}{where}\n\n{_quoted(record.message or message)}\n\n"
        f"In the store, and not computed again: {kept}.\n\n"
        f"**Go on** with *Retry* on this page (runs of a deployment), or with `{record.command()}`: "
        "both begin where this run stopped."
    )


def _quoted(message: str) -> str:
    return "\n".join(f"> {line}" for line in message.splitlines()) or "> (no message)"
