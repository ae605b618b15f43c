"""What `graft predict` does: rows as they come, a bar where somebody watches, problems on standard error."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from artifacts.errors import UsageError
from artifacts.past import PastRun
from artifacts.store import Store
from flows.after_commands import print_json
from flows.predict_inputs import Problem, Skipped, count, images
from flows.predicting import Prediction, Predictor, Row, as_dict, chosen_run, write_csv

Each = Callable[[Row], None]


class _Told:
    """What must be said besides the rows: problems at once on `screen`; litter and animations are counted."""

    def __init__(self, screen: Console) -> None:
        self.screen, self.problems, self.skipped, self.animations = screen, list[Problem](), 0, 0

    def add(self, row: Row) -> None:
        self.skipped += isinstance(row, Skipped)
        self.animations += isinstance(row, Prediction) and row.frames is not None
        if isinstance(row, Problem):
            self.problems.append(row)
            self._say(row.problem)

    def say_counted(self) -> None:
        if self.animations:
            files = "file holds" if self.animations == 1 else "files hold"
            self._say(f"{self.animations} {files} several frames; the first one was labelled.")
        if self.skipped:
            files = "file that is no picture was" if self.skipped == 1 else "files that are no pictures were"
            self._say(f"{self.skipped} {files} passed over.")

    def _say(self, words: str) -> None:
        self.screen.print(f"graft: {words}", highlight=False, soft_wrap=True, markup=False)


def predict(paths: list[str], model: str | None, as_json: bool, csv_file: Path | None, explain: Path | None) -> int:
    """Label the images; exit code 1 where one was damaged, or a file given by name was none."""
    if as_json and csv_file is not None:
        raise UsageError("--json and --csv are two forms of the same rows. Give one of them.")
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        raise UsageError(f"No such file or folder: {', '.join(missing)}.")
    run = chosen_run(Store(), model)
    if model is None:
        _say_which(run)
    _make(explain)
    predictor = Predictor(run, explain)
    served = predictor.served
    screen = Console(stderr=True)
    told = _Told(screen)
    with _bar(screen, rows_on_the_way=not as_json and str(csv_file or "-") == "-") as bar:
        task = bar.add_task("", total=count(paths, served.decoding.channels))

        def each(row: Row) -> None:
            bar.advance(task)
            told.add(row)

        rows = predictor.predict(images(paths, served.decoding, served.pixels))
        if as_json:
            found = _all(rows, each)
        elif csv_file is not None:
            _write_csv(csv_file, rows, each)
        else:
            _print(rows, each)
    told.say_counted()
    if as_json:
        _print_json(run, found, told)
    return 1 if told.problems else 0


def _print_json(run: PastRun, found: list[Prediction], told: _Told) -> None:
    problems = [vars(problem) for problem in told.problems]
    predictions = [as_dict(row) for row in found]
    print_json({"run": run.record.id, "predictions": predictions, "problems": problems, "skipped": told.skipped})


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


def _all(rows: Iterator[Row], each: Each) -> list[Prediction]:
    found = []
    for row in rows:
        each(row)
        if isinstance(row, Prediction):
            found.append(row)
    return found


def _write_csv(path: Path, rows: Iterator[Row], each: Each) -> None:
    try:
        with nullcontext(_output()) if str(path) == "-" else _opened(path) as file:
            write_csv(file, rows, each)
    except OSError as problem:
        raise UsageError(f"--csv {path}: cannot be written ({problem.strerror}). Name another file.") from None


def _opened(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", errors="surrogateescape", newline="")


def _output() -> TextIO:
    """Standard output, which takes the names of files whatever bytes they are made of."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")
    return sys.stdout


def _print(rows: Iterator[Row], each: Each) -> None:
    console = Console(file=_output())
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
