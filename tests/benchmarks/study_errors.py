"""How often a study's verdict is wrong, and how often it finds what is there: simulated with the code that decides.

    python -m tests.benchmarks.study_errors [--studies 20000]

Each study draws the differences of 40 seeds, in standard deviations between seeds, and is judged as `graft study`
judges. "helps" and "hurts" are wrong where the mean difference is 0; "no difference" where it is at the margin.
Then: how often the 95 % interval over seeds and images, and that over seeds alone, holds a true difference of 0, where
networks differ in skill by seed and each arm finds other images hard (a tenth of the studies).
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tasks.pure.statistics.decision import interval, judge
from tasks.pure.statistics.looks import MOST, Look, planned_looks
from tasks.pure.statistics.seed_table import strongly_skewed
from tasks.pure.statistics.two_sources import two_sources

Draw = Callable[[np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Outcome:
    """Shares of the studies by verdict, of those with a warning of skewness, and the mean number of seeds."""

    words: dict[str, float]
    warned: float
    wrong_unwarned: float
    seeds: float


class Case(NamedTuple):
    name: str
    draw: Draw
    looks: Sequence[Look]
    margin: float = 0.0


def simulate(draw: Draw, looks: Sequence[Look], margin: float, studies: int, seed: int) -> Outcome:
    """So many studies, judged by the code that judges the real ones."""
    generator, words, warned, unwarned, seeds = np.random.default_rng(seed), Counter[str](), 0, 0, 0
    for _ in range(studies):
        differences = draw(generator)
        found = judge(differences, looks, margin)
        skewed = strongly_skewed(differences[: found.seeds])
        words[found.word] += 1
        warned += skewed
        unwarned += found.word in ("helps", "hurts") and not skewed
        seeds += found.seeds
    shares = {word: count / studies for word, count in words.items()}
    return Outcome(shares, warned / studies, unwarned / studies, seeds / studies)


def normal(mean: float = 0.0) -> Draw:
    return lambda generator: generator.normal(mean, 1, MOST)


def exponential(generator: np.random.Generator) -> np.ndarray:
    """Mean 0, skewness 2."""
    return generator.exponential(1, MOST) - 1


def log_normal(generator: np.random.Generator) -> np.ndarray:
    """Mean 0, skewness 6."""
    return generator.lognormal(0, 1, MOST) - np.exp(0.5)


def collapsing(generator: np.random.Generator) -> np.ndarray:
    """One arm collapses in one seed of ten, which makes good for the rest: mean 0."""
    return generator.normal(1, 0.3, MOST) - 10 * (generator.random(MOST) < 0.1)


def cases() -> Iterator[Case]:
    ours = planned_looks()
    yield Case("no difference; every seed from 5 at .05", normal(), tuple(Look(at, 0.05) for at in range(5, MOST + 1)))
    yield Case("no difference; planned looks", normal(), ours)
    yield Case("no difference; one look at 40", normal(), planned_looks(seeds=MOST))
    for size in (0.5, 1.0, 2.0):
        yield Case(f"mean {size:g}; planned looks", normal(size), ours)
    yield Case("no difference, margin 1; planned looks", normal(), ours, 1.0)
    yield Case("mean .5, margin .5; planned looks", normal(0.5), ours, 0.5)
    yield Case("mean 1, margin 1; planned looks", normal(1.0), ours, 1.0)
    yield Case("exponential, mean 0; planned looks", exponential, ours)
    yield Case("exponential, mean 0; one look at 40", exponential, planned_looks(seeds=MOST))
    yield Case("log-normal, mean 0; planned looks", log_normal, ours)
    yield Case("one seed in ten collapses, mean 0; planned looks", collapsing, ours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=20_000, help="of each kind (default: 20000)")
    studies = parser.parse_args().studies
    print(
        f"| {studies:,} studies each | helps | hurts | no difference | undecided | seeds | warned | wrong, unwarned |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for case in cases():
        found = simulate(case.draw, case.looks, case.margin, studies, seed=0)
        shares = [found.words.get(word, 0.0) for word in ("helps", "hurts", "no difference", "undecided")]
        words = " | ".join(f"{share:.4f}" for share in shares)
        unwarned = f"{found.wrong_unwarned:.3f}" if "mean 0;" in case.name or "no difference" in case.name else ""
        print(f"| {case.name} | {words} | {found.seeds:.1f} | {found.warned:.3f} | {unwarned} |", flush=True)
    cover(studies // 10)


def answers(
    generator: np.random.Generator, seeds: int, images: int, skill: float, difficulty: float
) -> tuple[np.ndarray, np.ndarray]:
    """(seeds, images) bool of two arms that are equally good on images and seeds of the kind."""
    hard, able = generator.normal(0, difficulty, (2, 1, images)), generator.normal(0, skill, (2, seeds, 1))
    right = generator.normal(1 + hard + able) > 0
    return right[0], right[1]


def cover(studies: int) -> None:
    print(f"\n| {studies:,} studies each | seeds and images | seeds alone |\n|---|---|---|")
    for seeds, images, skill, difficulty in (
        (5, 200, 0.3, 0.5),
        (5, 200, 0.1, 1),
        (10, 200, 0.1, 1),
        (40, 200, 0.1, 1),
        (40, 50, 0.1, 1),
        (20, 1000, 0.1, 1),
        (5, 200, 0, 0),
    ):
        generator, both, alone = np.random.default_rng(0), 0, 0
        for _ in range(studies):
            right, reference = answers(generator, seeds, images, skill, difficulty)
            found = two_sources(right, reference, 0.05)
            low, high, _deviation = interval(right.mean(axis=1) - reference.mean(axis=1), 0.05)
            both += found.low <= 0 <= found.high
            alone += low is not None and high is not None and low <= 0 <= high
        name = f"{seeds} seeds (skill ± {skill:g}), {images} images (difficulty ± {difficulty:g})"
        print(f"| {name} | {both / studies:.3f} | {alone / studies:.3f} |", flush=True)


if __name__ == "__main__":
    main()
