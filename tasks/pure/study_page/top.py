"""What stands on top of a study's page: its title, a line, and the key numbers."""

from collections.abc import Mapping
from typing import Any

from tasks.pure.page_content import Tile, percent, seeds_told
from tasks.pure.study_page.figures import bracketed, signed
from tasks.pure.study_page.told import TRANSFER, named


def title(told: Mapping[str, Any]) -> str:
    return f"Does transfer help? {told['title']}"


def line(told: Mapping[str, Any]) -> str:
    """Study, seeds and images in one line."""
    seeds = told["seeds"]
    return f"study {told['id']} · {seeds_told(seeds)} · {told['num_test']:,} test images"


def tiles(told: Mapping[str, Any]) -> list[Tile]:
    """The numbers on top: transfer, the arm that the verdict rests on, and the difference."""
    against, entry = told["against"], told["comparisons"][told["against"]]
    seeds = entry["seeds"]  # those that the difference is of
    ours, theirs = (sum(told["arms"][arm][:seeds]) / seeds for arm in (TRANSFER, against))
    mean = f"mean of {seeds_told(seeds)}"
    difference = f"{signed(entry['difference'])}\u00a0points"
    interval = bracketed(entry)
    note = f"interval {interval}, {seeds} seeds" if interval else "one seed has no interval"
    return [
        Tile("Transfer", percent(ours), mean),
        Tile(_capital(named(told, against)), percent(theirs), mean),
        Tile("Difference", difference, note),
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
