"""Which learning rate `auto` means: looked for once, stored with its picture, found again by every like training.

Not a step of the DAG but an execution of its own, as the activations are (`features.py`): its key holds what the search
depends on, so not how long the training is to be, or which epoch it keeps.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from artifacts import rate_codecs
from artifacts.digest import digest_json
from artifacts.executions import Execution
from artifacts.refs import Ref
from artifacts.store import Store
from tasks.identity import identity
from tasks.pure import rate_finding, rate_plot
from tasks.pure.training import Training
from tasks.reusing import once

if TYPE_CHECKING:
    from tasks.execution import StepExecution


def settled(
    step: "StepExecution", training: Training, search: Callable[[], rate_finding.RateCurve], **inputs: Any
) -> Training:
    """`training` with a rate: its own, or where it leaves that open the one that a search suggests.

    Args:
        search: looks for one. The step makes it, so that the code that finds the rate is part of the step's key, as
            the step's code is part of the key of the search.
        inputs: what the search depends on besides `training`: references, the network to be built, the seed.
    """
    if not training.auto_rate:
        return training
    searched = replace(
        training, epochs=1, early_stopping=None, learning_rate=0.0, schedule="constant", warmup=0.0, ema=None
    )
    searched_with = {**inputs, "training": searched, "trained_above": step.path.cut}
    own = identity("find_rate", searched_with, step.store, maker=step.step)
    seconds = 0.0

    def make() -> Ref:
        nonlocal seconds
        began = time.perf_counter()
        ref = _searched(step.store, own, search)
        seconds = round(time.perf_counter() - began, 3)
        return ref

    ref, reused = once(step.store, own, "rates", step.remark, make)
    rate = float(rate_codecs.read_rates(step.store.folder(ref))["suggested"])
    about = {"key": digest_json(own), "reused": reused, "seconds": seconds, "learning_rate": rate}
    step.note("rates", {**ref.to_json(), **about})
    step.remark(f"learning rate {rate:.3g}, {'taken from the store' if reused else f'found in {seconds:.1f} s'}")
    return replace(training, learning_rate=rate, auto_rate=False)


def _searched(store: Store, own: dict[str, Any], search: Callable[[], rate_finding.RateCurve]) -> Ref:
    began, curve = time.perf_counter(), search()
    output = store.put(rate_codecs.encode_rates(asdict(curve), rate_plot.rate_plot(curve)))
    store.record(Execution(own, {"rates": output}, round(time.perf_counter() - began, 3), {}))
    return output.ref
