"""A server's runs and schedules in words, a line each."""

from datetime import datetime
from typing import Any

from prefect.client.schemas.objects import FlowRun, StateType

from flows.operating import api
from flows.operating.deploying import full_name


def told(run: FlowRun) -> str:
    """`08:15:02  fashion-mnist-cnn · seed 0  Completed: accuracy …`."""
    message = f": {run.state.message}" if run.state and run.state.is_final() and run.state.message else ""
    return f"{datetime.now():%H:%M:%S}  {run.name}  {run.state_name}{message}"


def schedules(client: Any) -> list[str]:
    """Each schedule in words: deployment, when, whether a person paused it."""
    found = []
    for deployment in client.read_deployments():
        for schedule in deployment.schedules:
            rule = schedule.schedule.model_dump()
            shown = rule.get("cron") or rule.get("rrule") or f"every {rule.get('interval')}"
            zone = rule.get("timezone") or "UTC"
            paused = "" if schedule.active and not deployment.paused else ", paused"
            found.append(f"{full_name(client, deployment)}: {shown} ({zone}){paused}")
    return found


def next_runs(client: Any, limit: int = 3) -> list[tuple[str, str]]:
    """Deployment and local time of the runs that come next."""
    coming = []
    for run in api.runs(client, StateType.SCHEDULED, limit=limit):
        when = run.expected_start_time or run.next_scheduled_start_time
        name = run.name
        if run.deployment_id:
            name = full_name(client, client.read_deployment(run.deployment_id))
        coming.append((name, f"{when.astimezone():%a %Y-%m-%d %H:%M %Z}" if when else "once a worker is free"))
    return coming
