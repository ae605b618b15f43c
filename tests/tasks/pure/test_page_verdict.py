"""What a report concludes from a run, and what it refuses to conclude."""

from typing import Any

import numpy as np
import pytest

from tasks.pure.metrics import accuracy_interval
from tasks.pure.page import verdict
from tasks.pure.page_verdict import tone
from tests.tasks.pure.example_page import controls, metrics, page, plain, seeds, study


def said(**changed: Any) -> str:
    return plain(" ".join(verdict(page(**changed))))


def test_the_verdict_begins_with_accuracy_interval_and_constant_answer():
    first = plain(verdict(page())[0])
    assert all(part in first for part in ("91.0 %", "87.0–94.5 %", "T-shirt", "50.0 %", "gains 41.0 points"))


def leaky(trained_on: int, num_test: int = 2000, accuracy: float | None = 0.84) -> dict[str, Any]:
    left = {"accuracy": accuracy, "accuracy_low": 0.8, "accuracy_high": 0.88, "num_test": num_test - trained_on}
    return metrics(num_test=num_test, without_duplicates={**left, "trained_on": trained_on})


def test_more_than_a_hundredth_of_the_test_images_trained_on_is_said_first_with_the_accuracy_without_them():
    first, second = map(plain, verdict(page(metrics=leaky(21)))[:2])
    assert first == (
        "21 of 2,000 test images (1.1 %) were trained on too. Without them 84.0 % of 1,979 are answered right "
        "(interval 80.0–88.0 %), with them 91.0 %."
    )
    assert second.startswith("91.0 % of 2,000 test images")
    assert tone(page(metrics=leaky(21), controls=controls(seeds(0.9), seeds(0.8)))) == "warning"


def test_a_hundredth_or_less_is_in_the_figures_alone():
    assert "trained on too" not in said(metrics=leaky(20))
    assert tone(page(metrics=leaky(20), controls=controls(seeds(0.9), seeds(0.8)))) == "good"


def test_where_every_test_image_was_trained_on_nothing_is_left_to_test_on():
    nothing_left = {"accuracy": None, "accuracy_low": None, "accuracy_high": None, "num_test": 0, "trained_on": 2000}
    first = verdict(page(metrics=metrics(without_duplicates=nothing_left)))[0]
    assert plain(first).startswith("All 2,000 of 2,000 test images were trained on too: what they say is memory")


def test_classes_that_were_not_tested_are_named():
    rows = metrics()["per_class"]
    untested = [{"class": name, "precision": None, "recall": None, "f1": None, "support": 0} for name in ("Hat", "Bag")]
    told = metrics(per_class=[*rows, *untested])
    assert verdict(page(metrics=told))[1] == "2 of 4 classes were not tested: `Hat`, `Bag`."
    assert tone(page(metrics=told, controls=controls(seeds(0.9), seeds(0.8)))) == "warning"


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
    assert "One run proves nothing: the control, random base (weights never copied), has not been run." in text
    assert "`graft study quickstart --set a.b=1` answers it" in text
    assert "3 seeds without a control" in said(controls=controls(seeds(0.9, 0.8, 0.7), []))


def test_a_study_speaks_in_the_place_of_a_run_that_proves_nothing_and_of_pairs_of_seeds():
    text = said(study=study("helps"))
    assert "Study 3f2a9c01d4e5, with controls and over seeds: Transfer helps: +3.1 points" in text
    assert "proves nothing" not in text
    few = {"controls": controls(seeds(0.7, 0.7, 0.7), seeds(0.9, 0.9, 0.9))}
    assert "the transfer hurt" in said(**few) and "seeds are few" in said(**few)
    asked = said(**few, study=study("helps"))
    assert "the transfer hurt" not in asked and "seeds are few" not in asked


def test_a_trial_says_whose_trial_it_is():
    text = said(study=study(answer=None, trial_of="study 3f2a9c01d4e5"))
    assert "One run proves nothing: this is a trial of study 3f2a9c01d4e5" in text and "graft study" not in text


@pytest.mark.parametrize(("word", "colour"), [("helps", "good"), ("hurts", "warning"), ("undecided", "warning")])
def test_the_colour_is_that_of_the_studys_word(word, colour):
    assert tone(page(study=study(word))) == colour
    assert tone(page(study=study(word), controls=controls(seeds(0.9), seeds(0.8)))) == colour


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
    perfect = metrics(**accuracy_interval(np.ones(200, bool), 0.95), num_test=200)
    assert said(metrics=perfect).startswith(
        "100.0 % of 200 test images are answered right (95 % interval 98.1–100.0 %)"
    )
    almost = metrics(accuracy=0.9996, accuracy_low=0.999, accuracy_high=1.0)
    assert said(metrics=almost).startswith("99.96 %")
