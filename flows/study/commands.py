"""What `graft study` does: plan and say what it costs, then run it under Prefect, and print the verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

from artifacts.errors import UsageError
from artifacts.store import Store
from artifacts.studies import Studies, StudyRecord
from flows import commands, interrupts, recipe_files, run_server
from flows.study import on_dask, planned
from flows.study.asked import Study, asked
from flows.study.foreseen import foreseen


def options(
    arms: str | None,
    labels: str | None,
    depths: str | None,
    unfrozen: str | None,
    seeds: int | None,
    budget: int | None,
    margin: float | None,
) -> dict[str, Any]:
    """The options of the command as members of a `Study`; None where nothing was said.

    Raises:
        UsageError: a list holds something else than it may; `--seeds` and `--budget` at once.
    """
    if seeds is not None and budget is not None:
        raise UsageError("Expected one of --seeds (one fixed look) and --budget (planned looks). Drop one.")
    return {
        "arms": _listed(arms),
        "labels": _numbers("--labels", labels),
        "depths": [int(each) if each.isdecimal() else each for each in _listed(depths) or []] or None,
        "unfrozen": _numbers("--unfrozen", unfrozen),
        "seeds": seeds,
        "budget": budget,
        "margin": None if margin is None else margin / 100,
    }


def study(
    wanted: str,
    options: Mapping[str, Any],
    settings: Sequence[str],
    where: tuple[int, str | None],
    only_plan: bool,
    as_json: bool,
) -> int:
    """Exit code 0 whatever the verdict; 130 after Ctrl-C.

    Args:
        where: how many trials at once, and the address of a Dask scheduler if they are to run there.
    """
    if where[1]:
        on_dask.require()  # before a server is started for nothing
    overrides = dict(recipe_files.parse_setting(text) for text in settings)
    what = asked(wanted, options, overrides)
    plan = planned.plan(what)
    commands.quiet_libraries(verbose=False)
    store = Store()
    if only_plan:
        return _say_cost(plan, what, store, as_json)
    with interrupts.listening(), run_server.ahead() as server:
        record = Studies(store).begin(plan)
        with commands.only_json_on_stdout(as_json):
            found = _under_prefect(record, server, (wanted, options, overrides, where), as_json)
    if as_json:
        commands.print_json(found)
    return 0


def _under_prefect(
    record: StudyRecord, server: run_server.Embedded | None, wish: tuple[Any, ...], as_json: bool
) -> dict[str, Any]:
    from rich.console import Console

    console = Console(stderr=as_json)
    console.print(f"[bold]study {record.id}[/] of {record.plan['title']}: {planned.in_words(record)}", highlight=False)
    _say_planned(console, record)
    with run_server.prefect_server(server):
        from prefect import tags

        from flows.study.study_flow import study as flow
        from flows.study.watching import OnTerminal, watched_by
        from flows.study.where import PROCESSES

        with commands.saying_how_to_go_on(), watched_by(OnTerminal(console)), tags("graft"):
            wanted, options, overrides, (jobs, dask) = wish
            found: dict[str, Any] = flow(wanted, overrides, **options, jobs=jobs, where=dask or PROCESSES)
    _say_found(console, found)
    return found


def _say_planned(console: Any, record: StudyRecord) -> None:
    store = Store()
    what = planned.study(record)
    first, last = foreseen(what, store)
    console.print(f"[dim]to the first look: {first.words}; to the last: {last.words}{last.untimed}[/]", highlight=False)


def _say_found(console: Any, found: Mapping[str, Any]) -> None:
    console.print(f"\n[bold]{found['sentence']}[/]", highlight=False)
    console.print(f"{found['computed']} steps computed, {found['reused']} reused", highlight=False)
    console.print(f"Study: {found['report']}", highlight=False, soft_wrap=True)


def _say_cost(plan: Mapping[str, Any], what: Study, store: Store, as_json: bool) -> int:
    from rich.console import Console

    first, last = foreseen(what, store)
    if as_json:
        commands.print_json({**plan, "cost": {"first_look": vars(first), "last_look": vars(last)}})
        return 0
    console = Console()
    console.print(f"{plan['title']}: `transfer` against {', '.join(plan['comparisons'])}", highlight=False)
    for look, told in (("the first look", first), ("the last", last)):
        console.print(f"to {look}: {told.words}{told.untimed}", highlight=False)
    return 0


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [each.strip() for each in text.split(",") if each.strip()]


def _numbers(option: str, text: str | None) -> list[int] | None:
    listed = _listed(text)
    wrong = [each for each in listed or [] if not each.isdecimal()]
    if wrong:
        raise UsageError(f"`{option}`: expected whole numbers between commas, such as 20,100,500; found {wrong[0]!r}.")
    return None if listed is None else [int(each) for each in listed]
