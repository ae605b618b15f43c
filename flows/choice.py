"""Which steps a person asked to run again: `force`, `start_from`, `only`. One meaning for flow, command and Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from artifacts.errors import UsageError
from flows.dag import STEPS, ancestors, descendants
from flows.recipe_base import TAKES_ITS_PLACE
from flows.suggestions import named


@dataclass(frozen=True)
class Choice:
    """What follows from `force`, `start_from` and `only`.

    Attributes:
        again: step → why it is computed again although it may be in the store.
        needed: steps that must be hits.
        skipped: steps that are not run at all.
        asked: the option as a person would type it, for messages.
    """

    again: Mapping[str, str]
    needed: frozenset[str]
    skipped: frozenset[str]
    asked: str


def choose(
    edges: Mapping[str, Mapping[str, str]], force: Sequence[str], start_from: str | None, only: str | None
) -> Choice:
    """Work out a choice.

    `force S`: S again; what follows, as its inputs say. `start_from S`: all before S must be hits, S and all after
    it again. `only S`: as `start_from`, but nothing after S runs. Before and after are ancestors and descendants in
    the DAG; the other steps run as their inputs say.

    Raises:
        UsageError: no such step, or options that contradict each other.
    """
    for step in [*force, *filter(None, [start_from, only])]:
        _check_name(step)
        check_there(step, edges)
    if start_from and only:
        raise UsageError(f"Expected one of --from and --only, found --from {start_from} and --only {only}. Drop one.")
    first = start_from or only
    option = f"--from {start_from}" if start_from else f"--only {only}"
    needed = ancestors(first, edges) if first else frozenset()
    after = descendants(first, edges) if first else frozenset()
    _check_force(force, needed, option, after if only else frozenset())
    again = dict.fromkeys(force, "forced")
    if first:
        again |= {first: option} | ({} if only else dict.fromkeys(after, option))
    return Choice(again, needed, after if only else frozenset(), option)


def _check_name(step: str) -> None:
    if "," in step:
        options = " ".join(f"--force {name.strip()}" for name in step.split(","))
        raise UsageError(f"No step named `{step}`. Write one step an option: {options}.")
    named(step, STEPS, "step")


def check_there(step: str, edges: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse a step that this recipe does not have.

    Raises:
        UsageError: `base` takes the place of the data that the step would read.
    """
    if step not in edges:
        others = ", ".join(f"`{other}`" for other in edges)
        raise UsageError(f"This recipe has no `{step}`: {TAKES_ITS_PLACE}. Its steps: {others}.")


def _check_force(force: Sequence[str], needed: frozenset[str], option: str, skipped: frozenset[str]) -> None:
    for step in force:
        if step in needed:
            raise UsageError(
                f"--force {step} contradicts {option}, before which every step must be in the store already."
            )
        if step in skipped:
            raise UsageError(f"--force {step} contradicts {option}, after which nothing runs.")
