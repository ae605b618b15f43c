"""`learning_rate: auto` in a recipe: looked for once, stored with its picture, told, part of the key."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from artifacts.collecting import collect
from artifacts.store import Store
from artifacts.verify import verify
from flows import arguments, run_show
from flows.recipe import Recipe
from tasks import identity
from tasks.fingerprint import Fingerprint
from tests.flows.conftest import Run
from tests.flows.tiny import digests, ran

AUTO: dict[str, Any] = {
    "pretrain.architecture": "dense",
    "pretrain.dropout": 0.0,
    "pretrain.epochs": 1,
    "train_head.learning_rate": "auto",
    "fine_tune.learning_rate": "auto",
}


def rates(store: Store) -> list[Path]:
    return sorted((store.artifacts / "rates").glob("*"))


def facts(store: Store, result: dict[str, Any], step: str) -> dict[str, Any]:
    execution = store.execution(result["by_step"][step]["key"])
    assert execution is not None
    return dict(execution.facts)


def test_it_is_looked_for_once_and_found_again(run: Run, tiny: str, store: Store) -> None:
    first = run(tiny, AUTO)
    made = rates(store)
    assert len(made) == 2 and verify(store).problems == []
    about = facts(store, first, "fine_tune")["rates"]
    assert not about["reused"] and 1e-7 < about["learning_rate"] < 10
    assert f"{about['learning_rate']:.3g}, found in" in dict(run_show.how(facts(store, first, "fine_tune")))["rate"]
    page = Path(first["report"]).read_text(encoding="utf-8")
    assert "The learning rate of train_head" in page and "The learning rate of fine_tune" in page
    assert "The learning rate of pretrain" not in page

    longer = run(tiny, {**AUTO, "fine_tune.epochs": 3})
    assert ran(longer) == ["fine_tune", "evaluate", "figures"]
    assert rates(store) == made, "how long it trains does not matter to the search"
    again = facts(store, longer, "fine_tune")["rates"]
    assert again["reused"] and again["learning_rate"] == about["learning_rate"]

    by_hand = run(tiny, {**AUTO, "fine_tune.learning_rate": about["learning_rate"]})
    assert digests(by_hand)["fine_tune"] == digests(first)["fine_tune"], "the same training, under another key"

    collect(store, keep=5)
    assert rates(store) == made
    shutil.rmtree(store.artifacts / "rates")
    assert ran(run(tiny, AUTO)) == [], "no step's output: who has the network needs no search"


def test_another_network_in_the_same_recipe_is_searched_again(
    run: Run, tiny: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What builds it is reached by `pretrain`, not by the search, which would have found the old network's rate."""
    file, known = "tasks/pure/architectures.py", identity.fingerprint

    def edited(step: str) -> Fingerprint:
        as_it_is = known(step)
        return replace(as_it_is, files={**as_it_is.files, **({file: "edited"} if file in as_it_is.files else {})})

    rate = "pretrain.learning_rate"
    asked = {**{key: value for key, value in AUTO.items() if key.startswith("pretrain.")}, rate: "auto"}
    run(tiny, asked)
    made = len(rates(store))
    monkeypatch.setattr(identity, "fingerprint", edited)
    assert not facts(store, run(tiny, asked), "pretrain")["rates"]["reused"]
    assert len(rates(store)) == made, "the same network after all: the same curve, one artifact"


DATA = {"source": {"dataset": "fashion_mnist"}, "target": {"dataset": "digits"}}


def test_a_rate_is_open_where_the_recipe_says_auto() -> None:
    recipe = Recipe.model_validate({**DATA, "train_head": {"learning_rate": "auto"}})
    assert (arguments.training(recipe.train_head).auto_rate, arguments.training(recipe.fine_tune).auto_rate) == (
        True,
        False,
    )
    with pytest.raises(ValidationError, match="'auto'"):
        Recipe.model_validate({**DATA, "train_head": {"learning_rate": "automatic"}})


def test_stages_have_rates_of_their_own() -> None:
    def staged(**stage: Any) -> Recipe:
        tuning = {"learning_rate": "auto", "stages": [{"layers": 1, "epochs": 1, **stage}]}
        return Recipe.model_validate({**DATA, "fine_tune": tuning})

    with pytest.raises(ValidationError, match="give each stage a `learning_rate` of its own"):
        staged()
    assert not arguments.training(staged(learning_rate=0.1).fine_tune).auto_rate
