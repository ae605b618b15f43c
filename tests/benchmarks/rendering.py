"""RESULTS.md out of what was found: a table of all comparisons, then each section's circumstances and notes."""

from collections.abc import Iterator, Mapping

from tests.benchmarks.machine import in_words
from tests.benchmarks.results import Comparison, Findings, Side, Target

PAGE, FIGURES, PICTURE = "RESULTS.md", "results.json", "results.png"
HEAD = """\
# Speed, side by side

Made by `make bench` (`python -m tests.benchmarks.run --help`); not to be edited by hand. What is compared ran in turns,
as whole processes unless the table says otherwise. A ratio is the median of the first side divided by that of the
second. In brackets: the fastest and the slowest repeat.
"""
COLUMNS = ("section", "what", "target", "ratio", "first side", "second side", "target met?")


def page(found: Mapping[str, Findings], titles: Mapping[str, str], with_picture: bool) -> str:
    """The page in Markdown.

    Args:
        found: section → findings; a section without any is told as not measured.
        titles: section → what it measures, in the order of the page.
    """
    quick = any(each.how.get("quick") for each in found.values())
    lines = [HEAD]
    lines += ["**Made with `--quick`: tiny sizes, the figures mean nothing.**\n"] if quick else []
    lines += [_machines(found)] if found else []
    lines += ["\n".join(_table(found, titles)), ""]
    lines += [f"![Seconds of both sides of each comparison, and how cost grows]({PICTURE})\n"] if with_picture else []
    lines += [_section(name, title, found[name]) for name, title in titles.items() if name in found]
    return "\n".join(lines).rstrip() + "\n"


def _table(found: Mapping[str, Findings], titles: Mapping[str, str]) -> Iterator[str]:
    yield _row(*COLUMNS)
    yield "|" + "---|" * len(COLUMNS)
    for name, title in titles.items():
        findings = found.get(name)
        if findings is None:
            yield _row(f"`{name}`", title, "", "", "", "", "not measured yet")
        elif findings.skipped:
            yield _row(f"`{name}`", title, "", "", "", "", f"skipped: {findings.skipped}")
        else:
            yield from (_comparison(name, each) for each in findings.comparisons)


def _comparison(name: str, each: Comparison) -> str:
    verdict = f"**{each.verdict()}**" if each.verdict().startswith("not") else each.verdict()
    sides = _side(each.over), _side(each.under)
    return _row(f"`{name}`", each.what, target_in_words(each.target), f"{each.ratio:.2f}", *sides, verdict)


def target_in_words(target: Target) -> str:
    """`≥ 4 (aim 6)`, `≤ 1 (never above 1.1)`, or a dash."""
    if target.at_least is not None:
        return f"≥ {target.at_least:g}" + (f" (aim {target.aim:g})" if target.aim is not None else "")
    if target.at_most is None:
        return "–"
    return f"≤ {target.at_most:g}" + (f" (never above {target.never_above:g})" if target.never_above else "")


def _side(side: Side) -> str:
    low, middle, high = (_seconds(value) for value in (min(side.seconds), side.median, max(side.seconds)))
    return f"{side.label}: {middle} s ({low}–{high})"


def _seconds(value: float) -> str:
    """Three digits that count, whatever the size."""
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _section(name: str, title: str, findings: Findings) -> str:
    """A section's heading, notes and circumstances."""
    how = findings.how
    commit = f", commit {how['commit']}" if how.get("commit") else ""
    measured = f"- {how['date']}: `{how['command']}`{commit}; load before it began {how['load']}.\n"
    notes = "".join(f"- {note}\n" for note in findings.notes)
    return f"## `{name}`\n\n{title[:1].upper()}{title[1:]}.\n\n{notes}{measured}"


def _machines(found: Mapping[str, Findings]) -> str:
    """The machine, once; where the sections were measured on several, or with several versions, each with its own."""
    sections: dict[str, list[str]] = {}
    for name, findings in found.items():
        sections.setdefault(in_words(findings.how["machine"]), []).append(f"`{name}`")
    if len(sections) == 1:
        return f"Machine: {next(iter(sections))}.\n"
    return "".join(f"- {', '.join(names)}: {machine}.\n" for machine, names in sections.items())
