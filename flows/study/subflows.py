"""A trial's flow run as a subflow of its study's, though it runs in another process: so that the study's page in the UI
shows its trials, and a trial's page leads back to the study.

What Prefect does where a flow calls a flow (`prefect.flow_engine`, `create_flow_run`): a task run of the study stands
for the trial, and the server keeps its state that of the trial's flow run.
"""

from typing import Any
from uuid import UUID, uuid4

from prefect import Flow, Task, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import TagsContext
from prefect.flow_engine import run_flow
from prefect.states import Pending


def run_under(parent: str, flow: "Flow[..., Any]", parameters: dict[str, Any]) -> None:
    """Run a flow to its end.

    Args:
        parent: id of the flow run that it belongs to.

    Raises:
        Whatever the flow raises.
    """
    run_flow(flow, flow_run=_made(UUID(parent), flow, parameters), parameters=flow.validate_parameters(parameters))


def _made(parent: UUID, flow: "Flow[..., Any]", parameters: dict[str, Any]) -> FlowRun:
    with get_client(sync_client=True) as client:
        task = Task(name=flow.name, fn=flow.fn, version=flow.version)
        standing = client.create_task_run(task, parent, dynamic_key=uuid4().hex, task_inputs={}, state=Pending())
        return client.create_flow_run(
            flow,
            parameters=flow.serialize_parameters(parameters),
            state=Pending(),
            parent_task_run_id=standing.id,
            tags=TagsContext.get().current_tags,
        )
