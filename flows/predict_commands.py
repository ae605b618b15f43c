"""What `graft predict` does: rows as they come, a bar where somebody watches, problems on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from artifacts.errors import UsageError
from artifacts.past import PastRun
from artifacts.store import Store
from flows.after_commands import print_json
from flows.predict_inputs import Problem, count, images
from flows.predicting import Prediction, Predictor, as_dict, chosen_run, write_csv

Each = Callable[[Prediction | Problem], None]


def predict(paths: list[Path], model: str | None, as_json: bool, csv_file: Path | None, explain: Path | None) -> int:
    """Label the images; exit code 1 where something was none."""
    if as_json and csv_file is not None:
        raise UsageError("--json and --csv are two forms of the same rows. Give one of them.")
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"No such file or folder: {', '.join(missing)}.")
    run = chosen_run(Store(), model)
    if model is None:
        _say_which(run)
    _make(explain)
    predictor = Predictor(run, explain)
    screen = Console(stderr=True)
    problems: list[Problem] = []
    with _bar(screen, rows_on_the_way=not as_json and str(csv_file or "-") == "-") as bar:
        task = bar.add_task("", total=count(paths, predictor.channels))

        def each(row: Prediction | Problem) -> None:
            bar.advance(task)
            if isinstance(row, Problem):
                problems.append(row)
                screen.print(f"graft: {row.problem}", highlight=False, soft_wrap=True, markup=False)

        rows = predictor.predict(images(paths, predictor.channels, predictor.served.pixels))
        if as_json:
            found = _all(rows, each)
        elif csv_file is not None:
            _write_csv(csv_file, rows, each)
        else:
            _print(rows, each)
    if as_json:
        shown = [as_dict(row) for row in found]
        print_json({"run": run.record.id, "predictions": shown, "problems": [vars(problem) for problem in problems]})
    return 1 if problems else 0


def _bar(screen: Console, rows_on_the_way: bool) -> Progress:
    """A bar where somebody watches, save where the rows come on the same screen: one would be written into the other.

    It leaves standard output alone: what rich redirects ends on the bar's stream, and a pipe gets nothing.
    """
    hidden = not screen.is_terminal or (rows_on_the_way and sys.stdout is not None and sys.stdout.isatty())
    return Progress(
        TextColumn("labelling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=screen, transient=True, disable=hidden, redirect_stdout=False, redirect_stderr=False,
    )  # fmt: skip


def _say_which(run: PastRun) -> None:
    """Said where the choice is not the newest run of all: that one was interrupted, or made no network."""
    newest = run.all_records()[-1]
    if newest.id != run.record.id:
        print(
            f"graft: run {newest.number} ({newest.state}) has no network; this is that of run {run.record.number}.",
            file=sys.stderr,
        )


def _make(folder: Path | None) -> None:
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"--explain {folder}: cannot be made ({problem.strerror}). Name another folder.") from None


def _all(rows: Iterator[Prediction | Problem], each: Each) -> list[Prediction]:
    found = []
    for row in rows:
        each(row)
        if isinstance(row, Prediction):
            found.append(row)
    return found


def _write_csv(path: Path, rows: Iterator[Prediction | Problem], each: Each) -> None:
    try:
        opened = nullcontext(sys.stdout) if str(path) == "-" else path.open("w", encoding="utf-8", newline="")
        with opened as file:
            write_csv(file, rows, each)
    except OSError as problem:
        raise UsageError(f"--csv {path}: cannot be written ({problem.strerror}). Name another file.") from None


def _print(rows: Iterator[Prediction | Problem], each: Each) -> None:
    console = Console()
    for row in rows:
        each(row)
        if isinstance(row, Prediction):
            why = f"  {row.explanation}" if row.explanation else ""
            console.print(
                f"{escape(row.image)}  [bold]{escape(row.label)}[/] {100 * row.probability:.1f} %"
                f"  [dim]{escape(row.runner_up)} {100 * row.runner_up_probability:.1f} %{escape(why)}[/]",
                highlight=False,
                soft_wrap=True,
            )
