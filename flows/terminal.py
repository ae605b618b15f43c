"""What a person sees in a terminal: steps as they end, a bar while one trains, the result."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from artifacts.runs import RunRecord
from artifacts.store import Store
from flows.counting import told
from flows.dag import present
from flows.plan import PlannedStep
from flows.study import answering
from tasks.progress import Counting, EpochNews, Remark
from tasks.pure.page_controls import controls_line

STATUS = {
    "hit": "[green]hit[/]",
    "ran": "[cyan]ran[/]",
    "failed": "[red]failed[/]",
    "skipped": "[dim]skipped[/]",
    "run": "[cyan]RUN[/]",
    "hit-if-same": "[yellow]HIT if same[/]",
}
WIDTH = 18  # of the longest step's name
SILENT_SECONDS = 10.0  # between two lines about a training, where no bar can move


class TerminalObserver:
    """Draws a run as it goes. Use as a context manager, so that the bar is taken away at the end."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.record: RunRecord | None = None
        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[news]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task: TaskID | None = None
        self.failed = False
        self.first = True  # no news of the step under way yet
        self.spoke = time.monotonic()  # when something was last said of the step under way

    def __enter__(self) -> "TerminalObserver":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def run_started(self, record: RunRecord) -> None:
        self.record = record
        settings = "".join(f" · {escape(key)}={escape(str(value))}" for key, value in record.overrides.items())
        self._print(f"[bold]{escape(record.title)}[/] · run {record.number}{settings}")

    def step_started(self, step: str, reason: str) -> None:
        """Show a spinner; the reason is printed with the step's end."""
        self._clear()
        self.spoke = time.monotonic()
        self.task, self.first = self.bar.add_task(f"{step:<{WIDTH}}", total=None, news=""), True

    def epoch(self, news: EpochNews) -> None:
        """Move the bar; in a log file, where nothing moves, say every few seconds which epoch has ended."""
        shown = "  ".join(f"{name} {value:.3f}" for name, value in news.logs.items())
        if not self.console.is_terminal:
            self._log_epoch(news, shown)
        elif self.task is not None:
            epoch = f"epoch {min(news.epoch + 1, news.epochs)}/{news.epochs}"
            if self.first:  # where it goes on is no progress of a moment
                self.bar.reset(self.task, total=news.epochs, completed=news.epoch)
                self.first = False
            self.bar.update(self.task, total=news.epochs, completed=news.epoch + news.fraction)
            if shown:
                self.bar.update(self.task, news=f"{epoch}  {shown}")

    def count(self, news: Counting) -> None:
        """Move the bar by files; in a log file say every few seconds how many there are."""
        shown = told(news)
        if not self.console.is_terminal:
            self._say_seldom(news.step, shown)
        elif self.task is not None:
            self.bar.update(self.task, total=news.total, completed=news.done, news=shown)

    def remark(self, remark: Remark) -> None:
        """A dim line before the step's own."""
        self._print(f"  {remark.step:<{WIDTH}} [dim]{escape(remark.text)}[/]")

    def _log_epoch(self, news: EpochNews, shown: str) -> None:
        if shown:
            self._say_seldom(news.step, f"epoch {news.epoch}/{news.epochs}  {shown}")

    def _say_seldom(self, step: str, text: str) -> None:
        now = time.monotonic()
        if now - self.spoke >= SILENT_SECONDS:
            self.spoke = now
            self._print(f"  {step:<{WIDTH}} {text}")

    def step_finished(self, entry: Mapping[str, Any]) -> None:
        """A line a step. After a failure no more: its reason follows as a paragraph, the rest is skipped anyway."""
        self._clear()
        if self.failed:
            return
        self.failed = entry["status"] == "failed"
        why = "" if entry["status"] == "hit" or self.failed else f"  [dim]{escape(str(entry['reason']))}[/]"
        seconds = "        " if entry["status"] == "skipped" else f"{entry['seconds']:6.1f} s"
        status = STATUS[entry["status"]]
        padding = " " * (8 - len(entry["status"]))
        self._print(f"  {entry['step']:<{WIDTH}} {status}{padding}{seconds}{why}")

    def _clear(self) -> None:
        if self.task is not None:
            self.bar.remove_task(self.task)
            self.task = None

    def _print(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)


def print_result(console: Console, record: RunRecord) -> None:
    """What was learnt, and where the report lies."""
    console.print()
    if record.metrics and not record.verdict:  # `--only evaluate` ends before the report
        accuracy = [f"{100 * record.metrics[name]:.1f} %" for name in ("accuracy", "accuracy_low", "accuracy_high")]
        console.print(f"Accuracy {accuracy[0]} (interval {accuracy[1]} to {accuracy[2]})", highlight=False)
    for sentence in record.verdict:
        console.print(escape(sentence), highlight=False, soft_wrap=True)
    if beside := controls_line(record.metrics):
        console.print(beside, highlight=False, soft_wrap=True)
    steps = present(record.steps)
    done = sum(step["status"] == "hit" for step in steps)
    console.print(f"\n{done} of {len(steps)} steps were hits · {record.seconds:.1f} s", highlight=False)
    if record.report:
        console.print(f"Report: {escape(record.report)}", highlight=False, soft_wrap=True)
    if (asked := answering.answer(Store(), record)) and asked.page:
        console.print(f"Study: {escape(str(asked.page))}", highlight=False, soft_wrap=True)


def print_plan(console: Console, title: str, steps: Sequence[PlannedStep]) -> None:
    """A plan as a table: step, HIT or RUN, why."""
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("step")
    table.add_column("plan")
    table.add_column("why", overflow="fold")
    for step in steps:
        shown = "[green]HIT[/]" if step.status == "hit" else STATUS[step.status]
        table.add_row(step.step, shown, escape(step.reason))
    console.print(table, highlight=False)


def print_problems(console: Console, problems: Sequence[Mapping[str, str]]) -> None:
    """What `graft verify` found wrong, and what mends it."""
    for problem in problems:
        console.print(f"[red]✗[/] {escape(problem['what'])}", highlight=False, soft_wrap=True)
        console.print(f"  mend it: {escape(problem['mend'])}", highlight=False, soft_wrap=True)
