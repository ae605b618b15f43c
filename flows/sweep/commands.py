"""What `graft sweep` does: plan and say what it costs, then run it under Prefect, and print what was chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

from artifacts.errors import UsageError
from artifacts.store import Store
from artifacts.studies import StudyRecord
from artifacts.sweeps import Sweeps
from flows import commands, interrupts, run_server
from flows.study import costs
from flows.study.costs import Cost
from flows.sweep import grid, planned, rounds

WORDS = {
    "pretrain": ("pretraining", "pretrainings"),
    "train_head": ("head", "heads"),
    "unfreeze": ("unfreezing", "unfreezings"),
    "fine_tune": ("fine-tuning", "fine-tunings"),
    "evaluate": ("evaluation on test", "evaluations on test"),
}


def sweep(
    recipe: str,
    settings: Sequence[str],
    seeds: int | None,
    halving: bool,
    jobs: int,
    only_plan: bool,
    as_json: bool,
) -> int:
    """Exit code 0; 130 after Ctrl-C.

    Raises:
        UsageError: before anything runs: it cannot be swept, or --seeds with --halving.
    """
    if halving and seeds is not None:
        raise UsageError("Expected one of --seeds and --halving, which takes 1, 3 and 5 seeds itself. Drop one.")
    plan = planned.plan(grid.read(recipe, settings), seeds or rounds.DEFAULT, halving)
    commands.quiet_libraries(verbose=False)
    store = Store()
    if only_plan:
        return _say_cost(plan, store, as_json)
    with interrupts.listening(), run_server.ahead() as server:
        record = Sweeps(store).begin(plan)
        with commands.only_json_on_stdout(as_json):
            found = _under_prefect(record, server, (seeds or rounds.DEFAULT, halving, jobs), as_json)
    if as_json:
        commands.print_json(found)
    return 0


def cost(plan: Mapping[str, Any], store: Store) -> Cost:
    """What a sweep costs. With halving nobody knows yet who goes on; it is about as much whoever does."""
    record = StudyRecord("", plan, {}, 0.0)
    return costs.cost(planned.all_trials(planned.grid_of(record), planned.rounds_of(record)), store)


def in_words(told: Cost, num_trials: int) -> str:
    """ "12 runs, but 3 pretrainings, 3 heads, 12 fine-tunings …"."""
    counted = [(told.by_step[step], words) for step, words in WORDS.items() if step in told.by_step]
    runs = f"{num_trials} runs, but {', '.join(f'{number} {words[number != 1]}' for number, words in counted)}"
    return f"{runs}: {told.words}{told.untimed}"


def _num_trials(plan: Mapping[str, Any]) -> int:
    """Runs that choose: whoever goes on has its first seeds already."""
    done, found = 0, 0
    for number, seeds in plan["rounds"]:
        found += number * (seeds - done)
        done = seeds
    return found


def _say_cost(plan: Mapping[str, Any], store: Store, as_json: bool) -> int:
    from rich.console import Console

    told = cost(plan, store)
    if as_json:
        commands.print_json({**plan, "runs": _num_trials(plan), "cost": vars(told)})
        return 0
    _say_planned(Console(), plan, told)
    return 0


def _say_planned(console: Any, plan: Mapping[str, Any], told: Cost) -> None:
    for key, values in plan["grid"].items():
        console.print(f"  {key}: {', '.join(map(grid.written, values))}", highlight=False)
    of = rounds.in_words([rounds.Round(*each) for each in plan["rounds"]])
    console.print(f"{of}; then the chosen one on the test images", highlight=False)
    console.print(f"[dim]{in_words(told, _num_trials(plan))}[/]", highlight=False, soft_wrap=True)


def _under_prefect(
    record: StudyRecord, server: run_server.Embedded | None, wish: tuple[int, bool, int], as_json: bool
) -> dict[str, Any]:
    from rich.console import Console

    console, plan = Console(stderr=as_json), record.plan
    console.print(f"[bold]sweep {record.id}[/] of {plan['title']}", highlight=False)
    _say_planned(console, plan, cost(plan, Store()))
    with run_server.prefect_server(server):
        from prefect import tags

        from flows.study.watching import OnTerminal, watched_by
        from flows.sweep.sweep_flow import sweep as flow

        with commands.saying_how_to_go_on(), watched_by(OnTerminal(console)), tags("graft"):
            seeds, halving, jobs = wish
            found: dict[str, Any] = flow(plan["recipe"], plan["grid"], plan["set"], seeds, halving, jobs)
    console.print(f"\n[bold]{found['sentence']}[/]", highlight=False, soft_wrap=True)
    console.print(f"[dim]The rule: {found['rule']}.[/]", highlight=False, soft_wrap=True)
    console.print(f"{found['computed']} steps computed, {found['reused']} reused", highlight=False)
    console.print(f"Sweep: {found['report']}", highlight=False, soft_wrap=True)
    return found
