"""What a report shows of a run, and that it shows it safely."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest

from tasks.pure.page import Page, html, markdown
from tests.tasks.pure.example_page import DIGEST, controls, metrics, page, plain, seeds, study

NASTY = 'a|b <script>alert(1)</script> `x` *y* "z" & [l](http://e)'


class Outline(HTMLParser):
    """The tags, attributes and text of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("render", [html, markdown])
def test_a_run_that_was_not_evaluated_has_a_page(render):
    bare = Page("t", {}, {}, [], "", True, {}, {}, {})
    assert "Not evaluated" in render(bare)
    assert "Not evaluated" in render(page(metrics={}, pictures={}))


@pytest.mark.parametrize("render", [html, markdown])
def test_the_page_says_all_that_it_should(render):
    text = plain(Outline(render(page(controls=controls(seeds(0.9), seeds(0.8))))).text)
    wanted = ["91.0 %", "87.0–94.5 %", "88.0 %", "99.1 %", "Pullover", "ROC AUC", "0.970", "hit", "ran", "1 min 15 s",
              "0123456789", "seed: 0", "eight classes", "+10.0"]  # fmt: skip
    assert [word for word in wanted if word not in text.replace("\\", "")] == []


@pytest.mark.parametrize("render", [html, markdown])
def test_weights_that_were_not_copied_are_named_wherever_the_base_is(render):
    text = render(page(copy_weights=False))
    assert text.count("NOT copied") >= 6
    assert "copied weights" not in text.replace("NOT copied weights", "")
    assert "NOT copied" not in render(page())


def test_the_html_needs_nothing_but_itself():
    outline = Outline(html(page()))
    assert "script" not in outline.tags and "link" not in outline.tags
    # The study's page is a link to follow, nothing that the page is made of.
    asked = Outline(html(page(study=study())))
    assert asked.attributes.count(("href", "../../studies/3f2a9c01d4e5/page.html")) == 1
    fetched = [value for name, value in outline.attributes if name in ("src", "href")]
    assert len(fetched) == 4 and all(value and value.startswith("data:image/png;base64,") for value in fetched)
    assert "@import" not in html(page()) and "url(" not in html(page())


@pytest.mark.parametrize("render", [html, markdown])
def test_a_data_set_is_made_from_files_that_are_named_with_their_hashes(render):
    files = {"train-images.gz": "sha256:feedbeefcafe0000", "train-labels.gz": "sha256:badc0ffee0000000"}
    step = {"step": "load_data.source", "status": "ran", "seconds": 1.0, "artifact": DIGEST, "inputs": {}}
    read = {**step, "files": files, "outputs": {"dataset": DIGEST}}
    text = plain(Outline(render(page(steps=[read]))).text)
    for name, beginning in (("train-images.gz", "feedbeefca"), ("train-labels.gz", "badc0ffee0")):
        assert re.search(rf"{name} \(?{beginning}", text)
    assert "no file: it comes with the libraries" not in text
    assert "no file: it comes with the libraries" in Outline(render(page(steps=[{**read, "files": {}}]))).text


def test_full_digests_are_in_the_titles():
    assert ("title", DIGEST) in Outline(html(page())).attributes


def named(name: str) -> Page:
    """A page on which everything that a user or a recipe can name has this name."""
    figures = metrics(
        class_names=[name, "b"],
        majority={"class": name, "accuracy": 0.5},
        positive=name,
        per_class=[{"class": name, "precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}],
    )
    facts = {"source": name, "target": name, "reused_layers": [name], "trainable": [name]}
    run = {"id": name, "name": name, "recipe": name, "started": name, "seconds": 1, "store": name}
    step = {"step": name, "status": name, "seconds": 1, "reason": name, "artifact": DIGEST}
    steps = [{**step, "inputs": {name: DIGEST}, "outputs": {name: DIGEST}}]
    recipe = f"```\n{name}\n```\n"
    names = {"this_name": name, "other_name": name}
    asked = {"answer": {"study": name, "verdict": name, "sentence": name, "page": name}}
    compared = {"this": seeds(0.9), "other": seeds(0.8), **names}
    return page(title=name, run=run, metrics=figures, facts=facts, steps=steps, recipe_yaml=recipe, controls=compared,
                study=asked)  # fmt: skip


def rendered_markdown(whole: Page) -> str:
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark").enable("table").render(markdown(whole)))


@pytest.mark.parametrize("rendered", [lambda whole: html(whole), rendered_markdown], ids=["html", "markdown"])
def test_no_name_given_by_a_user_becomes_markup(rendered):
    nasty, harmless = Outline(rendered(named(NASTY))), Outline(rendered(named("harmless")))
    # `code` in a reason is shown as code; nothing else may come of a name.
    assert [tag for tag in nasty.tags if tag != "code"] == [tag for tag in harmless.tags if tag != "code"]
    assert {name for name, _ in nasty.attributes} == {name for name, _ in harmless.attributes}
    assert nasty.text.count("<script>alert(1)</script>") == harmless.text.count("harmless")


def test_a_class_name_with_a_line_break_stays_in_its_row():
    text = markdown(page(metrics=metrics(class_names=["a\nb", "c"], majority={"class": "a\r\nb", "accuracy": 0.5})))
    assert "| a b | 920 | 80 |" in text


def test_markdown_stays_below_200_kb_and_names_what_it_leaves_out():
    pictures = {"learning_curves": b"x" * 90_000, "confusion": b"y" * 90_000, "mistakes": b"z" * 999}
    text = markdown(page(pictures=pictures))
    assert len(text.encode()) < 200_000
    assert "Confusion matrix: too large" in text
    assert text.count("data:image/png;base64,") == 2


def many_classes() -> dict[str, Any]:
    rows = [{"class": f"class {n}", "precision": 0.5, "recall": 0.5, "f1": n / 100, "support": 9} for n in range(100)]
    return metrics(per_class=rows, class_names=[row["class"] for row in rows], confusion=[[0] * 100] * 100)


def test_of_100_classes_the_worst_are_shown_and_the_rest_folded_away():
    shown, folded = html(page(metrics=many_classes())).split("<details>")[:2]
    assert "The 10 lowest F1 of 100 classes" in shown
    assert "class 9<" in shown and "class 10<" not in shown
    assert "class 9<" in folded and "class 99<" in folded
    assert "class 99 |" in markdown(page(metrics=many_classes()))


def test_an_artifact_names_the_step_that_handed_it_on():
    copied = {"step": "save_model", "inputs": {"model": DIGEST}, "outputs": {"model": DIGEST}}
    first, last = page().steps
    text = markdown(page(steps=[first, copied, last]))
    assert "| save\\_model · model | 0123456789 | pretrain · model (0123456789) |" in text
    assert "| save\\_model · model (0123456789) |" in text


def test_a_page_costs_no_heavy_import():
    program = (
        "import sys\nfrom tasks.pure.page import Page, html, markdown\n"
        "page = Page('t', {}, {}, [], '', True, {}, {}, {})\nhtml(page), markdown(page)\n"
        "heavy = {'numpy', 'pandas', 'matplotlib', 'sklearn', 'tensorflow', 'keras', 'PIL'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
