"""A study's verdict says how far it reaches, and never more than there is."""

import pytest

from tasks.pure.study_page.verdict import tone, verdict
from tests.tasks.pure.study_page.example import labels_curve, told


def said(known) -> str:
    return " ".join(verdict(known)).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("lead", "seeds", "spread", "word", "colour"),
    [
        (0.06, 5, 0.005, "helps", "good"),
        (-0.06, 5, 0.005, "hurts", "bad"),
        (0.0, 40, 0.003, "no difference", "warning"),
        (0.01, 5, 0.03, "go on", "warning"),
    ],
)
def test_the_verdict_comes_first_with_its_interval_and_its_images(lead, seeds, spread, word, colour):
    known = told({"scratch": lead}, seeds, spread=spread)
    assert known["verdict"] == word
    assert verdict(known)[0] == known["sentence"].replace(" -", " −").replace("[-", "[−")
    assert "on these 200 test images" in verdict(known)[0]
    assert tone(known) == colour


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_fewer_than_five_seeds_are_never_a_verdict(seeds):
    known = told({"scratch": 0.3}, seeds)
    known |= {"verdict": "helps", "sentence": "Transfer helps"}  # whatever anyone says
    assert verdict(known)[0].startswith("No verdict: ") and "fewer than five" in verdict(known)[0]
    assert "helps" not in said(known)
    assert tone(known) == "warning"


def test_the_undecided_are_told_about_how_many_more_seeds():
    sentence = "Undecided: +1.0 points [-1.0, +3.0] against training from scratch; about 35 more seeds would tell."
    known = told({"scratch": 0.01}, 5, spread=0.03) | {"verdict": "undecided", "sentence": sentence}
    assert "about 35 more seeds" in verdict(known)[0] and "[−1.0, +3.0]" in verdict(known)[0]


def images(known, low, high, holds):
    known["comparisons"]["scratch"]["images"] = {"low": low, "high": high, "holds": holds}
    return known


def test_it_says_of_which_images_it_speaks():
    alone = "It speaks of these 200 test images alone"
    assert alone in said(told())
    assert "holds on images like these too: [+1.0, +9.0] points" in said(images(told(), 0.01, 0.09, True))
    unsure = said(images(told(), -0.01, 0.09, False))
    assert alone in unsure and "[−1.0, +9.0] points" in unsure


def test_strongly_skewed_differences_are_warned_of():
    known = told()
    known["comparisons"]["scratch"]["table"]["strongly_skewed"] = True
    assert "strongly skewed" in said(known)
    known["comparisons"]["scratch"]["table"]["strongly_skewed"] = False
    assert "skewed" not in said(known)


def test_a_sure_lead_inside_the_margin_is_too_little_to_matter():
    known = told()
    known["comparisons"]["scratch"] |= {"low": 0.001, "high": 0.008, "word": "helps"}
    assert "within the margin of 1 point:" in said(known)
    known["comparisons"]["scratch"] |= {"high": 0.011}
    assert "margin" not in said(known)


def test_comparisons_that_disagree_are_named_one_by_one():
    known = told({"scratch": 0.06, "raw-pixels": -0.06}, spread=0.004)
    assert "against training from scratch, helps; against raw-pixels, hurts" in said(known)
    assert "One by one" not in said(told())


def test_a_study_that_goes_on_says_so():
    assert "has not ended" in said(told(done=False))
    assert "has not ended" not in said(told())


def test_a_network_whose_batch_norms_have_not_converged_is_no_fair_comparison():
    known = told({"scratch": 0.06, "random-base": 0.2}, spread=0.005)
    assert tone(known) == "good" and "converged" not in said(known)
    lagging = known | {"lagging": {"scratch": 4}, "unfair": ["scratch"]}
    assert tone(lagging) == "warning"
    assert "statistics of `scratch` had not converged: right for 90 %" in said(lagging)
    assert tone(lagging | {"unfair": []}) == "good"  # the verdict does not rest on it


def test_a_lower_momentum_is_advised_where_there_is_a_lower_one():
    lagging = told() | {"lagging": {"scratch": 4}, "unfair": ["scratch"]}
    assert "pretrain.batch_norm_momentum=0.9`; it is 0.99), or more updates" in said(lagging | {"momentum": 0.99})
    for known in (lagging | {"momentum": 0.9}, lagging | {"momentum": None}, lagging):
        assert "momentum" not in said(known) and "ask again with more updates" in said(known)


def test_places_on_the_axes_where_batch_norms_have_not_converged_are_told():
    curves = [each | {"lagging": {"scratch": 2} if each["value"] < 100 else {}} for each in labels_curve()]
    told_of = said(told(curves=curves))
    assert "`scratch` had not converged, at 2 of 5 places of this study" in told_of
