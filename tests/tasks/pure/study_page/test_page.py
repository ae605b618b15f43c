"""What the page of a study shows, and that it shows it safely."""

import re

import pytest

from tasks.pure.page_markdown import LARGEST
from tasks.pure.study_page.page import html, markdown
from tests.tasks.pure.study_page.example import full, told, with_pictures
from tests.tasks.pure.test_page import NASTY, Outline


def plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\\", "").split())


def text_of(render, known) -> str:
    rendered = render(known)
    return plain(Outline(rendered).text if render is html else rendered)


@pytest.mark.parametrize("render", [html, markdown])
def test_the_page_says_all_that_it_should(render):
    text = text_of(render, with_pictures(full()))
    wanted = [
        "Does transfer help? quickstart", "study 0123456789ab · 5 seeds · 200 test images", "86.2 %",
        "+7.0", "[+1.8, +12.2]", "99.8 %", "5 of 5 (57–100 %)", "3 of 4, 1 tied (30–95 %)", "0.062", "[−0.4, +7.2]",
        "about 110 for that: about 100 labels are saved", "Yosinski", "0.003", "3 ×", "5 seeds (α 0.00167)",
        "for each of 3 comparisons", "at most 40 seeds", "±1 point", "231", "1,029 of 1,260", "70 min 10 s",
        "45 in this study, 12 in others", "graft study quickstart", "training from scratch",
    ]  # fmt: skip
    assert [words for words in wanted if words not in text] == []


@pytest.mark.parametrize("render", [html, markdown])
def test_the_verdict_stands_before_any_figure(render):
    known = with_pictures(told())
    text = text_of(render, known)
    assert text.index(plain(known["sentence"])) < min(text.index(words) for words in ("Accuracy by arm", "mean of"))


@pytest.mark.parametrize("render", [html, markdown])
def test_every_seed_of_every_arm_is_in_the_table(render):
    known = told({"scratch": 0.06, "random-base": 0.03}, 40)
    text = text_of(render, known)
    for values in known["arms"].values():
        assert all(f"{100 * value:.1f} %" in text for value in values)
    assert ("All 40 seeds" in text) == (render is html), "Markdown folds nothing"


@pytest.mark.parametrize("render", [html, markdown])
def test_what_is_not_known_is_left_out_and_not_shown_as_none(render):
    bare = told(computed=None, reused=None, saved=None, test_looks=None, runs=None, tuned=None, curves=None, home=None)
    del bare["comparisons"]["scratch"]["table"]
    text = text_of(render, with_pictures(bare | {"command": "", "names": None}))
    assert not re.search(r"\bNone\b|nan", text)
    absent = ["sign-flip", "seeds won", "Computed", "Runs", "Chosen on", "number of labels", "Further", "Do it again"]
    assert [words for words in absent if words in text] == []


@pytest.mark.parametrize("render", [html, markdown])
@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_few_seeds_make_a_page_too(render, seeds):
    text = text_of(render, with_pictures(told({"scratch": 0.3}, seeds)))
    assert ("no verdict" in text) == (seeds < 5)
    assert "None" not in text


def test_the_html_needs_nothing_but_itself():
    outline = Outline(html(with_pictures(full())))
    assert not {"script", "link", "iframe", "object", "form"} & set(outline.tags)
    sources = [value or "" for name, value in outline.attributes if name == "src"]
    assert len(sources) == 4 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert not [name for name, _ in outline.attributes if name.startswith("on")]


def test_every_run_is_linked_by_its_path_from_the_page_and_nowhere_else():
    known = full()
    known["runs"][0]["report"] = "javascript:alert(1)"
    known["runs"][1]["report"] = '//evil.example/"><b>'
    known["runs"][2]["report"] = None
    links = {value or "" for name, value in Outline(html(known)).attributes if name == "href"}
    assert {"../../r3.html", "../../r4.html"} < links
    assert "javascript%3Aalert%281%29" in links
    assert not [link for link in links if ":" in link or link.startswith("/") or '"' in link]


def test_markdown_spells_the_paths_of_reports_since_links_lead_nowhere_in_the_ui():
    assert "`../../r3.html`" in markdown(full())


@pytest.mark.parametrize("render", [html, markdown])
def test_nothing_from_outside_is_markup(render):
    known = full()
    arms = {NASTY if arm == "scratch" else arm: values for arm, values in known["arms"].items()}
    compared = {NASTY if arm == "scratch" else arm: each for arm, each in known["comparisons"].items()}
    known |= {"arms": arms, "comparisons": compared, "title": NASTY, "command": NASTY, "sentence": NASTY, "id": NASTY}
    known |= {"names": {NASTY: NASTY, "head-only": NASTY}, "tuned": {NASTY: {"learning_rate": 0.1, "updates": 1}}}
    known["plan"] = {**known["plan"], "comparisons": [NASTY]}
    known["curves"].append({"axis": "source", "value": NASTY, "arms": {NASTY: [0.5]}})
    rendered = render(with_pictures(known))
    if render is html:
        assert not {"script", "y"} & set(Outline(rendered).tags)
        assert "<script" not in rendered
    else:
        # The one place where it stands as it is is a code block.
        outside = rendered.replace(f"```\n{NASTY}\n```", "")
        assert outside != rendered and "<script" not in outside
        assert not re.search(r"(?<!\\)\]\(http", outside)


def test_the_same_told_is_the_same_page():
    assert html(with_pictures(full())) == html(with_pictures(full()))
    assert markdown(with_pictures(full())) == markdown(with_pictures(full()))


@pytest.mark.parametrize("size", [1_000, 150_000])
def test_markdown_stays_below_what_prefect_shows(size):
    known = full(40)
    known["runs"] *= size // 100
    known["pictures"] = dict.fromkeys(("accuracy", "differences", "labels", "depth"), b"x" * 40_000)
    text = markdown(known)
    assert len(text.encode()) <= LARGEST
    assert "too large to stand here" in text
    assert ("Too long to stand here" in text) == (size > 100_000)
    assert known["sentence"].split("[")[0] in text


def test_a_mean_beside_its_seeds_is_of_the_seeds_that_the_difference_is_of():
    known = told({"scratch": 0.06, "head-only": 0.0}, 40, spread=0.005)
    known["against"] = "scratch"
    used = known["comparisons"]["scratch"]["seeds"]
    assert used < 40
    expected = sum(known["arms"]["transfer"][:used]) / used
    tile = text_of(html, known).partition("Transfer")[2]
    assert f"{100 * expected:.1f} %mean of {used} seeds" in tile.replace(" mean", "mean")
