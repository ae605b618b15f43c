"""What `graft data` does: nothing is read twice, and nothing is trained."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from artifacts.errors import GraftError
from artifacts.past import PastRun
from artifacts.refs import Ref
from artifacts.store import Store
from flows import commands, data_recipe, interrupts, recipe_files, run_server
from flows import plan as planning
from flows.dag import left_out
from flows.data_look import LOOK, LOOKED, as_json, look, unread, write_page
from flows.data_terminal import print_look
from flows.recipe_files import LoadedRecipe
from flows.terminal import TerminalObserver
from tasks.pure.errors import PureError


class _LookObserver(TerminalObserver):
    """The steps that look, without those that are left out."""

    def step_finished(self, entry: Mapping[str, Any]) -> None:
        if entry["status"] != "skipped":
            super().step_finished(entry)


def data(wanted: str, settings: Sequence[str], shown_as_json: bool, verbose: bool) -> int:
    """Print what was found and write the page; exit code 1 where the recipe cannot be trained on that data."""
    overrides = dict(recipe_files.parse_setting(text) for text in settings)
    loaded = data_recipe.loaded(wanted, overrides)
    commands.quiet_libraries(verbose)
    try:
        refs, keys = looked_at(wanted, overrides, loaded, shown_as_json)
    except (GraftError, PureError) as problem:
        if shown_as_json:
            commands.print_json(unread(loaded, str(problem)))
        raise
    store = Store()
    seen = look(store, loaded, data_recipe.is_data(wanted), refs, keys)
    page = write_page(store, seen, refs["inspect_data"])
    if shown_as_json:
        commands.print_json(as_json(seen, page))
    else:
        print_look(Console(), seen, page)
    return 1 if seen.refused else 0


Found = tuple[Mapping[str, Ref], Mapping[str, str]]  # step → output, and step → key


def looked_at(wanted: str, overrides: Mapping[str, Any], loaded: LoadedRecipe, shown_as_json: bool) -> Found:
    """The outputs and keys of `LOOKED`, from an earlier run or look, else from one now."""
    return _stored(loaded) or _looked_up(wanted, overrides, loaded, shown_as_json)


def _stored(loaded: LoadedRecipe) -> Found | None:
    """What an earlier run or look left: then there is nothing to run."""
    looked = _looked(loaded)
    planned = {step.step: step for step in planning.walk(loaded, LOOK)}
    if any(planned[step].status != "hit" for step in looked):
        return None
    refs = {step: next(iter((planned[step].outputs or {}).values())) for step in looked}
    return refs, {step: key for step in looked if (key := planned[step].key)}


def _looked(loaded: LoadedRecipe) -> list[str]:
    """The steps that look: no source is read where a `base` takes its place."""
    return [step for step in LOOKED if step not in left_out(loaded.recipe)]


def _looked_up(wanted: str, overrides: Mapping[str, Any], loaded: LoadedRecipe, shown_as_json: bool) -> Found:
    """Run the three steps under Prefect."""

    def start() -> None:
        from flows.data_flow import inspect

        inspect(wanted, dict(overrides))

    observer = _LookObserver(Console(stderr=shown_as_json))
    with interrupts.listening(), run_server.ahead() as server:
        steps = planning.walk(loaded, LOOK)
        with commands.only_json_on_stdout(shown_as_json):
            record = commands.under_prefect(observer, commands.Prospect(steps, server), start, reraise=True)
    run = PastRun(Store(), record)
    return {step: next(iter(run.refs(step).values())) for step in _looked(loaded)}, run.record.keys()
