"""What the commands of `cli.py` do, each returning its exit code."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from artifacts.codecs import use_tensorflow
from artifacts.errors import DataError, GraftError, RunFirst, ServerError
from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from flows import interrupts, recipe_files, run_server
from flows import plan as planning
from flows.choice import Choice, choose
from flows.counting import counted
from flows.dag import edges
from flows.garbage import uncollected
from tasks.device import device
from tasks.identity import COMPUTES
from tasks.pure.errors import PureError

if TYPE_CHECKING:
    from flows.terminal import TerminalObserver

INTERRUPTED = "interrupted. What had ended is in the store; run again to go on from there."
# 130 is what shells say of a command that Ctrl-C ended.
EXIT_CODES = {"completed": 0, "failed": 1, "cancelled": 130}


@dataclass(frozen=True)
class Request:
    """The arguments that `run` and `plan` have in common."""

    recipe: str
    settings: list[str]
    force: list[Any]  # names of steps; checked by `choose`
    start_from: Any
    only: Any

    def checked(self) -> tuple[recipe_files.LoadedRecipe, Choice]:
        """The recipe and the choice of steps.

        Raises:
            UsageError: either is wrong, or GRAFT_DEVICE or GRAFT_THREADS is.
        """
        loaded = recipe_files.load(self.recipe, dict(recipe_files.parse_setting(text) for text in self.settings))
        device()  # before anything runs, not at the first step that trains
        return loaded, choose(edges(loaded.recipe), self.force, self.start_from, self.only)


@dataclass(frozen=True)
class Prospect:
    """What a run will need: its plan, and the server that was begun for it, or None where there is another one."""

    steps: list[planning.PlannedStep]
    server: run_server.Embedded | None

    def is_brief(self) -> bool:
        """Whether nothing but the report is left to do."""
        return all(step.status in ("hit", "skipped") for step in self.steps if step.step != "report")

    def import_all(self) -> None:
        """Import it, which takes a second, and four more with TensorFlow, while the server starts.

        A run that computes nothing imports no TensorFlow; against a server that is there already there is no wait to
        hide it in, and the step that needs it imports it.
        """
        with uncollected():
            import flows.transfer_learning  # noqa: F401

            _import_what_comes_late()
            if self.server and any(step.status == "run" and step.step in COMPUTES for step in self.steps):
                use_tensorflow()


def _import_what_comes_late() -> None:
    """What Prefect and the report import only once they need it. A head start: what is not there is not missed."""
    with suppress(ImportError):
        import fastapi.encoders  # noqa: F401
        import jinja2  # noqa: F401
        import prefect.flow_engine  # noqa: F401
        import prefect.task_engine  # noqa: F401
        import prefect.utilities.visualization  # noqa: F401


def run(request: Request, as_json: bool, verbose: bool) -> int:
    """Check, plan, then run under Prefect with the terminal watching."""
    loaded, choice = request.checked()
    quiet_libraries(verbose)
    with interrupts.listening(), run_server.ahead() as server:
        steps = _walk(loaded, choice, as_json)
        with _refusal_as_json(loaded, steps, as_json, RunFirst, ServerError):
            planning.check_needed(loaded, choice, steps)
            with only_json_on_stdout(as_json):
                record = _run_under_prefect(request, loaded, Prospect(steps, server), as_json)
    if as_json:
        from flows.summary import as_json as summarised

        print_json(summarised(record))
    return EXIT_CODES[record.state]


def _walk(loaded: recipe_files.LoadedRecipe, choice: Choice, as_json: bool) -> list[planning.PlannedStep]:
    """The plan. Where a recipe's own file is missing there is none, and every step is skipped for that reason."""
    try:
        with counted():
            return planning.walk(loaded, choice)
    except DataError as problem:
        if as_json:
            print_json(planning.refused(loaded, planning.unplanned(str(problem))))
        raise


@contextmanager
def _refusal_as_json(
    loaded: recipe_files.LoadedRecipe, steps: list[planning.PlannedStep], as_json: bool, *refusals: type[GraftError]
) -> Iterator[None]:
    """Print the object, every step skipped, where the run is refused before its first step."""
    try:
        yield
    except refusals:
        if as_json:
            print_json(planning.refused(loaded, steps))
        raise


def _run_under_prefect(request: Request, loaded: recipe_files.LoadedRecipe, ahead: Prospect, as_json: bool) -> Any:
    """Run the flow, and print what came of it."""
    from rich.console import Console

    from flows.terminal import TerminalObserver, print_result

    def start() -> None:
        from flows.transfer_learning import transfer_learning

        transfer_learning(loaded.name, loaded.overrides, request.force, request.start_from, request.only)

    console = Console(stderr=as_json)
    record = under_prefect(TerminalObserver(console), ahead, start)
    if record.state == "completed":
        print_result(console, record)
    return record


def under_prefect(
    observer: "TerminalObserver", ahead: Prospect, start: Callable[[], None], reraise: bool = False
) -> RunRecord:
    """Call a flow; a failure is said on standard error and stands in the record that is returned.

    Args:
        start: calls it.
        reraise: raise what it failed of instead.
    """
    with ExitStack() as stack:
        with observer.console.status("Starting Prefect …"):
            ahead.import_all()
            stack.enter_context(run_server.prefect_server(ahead.server, ahead.is_brief()))
        from prefect import tags

        from flows.recorded import observed_by

        try:
            with observer, observed_by(observer), tags("graft"):
                start()
        except (KeyboardInterrupt, Exception) as problem:
            if observer.record is None or reraise or ("--debug" in sys.argv and isinstance(problem, Exception)):
                raise
            print(f"graft: {_last_words(problem)}", file=sys.stderr)
    if observer.record is None:
        raise RuntimeError("The flow ended without having begun a run.")
    return Runs(Store()).get(observer.record.id)


def _last_words(problem: BaseException) -> str:
    return INTERRUPTED if _was_interrupted(problem) else paragraph(problem)


def _was_interrupted(problem: BaseException) -> bool:
    """Whatever became of the signal on its way up."""
    return isinstance(problem, KeyboardInterrupt) or interrupts.heard()


@contextmanager
def saying_how_to_go_on() -> Iterator[None]:
    """After Ctrl-C, say on standard error that nothing which had ended is lost; the exception goes on."""
    try:
        yield
    except (KeyboardInterrupt, Exception) as problem:
        if _was_interrupted(problem):
            print(f"graft: {INTERRUPTED}", file=sys.stderr)
        raise


def quiet_libraries(verbose: bool) -> None:
    """Prefect's lines go to its server, and to standard error only when asked for. Before Prefect is imported."""
    if not verbose:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


@contextmanager
def only_json_on_stdout(as_json: bool) -> Iterator[None]:
    """While a run goes on, whatever a library writes to standard output lands on standard error."""
    if not as_json:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def plan(request: Request, as_json: bool) -> int:
    """Print the plan; exit code 1, with the same object, where a step that must be stored is not."""
    loaded, choice = request.checked()
    steps = _walk(loaded, choice, as_json)
    if as_json:
        print_json(planning.as_json(loaded, steps))
    else:
        from rich.console import Console

        from flows.terminal import print_plan

        print_plan(Console(), loaded.title, steps)
    planning.check_needed(loaded, choice, steps)
    return 0


def recipes(name: str | None, schema: bool) -> int:
    """Names with their first comment line, one recipe whole, or the schema."""
    if schema:
        print_json(recipe_files.schema())
    elif name:
        print(recipe_files.to_yaml(recipe_files.load(name).recipe), end="")
    else:
        width = max(len(each) for each in recipe_files.names())
        for each in recipe_files.names():
            print(f"{each:<{width}}  {recipe_files.purpose(each)}")
    return 0


def verify(as_json: bool) -> int:
    """Check the whole store; exit code 1 where something is wrong."""
    from rich.console import Console

    from artifacts.verify import verify as derive_anew
    from flows.mending import advised
    from flows.terminal import print_problems

    with only_json_on_stdout(as_json):
        found = derive_anew(Store())
        problems = advised(Store(), found.problems)
    if as_json:
        print_json({"artifacts": found.artifacts, "executions": found.executions, "problems": problems})
    else:
        console = Console()
        print_problems(console, problems)
        count = len(problems)
        verdict = f"{count} problem{'' if count == 1 else 's'}" if count else "nothing is wrong"
        console.print(f"{found.artifacts} artifacts, {found.executions} executions: {verdict}", highlight=False)
    return 1 if problems else 0


def paragraph(problem: BaseException) -> str:
    """An error for people: what graft says on purpose as it is, the rest with its kind and a way to see more."""
    if isinstance(problem, GraftError | PureError):
        return str(problem)
    text = " ".join(str(problem).split())
    return f"{type(problem).__name__}: {text} (run again with --debug for the traceback)"


def print_json(value: Mapping[str, Any]) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
