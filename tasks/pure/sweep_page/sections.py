"""What a sweep's page says: made once, so that HTML and Markdown say the same. Nothing is escaped."""

from collections.abc import Mapping
from typing import Any

from tasks.pure.page_content import Tile, duration, percent, seeds_told
from tasks.pure.study_page.figures import signed
from tasks.pure.study_page.sections import Link, Section, Table
from tasks.pure.sweep_page.told import Row, dropped, is_chosen, pairs

_MOST_ROWS = 40
GREY = (
    "Framed: chosen. Grey: as good as the best within the noise (the difference over the same seeds is less than its "
    "standard error). Below the mean: one standard error to either side."
)


def title(told: Mapping[str, Any]) -> str:
    return f"Which values? {told['title']}"


def line(told: Mapping[str, Any]) -> str:
    return (
        f"sweep {told['id']} · {len(told['rows'])} combinations · {told['num_validation']:,} validation images a seed "
        f"· {told['num_test']:,} test images"
    )


def tone(told: Mapping[str, Any]) -> str:
    """A warning where all are as good as the best: then the sweep has found no difference."""
    return "warning" if all(row["tied"] for row in told["rows"]) else "good"


def verdict(told: Mapping[str, Any]) -> list[str]:
    """The choice, then what to hold against it."""
    step = 100 / told["num_validation"]
    looks = told["test_looks"]["elsewhere"]
    return [
        told["sentence"],
        f"The rule: {told['rule']}.",
        "The best of many looks better on validation than it is; the figure on the test images is free of that: it was "
        "looked at once, after the choice.",
        f"A seed has {told['num_validation']:,} validation images, so that one image is {step:.1f} points.",
        *([f"The same test images were looked at {looks:,} times before, by other runs."] if looks else []),
    ]


def tiles(told: Mapping[str, Any]) -> list[Tile]:
    chosen = told["rows"][told["chosen"]]
    tied = sum(row["tied"] for row in told["rows"])
    seeds = f"mean of {seeds_told(told['seeds'])}"
    error = f" ± {100 * told['test_error']:.1f}" if told["test_error"] is not None else ""
    return [
        Tile("On validation", percent(chosen["mean"]), "of the chosen combination; optimistic"),
        Tile("On the test images", percent(told["test_mean"]), f"{seeds}{error}"),
        Tile("As good", f"{tied} of {len(told['rows'])}", "within one standard error of the best"),
    ]


def sections(told: Mapping[str, Any]) -> list[Section]:
    """All of the page below its verdict."""
    made = [*_pictures(told), _combinations(told), _test(told), _rounds(told), _cost(told)]
    return [*made, Section("Again", code=told["command"])]


def _pictures(told: Mapping[str, Any]) -> list[Section]:
    if not pairs(told):
        (key,) = told["grid"]
        return [Section(f"By {key}", pictures=[("values", "Accuracy on validation images, a row a value.")])]
    more = len(told["grid"]) > 2
    note = " Of the other keys the best values stand in a cell." if more else ""
    return [
        Section(f"{first} and {second}", pictures=[(f"map-{place}", f"Accuracy on validation images.{note} {GREY}")])
        for place, (first, second) in enumerate(pairs(told))
    ]


def _combinations(told: Mapping[str, Any]) -> Section:
    order = sorted(told["rows"], key=lambda row: (dropped(told, row), -row["mean"]))
    headers = ["", *told["grid"], "validation", "±", "seeds", "behind the best", "noise", "updates", "trained weights"]
    keys = len(told["grid"])
    folded = f"{len(order)} combinations" if len(order) > _MOST_ROWS else ""
    rows = [_row(told, row) for row in order]
    return Section("All combinations", table=Table(headers, rows, tuple(range(keys + 1))), folded=folded)


def _row(told: Mapping[str, Any], row: Row) -> list[str]:
    word = (
        "chosen"
        if is_chosen(told, row)
        else "as\u00a0good"
        if row["tied"]
        else "given\u00a0up"
        if dropped(told, row)
        else ""
    )
    error = "" if row["error"] is None else f"{100 * row['error']:.1f}"
    noise = "" if row["noise"] is None else f"{100 * row['noise']:.1f}"
    figures = [percent(row["mean"]), error, str(row["seeds"]), signed(row["behind"]).lstrip("+"), noise]
    return [word, *row["values"], *figures, f"{row['updates']:,}", f"{row['trained_weights']:,}"]


def _test(told: Mapping[str, Any]) -> Section:
    rows = [
        [str(seed), percent(accuracy), Link("report", path, spelled=True) if path else "gone"]
        for seed, (accuracy, path) in enumerate(zip(told["test"], told["runs"], strict=True))
    ]
    return Section("The chosen one on the test images", table=Table(["seed", "accuracy", "run"], rows, (0, 2)))


def _rounds(told: Mapping[str, Any]) -> Section:
    if len(told["rounds"]) == 1:
        return Section("")
    text = (
        "Successive halving (Jamieson and Talwalkar, 2016): those with the best mean go on. "
        "What was given up early was given up by few seeds."
    )
    rows = [[str(place), str(number), str(seeds)] for place, (number, seeds) in enumerate(told["rounds"], 1)]
    return Section("Rounds", [text], table=Table(["round", "combinations", "seeds"], rows))


def _cost(told: Mapping[str, Any]) -> Section:
    text = (
        f"{told['computed']:,} steps computed in {duration(told['seconds'])}, {told['reused']:,} taken from the store, "
        f"which saved {duration(told['saved'])}."
    )
    return Section("What it took", [text])
