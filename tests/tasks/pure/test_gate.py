"""The gate's test: level held where the challenger is worse by the margin, power where it is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from tasks.pure.errors import BadData
from tasks.pure.gate import non_inferiority

SIMULATED = 1000


def pair(gained: int, lost: int, both: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers of champion and challenger with so many disagreements."""
    return np.repeat([False, True, True], [gained, lost, both]), np.repeat([True, False, True], [gained, lost, both])


def share_promoted(truth: float, margin: float, total: int, disagreeing: float = 0.10) -> float:
    """Of 1,000 simulated challengers whose true difference is `truth`, the share that the gate promotes."""
    generator, promoted = np.random.default_rng(0), 0
    gained, lost = (disagreeing + truth) / 2, (disagreeing - truth) / 2
    for _ in range(SIMULATED):
        counts = generator.multinomial(total, [gained, lost, 1 - gained - lost])
        promoted += bool(non_inferiority(*pair(*counts), margin=margin, confidence=0.95)["promoted"])
    return promoted / SIMULATED


@pytest.mark.parametrize("total", [50, 200, 600, 1000])
@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05])
def test_of_challengers_worse_by_the_margin_about_one_in_twenty_is_promoted(total: int, margin: float) -> None:
    most = binom.ppf(0.9999, SIMULATED, 0.05) / SIMULATED + 0.005  # sampling error, and the score test's own
    assert share_promoted(-margin, margin, total) <= most


def test_of_challengers_worse_by_twice_the_margin_hardly_any_is_promoted() -> None:
    assert share_promoted(-0.04, 0.02, 600) <= 0.002


@pytest.mark.parametrize(("truth", "total", "least"), [(0.0, 600, 0.40), (0.02, 600, 0.90), (0.0, 6000, 0.995)])
def test_of_challengers_no_worse_most_are_promoted_where_the_gate_is_large_enough(
    truth: float, total: int, least: float
) -> None:
    assert share_promoted(truth, 0.02, total) >= least


@given(gained=st.integers(0, 30), lost=st.integers(0, 30), both=st.integers(0, 300), margin=st.floats(0, 0.3))
def test_p_is_a_probability_and_better_answers_never_hurt(gained: int, lost: int, both: int, margin: float) -> None:
    if gained + lost + both == 0:
        return
    p = non_inferiority(*pair(gained, lost, both), margin=margin, confidence=0.95)["p"]
    better = non_inferiority(*pair(gained + lost, 0, both), margin=margin, confidence=0.95)["p"]
    assert 0 <= better <= p + 1e-12 <= 1 + 2e-12


def test_without_a_margin_it_is_mcnemars_one_sided_test() -> None:
    found = non_inferiority(*pair(30, 10, 100), margin=0.0, confidence=0.95)
    assert found["p"] == pytest.approx(0.000783, abs=1e-6)  # 1 - Φ((30 - 10) / √40)
    assert found["promoted"]


def test_the_same_answers_are_no_proof_of_being_better_but_of_not_being_worse() -> None:
    same = pair(0, 0, 400)
    assert not non_inferiority(*same, margin=0.0, confidence=0.95)["promoted"]
    assert non_inferiority(*same, margin=0.02, confidence=0.95)["promoted"]


def test_a_handful_of_images_proves_nothing() -> None:
    assert not non_inferiority(*pair(0, 0, 10), margin=0.02, confidence=0.95)["promoted"]


def test_the_evidence_holds_what_one_wants_to_know() -> None:
    found = non_inferiority(*pair(6, 4, 90), margin=0.02, confidence=0.9)
    assert (found["gained"], found["lost"], found["num_gate"]) == (6, 4, 100)
    assert (found["champion_accuracy"], found["challenger_accuracy"]) == (0.94, 0.96)
    assert found["difference"] == pytest.approx(0.02)


def test_no_images_are_no_gate() -> None:
    with pytest.raises(BadData, match="at least one"):
        non_inferiority(np.zeros(0, bool), np.zeros(0, bool), margin=0.02, confidence=0.95)
