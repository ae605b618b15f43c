"""A study's verdict: the sentence, and what belongs to it so that nobody reads more into it than there is."""

import re
from collections.abc import Mapping
from typing import Any

from tasks.pure.page_content import seeds_told
from tasks.pure.statistics.looks import FEWEST
from tasks.pure.study_page.figures import bracketed, coverage, listed, points, said, signed
from tasks.pure.study_page.told import named

TONES = {"helps": "good", "hurts": "bad"}
FOUND = ("helps", "hurts", "no difference")
SHORT_TRAININGS = 0.9  # momentum of moving statistics that a few dozen updates are enough for


def judged(told: Mapping[str, Any]) -> bool:
    """Whether there may be a verdict at all."""
    return int(told["seeds"]) >= FEWEST


def tone(told: Mapping[str, Any]) -> str:
    """How the verdict is coloured: `bad`, `warning` or `good`; never a substitute for its words."""
    return TONES.get(told["verdict"], "warning") if judged(told) and not told.get("unfair") else "warning"


def verdict(told: Mapping[str, Any]) -> list[str]:
    """The verdict in a sentence, then one to seven more on how far it reaches; plain text."""
    return [
        _sentence(told),
        *_not_ended(told),
        *_how_sure(told),
        *_too_small(told),
        *_of_which_images(told),
        *_skewed(told),
        *_lagging(told),
        *_one_by_one(told),
    ]


def no_verdict(seeds: int, difference: float, against: str, num_test: int) -> str:
    """What is said of fewer than five seeds, whatever they show."""
    are = f"{seeds_told(seeds)} {'is' if seeds == 1 else 'are'}"
    so_far = f"so far {signed(difference)} points against {against}"
    return f"No verdict: {are} fewer than five; {so_far}, on these {num_test:,} test images."


def _sentence(told: Mapping[str, Any]) -> str:
    if not judged(told):
        difference = _telling(told)["difference"]
        return no_verdict(told["seeds"], difference, named(told, told["against"]), told["num_test"])
    return re.sub(r"(?<=[ \[])-(?=\d)", "\u2212", str(told["sentence"]))


def _not_ended(told: Mapping[str, Any]) -> list[str]:
    return [] if told.get("done", True) else ["The study has not ended: all figures are those of the last look."]


def _how_sure(told: Mapping[str, Any]) -> list[str]:
    """What the interval is, so that its width is understood."""
    entry = _telling(told)
    if not judged(told) or entry.get("low") is None:
        return []
    return [
        f"The interval covers {coverage(entry['alpha'])}: Student's, of the paired differences of {entry['seeds']} "
        "seeds. Looks were planned before the first run; all of them and all comparisons share an error of 5\u00a0%."
    ]


def _too_small(told: Mapping[str, Any]) -> list[str]:
    """Sure and yet too small to matter."""
    entry, margin = _telling(told), told["plan"]["margin"]
    if not judged(told) or entry["word"] not in ("helps", "hurts"):
        return []
    inside = -margin <= entry["low"] and entry["high"] <= margin
    return [f"That is sure, but within the margin of {points(margin)}: too little to matter."] if inside else []


def _of_which_images(told: Mapping[str, Any]) -> list[str]:
    """Seeds are half of it: all of them share the test split."""
    if not judged(told):
        return []
    beside, these = _telling(told).get("images"), f"these {told['num_test']:,} test images"
    if not beside:
        return [f"It speaks of {these} alone; on other images of the kind it may be otherwise."]
    interval = f"{bracketed(beside)} points over seeds and images"
    if told["verdict"] not in FOUND:
        return [f"On images like these: {interval}."]
    if beside.get("holds"):
        return [f"It holds on images like these too: {interval}."]
    return [f"It speaks of {these} alone: on images like these the difference may be anything in {interval}."]


def _skewed(told: Mapping[str, Any]) -> list[str]:
    table = _telling(told).get("table") or {}
    if not table.get("strongly_skewed"):
        return []
    return [
        "The differences are strongly skewed: with such ones a verdict is wrong in up to 12\u00a0% of studies instead "
        "of 5\u00a0%. Look at the seeds before you rely on it."
    ]


def _lagging(told: Mapping[str, Any]) -> list[str]:
    """What it means, and what to do: of all arms, at every place."""
    places = [told.get("lagging") or {}, *((each.get("lagging") or {}) for each in told.get("curves") or [])]
    arms = list(dict.fromkeys(arm for place in places for arm in place))
    if not arms:
        return []
    where = sum(bool(place) for place in places)
    at = "" if where == bool(places[0]) else f", at {where} of {len(places)} places of this study"
    return [
        f"Batch-norm statistics of {listed([f'`{arm}`' for arm in arms])} had not converged{at}: right for 90 % "
        "of the training images and more with a batch's own statistics, for five points fewer of them with the moving "
        f"ones. Not the weights are to blame: ask again with {_remedy(told.get('momentum'))}."
    ]


def _remedy(momentum: float | None) -> str:
    more = "more updates (more epochs, smaller batches; `scratch.updates` in a study's file)"
    if momentum is None or momentum <= SHORT_TRAININGS:
        return more
    return f"a lower momentum (`--set pretrain.batch_norm_momentum={SHORT_TRAININGS}`; it is {momentum:g}), or {more}"


def _one_by_one(told: Mapping[str, Any]) -> list[str]:
    """Where the comparisons do not agree, that is said at once."""
    words = {arm: said(each) for arm, each in told["comparisons"].items()}
    if not judged(told) or len(set(words.values())) < 2:
        return []
    return ["One by one: " + "; ".join(f"against {named(told, arm)}, {word}" for arm, word in words.items()) + "."]


def _telling(told: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = told["comparisons"][told["against"]]
    return found
