"""The verdict: two to six plain sentences, the most important first. It flatters nobody."""

from statistics import median
from typing import Any

from tasks.pure.data.problems import LEAK, named
from tasks.pure.page_content import Page, by_seed, interval, percent, points, seeds_told, untested
from tasks.pure.page_controls import as_good, better, raw_pixels_sentence

# Below this gain over a constant answer, accuracy alone misleads.
_NEARLY = 0.05
_SMALL_TEST, _FEW_SEEDS, _MOST_SENTENCES = 1000, 5, 6


def verdict(page: Page) -> list[str]:
    """What the run showed, and how far that can be trusted.

    Returns:
        One to six sentences (some of two clauses), plain text, the most important first.
    """
    if page.metrics.get("accuracy") is None:
        return ["Not evaluated: this run ended before `evaluate`, so nothing can be said about the network yet."]
    found = [
        *_trained_on(page.metrics),
        *raw_pixels_sentence(page.metrics),
        _accuracy(page.metrics),
        *_untested(page.metrics),
        *_batch_norm(page.metrics),
        *_random_base(page),
        _control(page),
        *_fine_tuning(page.metrics),
        *_caution(page),
    ]
    return found[:_MOST_SENTENCES]


def tone(page: Page) -> str:
    """How the verdict is coloured: `bad`, `warning` or `good`; never a substitute for its words."""
    metrics = page.metrics
    if metrics.get("accuracy") is None or not _beats_constant(metrics) or _batch_norm(metrics) or better(metrics):
        return "bad"
    if _leaks(metrics) or untested(metrics) or as_good(metrics):
        return "warning"
    return "good" if page.copy_weights and _gain(metrics) >= _NEARLY and _helped(page) else "warning"


def _helped(page: Page) -> bool:
    """Whether the transfer did, as far as is known: by a study's word, else in each seed that ran in both ways."""
    if answer := page.study.get("answer"):
        return bool(answer["verdict"] == "helps")
    won, _, lost = _paired(page)
    return won > 0 and not lost


def _gain(metrics: dict[str, Any]) -> float:
    constant = (metrics.get("majority") or {}).get("accuracy", 0.0)
    return float(metrics.get("accuracy_gain", metrics["accuracy"] - constant))


def _beats_constant(metrics: dict[str, Any]) -> bool:
    """By more than chance: the interval of the gain, or else of the accuracy, lies above the constant answer."""
    if metrics.get("accuracy_gain_low") is not None:
        return bool(metrics["accuracy_gain_low"] > 0)
    constant = (metrics.get("majority") or {}).get("accuracy", 0.0)
    return bool(metrics.get("accuracy_low", metrics["accuracy"]) > constant)


def _trained_on(metrics: dict[str, Any]) -> list[str]:
    """Said first where more than a hundredth of the test images were trained on: the figures below rest on memory."""
    without = metrics.get("without_duplicates")
    if not _leaks(metrics) or not without:
        return []
    share = f"{without['trained_on']:,} of {metrics['num_test']:,} test images"
    if not without["num_test"]:
        return [f"All {share} were trained on too: what they say is memory, and nothing is left to test on."]
    return [
        f"{share} ({percent(without['trained_on'] / metrics['num_test'])}) were trained on too. Without them "
        f"{percent(without['accuracy'])} of {without['num_test']:,} are answered right (interval {interval(without)}), "
        f"with them {percent(metrics['accuracy'])}."
    ]


def _leaks(metrics: dict[str, Any]) -> bool:
    without = metrics.get("without_duplicates") or {"trained_on": 0}
    return bool(without["trained_on"] > LEAK * metrics.get("num_test", 0))


def _untested(metrics: dict[str, Any]) -> list[str]:
    names, count = untested(metrics), len(metrics.get("per_class") or [])
    if not names:
        return []
    return [f"{len(names)} of {count} classes {'was' if len(names) == 1 else 'were'} not tested: {named(names)}."]


def _accuracy(metrics: dict[str, Any]) -> str:
    majority = metrics.get("majority") or {}
    name, constant = majority.get("class", "the most frequent class"), percent(majority.get("accuracy"))
    coverage = f"{100 * metrics.get('confidence', 0.95):.0f}\u00a0% interval {interval(metrics)}"
    images = f"{metrics.get('num_test', 0):,} test images"
    said = f"{percent(metrics['accuracy'])} of {images} are answered right ({coverage})"
    always = f"always answering “{name}” is right for {constant}"
    gain = _gain(metrics)
    if not _beats_constant(metrics):
        how = "worse than" if gain < 0 else "not measurably better than"
        return f"{said}, which is {how} a constant answer: {always}."
    if gain < _NEARLY:
        balanced = percent(metrics.get("balanced_accuracy"))
        return (
            f"{said}, but a constant answer nearly reaches this: {always}, only {points(gain)} less. Look at the "
            f"balanced accuracy instead: {balanced}."
        )
    return f"{said}; {always}, so the network gains {points(gain)} on it."


def _batch_norm(metrics: dict[str, Any]) -> list[str]:
    diagnosis = metrics.get("batch_norm") or {}
    return [diagnosis["message"]] if diagnosis.get("message") else []


def _random_base(page: Page) -> list[str]:
    if page.copy_weights:
        return []
    return [
        "Random base: the weights were NOT copied, so nothing was transferred; this run is a control for one that does."
    ]


def _paired(page: Page) -> tuple[int, int, int]:
    """In how many seeds that both ran did copying the weights win, draw, lose?"""
    this, other = by_seed(page.controls.get("this")), by_seed(page.controls.get("other"))
    sign = 1 if page.copy_weights else -1
    gains = [sign * (this[seed] - other[seed]) for seed in this.keys() & other.keys()]
    return sum(g > 0 for g in gains), sum(g == 0 for g in gains), sum(g < 0 for g in gains)


def _control(page: Page) -> str:
    """What a study says; else what the control says that was run; else who can say it."""
    this, other = by_seed(page.controls.get("this")), by_seed(page.controls.get("other"))
    theirs = page.controls.get("other_name") or "a run without the transfer"
    if answer := page.study.get("answer"):
        return f"Study {answer['study']}, with controls and over seeds: {answer['sentence']}"
    if not other:
        return _nothing_proven(page, len(this), theirs)
    mine = page.controls.get("this_name") or "this"
    here, there = median(this.values() or [page.metrics["accuracy"]]), median(other.values())
    return (
        f"Against its control, in the median: {mine} {percent(here)} ({seeds_told(max(len(this), 1))}), {theirs} "
        f"{percent(there)} ({seeds_told(len(other))}), {_difference(here - there)}; {_in_pairs(page)}"
    )


def _nothing_proven(page: Page, seeds: int, control: str) -> str:
    start = "One run proves nothing" if seeds < 2 else f"{seeds_told(seeds)} without a control prove nothing"
    if trial_of := page.study.get("trial_of"):
        return f"{start}: this is a trial of {trial_of}, whose page says what all of them show."
    command = page.study.get("command")
    how = f" `{command}` answers it, with controls and over seeds." if command else ""
    return f"{start}: the control, {control}, has not been run.{how}"


def _difference(difference: float) -> str:
    if round(abs(difference), 3) == 0:
        return "no difference"
    return f"{points(difference)} {'more' if difference > 0 else 'less'} for the former"


def _in_pairs(page: Page) -> str:
    """What the seeds that both ran say about copying the weights."""
    won, drawn, lost = _paired(page)
    pairs = won + drawn + lost
    if not pairs:
        return "no seed was run in both ways, so they cannot be compared one by one."
    counted = f"copying the weights was better in {won} and worse in {lost} of {seeds_told(pairs)} run in both ways"
    if pairs < 3:
        return f"{counted}, which is too few to conclude from."
    if won == pairs:
        return f"{counted}: the transfer helped."
    if lost == pairs:
        return f"{counted}: the transfer hurt."
    return f"{counted}: no clear difference."


def _fine_tuning(metrics: dict[str, Any]) -> list[str]:
    head = metrics.get("after_head")
    if not head:
        return []
    change = metrics["accuracy"] - head["accuracy"]
    if round(abs(change), 3) == 0:
        return [f"Fine-tuning changed nothing: {percent(head['accuracy'])} with the new head alone."]
    low, high = head.get("accuracy_low"), head.get("accuracy_high")
    within = low is not None and high is not None and low <= metrics["accuracy"] <= high
    moved = f"Fine-tuning {'gained' if change > 0 else 'lost'} {points(change)} on the new head alone"
    sure = ", which is within the head's own interval" if within else ""
    return [f"{moved} ({percent(head['accuracy'])}){sure}."]


def _caution(page: Page) -> list[str]:
    """What the figures cannot carry: a small test set, few seeds."""
    num_test = page.metrics.get("num_test") or 0
    found = [f"{num_test:,} test images are few"] if num_test < _SMALL_TEST else []
    pairs = 0 if page.study.get("answer") else sum(_paired(page))
    # Fewer than three, and a control that was never run, have been said already.
    if 3 <= pairs < _FEW_SEEDS:
        found.append(f"{seeds_told(pairs)} are few")
    return [f"Take the figures with care: {', and '.join(found)}."] if found else []
