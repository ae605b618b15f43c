"""What a study's page says below its verdict: made once, so that HTML and Markdown say the same. Nothing is escaped.

A section whose figures are not there yet is not there either.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.pure.page_content import duration, percent
from tasks.pure.study_page.figures import bracketed, coverage, listed, points, probability, said, share_won, signed
from tasks.pure.study_page.places import labels_sentences, place_table, saved_of
from tasks.pure.study_page.told import TRANSFER, differences, named

# Beyond this many rows a table is folded away.
_MOST_ROWS = 10


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere.

    Attributes:
        text: what is read.
        href: a relative path; "" for none.
        spelled: whether the path is written out where links lead nowhere (Markdown, which Prefect's pages show too).
    """

    text: str
    href: str = ""
    spelled: bool = False


Cell = str | Link


@dataclass(frozen=True)
class Table:
    """Headers, rows, and which columns (by place, from 0) hold words and not figures."""

    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    words: Sequence[int] = (0,)


@dataclass(frozen=True)
class Section:
    """A part of the page: sentences (`code` in backticks), pictures (name, caption), a table, lines to copy.

    Attributes:
        folded: a summary, under which the table is folded away; "" to show it.
    """

    title: str
    text: Sequence[str] = ()
    pictures: Sequence[tuple[str, str]] = ()
    table: Table | None = None
    code: str = ""
    folded: str = ""

    @property
    def there(self) -> bool:
        return bool(self.text or self.pictures or self.code or (self.table and self.table.rows))


def sections(told: Mapping[str, Any]) -> list[Section]:
    """All that there is something to say in, in the order of the page."""
    makers: list[Callable[[Mapping[str, Any]], Section]] = [
        _accuracy, _compared, _labels, _depth, _unfrozen, _places, _seeds, _chosen, _plan, _cost, _runs, _again,
    ]  # fmt: skip
    return [section for section in (make(told) for make in makers) if section.there]


def _picture(told: Mapping[str, Any], name: str, caption: str) -> list[tuple[str, str]]:
    return [(name, caption)] if (told.get("pictures") or {}).get(name) else []


def _accuracy(told: Mapping[str, Any]) -> Section:
    caption = "Each dot is a seed, at the same height in every row; the bar is Student's 95 % interval of the mean."
    return Section("Accuracy by arm", pictures=_picture(told, "accuracy", caption))


def _compared(told: Mapping[str, Any]) -> Section:
    """The comparisons, with what stands beside a verdict; columns that nobody has figures for are left out."""
    compared = told["comparisons"].values()
    tables = [each.get("table") or {} for each in compared]
    columns: dict[str, list[str]] = {
        "transfer against": [*told["comparisons"]],
        "": [_word(each) for each in compared],
        "points": [signed(each["difference"]) for each in compared],
        "interval": [bracketed(each) for each in compared],
        "coverage": [coverage(each["alpha"]) for each in compared],
        "seeds": [str(each["seeds"]) for each in compared],
        "seeds won": [share_won(table) for table in tables],
        "sign-flip p": [probability(table.get("flip_p")) for table in tables],
        "seeds and images": [bracketed(each.get("images") or {}) for each in compared],
    }
    there = {name: cells for name, cells in columns.items() if any(cells)}
    rows = [list(row) for row in zip(*there.values(), strict=True)]
    caption = "Paired differences: the same seed draws the labels, the weights and the order of both arms."
    words = tuple(place for place, name in enumerate(there) if name in ("transfer against", ""))
    text = ["Differences are transfer less the other arm, in points of accuracy.", *_notes(told)]
    pictures = _picture(told, "differences", caption)
    return Section("Transfer compared, seed by seed", text, pictures, Table([*there], rows, words))


def _word(entry: Mapping[str, Any]) -> str:
    skewed = (entry.get("table") or {}).get("strongly_skewed")
    return f"{said(entry)} (skewed)" if skewed else said(entry)


def _notes(told: Mapping[str, Any]) -> list[str]:
    """What some of the columns need to be read right."""
    skewed = [arm for arm, each in told["comparisons"].items() if (each.get("table") or {}).get("strongly_skewed")]
    names = listed([f"`{arm}`" for arm in skewed])
    warning = f"Against {names} the differences are strongly skewed: the interval errs more often than it says."
    later = any(each["seeds"] < told["seeds"] for each in told["comparisons"].values())
    stands = "What a look decided stands: seeds after it are shown and change nothing."
    both = any(each.get("images") for each in told["comparisons"].values())
    images = "“Seeds and images” is the interval for other seeds and other images like these, at the same coverage."
    return [*([images] if both else []), *([warning] if skewed else []), *([stands] if later else [])]


def _labels(told: Mapping[str, Any]) -> Section:
    caption = "Means over seeds with Student's 95 % interval; faint dots are seeds."
    return Section("Accuracy by number of labels", labels_sentences(saved_of(told)), _picture(told, "labels", caption))


def _depth(told: Mapping[str, Any]) -> Section:
    caption = (
        "Where the base is cut: `transfer` is copied and tuned, `head-only` copied and frozen, `random-base` random "
        "and tuned, `random-head` random and frozen. A fall of `head-only` means layers specific to the source, or "
        "torn from those that they had adapted to (Yosinski et al., 2014)."
    )
    return Section("Transferability by depth of the cut", pictures=_picture(told, "depth", caption))


def _unfrozen(told: Mapping[str, Any]) -> Section:
    return Section("Accuracy by number of unfrozen layers", pictures=_picture(told, "unfrozen", "Means over seeds."))


def _places(told: Mapping[str, Any]) -> Section:
    headers, rows = place_table(told)
    table, note = Table(headers, rows, (0, 1)), "The verdict is about the recipe's own place; these are for the curves."
    folded = "Mean accuracy at every place" if len(rows) > _MOST_ROWS else ""
    return Section("Further places", [note] if rows else [], table=table, folded=folded)


def _seeds(told: Mapping[str, Any]) -> Section:
    """Every seed's accuracy, each a link to its run where that is known; then the means."""
    arms, against = sorted(told["arms"], key=lambda arm: arm != TRANSFER), told["against"]
    reports = {(run["arm"], run["seed"]): run.get("report") or "" for run in _home_runs(told)}
    lead = differences(told, against)
    rows: list[list[Cell]] = []
    for seed in range(told["seeds"]):
        cells = [Link(percent(told["arms"][arm][seed]), reports.get((arm, seed), "")) for arm in arms]
        rows.append([str(seed), *cells, signed(lead[seed])])
    if rows:
        means = [percent(sum(told["arms"][arm]) / told["seeds"]) for arm in arms]
        rows.append(["mean", *means, signed(sum(lead) / len(lead))])
    folded = f"All {told['seeds']} seeds" if told["seeds"] > _MOST_ROWS else ""
    headers = ["seed", *arms, f"transfer less {against} (points)"]
    return Section("Every seed", table=Table(headers, rows), folded=folded)


def _home_runs(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [run for run in told.get("runs") or [] if run["axis"] == "home"]


def _chosen(told: Mapping[str, Any]) -> Section:
    """What was chosen for the arms that would be straw men with the recipe's own rate."""
    tuned: Mapping[str, Mapping[str, Any]] = told.get("tuned") or {}
    rows = [[arm, f"{each['learning_rate']:g}", f"{each['updates']} ×"] for arm, each in tuned.items()]
    note = (
        "Rate and number of updates of these arms were chosen on validation images; the test images were not looked "
        "at. Transfer keeps the recipe's own: the choice favours these arms alone."
    )
    table = Table(["arm", "learning rate", "updates, times those of transfer"], rows)
    return Section("Chosen on validation", [note] if rows else [], table=table)


def _plan(told: Mapping[str, Any]) -> Section:
    plan = told["plan"]
    looks = ", ".join(f"{seeds} seeds (α {alpha:.3g})" for seeds, alpha in plan["looks"])
    wanted = f"one look at {plan['fixed']} seeds" if plan.get("fixed") else f"at most {plan.get('budget')} seeds"
    each = f", for each of {len(plan['comparisons'])} comparisons" if len(plan["comparisons"]) > 1 else ""
    facts = {
        "Arms": ", ".join(told["arms"]),
        "Comparisons": ", ".join(_explained(told, arm) for arm in plan["comparisons"]),
        "Looks": f"{looks}{each}",
        "Budget": wanted if plan.get("fixed") or plan.get("budget") else "",
        "Margin": f"±{points(plan['margin'])}: a difference inside is none",
        "Threads": str(plan.get("threads") or ""),
        "Study": str(told["id"]),
    }
    rows = [[name, value] for name, value in facts.items() if value]
    note = "Written down before the first run; the study's id is its digest, so that a changed plan is another study."
    return Section("The plan", [note], table=Table(["", ""], rows, (0, 1)))


def _explained(told: Mapping[str, Any], arm: str) -> str:
    """ "scratch (training from scratch)"."""
    words = named(told, arm)
    return arm if words == arm else f"{arm} ({words})"


def _cost(told: Mapping[str, Any]) -> Section:
    computed, reused, saved = told.get("computed"), told.get("reused"), told.get("saved")
    rows = []
    if computed is not None and reused is not None:
        rows.append(["Steps computed", f"{computed:,}"])
        rows.append(["Steps reused", f"{reused:,} of {computed + reused:,}"])
    if saved is not None:
        rows.append(["Time saved by reuse", duration(float(saved))])
    looks = told.get("test_looks") or {}
    if looks.get("here") is not None:
        elsewhere = looks.get("elsewhere")
        more = "" if elsewhere is None else f" in this study, {elsewhere:,} in others"
        rows.append(["Networks judged on this test split", f"{looks['here']:,}{more}"])
    return Section("Computed, reused, looked at", table=Table(["", ""], rows, (0, 1)))


def _runs(told: Mapping[str, Any]) -> Section:
    rows: list[list[Cell]] = []
    for run in told.get("runs") or []:
        place = "" if run["axis"] == "home" else f"{run['axis']} {run['value']}"
        link = Link(str(run["run"])[:8], run.get("report") or "", True) if run.get("run") else Link("")
        rows.append([str(run["arm"]), place or "the recipe's own", str(run["seed"]), link])
    folded = f"All {len(rows)} runs" if len(rows) > _MOST_ROWS else ""
    return Section("Runs", table=Table(["arm", "place", "seed", "run"], rows, (0, 1, 3)), folded=folded)


def _again(told: Mapping[str, Any]) -> Section:
    """How to repeat it: with a full store that costs nothing."""
    command, text = told.get("command") or "", []
    if command and told.get("study_yaml"):
        text = ["Save this as `study.yaml`, and run the command in the same folder."]
        command = f"{str(told['study_yaml']).rstrip()}\n\n$ {command}"
    return Section("Do it again", text, code=command)
