"""The few questions that graft asks a Prefect server, and the few things that it tells one."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectException
from prefect.states import Cancelled, Cancelling, Crashed, Scheduled

Problems = (httpx.HTTPError, PrefectException)


@contextmanager
def connected() -> Iterator[SyncPrefectClient]:
    """A client of the server in use."""
    with get_client(sync_client=True) as client:
        yield client


def runs(client: SyncPrefectClient, *types: StateType, pool: str | None = None, limit: int = 200) -> list[FlowRun]:
    """Flow runs in one of these states, the next or oldest first; of one work pool, or all."""
    wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))))
    within = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])) if pool else None
    return client.read_flow_runs(
        flow_run_filter=wanted, work_pool_filter=within, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=limit
    )


def started_since(client: SyncPrefectClient, since: datetime, limit: int = 50) -> list[FlowRun]:
    """Flow runs that began after `since`, the oldest of the newest `limit` first.

    A schedule's runs of the hours ahead are on record, too, and Prefect compares the time at which they are expected.
    """
    begun = FlowRunFilterStartTime(after_=since, is_null_=False)  # type: ignore[arg-type]
    wanted = FlowRunFilter(start_time=begun)
    return client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.START_TIME_DESC, limit=limit)[::-1]


def cancel(client: SyncPrefectClient, run: str, why: str) -> None:
    """Ask for the run to be cancelled: who runs it will see to that."""
    with suppress(*Problems):
        client.set_flow_run_state(UUID(run), Cancelling(message=why))


def close(client: SyncPrefectClient, run: str, why: str, although_final: bool = False) -> None:
    """See to it that a run whose process is gone has ended.

    Args:
        although_final: say "cancelled" of a run, too, that took the signal for a crash.
    """
    with suppress(*Problems):
        state = client.read_flow_run(UUID(run)).state
        if state is None or although_final or not state.is_final():
            client.set_flow_run_state(UUID(run), Cancelled(message=why), force=True)


def forget_worker(client: SyncPrefectClient, pool: str, name: str) -> None:
    """Take a worker that has ended off the pool's list: Prefect keeps it there for ever, and "online" for a while."""
    with suppress(*Problems):
        named = {"work_pool_name": pool, "name": name}
        client.request("DELETE", "/work_pools/{work_pool_name}/workers/{name}", path_params=named)


def settle(client: SyncPrefectClient, run: FlowRun) -> State[Any]:
    """Give a run whose process is gone the state that it should have: crashed, cancelled, or waiting again."""
    state: State[Any] = Crashed(message="Its process is gone, and with it the server it spoke to. Retry goes on.")
    if run.state and run.state.is_cancelling():
        state = Cancelled(message="Cancelled; its process is gone.")
    elif run.state and run.state.is_pending():
        state = Scheduled(message="It had not begun when `graft up` ended.")
    client.set_flow_run_state(run.id, state, force=True)
    return state
