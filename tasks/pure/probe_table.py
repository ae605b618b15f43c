"""What `graft probe` says in words: a row for each base and cut, and what may be concluded."""

from collections.abc import Mapping
from typing import Any

from tasks.pure.page_content import UNKNOWN, percent
from tasks.pure.page_controls import lead
from tasks.pure.probe_plot import called, ranked

HEADERS = ("base · cut", "accuracy", "interval", "lead over raw pixels", "LogME")
SIZE = "pixels"


def headers(found: Mapping[str, Any]) -> list[str]:
    """Of the columns; one for the size of the pictures that each base sees only where these differ."""
    return [*HEADERS[:1], *([SIZE] if _sizes_differ(found) else []), *HEADERS[1:]]


def probe_rows(found: Mapping[str, Any]) -> list[list[str]]:
    """As `headers` says: the candidates, the best first; then raw pixels and the constant answer.

    Args:
        found: what `tasks.probe.probe` returns.
    """
    rows = [(_size(each), _row(called(each), each)) for each in ranked(found)]
    constant, pixels = found["constant"], found["raw_pixels"]
    always = [f"always “{constant['class']}”", percent(constant["accuracy"]), _interval(constant), "", ""]
    rows += [(_size(pixels), _row("raw pixels", pixels)), ("", always)]
    if not _sizes_differ(found):
        return [row for _, row in rows]
    return [[row[0], size, *row[1:]] for size, row in rows]


def _sizes_differ(found: Mapping[str, Any]) -> bool:
    return len({_size(each) for each in found["probes"]}) > 1


def _size(each: Mapping[str, Any]) -> str:
    return f"{each['height']} × {each['width']}"


def conclusion(found: Mapping[str, Any]) -> str:
    """One or two sentences on the best base beside raw pixels."""
    if not found["probes"]:
        return "No base was probed."
    best = ranked(found)[0]
    if best["accuracy"] is None:
        return (
            f"No accuracy: {best['how']}. LogME alone puts `{called(best)}` first; it has no interval. Give each class "
            "two labels or more (`--set target.labels=…`), or set a validation part aside (`target.validation`)."
        )
    if best["lead"] is None:
        return f"`{called(best)}` is best, at {percent(best['accuracy'])}."
    led = f"lead {lead({'difference': best['lead']})} points"
    if best["lead"]["low"] <= 0:
        return (
            f"No base does measurably better than logistic regression on raw pixels "
            f"(the best, `{called(best)}`: {led}). A transfer is not likely to help this task."
        )
    ties = sum(each["accuracy"] == best["accuracy"] for each in found["probes"]) - 1
    others = f" {ties} more {'answers' if ties == 1 else 'answer'} as well; LogME puts it first." if ties else ""
    return f"`{called(best)}` does best: {percent(best['accuracy'])}, {led} over raw pixels.{others}"


def _row(name: str, each: Mapping[str, Any]) -> list[str]:
    led = lead({"difference": each["lead"]}) if each["lead"] else ""
    return [name, percent(each["accuracy"]), _interval(each), led, f"{each['logme']:.3f}".replace("-", "−")]


def _interval(each: Mapping[str, Any]) -> str:
    if each["low"] is None:
        return UNKNOWN
    return f"{percent(each['low']).removesuffix(chr(160) + '%')}–{percent(each['high'])}"
