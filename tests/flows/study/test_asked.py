"""What a study may ask, on the command line and in a file of its own."""

from pathlib import Path

import pytest

from artifacts.errors import GraftError, RecipeError
from artifacts.studies import StudyRecord
from flows.study import commands, planned, trials
from flows.study.asked import asked, is_study
from tasks.pure.class_names import FASHION

STUDIES = Path(__file__).parents[2] / "benchmarks" / "studies"


def test_a_recipe_alone_is_a_study_with_the_usual_controls() -> None:
    study = asked("quickstart", {}, {})
    assert study.arms == ["transfer", "head-only", "scratch", "random-base", "raw-pixels"]
    assert (study.budget, study.seeds, study.margin) == (40, None, 0.01)


def test_a_file_says_it_all_and_options_lie_over_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "source: {dataset: digits}\ntarget: {dataset: digits, task: {classes: [0, 1]}, labels: 20}\n"
    )
    file = tmp_path / "study.yaml"
    file.write_text("recipe: mine.yaml\narms: [transfer, scratch]\nset: {target: {labels: 30}}\nbudget: 10\n")
    assert is_study(file) and not is_study(tmp_path / "mine.yaml")
    study = asked(str(file), {"budget": 20, "seeds": None}, {"pretrain.epochs": 1})
    assert study.recipe == str(tmp_path / "mine.yaml")
    assert study.set == {"target.labels": 30, "pretrain.epochs": 1}
    assert (study.arms, study.budget) == (["transfer", "scratch"], 20)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"arms": ["scratch", "self"]}, "expected `transfer` among them"),
        ({"arms": ["transfer"]}, "at least one other"),
        ({"arms": ["transfer", "skratch"]}, "skratch"),
        ({"budget": 41}, "5 to 40"),
        ({"budget": 4}, "5 to 40"),
        ({"margin": 1.5}, "margin"),
    ],
)
def test_what_cannot_be_is_refused_in_words(options: dict[str, object], said: str) -> None:
    with pytest.raises(GraftError, match=said):
        asked("quickstart", options, {})


def test_lists_are_written_with_commas() -> None:
    given = commands.options("transfer, scratch", "20,100", "conv_1,2", None, None, None, 2)
    assert given["arms"] == ["transfer", "scratch"]
    assert (given["labels"], given["depths"], given["margin"]) == ([20, 100], ["conv_1", 2], 0.02)


@pytest.mark.parametrize("file", sorted(STUDIES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_studies_that_the_readme_quotes_can_still_be_asked(file: Path) -> None:
    assert is_study(file)
    study = asked(str(file), {}, {})
    for place in trials.places(study):
        assert list(trials.trials(study, place, [0], {}, norms=False))
        one = place.settings.get("source.task.one_vs_rest")
        assert one is None or one in FASHION, "a class by its name, as the page shows it"


@pytest.mark.parametrize("labels", ["20;100", "-3", "all"])
def test_labels_are_numbers(labels: str) -> None:
    with pytest.raises(GraftError, match="--labels"):
        commands.options(None, labels, None, None, None, None, None)


def test_one_look_and_a_budget_contradict_each_other() -> None:
    with pytest.raises(GraftError, match="one of --seeds"):
        commands.options(None, None, None, None, 5, 20, None)


def test_error_is_shared_among_the_comparisons() -> None:
    plan = planned.plan(asked("quickstart", {}, {}))
    assert plan["comparisons"] == ["scratch", "random-base", "raw-pixels", "head-only"]
    assert plan["looks"] == [[5, 0.005 / 4], [10, 0.01 / 4], [20, 0.015 / 4], [40, 0.02 / 4]]


@pytest.mark.parametrize(("threads", "said"), [(1, "1 thread"), (2, "2 threads")])
def test_the_plan_in_words_says_looks_margin_and_threads(threads: int, said: str) -> None:
    plan = {
        **planned.plan(asked("quickstart", {"budget": 10, "arms": ["transfer", "scratch"]}, {})),
        "threads": threads,
    }
    assert planned.in_words(StudyRecord("1", plan, {}, 0.0)) == (
        "`transfer` against `scratch`; looks after 5 (α 0.005), 10 (α 0.01) seeds; less than 1 point is no difference; "
        + said
    )


@pytest.mark.parametrize("text", ["abc", "[1]"])
def test_settings_that_are_no_mapping_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(f"recipe: quickstart\nset: {text}\n")
    with pytest.raises(RecipeError, match="`set`: expected a mapping"):
        asked(str(file), {}, {})


def test_a_budget_on_the_command_line_takes_the_place_of_the_files_one_look(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("recipe: quickstart\nseeds: 7\n")
    found = asked(str(file), {"budget": 10}, {})
    assert (found.seeds, found.budget) == (None, 10)
