"""Where the trials of a study run, as its parameter `where` says."""

from contextlib import AbstractContextManager

from prefect.runtime import flow_run

from artifacts.errors import UsageError
from artifacts.studies import StudyRecord
from flows.parameters import PLACES
from flows.study.dispatching import TrialRunner

PROCESSES, POOL = PLACES


def runner(record: StudyRecord, where: str, jobs: int, api: str) -> AbstractContextManager[TrialRunner]:
    """Who runs them.

    Args:
        where: `processes` of this machine, the `pool` of the study's deployment, or the address of a Dask scheduler.
        jobs: trials at once; on Dask as many as there are workers.
        api: of the Prefect server that they report to.

    Raises:
        UsageError: `where` is none of these.
    """
    threads = int(record.plan["threads"])
    if where == PROCESSES:
        from flows.study.trial_runs import Processes

        return Processes(record.id, jobs, threads, api, parent=str(flow_run.id))
    if where == POOL:
        from flows.study.on_server import InPool

        return InPool(record.id, jobs, threads)
    if ":" not in where:
        raise UsageError(
            f"`where`: expected {PROCESSES}, {POOL} or the address of a Dask scheduler such as tcp://10.0.0.1:8786, "
            f"found {where}."
        )
    from flows.study.on_dask import OnDask

    return OnDask(record.id, where, threads, api)
