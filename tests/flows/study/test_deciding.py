"""The verdict: what its comparisons say together, and on which images."""

from dataclasses import replace

import numpy as np
import pytest

from artifacts import codecs
from artifacts.store import Store
from artifacts.studies import StudyRecord
from flows import recipe_files
from flows.study import results
from flows.study.deciding import Outcome, outcome
from flows.study.results import Judged
from flows.study.trials import Place

IMAGES = 200
HOME = Place("home", "as the recipe says", {}, ())


def study(*comparisons: str, looks: tuple[tuple[int, float], ...] = ((5, 0.05),), margin: float = 0.01) -> StudyRecord:
    plan = {
        "study": {"recipe": "quickstart", "margin": margin},
        "comparisons": list(comparisons),
        "looks": [list(look) for look in looks],
    }
    return StudyRecord("abc", plan, {}, 0.0)


def judged(accuracy: float, seed: int) -> Judged:
    """So many of the images right, others with each seed."""
    right = np.arange(IMAGES) < round(accuracy * IMAGES)
    return Judged(float(right.mean()), np.random.default_rng(seed).permutation(right), "sha256:0", None)


def found(accuracies: dict[str, list[float]], record: StudyRecord) -> Outcome:
    """The outcome where each arm has these accuracies, seed by seed."""
    arms = {
        arm: {seed: judged(each, 100 * number + seed) for seed, each in enumerate(values)}
        for number, (arm, values) in enumerate(accuracies.items())
    }
    return outcome(record, {HOME: arms}, {}, done=True)


GOOD, BAD = [0.90, 0.91, 0.90, 0.92, 0.91], [0.80, 0.80, 0.79, 0.80, 0.81]


def test_transfer_helps_only_if_it_beats_whatever_one_would_do_without_it() -> None:
    record = study("scratch", "raw-pixels")
    assert found({"transfer": GOOD, "scratch": BAD, "raw-pixels": BAD}, record).verdict == "helps"
    mixed = found({"transfer": GOOD, "scratch": BAD, "raw-pixels": GOOD}, replace_margin(record, 0.05))
    assert mixed.verdict == "no difference" and mixed.telling == "raw-pixels"


def replace_margin(record: StudyRecord, margin: float) -> StudyRecord:
    return replace(record, plan={**record.plan, "study": {**record.plan["study"], "margin": margin}})


def test_it_hurts_if_it_loses_to_any() -> None:
    result = found({"transfer": BAD, "scratch": BAD, "raw-pixels": GOOD}, study("scratch", "raw-pixels"))
    assert (result.verdict, result.telling) == ("hurts", "raw-pixels")
    assert result.as_json()["difference"] < 0


def test_a_comparison_within_transfer_changes_no_verdict() -> None:
    """The head alone may do as well: that is no reason to do without transfer."""
    result = found({"transfer": GOOD, "scratch": BAD, "head-only": GOOD}, study("scratch", "head-only"))
    assert result.verdict == "helps"


def test_the_least_favourable_comparison_is_named() -> None:
    low = [each - 0.4 for each in BAD]
    result = found({"transfer": GOOD, "scratch": BAD, "raw-pixels": low}, study("scratch", "raw-pixels"))
    assert result.telling == "scratch"
    assert result.sentence.startswith("Transfer helps: +10.8 points [")


def test_between_looks_nothing_is_decided() -> None:
    noisy = [0.90, 0.80, 0.95, 0.78, 0.91]
    record = study("scratch", looks=((5, 0.005), (10, 0.01)))
    result = found({"transfer": noisy, "scratch": noisy[::-1]}, record)
    assert (result.verdict, result.decided) == ("go on", False)
    last = found({"transfer": noisy, "scratch": noisy[::-1]}, study("scratch"))
    assert last.verdict == "undecided" and "more seeds" in last.sentence


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_fewer_than_five_seeds_never_give_a_verdict(seeds: int) -> None:
    record = study("scratch", looks=((seeds, 0.05),))
    result = found({"transfer": GOOD[:seeds], "scratch": BAD[:seeds]}, record)
    assert result.verdict == "undecided" and result.sentence.startswith("No verdict: ")


def test_the_sentence_says_of_which_images_it_speaks() -> None:
    sure = found({"transfer": GOOD, "scratch": [0.3] * 5}, study("scratch"))
    assert sure.sentence.endswith("(5 seeds, on images like these).")
    close = found({"transfer": [0.72] * 5, "scratch": [0.70] * 5}, study("scratch"))
    assert close.sentence.endswith("(5 seeds, on these 200 test images).")
    assert close.as_json()["comparisons"]["scratch"]["images"]["holds"] is False


def test_only_seeds_that_every_arm_has_count() -> None:
    result = found({"transfer": GOOD, "scratch": BAD[:3]}, study("scratch"))
    assert result.seeds == 3 and len(result.as_json()["arms"]["transfer"]) == 3


def test_arms_stand_as_the_plan_lists_them_whichever_trial_ended_first() -> None:
    arms = {"scratch": BAD, "transfer": GOOD}
    assert list(found(arms, study("scratch")).as_json()["arms"]) == ["transfer", "scratch"]


def test_the_sentence_is_of_the_seeds_that_its_comparison_rests_on() -> None:
    """Against scratch it was sure after five; raw pixels took ten."""
    rng = np.random.default_rng(0)
    ours = [0.9] * 10
    close = list(0.9 - np.abs(rng.normal(0.03, 0.02, 10)))
    record = study("scratch", "raw-pixels", looks=((5, 0.005), (10, 0.01)))
    far = [0.86 - 0.001 * place for place in range(10)]
    result = found({"transfer": ours, "scratch": far, "raw-pixels": close}, record)
    decision = result.decisions[result.telling]
    assert f"({decision.seeds} seeds" in result.sentence
    assert result.as_json()["decided_at"] == decision.seeds and result.as_json()["seeds"] == 10


def test_what_is_no_alternative_to_transfer_gives_no_verdict_on_it() -> None:
    result = found({"transfer": BAD, "head-only": GOOD}, study("head-only"))
    assert result.sentence.startswith("Transfer is worse: ") and not result.as_json()["controlled"]
    assert found({"transfer": GOOD, "scratch": BAD}, study("scratch")).as_json()["controlled"]


def lagging(record: StudyRecord, accuracies: dict[str, list[float]], which: dict[str, int], *further: Place) -> Outcome:
    """The outcome where an arm's batch norms lag in its first so many seeds."""
    arms = {
        arm: {
            seed: replace(judged(each, 100 * number + seed), lags=seed < which.get(arm, 0))
            for seed, each in enumerate(values)
        }
        for number, (arm, values) in enumerate(accuracies.items())
    }
    return outcome(record, dict.fromkeys((HOME, *further), arms), {}, done=True)


def test_a_control_whose_batch_norms_have_not_converged_is_named_in_the_sentence() -> None:
    accuracies = {"transfer": GOOD, "scratch": BAD, "raw-pixels": BAD}
    result = lagging(study("scratch", "raw-pixels"), accuracies, {"scratch": 4}, Place("labels", 10, {}, ()))
    assert result.as_json()["lagging"] == {"scratch": 4} and result.unfair == ["scratch"]
    assert "had not converged in training from scratch (4 of 5 seeds): no fair comparison." in result.sentence
    assert result.as_json()["curves"][0]["lagging"] == {"scratch": 4}
    sound = lagging(study("scratch", "raw-pixels"), accuracies, {})
    assert sound.as_json()["lagging"] == {} and "Beware" not in sound.sentence


def test_it_is_named_though_it_was_beaten_most_easily() -> None:
    """A network from scratch that looks hopeless is seldom the comparison that tells; the verdict needs it all the
    same."""
    hopeless = [0.51, 0.50, 0.52, 0.51, 0.50]
    accuracies = {"transfer": GOOD, "scratch": hopeless, "random-base": [each - 0.05 for each in GOOD]}
    result = lagging(study("scratch", "random-base"), accuracies, {"scratch": 5})
    assert (result.verdict, result.telling) == ("helps", "random-base")
    assert result.unfair == ["scratch"] and "training from scratch (5 of 5 seeds)" in result.sentence


def test_to_lose_to_a_sound_control_is_a_verdict_whatever_became_of_the_others() -> None:
    accuracies = {"transfer": BAD, "scratch": BAD, "raw-pixels": GOOD}
    result = lagging(study("scratch", "raw-pixels"), accuracies, {"scratch": 5})
    assert result.verdict == "hurts" and result.unfair == [] and "Beware" not in result.sentence
    mine = lagging(study("scratch", "raw-pixels"), accuracies, {"transfer": 5})
    assert mine.unfair == ["transfer"] and "transfer (5 of 5 seeds)" in mine.sentence


def test_seeds_after_the_look_that_decided_are_not_counted() -> None:
    record = study("scratch", looks=((5, 0.05), (10, 0.05)))
    result = lagging(record, {"transfer": [*GOOD, *GOOD], "scratch": [*BAD, *BAD]}, {"scratch": 7})
    assert result.lagging == {"scratch": 5} and "(5 of 5 seeds)" in result.sentence


def test_of_a_run_only_the_network_that_was_diagnosed_may_lag(
    finished: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, evaluation = recipe_files.load(finished), codecs.read_evaluation
    sound = results.judged(loaded, store)
    assert sound is not None and not any(each.lags for each in sound.values())
    lagging = {"training_mode_accuracy": 1.0, "inference_accuracy": 0.6}
    monkeypatch.setattr(codecs, "read_evaluation", lambda folder: {**evaluation(folder), "batch_norm": lagging})
    found = results.judged(loaded, store)
    assert found is not None
    assert {arm: each.lags for arm, each in found.items()} == {
        "transfer": True,
        "head-only": False,
        "raw-pixels": False,
    }
