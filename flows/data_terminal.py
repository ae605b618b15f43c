"""What `graft data` says in a terminal: tables, no pictures."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.data_look import Look
from tasks.pure import page_data


def print_look(console: Console, seen: Look, page: Path) -> None:
    """Counts by class and part, what the pictures are, duplicates, problems, and where the page lies."""
    for each in page_data.data_sets(seen.data):
        title = seen.loaded.title if seen.alone else f"{seen.loaded.title} · {each.role}"
        console.print(f"[bold]{escape(title)}[/]", highlight=False, soft_wrap=True)
        console.print(_table(each.headers, each.counts), highlight=False)
        if each.note:
            console.print(f"[dim]{escape(each.note)}[/]", highlight=False)
        for name, value in each.facts:
            console.print(f"[dim]{escape(name)}:[/] {escape(value)}", highlight=False, soft_wrap=True)
        console.print()
    _print_duplicates(console, seen)
    for sentence in seen.problems:
        mark = "[red]✗[/]" if sentence in seen.refused else "[yellow]![/]"
        console.print(f"{mark} {escape(sentence)}", highlight=False, soft_wrap=True)
    for sentence in seen.assumed:
        console.print(f"[yellow]·[/] {escape(sentence)}", highlight=False, soft_wrap=True)
    if not seen.problems:
        console.print("[green]✓[/] Nothing is wrong with it that graft looks for.", highlight=False)
    console.print(f"Page: {escape(str(page))}", highlight=False, soft_wrap=True)


def _print_duplicates(console: Console, seen: Look) -> None:
    rows = page_data.duplicate_rows(seen.data)
    if rows:
        console.print(_table(["the same picture", "exactly", "nearly"], rows), highlight=False)
    console.print(f"[dim]{escape(page_data.duplicates_note(seen.data))}[/]\n", highlight=False, soft_wrap=True)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for place, header in enumerate(headers):
        table.add_column(escape(header), justify="right" if place else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table
