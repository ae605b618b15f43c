"""Figures as a study's page writes them: differences in points, with their sign."""

from collections.abc import Mapping
from typing import Any

from tasks.pure.statistics.decision import DECIMALS
from tasks.pure.statistics.looks import FEWEST


def signed(difference: float | None) -> str:
    """−0.012 → "−1.2" points; 0 has no sign, and nothing is rounded to a signed 0."""
    if difference is None:
        return ""
    text = f"{100 * round(difference, DECIMALS):+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "\u2212")


def bracketed(entry: Mapping[str, Any]) -> str:
    """ "[−0.4, +2.8]" of `low` and `high`; "" where there is no interval."""
    if entry.get("low") is None or entry.get("high") is None:
        return ""
    return f"[{signed(entry['low'])}, {signed(entry['high'])}]"


def probability(value: float | None) -> str:
    """.0625 → "0.063"; under a thousandth "< 0.001"."""
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def said(comparison: Mapping[str, Any]) -> str:
    """The word of a comparison, as a reader takes it who has not read the plan."""
    if comparison["seeds"] < FEWEST:
        return "no verdict"
    return "not decided" if comparison["word"] == "go on" else str(comparison["word"])


def coverage(alpha: float) -> str:
    """.00167 → "99.8 %"."""
    return f"{100 * (1 - alpha):.3g}\u00a0%"


def points(margin: float) -> str:
    """.01 → "1 point", .005 → "0.5 points"."""
    return f"{100 * margin:g} point{'' if margin == 0.01 else 's'}"


def listed(names: list[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def share_won(table: Mapping[str, Any]) -> str:
    """ "4 of 5 (38–96 %)": seeds ahead, of those that are not tied, with Wilson's interval."""
    if table.get("share") is None:
        return "all tied" if table.get("tied") else ""
    tied = f", {table['tied']} tied" if table.get("tied") else ""
    low, high = 100 * table["share_low"], 100 * table["share_high"]
    return f"{table['won']} of {table['won'] + table['lost']}{tied} ({low:.0f}–{high:.0f}\u00a0%)"


def about(number: float) -> str:
    """Two significant figures: 178.3 → "180", 1,234 → "1,200": what is read off a line is not known better."""
    return f"{round(float(f'{number:.2g}')):,}"
