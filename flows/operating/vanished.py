"""The automation for runs whose process vanished without a word, and whose worker did too.

A run sends a heartbeat every 30 s. Where none came for 90 s after one, and no last state either, the server marks the
run as crashed; its concurrency slot is free again, and Retry goes on where it stopped. (Prefect's documentation calls
this "detect zombie flows".)
"""

from datetime import timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

NAME = "graft: runs that vanished"
TAG = "graft"  # of every deployment, and of each `graft run`
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = ("Completed", "Failed", "Crashed", "Cancelled")
WITHIN = timedelta(seconds=90)
MESSAGE = "No sign of life for 90 s: its process and its worker are gone. Retry goes on where it stopped."


def wanted(enabled: bool = True) -> AutomationCore:
    """The automation as it should be."""
    trigger: dict[str, Any] = {
        "after": {HEARTBEAT},
        "expect": {HEARTBEAT, *(f"prefect.flow-run.{end}" for end in ENDS)},
        "match": ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        # graft's own alone: others' heartbeats may come every 180 s, Prefect's default, and would look dead.
        "match_related": ResourceSpecification(
            {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}
        ),
        "for_each": {"prefect.resource.id"},
        "posture": Posture.Proactive,
        "threshold": 1,
        "within": WITHIN,
    }
    return AutomationCore(
        name=NAME,
        description="Marks a flow run as crashed that has not sent a heartbeat for 90 s.",
        enabled=enabled,
        trigger=EventTrigger(**trigger),
        actions=[ChangeFlowRunState(name=None, state=StateType.CRASHED, message=MESSAGE, force=False)],
    )


def ensure(client: SyncPrefectClient) -> None:
    """Create the automation, or bring it up to date. One that a person disabled stays disabled."""
    there = client.read_automations_by_name(name=NAME)
    if there:
        client.update_automation(there[0].id, wanted(there[0].enabled))
    else:
        client.create_automation(wanted())
