"""`graft runs --compare`: many runs in one table, with only those columns in which they differ."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artifacts.runs import RunRecord
from flows.runs_diff import ABSENT, flat
from flows.runs_list import interval
from tasks.pure.page_markdown import table

ACCURACY = ("accuracy", "accuracy_low", "accuracy_high")
LONGEST = 32  # letters of a cell on a terminal
GAP = 2  # between two columns there


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        rows: a mapping a run, with every name that it has.
        settings: the recipe's keys that differ, in the recipe's order, `seed` last.
        metrics: the accuracy with its interval, where one of the runs has it; and the other figures that differ.
        facts: what else differs: `recipe`, `state`, `study`, `deployment`, `seconds`.
        same: the recipe's keys that all have, with the one value.
    """

    rows: list[dict[str, Any]]
    settings: list[str]
    metrics: list[str]
    facts: list[str]
    same: dict[str, Any]

    @property
    def columns(self) -> list[str]:
        """All, for programs."""
        return ["run", *self.settings, *self.metrics, *self.facts]

    @property
    def shown(self) -> list[str]:
        """Those for people: of the figures the accuracy alone, which carries its interval."""
        return ["run", *self.settings, *self.metrics[:1], *self.facts]


def compare(records: Sequence[RunRecord], as_given: bool = False) -> Comparison:
    """Put runs side by side.

    Args:
        as_given: keep their order; else they are ordered by the settings that differ, column by column.
    """
    resolved = [dict(flat(record.resolved)) for record in records]
    figures, facts = [dict(record.metrics) for record in records], _facts(records)
    settings = sorted(_different(resolved), key=lambda name: name == "seed")
    of_accuracy = [name for name in ACCURACY if any(name in each for each in figures)]
    others = [name for name in _different(figures) if name not in ACCURACY]
    rows = [
        {"run": record.number, **told, **measured, **keys}
        for record, told, measured, keys in zip(records, facts, figures, resolved, strict=True)
    ]
    if not as_given:
        rows.sort(key=lambda row: [_rank(row.get(name)) for name in settings])
    same = {name: value for name, value in (resolved or [{}])[0].items() if name not in settings}
    return Comparison(rows, settings, [*of_accuracy, *others], _different(facts), same)


def _facts(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """What is no setting and no figure. Recipes go by their titles, unless two of them have the same."""
    titles, names = {record.title for record in records}, {record.recipe for record in records}
    titled = len(titles) == len(names)
    return [
        {
            "recipe": record.title if titled else record.recipe,
            "state": record.state,
            "study": record.study or None,
            "deployment": record.deployment or None,
            "seconds": record.seconds,
        }
        for record in records
    ]


def _different(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names whose values are not the same in all, in the order of the first row that has them."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if len({_text(row.get(name, ABSENT)) for row in rows}) > 1]


def _rank(value: Any) -> tuple[int, float, str]:
    """Numbers by size, then everything else by its text."""
    number = isinstance(value, int | float)
    return (0, float(value), "") if number else (1, 0.0, _text(value))


def _text(value: Any) -> str:
    """A value as a recipe has it: text as it is, the rest as JSON, which is YAML too."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_json(found: Comparison) -> dict[str, Any]:
    """`columns`, `runs` (a mapping a run, null where it has not what another has), and `same`."""
    rows = [{name: row.get(name) for name in found.columns} for row in found.rows]
    return {"columns": found.columns, "runs": rows, "same": found.same}


def write_csv(found: Comparison, file: TextIO) -> None:
    """One line a run; nothing where a run has not what another has."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(found.columns)
    for row in found.rows:
        writer.writerow(["" if row.get(name) is None else _text(row[name]) for name in found.columns])


def as_markdown(found: Comparison) -> str:
    """The table that people see, whole, to be pasted."""
    return table(found.shown, [[_cell(row, name) for name in found.shown] for row in found.rows])


def _cell(row: Mapping[str, Any], name: str) -> str:
    if name == "accuracy":
        return interval(row) or ABSENT
    if name == "seconds":
        return f"{row[name]:.1f}" if row.get(name) is not None else ABSENT
    value = row.get(name, ABSENT)
    return f"{value:g}" if isinstance(value, float) else ABSENT if name == "study" and not value else _text(value)


def show(console: Console, found: Comparison) -> None:
    """Print as many columns as there is room for, and name the others; in a pipe there is room for all."""
    cells = {name: [_short(_cell(row, name)) for row in found.rows] for name in found.shown}
    widths = {name: max(map(len, [*_headed(name).split("\n"), *cells[name]])) + GAP for name in cells}
    kept = _fitting(widths, console.width) if console.is_terminal else list(cells)
    console.width = max(console.width, sum(widths[name] for name in kept))
    printed = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for name in kept:
        printed.add_column(escape(_headed(name)), no_wrap=True, justify="right" if name == "run" else "left")
    for place in range(len(found.rows)):
        printed.add_row(*(escape(cells[name][place]) for name in kept))
    console.print(printed, highlight=False)
    left_out = [name for name in found.shown if name not in kept]
    if left_out:
        console.print(f"No room for: {escape(', '.join(left_out))}. --md and --csv have them.", highlight=False)
    console.print(f"The same in all: {len(found.same)} other keys of the recipe.", highlight=False)


def _headed(name: str) -> str:
    """`fine_tune.learning_rate` on two lines: the figures below it are narrow."""
    return name.replace(".", ".\n")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _fitting(widths: Mapping[str, int], room: int) -> list[str]:
    """The first columns that fit; run and accuracy always."""
    always = {name for name in ("run", "accuracy") if name in widths}
    left, kept = room - sum(widths[name] for name in always), set(always)
    for name, width in widths.items():
        if name not in always:
            left -= width
            if left < 0:
                break
            kept.add(name)
    return [name for name in widths if name in kept]
