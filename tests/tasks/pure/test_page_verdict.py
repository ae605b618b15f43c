"""What a report concludes from a run, and what it refuses to conclude."""

from typing import Any

import pytest

from tasks.pure.page import verdict
from tests.tasks.pure.example_page import controls, metrics, page, plain, seeds


def said(**changed: Any) -> str:
    return plain(" ".join(verdict(page(**changed))))


def test_the_verdict_begins_with_accuracy_interval_and_constant_answer():
    first = plain(verdict(page())[0])
    assert all(part in first for part in ("91.0 %", "87.0–94.5 %", "T-shirt", "50.0 %", "gains 41.0 points"))


def test_99_percent_that_a_constant_answer_nearly_reaches_looks_like_it():
    rare = metrics(accuracy=0.99, accuracy_low=0.985, accuracy_high=0.995, balanced_accuracy=0.62, accuracy_gain=0.01,
                   accuracy_gain_low=0.004, majority={"class": "rest", "accuracy": 0.98})  # fmt: skip
    first = plain(verdict(page(metrics=rare))[0])
    assert "nearly reaches" in first and "only 1.0 points less" in first
    assert "balanced accuracy instead: 62.0 %" in first


def test_a_gain_within_chance_is_called_none():
    assert "not measurably better" in said(metrics=metrics(accuracy_gain=0.01, accuracy_gain_low=-0.02))
    assert "worse than a constant answer" in said(metrics=metrics(accuracy_gain=-0.1, accuracy_gain_low=-0.2))


def test_without_a_control_one_run_proves_nothing_and_the_command_is_given():
    text = said(controls=controls(seeds(0.9), []))
    assert "One run proves nothing" in text and "`graft run quickstart --set a.b=false`" in text
    assert "3 seeds without a control" in said(controls=controls(seeds(0.9, 0.8, 0.7), []))


def test_a_transfer_that_hurts_is_said_to_hurt_with_medians_and_pairs():
    text = said(controls=controls(seeds(0.475, 0.693, 0.690), seeds(0.749, 0.768, 0.762)))
    assert "copied weights 69.0 %" in text and "76.2 %" in text and "7.2 points less" in text
    assert "worse in 3 of 3 seeds" in text and "the transfer hurt" in text


def test_the_random_base_says_the_same_of_the_same_runs():
    copied, random = seeds(0.475, 0.693, 0.690), seeds(0.749, 0.768, 0.762)
    text = said(controls=controls(random, copied), copy_weights=False)
    assert "NOT copied" in text and "worse in 3 of 3 seeds" in text and "the transfer hurt" in text


@pytest.mark.parametrize(
    ("this", "other", "conclusion"),
    [
        ((0.92, 0.91, 0.93), (0.8, 0.9, 0.92), "the transfer helped"),
        ((0.92, 0.91, 0.93), (0.8, 0.95, 0.92), "no clear difference"),
        ((0.92, 0.91), (0.8, 0.9), "too few to conclude"),
        ((0.9, 0.9, 0.9), (0.9, 0.9, 0.9), "no clear difference"),
    ],
)
def test_what_the_pairs_of_seeds_allow_to_conclude(this, other, conclusion):
    assert conclusion in said(controls=controls(seeds(*this), seeds(*other)))


def test_seeds_that_did_not_run_in_both_ways_are_not_paired():
    other = [{"seed": 9, "accuracy": 0.5, "run": "x"}]
    assert "no seed was run in both ways" in said(controls=controls(seeds(0.9), other))


def test_fine_tuning_is_compared_with_the_head_alone():
    assert "gained 3.0 points on the new head alone (88.0 %)" in said()
    assert "changed nothing" in said(metrics=metrics(after_head={"accuracy": 0.91}))
    within = {"accuracy": 0.93, "accuracy_low": 0.9, "accuracy_high": 0.95}
    assert "lost 2.0 points" in said(metrics=metrics(after_head=within))
    assert "within the head's own interval" in said(metrics=metrics(after_head=within))
    assert "Fine-tuning" not in said(metrics=metrics(after_head=None))


def test_batch_norm_that_did_not_converge_comes_second():
    diagnosis = {"converged": False, "message": "Batch-norm statistics not converged: …"}
    assert verdict(page(metrics=metrics(batch_norm=diagnosis)))[1] == diagnosis["message"]


def test_a_small_test_set_and_few_seeds_are_warned_of():
    text = said(metrics=metrics(num_test=200), controls=controls(seeds(0.9, 0.9, 0.9), seeds(0.8, 0.8, 0.8)))
    assert "200 test images are few" in text and "3 seeds are few" in text
    assert "few" not in said(controls=controls(seeds(*[0.9] * 5), seeds(*[0.8] * 5)))


def test_all_right_is_not_said_to_be_without_error():
    perfect = metrics(accuracy=1.0, accuracy_low=1.0, accuracy_high=1.0, num_test=200)
    assert "no mistake in 200 images still allows an error rate of up to 1.5 %" in said(metrics=perfect)
    almost = metrics(accuracy=0.9996, accuracy_low=0.999, accuracy_high=1.0)
    assert said(metrics=almost).startswith("99.96 %")
