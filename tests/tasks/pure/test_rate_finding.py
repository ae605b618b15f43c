"""`learning_rate: auto`: what a curve of losses suggests, and how the curve is made."""

import itertools
from typing import Any

import numpy as np
import pytest

from tasks.pure import rate_finding
from tasks.pure.errors import BadData
from tasks.pure.rate_finding import averaged, curve_of, falling, find, has_blown_up, rising_rates
from tasks.pure.rate_plot import rate_plot
from tasks.pure.surgery import Trainable, set_trainable
from tasks.pure.training import Augmentation, Training
from tests.tasks.pure.small_networks import built, examples, network, train, weights

LIKE = network("dense", (16,))
PLAIN = Training(epochs=1, batch_size=10, learning_rate=0.0, early_stopping=None, class_weights=False, auto_rate=True)


def bowl(steepest: float, noise: float = 0.1) -> tuple[list[float], list[float]]:
    """Gradient descent on Σ ½ s w² from w = 1, the steepnesses s a hundredfold apart, with noise of a tenth, at rising
    rates: (rates, losses) until it blows up. Beyond a rate of 2 / steepest each update leads further away."""
    drawn, steepness, place = np.random.default_rng(0), np.geomspace(steepest / 100, steepest, 20), np.ones(20)
    rates, losses = rising_rates(), []
    for rate in rates:
        losses.append(float((0.5 * steepness * place**2).sum() * (1 + noise * drawn.normal())))
        if has_blown_up(losses):
            break
        place = place - rate * steepness * (place + noise * drawn.normal(size=20))
    return rates[: len(losses)], losses


@pytest.mark.parametrize("steepest", [10.0, 100.0, 1000.0])
def test_in_a_bowl_a_rate_is_taken_that_converges_and_is_not_timid(steepest: float):
    """Gradient descent converges below 2 / steepest."""
    suggested = curve_of(*bowl(steepest)).suggested
    assert 0.01 / steepest < suggested < 1 / steepest


def test_also_without_noise_it_converges():
    assert 1e-4 < curve_of(*bowl(10.0, noise=0.0)).suggested < 0.1


def test_a_steeper_bowl_gets_a_lower_rate():
    found = [curve_of(*bowl(steepest)).suggested for steepest in (10.0, 100.0, 1000.0)]
    assert found[0] > 3 * found[1] > 9 * found[2]


def test_the_rates_rise_by_one_factor_from_1e_7_to_10():
    rates = rising_rates()
    assert (len(rates), rates[0]) == (100, 1e-7) and rates[-1] == pytest.approx(10)
    np.testing.assert_allclose(np.diff(np.log(rates)), np.log(1e8) / 99)


def test_the_average_is_pandas_own():
    import pandas as pd

    losses = np.random.default_rng(0).uniform(0.5, 2, 40)
    expected = pd.Series(losses).ewm(alpha=1 - rate_finding.BETA, adjust=True).mean()
    np.testing.assert_allclose(averaged(losses), expected, rtol=1e-12)


def test_it_stops_at_four_times_the_best_average_or_no_number():
    assert not has_blown_up([1.0, 1.0, 3.0])
    assert has_blown_up([0.1] * 3 + [100.0])
    assert has_blown_up([1.0, float("nan")])


def test_the_longest_falling_row_is_that_of_all_rows_tried_one_by_one():
    drawn = np.random.default_rng(3)
    for _ in range(20):
        losses = list(drawn.integers(0, 9, 9))
        rows = [row for size in range(1, 10) for row in itertools.combinations(range(9), size)]
        down = [row for row in rows if all(losses[a] > losses[b] for a, b in itertools.pairwise(row))]
        assert falling(losses) == [max(len(row) for row in down if row[-1] == end) for end in range(9)]


def test_the_middle_of_the_valley_is_taken():
    """70 updates, of which the first 7 and the last 5 are not looked at; among the rest the loss falls from the 20th to
    the 49th. Half way (a third and half a third, rounded down) lies the
    33rd."""
    rates = [float(place) for place in range(70)]
    shape = [5.0] * 20 + [5.0 - place / 10 for place in range(1, 31)] + [3.0] * 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate_finding, "averaged", list)
        suggested = curve_of(rates, shape).suggested
    assert suggested == 33.0


def test_where_the_loss_never_falls_a_person_is_asked():
    with pytest.raises(BadData, match="no rate at which the loss falls. Set `learning_rate` to a number"):
        curve_of(rising_rates(), [1.0 + place for place in range(100)])
    with pytest.raises(BadData, match="no rate"):
        curve_of(rising_rates()[:2], [1.0, float("nan")])


def test_what_is_no_number_is_left_out():
    rates, losses = bowl(3.0)
    curve = curve_of([*rates, 99.0], [*losses, float("inf")])
    assert len(curve.rates) == len(rates) and np.isfinite(curve.averaged).all()


@pytest.mark.usefixtures("fresh_keras")
class TestOnANetwork:
    def test_the_weights_are_untouched_and_the_training_is_what_it_would_have_been(self):
        model, other = built(LIKE), built(LIKE)
        before = weights(model)
        find(model, examples(60), PLAIN, 7)
        assert weights(model) == before
        train(model, examples(60), batch_size=10)
        train(other, examples(60), batch_size=10)
        assert weights(model) == weights(other)

    def test_the_rate_trains_better_than_a_hundredth_and_a_hundredfold_of_it(self):
        part = examples(60)
        rate = find(built(LIKE), part, PLAIN, 7).suggested

        def loss(times: float) -> float:
            model = built(LIKE)
            return float(train(model, part, batch_size=10, epochs=3, learning_rate=rate * times)["loss"].iloc[-1])

        found = loss(1)
        assert found < loss(0.01) and found < loss(100)

    def test_it_is_the_same_every_time_and_another_seed_draws_other_batches(self):
        first, again, other = (find(built(LIKE), examples(60), PLAIN, seed) for seed in (7, 7, 8))
        assert first == again
        assert first.losses != other.losses
        assert rate_plot(first) == rate_plot(again)

    def test_only_what_trains_is_trained(self):
        """With nothing but the head to train the first update is another one than with all."""
        whole, head = built(LIKE), built(LIKE)
        set_trainable(head, Trainable(("head",), ()))
        assert find(whole, examples(60), PLAIN, 7).losses != find(head, examples(60), PLAIN, 7).losses

    def test_on_activations_it_finds_what_it_finds_on_images(self):
        from tasks.pure.frozen import activations, frozen_part

        def found(cut: str | None) -> Any:
            model = built(LIKE)
            set_trainable(model, Trainable(("head",), ()))
            pictures, labels = examples(60)
            below = frozen_part(model, cut)
            return find(model, (activations(below, pictures) if below else pictures, labels), PLAIN, 7, cut)

        np.testing.assert_allclose(found("dense_1").losses, found(None).losses, rtol=1e-4)

    @pytest.mark.parametrize(
        "more",
        [
            {"class_weights": True},
            {"augment": Augmentation(flip="horizontal", mixup=0.2)},
            {"layer_decay": 0.5},
            {"batch_size": 64},
        ],
        ids=lambda more: next(iter(more)),
    )
    def test_it_trains_as_the_training_will(self, more: dict[str, Any]):
        pictures, labels = examples(60)
        part = pictures, np.minimum(labels, 1)  # one class has twice as many as the other
        curve = find(built(LIKE), part, Training(**{**PLAIN.__dict__, **more}), 7)
        plain = find(built(LIKE), part, PLAIN, 7)
        assert curve.losses != plain.losses
        assert 1e-6 < curve.suggested < 1
