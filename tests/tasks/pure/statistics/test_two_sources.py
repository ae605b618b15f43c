"""Seeds and images: mean squares against a published table, variances against covariances and a bootstrap."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.pure.errors import BadData
from tasks.pure.statistics.decision import interval, judge, unseen
from tasks.pure.statistics.looks import planned_looks
from tasks.pure.statistics.two_sources import TwoSources, mean_squares, speaks_of_images, two_sources

Arms = tuple[np.ndarray, np.ndarray]
MARGIN = 0.01


def arms(seeds: int, images: int, skill: float, difficulty: float, gain: float = 0.0, seed: int = 0) -> Arms:
    """Answers of two arms whose networks differ by seed (`skill`) and find different images hard (`difficulty`)."""
    generator = np.random.default_rng(seed)
    hard, able = generator.normal(0, difficulty, (2, 1, images)), generator.normal(0, skill, (2, seeds, 1))
    right = generator.normal(1 + np.array([gain, 0])[:, None, None] + hard + able) > 0
    return right[0], right[1]


def difference(right: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return right.astype(float) - reference


def test_the_mean_squares_are_those_of_shrout_and_fleiss() -> None:
    # Six targets by four judges: Intraclass correlations, Psychological Bulletin 86 (1979), tables 2 and 3.
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
    squares, freedoms = mean_squares(ratings)
    assert squares == pytest.approx([11.24, 32.49, 1.02], abs=5e-3)
    assert freedoms.tolist() == [5, 3, 15]


def components(cells: np.ndarray) -> tuple[float, float, float]:
    """Variance of seeds, of images and of the rest: what two images (two seeds) share, and what they do not."""
    seeds, images = cells.shape
    among_images, among_seeds = np.cov(cells, rowvar=False), np.cov(cells)
    by_seed = (among_images.sum() - np.trace(among_images)) / (images * (images - 1))
    by_image = (among_seeds.sum() - np.trace(among_seeds)) / (seeds * (seeds - 1))
    return float(by_seed), float(by_image), float(np.trace(among_images) / images - by_seed)


@pytest.mark.parametrize(("seeds", "images"), [(5, 200), (12, 60), (3, 2)])
def test_the_errors_are_those_of_the_covariances_between_images_and_between_seeds(seeds: int, images: int) -> None:
    right, reference = arms(seeds, images, 0.2, 1.5)
    by_seed, by_image, rest = components(difference(right, reference))
    found = two_sources(right, reference, 0.05)
    assert found.seeds**2 == pytest.approx(by_seed / seeds + rest / (seeds * images))
    assert found.images**2 == pytest.approx(max(by_image, 0) / images)


def test_resampling_seeds_and_images_finds_the_same_but_for_what_owen_says() -> None:
    right, reference = arms(8, 80, 0.5, 1.5)
    cells, generator = difference(right, reference), np.random.default_rng(1)
    means = [
        cells[generator.integers(8, size=8)][:, generator.integers(80, size=80)].mean() for _resample in range(20_000)
    ]
    by_seed, by_image, rest = components(cells)
    # Owen 2007: with replacement, the rest counts three times; variances among n are (n − 1)/n of what they should be.
    expected = (by_seed + rest / 80) / 8 * 7 / 8 + (by_image + rest / 8) / 80 * 79 / 80 + rest / 640 * 7 / 8 * 79 / 80
    assert np.var(means) == pytest.approx(expected, rel=0.05)
    found = two_sources(right, reference, 0.05)
    assert found.seeds**2 + found.images**2 == pytest.approx(expected - 2 * rest / 640, rel=0.15)


@pytest.mark.parametrize(("seeds", "skill", "difficulty"), [(5, 0.1, 1.0), (5, 0.3, 0.5), (20, 0.1, 1.0)])
def test_it_holds_the_truth_as_often_as_it_says_where_seeds_alone_do_not(
    seeds: int, skill: float, difficulty: float
) -> None:
    held = np.zeros(2)
    for study in range(400):
        right, reference = arms(seeds, 200, skill, difficulty, seed=study)
        both = two_sources(right, reference, 0.05)
        low, high, _deviation = interval(difference(right, reference).mean(axis=1), 0.05)
        assert low is not None and high is not None
        held += both.low <= 0 <= both.high, low <= 0 <= high
    assert 0.92 <= held[0] / 400 <= 0.98
    if difficulty == 1.0:
        assert held[1] / 400 < 0.9


def test_it_is_never_narrower_than_over_the_seeds_alone() -> None:
    for study in range(50):
        right, reference = arms(5, 40, 0.5, 0.0, seed=study)
        low, high, _deviation = interval(difference(right, reference).mean(axis=1), 0.05)
        both = two_sources(right, reference, 0.05)
        assert low is not None and high is not None
        assert both.low <= low + 1e-12 and both.high >= high - 1e-12


def test_images_that_do_not_matter_leave_the_interval_over_the_seeds() -> None:
    # Every seed is right on one half of the images, whichever: the images' means are equal.
    right = np.array([[True, False] * 50, [False, True] * 50] * 3) | (np.arange(6)[:, None] < 3)
    both = two_sources(right, np.zeros_like(right), 0.05)
    assert both.freedom == 5 and both.images == 0
    low, high, _deviation = interval(right.mean(axis=1), 0.05)
    assert (both.low, both.high) == (pytest.approx(low), pytest.approx(high))


def test_two_networks_that_agree_on_all_images_may_differ_on_others() -> None:
    right, _reference = arms(5, 200, 0.1, 1.0)
    both = two_sources(right, right, 0.005)
    assert (both.mean, both.high) == (0, pytest.approx(unseen(200, 0.005))) and both.low == -both.high
    assert 0.02 < both.high < 0.04


def test_a_verdict_on_few_images_speaks_of_these_only() -> None:
    spoken = {}
    for images in (200, 5_000):
        right, reference = arms(5, images, 0.02, 1.0, gain=0.2, seed=3)
        decision = judge(difference(right, reference).mean(axis=1), planned_looks(), MARGIN)
        assert decision.word == "helps"
        spoken[images] = speaks_of_images(decision, two_sources(right, reference, decision.look.alpha), MARGIN)
    assert spoken == {200: False, 5_000: True}


def test_of_no_verdict_nothing_is_said_of_other_images() -> None:
    decision = judge(np.array([0.3, -0.3, 0.1, -0.1, 0.0]), planned_looks(seeds=5), MARGIN)
    assert decision.word == "undecided"
    wide = TwoSources(0.0, -0.3, 0.3, 0.1, 0.1, 9.0)
    assert not speaks_of_images(decision, wide, MARGIN)
    assert not speaks_of_images(replace(decision, word="go on"), wide, MARGIN)


@pytest.mark.parametrize("shapes", [((5, 9), (5, 8)), ((1, 9), (1, 9)), ((5, 1), (5, 1)), ((9,), (9,))])
def test_answers_that_are_no_table_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(BadData, match="seeds, images"):
        two_sources(np.zeros(shapes[0], bool), np.zeros(shapes[1], bool), 0.05)


def test_classes_instead_of_answers_are_refused() -> None:
    with pytest.raises(BadData, match="as bool"):
        two_sources(np.full((5, 9), 3), np.full((5, 9), 3), 0.05)
