"""How Prefect's own cache carries graft's: a key function, a serializer, and a decorator that joins them to a task.

No second scheduler: Prefect asks `cache_key` before a step, finds its record under the store's `cache/`, and reads
it with `RefSerializer`, which raises where the artifact is no longer sound; Prefect then runs the step.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext
from prefect.serializers import Serializer
from prefect.settings import PREFECT_TASKS_DISABLE_CACHING, temporary_settings
from pydantic import Field

from artifacts.digest import digest_json
from artifacts.errors import RecordDamaged
from artifacts.refs import StepResult
from artifacts.store import Store
from tasks.apart import apart, giving_back
from tasks.cache_records import record_name, result_text
from tasks.identity import identity

Function = TypeVar("Function", bound=Callable[..., Any])


def cache_key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    """The key of a step as Prefect wants it: a file name."""
    return record_name(digest_json(identity(context.task.name, arguments, Store())))


class RefSerializer(Serializer):
    """Writes a step's result as JSON. Reading raises unless the execution and every output are sound (a miss then).

    Neither pickle nor Prefect's JSON reader, whose decoder imports whatever class a record names.
    """

    type: str = Field(default="graft-ref", frozen=True)

    def dumps(self, obj: StepResult) -> bytes:
        return result_text(obj)

    def loads(self, blob: bytes) -> StepResult:
        """Raises StoreError or ValueError where the record, the execution or an artifact is not what was written."""
        key = str(json.loads(blob)["key"])
        result = StepResult(key, Store().sound_execution(key).refs())
        if blob != result_text(result):
            raise RecordDamaged(f"The cache record of {key} is not the one that was written.")
        return result


POLICY = CacheKeyFnPolicy(cache_key_fn=cache_key)
WITHOUT_TENSORFLOW = frozenset({"load_data", "inspect_data", "figures"})  # Ctrl-C may hit them wherever they are


def step_task(function: Function) -> Any:
    """Make a Prefect task of a step: cached by graft's key, its result persisted as references only.

    One that uses TensorFlow runs in a thread of its own (`apart.py`).
    """
    body = giving_back(function) if function.__name__ in WITHOUT_TENSORFLOW else apart(function)
    return task(
        name=function.__name__,
        cache_policy=POLICY,
        result_serializer=RefSerializer(),
        persist_result=True,
    )(body)


def ready(step: Any, name: str, store: Store, refresh: bool) -> Any:
    """The task of a step as a run calls it: under its name, its record in the store.

    Whether it is cached is graft's to decide: PREFECT_TASKS_DISABLE_CACHING and PREFECT_TASKS_REFRESH_CACHE, which
    Prefect reads when a task is made and called, would break what `graft plan` promised.

    Args:
        refresh: compute it, whatever is recorded.
    """
    with _caching():
        return step.with_options(
            name=name,
            task_run_name=name,
            cache_policy=POLICY,
            result_storage=prefect_storage(store),
            refresh_cache=refresh,
        )


def _caching() -> AbstractContextManager[Any]:
    """Settings under which a task is cached. Seldom needed, and to make them anew for each step costs half a second."""
    disabled = PREFECT_TASKS_DISABLE_CACHING.value()
    return temporary_settings({PREFECT_TASKS_DISABLE_CACHING: False}) if disabled else nullcontext()


def prefect_storage(store: Store) -> Path:
    """The folder of Prefect's records, made if need be. Given at call time, since `GRAFT_STORE` may differ a run."""
    store.prefect.mkdir(parents=True, exist_ok=True)
    return store.prefect
