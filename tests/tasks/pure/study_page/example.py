"""Made-up studies: what a page is told, for any number of seeds and arms."""

from dataclasses import asdict
from typing import Any

import numpy as np

from tasks.pure.statistics.decision import judge
from tasks.pure.statistics.looks import planned_looks
from tasks.pure.statistics.seed_table import seed_table
from tasks.pure.study_page.pictures import drawn
from tasks.pure.study_page.told import differences

IMAGES, MARGIN = 200, 0.01
NAMES = {"scratch": "training from scratch", "head-only": "the new head alone", "random-base": "a random base"}


def accuracies(leads: dict[str, float], seeds: int, spread: float = 0.01) -> dict[str, list[float]]:
    """Arm → accuracy by seed, whole images; transfer is near .86 and leads each arm by so much."""
    draw = np.random.default_rng(0)
    shared = 0.86 + draw.normal(0, 0.015, seeds)
    found = {arm: shared - lead + draw.normal(0, spread, seeds) for arm, lead in {"transfer": 0.0, **leads}.items()}
    return {arm: (np.round(values.clip(0, 1) * IMAGES) / IMAGES).tolist() for arm, values in found.items()}


def told(
    leads: dict[str, float] | None = None, seeds: int = 5, budget: int = 40, spread: float = 0.01, **more: Any
) -> dict[str, Any]:
    """What the page of such a study is told, judged by the code that judges real ones; without pictures."""
    leads = leads if leads is not None else {"scratch": 0.06}
    arms = accuracies(leads, seeds, spread)
    looks = planned_looks(budget=max(budget, seeds), comparisons=len(leads))
    found: dict[str, Any] = {"arms": arms, "id": "0123456789ab", "title": "quickstart", "names": NAMES}
    compared = {arm: _compared(differences(found, arm), looks) for arm in leads}
    against = min(compared, key=lambda arm: compared[arm]["difference"])
    words = [each["word"] for each in compared.values()]
    verdict = next((word for word in ("hurts", "go on", "undecided", "helps") if word in words), "no difference")
    plan = {"comparisons": [*leads], "looks": [[look.seeds, look.alpha] for look in looks], "margin": MARGIN}
    entry = compared[against]
    low, high = (f"{100 * (end or 0):+.1f}" for end in (entry["low"], entry["high"]))
    sentence = (
        f"Transfer {verdict}: {100 * entry['difference']:+.1f} points [{low}, {high}] (on these 200 test images)."
    )
    ended = {"seeds": seeds, "num_test": IMAGES, "done": True, "verdict": verdict, "sentence": sentence}
    command = "graft study quickstart"
    found |= {**ended, "against": against, "comparisons": compared, "command": command}
    return found | {"plan": {**plan, "budget": budget, "fixed": None, "threads": 2}, **more}


def with_pictures(known: dict[str, Any]) -> dict[str, Any]:
    return {**known, "pictures": drawn(known)}


def labels_curve(numbers: tuple[int, ...] = (10, 40, 200, 1000), seeds: int = 5) -> list[dict[str, Any]]:
    """Transfer begins high and gains little, scratch begins low and catches up."""
    draw = np.random.default_rng(1)

    def at(number: int, start: float, gain: float) -> list[float]:
        return (start + gain * np.log10(number) + draw.normal(0, 0.01, seeds)).round(3).clip(0, 1).tolist()

    return [
        {"axis": "labels", "value": number, "arms": {"transfer": at(number, 0.6, 0.1), "scratch": at(number, 0.3, 0.2)}}
        for number in numbers
    ]


def depth_curve() -> list[dict[str, Any]]:
    values = {"transfer": [0.9, 0.91, 0.92], "random-base": [0.85, 0.84, 0.86], "head-only": [0.8, 0.81, 0.79]}
    return [
        {
            "axis": "depth",
            "value": cut,
            "arms": {arm: [each - 0.01 * place for each in by] for arm, by in values.items()},
        }
        for place, cut in enumerate((1, 2, 3, "all"))
    ]


def full(seeds: int = 5) -> dict[str, Any]:
    """A study with everything that a page can show."""
    known = told(
        {"scratch": 0.06, "random-base": 0.035, "head-only": 0.01},
        seeds,
        curves=[*labels_curve(), *depth_curve()],
        tuned={"scratch": {"learning_rate": 0.003, "updates": 3}},
        computed=231,
        reused=1029,
        saved=4210.0,
        test_looks={"here": 45, "elsewhere": 12},
    )
    known["comparisons"]["random-base"]["images"] = {"low": -0.004, "high": 0.072, "holds": False}
    known["comparisons"]["head-only"]["images"] = {"low": -0.02, "high": 0.05, "holds": False}
    known["comparisons"]["scratch"]["images"] = {"low": 0.012, "high": 0.11, "holds": True}
    known["runs"] = [
        {
            "axis": "home",
            "value": "",
            "arm": arm,
            "seed": seed,
            "run": f"{seed:08d}-run",
            "report": f"../../r{seed}.html",
        }
        for arm in ("transfer", "scratch")
        for seed in range(seeds)
    ]
    return known


def _compared(values: list[float], looks: Any) -> dict[str, Any]:
    found = judge(values, looks, MARGIN, 1 / IMAGES)
    plain = {"word": found.word, "difference": found.mean, "low": found.low, "high": found.high, "more": found.more}
    table = asdict(seed_table(values[: found.seeds]))
    return {**plain, "alpha": found.look.alpha, "seeds": found.seeds, "table": table}
