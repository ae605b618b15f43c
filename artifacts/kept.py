"""What must stay when room is made: the runs that count, and all that they refer to, by name.

A run's own record names what it used. The execution of the same key may name other bits by now, or be damaged, so it
only adds to that. A record that cannot be read names nothing: then the answer is an error, not an empty list.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artifacts.champions import Champions, Reign
from artifacts.errors import RecordDamaged
from artifacts.executions import Execution
from artifacts.runs import RUNNING, RunRecord, Runs
from artifacts.store import Store

BESIDE = ("pictures", "features", "rates")  # what executions call those beside the DAG in their facts
NOTHING = "Nothing was taken away: what it refers to is not known."


@dataclass(frozen=True)
class Kept:
    """What stays.

    Attributes:
        runs: the records, by number.
        keys: of their executions.
        digests: of the artifacts, whatever their kind.
    """

    runs: list[RunRecord]
    keys: frozenset[str]
    digests: frozenset[str]


def find_kept(store: Store, newest: int) -> Kept:
    """What the `newest` runs of each recipe, running and marked ones, and champions refer to.

    Raises:
        RecordDamaged: the record of one of them cannot be read, or perhaps of one of them.
    """
    runs = Runs(store)
    _refuse_damaged(runs.damaged())
    records, reigns = runs.all(), _needed(store)
    wanted = _newest(records, newest) | {record.id for record in records if record.state == RUNNING}
    marks = {run: f"marked by `graft keep`; to give it up, delete {store.runs / run / 'keep'}" for run in runs.marked()}
    crowns = {
        reign.run: f"needed by the champion `{name}`; to give it up, promote others: `graft promote RUN --name {name}`"
        for name, needed in reigns.items()
        for reign in needed
    }
    _refuse_lost(runs, marks | crowns, records)
    kept = [record for record in records if record.id in wanted | set(marks) | set(crowns)]
    steps = frozenset(key for record in kept for key in record.keys().values())
    executions = list(_executions(store, steps))
    beside = _beside(executions)
    executions += _executions(store, beside)
    models = {reign.model for needed in reigns.values() for reign in needed}
    return Kept(kept, steps | beside, frozenset({*_recorded(kept), *_executed(executions), *models}))


def _newest(records: list[RunRecord], count: int) -> set[str]:
    by_recipe: dict[str, list[RunRecord]] = {}
    for record in records:
        by_recipe.setdefault(record.recipe, []).append(record)
    return {record.id for runs in by_recipe.values() for record in (runs[-count:] if count else [])}


def _needed(store: Store) -> dict[str, list[Reign]]:
    champions = Champions(store)
    damaged = [champions.path(name) for name in champions.damaged()]
    if damaged:
        raise RecordDamaged(
            f"{damaged[0]}: expected the record of a champion, found an altered one. {NOTHING} Put a good copy of it "
            f"back, or begin anew: `graft promote RUN --name {damaged[0].stem}` sets it aside."
        )
    return champions.needed()


def _refuse_damaged(paths: list[Path]) -> None:
    """Any of them may be one of the newest, or running."""
    if paths:
        raise RecordDamaged(
            f"{paths[0]}: expected a run's record, found an altered one. {NOTHING} Put a good copy of it back; to give "
            "up what only that run refers to, delete it, or let the next `graft run` set it aside."
        )


def _refuse_lost(runs: Runs, counting: dict[str, str], records: list[RunRecord]) -> None:
    """Runs that count but have no record any more: it was set aside as damaged, or deleted."""
    lost = sorted(set(counting) - {record.id for record in records})
    if lost:
        raise RecordDamaged(
            f"{runs.path(lost[0])}: expected the record of a run that is {counting[lost[0]]}. It was set aside as "
            f"damaged (see {runs.aside}), or deleted. {NOTHING} Put a good copy of it back, or give it up."
        )


def _executions(store: Store, keys: Iterable[str]) -> Iterator[Execution]:
    """Those that are there and can be read."""
    for key in keys:
        with suppress(RecordDamaged):
            execution = store.execution(key)
            if execution:
                yield execution


def _beside(executions: Iterable[Execution]) -> frozenset[str]:
    """Keys of executions beside the DAG: of the decoded pictures that those steps chose from, of the stored
    activations that they trained on, and of the searches for their learning rates."""
    facts = [execution.facts for execution in executions]
    return frozenset(str(each[name]["key"]) for each in facts for name in BESIDE if name in each)


def _recorded(kept: Iterable[RunRecord]) -> Iterator[str]:
    for record in kept:
        for step in record.steps:
            yield from step.get("outputs", {}).values()


def _executed(executions: Iterable[Execution]) -> Iterator[str]:
    """What the executions name by now: without it the next run could not hit them."""
    for execution in executions:
        yield from (ref.digest for ref in execution.refs().values())
