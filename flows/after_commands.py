"""What the commands that look back do, each returning its exit code: runs, show, diff, lineage."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artifacts.errors import UsageError
from artifacts.past import TRAININGS, PastRun
from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from flows import run_lineage, run_show
from flows.runs_list import Filter, interval, row, when, write_csv
from flows.suggestions import named
from flows.terminal import STATUS

NO_RUNS = "No such runs. Begin with [cyan]graft run quickstart[/], or drop a filter."
STATE = {"completed": "green", "failed": "red", "running": "cyan"}


Form = Literal["json", "csv", "md", "table"]


def form(as_json: bool, as_csv: bool, as_markdown: bool, side_by_side: bool) -> Form:
    """How to print runs.

    Raises:
        UsageError: in two ways at once, or as Markdown what is not compared.
    """
    given: dict[Form, bool] = {"json": as_json, "csv": as_csv, "md": as_markdown}
    asked = [each for each, wanted in given.items() if wanted]
    if len(asked) > 1:
        raise UsageError(f"Expected one of --json, --csv and --md, found --{' and --'.join(asked)}. Drop all but one.")
    if as_markdown and not side_by_side:
        raise UsageError("`--md` prints a comparison: `graft runs --compare --md`. Of a plain list there is `--csv`.")
    return asked[0] if asked else "table"


def runs(which: Filter, named_ones: Sequence[str], limit: int, form: Form, side_by_side: bool) -> int:
    """List the runs, newest first, or compare them.

    Raises:
        UsageError: a filter is none, or a run is not there.
    """
    known = Runs(Store())
    found = which.select(known.all())
    if named_ones:
        order = list(dict.fromkeys(known.find(each).number for each in named_ones))
        found = sorted((each for each in found if each.number in order), key=lambda each: order.index(each.number))
    found = found[: limit or None]
    if side_by_side:
        _print_comparison(found, form, as_given=bool(named_ones))
    elif form == "json":
        print_json({"runs": [row(record) for record in found]})
    elif form == "csv":
        write_csv(found, sys.stdout)
    elif found:
        _print_runs(found)
    else:
        wide_console().print(NO_RUNS)
    return 0


def _print_comparison(records: Sequence[RunRecord], form: Form, as_given: bool) -> None:
    from flows import runs_compare

    found = runs_compare.compare(records, as_given)
    if form == "json":
        print_json(runs_compare.as_json(found))
    elif form == "csv":
        runs_compare.write_csv(found, sys.stdout)
    elif not records:
        wide_console().print(NO_RUNS)
    elif form == "md":
        print(runs_compare.as_markdown(found))
    else:
        runs_compare.show(wide_console(), found)


def _print_runs(found: Sequence[RunRecord]) -> None:
    console = wide_console()
    table = Table(box=None, pad_edge=False)
    table.add_column("run", justify="right", no_wrap=True)
    table.add_column("recipe", overflow="fold")
    studied = any(record.study for record in found)
    for title in ("started", "accuracy", "hit / ran", "state", *(["study"] if studied else [])):
        table.add_column(title, no_wrap=True)
    for record in found:
        line = row(record)
        state = f"[{STATE.get(record.state, 'yellow')}]{record.state}[/]"
        name = escape(record.name or record.title)
        steps = f"{line['hit']:3} / {line['ran']}"
        of_study = [escape(record.study)] if studied else []
        accuracy = escape(interval(record.metrics))
        table.add_row(str(record.number), name, when(record.started), accuracy, steps, state, *of_study)
    console.print(table, highlight=False)


def wide_console() -> Console:
    """The terminal; or, in a pipe or a file, lines that are not folded at the 80 characters of no screen."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


def show(wanted: str, step: str | None, as_json: bool) -> int:
    """One run, or one step of it."""
    run = Store().run(wanted)
    if as_json:
        print_json(run_show.step_json(run, step) if step else run_show.run_json(run))
    elif step:
        _print_step(run, run_show.step_json(run, step))
    else:
        _print_run(run)
    return 0


def _print_run(run: PastRun) -> None:
    console = Console()
    _print_lines(console, run_show.heading(run))
    console.print()
    for step in run.record.steps:
        padding = " " * (8 - len(step["status"]))
        why = "" if step["status"] == "hit" else f"  [dim]{escape(step['reason'])}[/]"
        digest = run_show.short(step["artifact"]) if step["artifact"] else " " * run_show.SHORT
        status = f"{STATUS[step['status']]}{padding}"
        line = f"  {step['step']:<18} {status}{step['seconds']:7.1f} s  {digest}{why}"
        console.print(line, highlight=False, soft_wrap=True)
    if run.record.verdict:
        console.print()
    for sentence in run.record.verdict:
        console.print(escape(sentence), highlight=False, soft_wrap=True)


def _print_step(run: PastRun, found: dict[str, Any]) -> None:
    console = Console()
    status = f"{found.get('status', '')} in run {run.record.number}: {found.get('reason', '')}"
    _print_lines(console, [("step", found["step"]), ("status", status)])
    if "key" not in found or "parameters" not in found:
        _print_lines(console, [("report", str(found.get("report")))])
        return
    _print_lines(console, [("key", found["key"]), ("computed in", f"{found['computed_in_seconds']:.1f} s")])
    inputs = [(name, f"{each['kind']} {run_show.short(each['digest'])} from `{each['from']}`")
              for name, each in found["inputs"].items()]  # fmt: skip
    outputs = [(name, f"{each['kind']} {run_show.short(each['digest'])}  {_facts(found['facts'][name])}")
               for name, each in found["outputs"].items()]  # fmt: skip
    plain = {**run_show.opened(found["parameters"]), **({"seed": found["seed"]} if found["seed"] is not None else {})}
    _print_section(console, "computation", run_show.how(found["computed"]))
    _print_section(console, "parameters", [(name, str(value)) for name, value in plain.items()])
    _print_section(console, "inputs", inputs)
    _print_section(console, "data", [(name, sha256) for name, sha256 in found["data"].items()])
    _print_section(console, "outputs", outputs)
    _print_section(console, "code", [(name, run_show.short(sha256)) for name, sha256 in found["code"].items()])
    versions = {**found["versions"], **(found["device"] or {})}
    _print_section(console, "versions", [(name, str(value)) for name, value in versions.items()])
    if found["step"] in TRAININGS:
        from flows.terminal_plot import print_history

        print_history(console, found["history"])


def _facts(facts: dict[str, Any]) -> str:
    shown = {name: value for name, value in facts.items() if name not in ("layers", "columns", "predictions")}
    return " · ".join(f"{name} {value}" for name, value in shown.items())


def _print_section(console: Console, title: str, lines: list[tuple[str, str]]) -> None:
    if lines:
        console.print(f"\n[bold]{title}[/]")
        _print_lines(console, lines, indent=2)


def _print_lines(console: Console, lines: list[tuple[str, str]], indent: int = 0) -> None:
    width = max(len(label) for label, _ in lines)
    for label, text in lines:
        console.print(
            f"{' ' * indent}[dim]{escape(label):<{width}}[/]  {escape(text)}", highlight=False, soft_wrap=True
        )


def diff(first: str, second: str, as_json: bool) -> int:
    """What differs between two runs."""
    from flows.runs_diff import compare

    store = Store()
    found = compare(store.run(first), store.run(second))
    if as_json:
        print_json(found)
    else:
        _print_diff(wide_console(), found)
    return 0


def _print_diff(console: Console, found: dict[str, Any]) -> None:
    numbers = [f"run {run['number']}" for run in found["runs"]]
    for section in ("parameters", "code", "data", "versions", "metrics"):
        if not found[section]:
            console.print(f"[bold]{section}[/]: the same", highlight=False)
            continue
        table = Table(title=section, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for title in ("", *numbers):
            table.add_column(title, overflow="fold")
        for name, values in found[section].items():
            table.add_row(escape(name), *(escape(_value(value)) for value in values))
        console.print(table, highlight=False)
    for line in [*found["unknown"], *_accuracy_lines(found, numbers)]:
        console.print(escape(line), highlight=False, soft_wrap=True)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return run_show.short(text) if text.startswith("sha256:") else text


def _accuracy_lines(found: dict[str, Any], numbers: list[str]) -> list[str]:
    paired = found["accuracy"]
    if paired is None:
        return [f"No paired comparison of the accuracies: {found['accuracy_note']}"]
    bounds = f"{100 * paired['low']:+.1f} to {100 * paired['high']:+.1f}"
    return [
        f"Accuracy of {numbers[1]} less that of {numbers[0]}, on the same {paired['num_test']:,} test images: "
        f"{100 * paired['difference']:+.1f} points (interval {bounds}); {paired['gained']} images gained, "
        f"{paired['lost']} lost, exact McNemar p = {paired['p']:.3g}."
    ]


def lineage(wanted: str, form: str) -> int:
    """Where a run's model, or an artifact, comes from."""
    found = run_lineage.trace(Store(), wanted)
    named(form, run_lineage.FORMATS, "format")
    if form == "json":
        print_json(run_lineage.as_json(found))
    elif form == "mermaid":
        print(run_lineage.mermaid(found), end="")
    else:
        console = wide_console()
        for tree in run_lineage.as_tree(found):
            console.print(tree, highlight=False, soft_wrap=True)
        console.print()
        _print_lines(console, run_lineage.totals(found))
    for key in found.damaged:
        print(f"graft: the execution record {key} is damaged and was left out; see `graft verify`.", file=sys.stderr)
    return 0


def export(wanted: str, folder: Path) -> int:
    """A run as a folder that needs no graft."""
    from flows.run_export import export as write

    names = write(Store().run(wanted), folder.absolute())
    print(f"{folder}: {', '.join(names)}")
    return 0


def print_json(value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # the name of a file may hold bytes that are no text
        text = json.dumps(value, indent=2)
    print(text)
