"""What the axes of a study say in words and figures: labels saved, and the mean accuracy at every place."""

from collections.abc import Mapping
from typing import Any

from tasks.pure.page_content import percent
from tasks.pure.study_page.figures import about
from tasks.pure.study_page.labels_saved import COVERAGE, LabelsSaved, labels_saved
from tasks.pure.study_page.told import SCRATCH, TRANSFER, Curve, curve


def saved_of(told: Mapping[str, Any]) -> LabelsSaved | None:
    """The labels that transfer saves against training from scratch; None where the curves are not there."""
    found = curve(told, "labels")
    numbers: Curve = {
        arm: {place: values for place, values in places.items() if isinstance(place, int)}
        for arm, places in found.items()
    }
    if TRANSFER not in numbers or SCRATCH not in numbers:
        return None
    return labels_saved(numbers[TRANSFER], numbers[SCRATCH])


def labels_sentences(saved: LabelsSaved | None) -> list[str]:
    """How many labels scratch needs for transfer's accuracy with the fewest, how many that saves, and how surely."""
    if saved is None:
        return []
    reached = f"Transfer reaches {percent(saved.accuracy)} with {saved.fewest:,} labels"
    if saved.needed is None:
        tried = f"training from scratch does not with {saved.most:,}, the most that were tried"
        sentence = f"{reached}; {tried}: more than {saved.most - saved.fewest:,} labels are saved."
    elif saved.needed == saved.fewest:
        sentence = f"{reached}; so does training from scratch: no labels are saved."
    else:
        wanted = f"training from scratch needs about {about(saved.needed)} for that"
        sentence = f"{reached}; {wanted}: about {_saved(saved.needed, saved.fewest)} labels are saved."
    return [sentence, *_range(saved)]


def _saved(needed: float, fewest: int) -> str:
    """From the number as it is written, so that the sentence adds up."""
    return f"{max(int(about(needed).replace(',', '')) - fewest, 0):,}"


def _range(saved: LabelsSaved) -> list[str]:
    if not saved.draws or saved.low == saved.high:
        return []
    most = f"more than {saved.most:,}"
    low, high = (most if end is None else about(end) for end in (saved.low, saved.high))
    return [
        f"With the seeds resampled, scratch needs {low} to {high} labels ({100 * COVERAGE:.0f}\u00a0%; read off "
        "straight lines between the numbers that were tried)."
    ]


def place_table(told: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Headers and rows: axis, value, seeds, and the mean accuracy of each arm; no rows without axes."""
    places = told.get("curves") or []
    arms = list(dict.fromkeys(arm for place in places for arm in place["arms"]))
    rows = []
    for place in places:
        seeds = max((len(values) for values in place["arms"].values()), default=0)
        means = [_mean(place["arms"].get(arm)) for arm in arms]
        rows.append([str(place["axis"]), _value(place["value"]), str(seeds), *means])
    return ["axis", "value", "seeds", *arms], rows


def _value(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _mean(values: list[float] | None) -> str:
    return percent(sum(values) / len(values)) if values else ""
