"""`graft status`: which server, which worker, what runs, what comes next."""

import json
from datetime import UTC, datetime
from typing import Any

from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import server
from flows.home import UpState, here
from flows.operating import api
from flows.operating.looking import next_runs


def status(pool: str, as_json: bool) -> int:
    """Print it; exit code 0 where a server answers or none is expected, else 1."""
    server.without_proxy()
    configured, up = PREFECT_API_URL.value(), here().up()
    url = configured or (up.api if up else None)
    if url is None:
        found: dict[str, Any] = {"server": None, "up": None, "workers": [], "running": [], "next": []}
    else:
        found = _ask(url, None if configured else up, pool)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(found)
    return 0 if url is None or found["server"]["answers"] else 1


def _ask(url: str, up: UpState | None, pool: str) -> dict[str, Any]:
    about = {"api": url, "ui": url.removesuffix("/").removesuffix("/api")}
    started = vars(up) if up else None
    try:
        with temporary_settings({PREFECT_API_URL: url}), api.connected() as client:
            return {
                "server": {**about, "version": client.request("GET", "/admin/version").json(), "answers": True},
                "up": started,
                "workers": _workers(client, pool),
                "running": [_line(run) for run in api.runs(client, StateType.RUNNING, StateType.CANCELLING)],
                "next": [{"deployment": name, "at": when} for name, when in next_runs(client, 5)],
            }
    except api.Problems as problem:
        said = " ".join(str(problem).split()) or type(problem).__name__
        return {
            "server": {**about, "version": None, "answers": False, "problem": said}, "up": started,
            "workers": [], "running": [], "next": [],
        }  # fmt: skip


def _workers(client: Any, pool: str) -> list[dict[str, Any]]:
    from prefect.exceptions import ObjectNotFound

    try:
        found = client.request("POST", "/work_pools/{name}/workers/filter", path_params={"name": pool}, json={}).json()
    except ObjectNotFound:
        return []
    return [
        {"name": worker["name"], "status": str(worker.get("status", "")).lower(), "seen": worker["last_heartbeat_time"]}
        for worker in found
        if str(worker.get("status", "")).lower() == "online"
    ]


def _line(run: FlowRun) -> dict[str, Any]:
    seconds = (datetime.now(UTC) - run.start_time).total_seconds() if run.start_time else 0.0
    return {"run": str(run.id), "name": run.name, "state": run.state_name, "seconds": round(seconds, 1)}


def _print(found: dict[str, Any]) -> None:
    about = found["server"]
    if about is None:
        print("server   none: `graft up` brings one up; until then each run has one of its own while it lasts")
        return
    if not about["answers"]:
        print(f"server   {about['api']} does not answer: {about['problem']}")
        return
    whose = f"of `graft up`, since {found['up']['since']}" if found["up"] else "the configured one (PREFECT_API_URL)"
    print(f"server   {about['ui']} · Prefect {about['version'] or '?'} · {whose}")
    for worker in found["workers"] or [{"name": "none: what is scheduled waits", "status": ""}]:
        print(f"worker   {worker['name']} {worker['status']}".rstrip())
    for run in found["running"] or [{"name": "nothing", "state": "", "seconds": None}]:
        took = "" if run["seconds"] is None else f" · {run['state']} for {run['seconds']:.0f} s"
        print(f"running  {run['name']}{took}")
    for coming in found["next"] or [{"deployment": "nothing is scheduled", "at": ""}]:
        print(f"next     {coming['deployment']} {coming['at']}".rstrip())
