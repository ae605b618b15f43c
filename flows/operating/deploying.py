"""Everything that can be run from the UI or on a schedule: the deployments of `prefect.yaml`, and one for each step.

`prefect deploy --all` does the first part, as people with a server of their own know it. What it leaves undone is done
here: a schedule that was taken out of the file is taken off the server. The steps' deployments are generated from
the list of steps, each with the step fixed and a form for that step's own parameters. Doing it again changes nothing.
"""

import copy
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import DeploymentResponse

from artifacts.errors import ServerError, UsageError
from flows.dag import STEPS
from flows.decisions import section
from flows.home import ROOT
from flows.recipe import Recipe
from flows.steps import dashed, step

FILE = "prefect.yaml"
TAG = "graft"
STEPS_AT_ONCE = 2  # runs of one step's deployment; more wait their turn
STEP_ENTRYPOINT = "flows.steps:step"
PATTERN = "transfer-learning/on-demand"  # the deployment whose folder and pool the generated ones share


@dataclass(frozen=True)
class Removed:
    """A schedule that was taken off the server: the deployment and the schedule's slug."""

    deployment: str
    slug: str


def deploy(client: SyncPrefectClient, url: str, pool: str, root: Path = ROOT) -> tuple[list[str], list[Removed]]:
    """Deploy all.

    Args:
        client: for the server at `url`.
        pool: the work pool, which is made if it is not there.
        root: the folder with `prefect.yaml`.

    Returns:
        The names of the deployments (`flow/deployment`), and the schedules that were removed.

    Raises:
        UsageError: `prefect.yaml` is wrong. ServerError: Prefect refused it.
    """
    from_file = declared(root)
    ensure_pool(client, pool)
    _prefect_deploy(url, root)
    removed = list(_remove_schedules(client, from_file))
    pattern = client.read_deployment_by_name(PATTERN)
    steps = [_deploy_step(client, name, pattern) for name in STEPS]
    return [*from_file, *steps], removed


def declared(root: Path = ROOT) -> dict[str, list[str]]:
    """Deployment (`flow/deployment`) → the slugs of its schedules, as `prefect.yaml` says.

    Raises:
        UsageError: it cannot be read, or a schedule has no slug (redeploying would then wake a paused one).
    """
    entries = read_file(root).get("deployments") or []
    try:
        return {_full_name(entry): [_slug(schedule) for schedule in entry.get("schedules") or []] for entry in entries}
    except (KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f"{root / FILE}: expected deployments with `name` and `entrypoint`; {problem!r}.") from None


def read_file(root: Path) -> dict[str, Any]:
    """`prefect.yaml` as plain values.

    Raises:
        UsageError: it is not there, or is no YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load((root / FILE).read_text(encoding="utf-8"))
    except (OSError, YAMLError) as problem:
        raise UsageError(f"{root / FILE} cannot be read: {problem}") from None
    return found if isinstance(found, dict) else {}


def _full_name(entry: Mapping[str, Any]) -> str:
    flow = str(entry["entrypoint"]).rpartition(":")[2].replace("_", "-")
    return f"{flow}/{entry['name']}"


def _slug(schedule: Mapping[str, Any]) -> str:
    if not schedule.get("slug"):
        raise UsageError(f"{FILE}: every schedule needs a `slug`; without one a redeployment wakes a paused schedule.")
    return str(schedule["slug"])


def ensure_pool(client: SyncPrefectClient, pool: str) -> None:
    """Make the work pool for processes, if it is not there."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        client.read_work_pool(pool)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        try:
            client.create_work_pool(WorkPoolCreate(name=pool, type="process", base_job_template=template))
        except ObjectAlreadyExists:
            return  # another worker was quicker


def _prefect_deploy(url: str, root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=root, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "PREFECT_API_URL": url, "PREFECT_LOGGING_LEVEL": "ERROR"},
    )  # fmt: skip
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-600:]
        raise ServerError(f"`prefect deploy --all` failed: {said}. Mend {root / FILE} and try again.")


def _remove_schedules(client: SyncPrefectClient, from_file: Mapping[str, list[str]]) -> Iterator[Removed]:
    """Take off the server what the file no longer has; a deployment of ours that left the file loses all its schedules.

    A schedule without a slug was made by hand in the UI, and stays.
    """
    for deployment in _ours(client):
        name = full_name(client, deployment)
        kept = from_file.get(name, [])
        for schedule in deployment.schedules:
            if schedule.slug and schedule.slug not in kept:
                client.delete_deployment_schedule(deployment.id, schedule.id)
                yield Removed(name, schedule.slug)


def _ours(client: SyncPrefectClient) -> list[DeploymentResponse]:
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

    return client.read_deployments(deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG])))


def full_name(client: SyncPrefectClient, deployment: DeploymentResponse) -> str:
    """`flow/deployment`."""
    return f"{client.read_flow(deployment.flow_id).name}/{deployment.name}"


def _deploy_step(client: SyncPrefectClient, name: str, pattern: DeploymentResponse) -> str:
    flow_id = client.create_flow_from_name(step.name)
    client.create_deployment(
        flow_id,
        dashed(name),
        entrypoint=STEP_ENTRYPOINT,
        parameters={"step": name},
        parameter_openapi_schema=form(name),
        enforce_parameter_schema=True,
        concurrency_limit=STEPS_AT_ONCE,
        description=f"Compute `{name}` again, on what an earlier run left; then, if wished, what follows from it.",
        tags=[TAG, "step"],
        work_pool_name=pattern.work_pool_name,
        path=pattern.path,
        pull_steps=pattern.pull_steps,
    )
    return f"{step.name}/{dashed(name)}"


def form(name: str) -> dict[str, Any]:
    """The form of a step's deployment: the step is fixed, `overrides` has the fields of the step's own section."""
    schema: dict[str, Any] = step.parameters.model_dump()
    properties = copy.deepcopy(schema["properties"])
    properties["step"] = {**properties["step"], "enum": [name], "default": name}
    whole = Recipe.model_json_schema()
    own = whole["properties"].get(section(name), {})
    definition = whole["$defs"].get(str(own.get("$ref", "")).rpartition("/")[2], {})
    known = ", ".join(f"`{key}`" for key in definition.get("properties", {})) or "none"
    properties["overrides"]["description"] = f"Keys of `{section(name)}` in the recipe: {known}."
    return {**schema, "properties": properties}
