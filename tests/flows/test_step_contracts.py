"""The contracts that the steps check themselves: what is done behind their backs here fails the step, and is named."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from artifacts import codecs
from artifacts.runs import Runs
from artifacts.store import Store
from tasks.pure import fitting, surgery
from tasks.pure.errors import ContractBroken
from tests.flows.conftest import Run

if TYPE_CHECKING:
    import keras

LOWEST = "conv_1"  # frozen in both trainings of the tiny recipe


def move_kernel(model: "keras.Model") -> None:
    kernel = model.get_layer(LOWEST).kernel
    kernel.assign(kernel + 1.0)


def move_statistic(model: "keras.Model") -> None:
    mean = model.get_layer(f"{LOWEST}_batch_norm").moving_mean
    mean.assign(mean + 1.0)


def failed_step(store: Store, recipe: str) -> str:
    record = Runs(store).last(recipe)
    entries = record.steps if record else []
    return str(next(entry["step"] for entry in entries if entry["status"] == "failed"))


@pytest.mark.parametrize("step", ["train_head", "fine_tune"])
@pytest.mark.parametrize(
    ("harm", "named"),
    [(move_kernel, LOWEST), (move_statistic, rf"{LOWEST}_batch_norm \(batch norm\)")],
    ids=["a frozen weight", "a frozen batch norm's statistic"],
)
def test_a_training_that_moves_what_is_frozen_fails_and_names_the_layer(
    run: Run,
    finished: str,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    harm: Callable[["keras.Model"], None],
    named: str,
) -> None:
    honest = fitting.fit

    def fit(model: "keras.Model", *rest: Any) -> Any:
        history = honest(model, *rest)
        harm(model)
        return history

    monkeypatch.setattr(fitting, "fit", fit)
    with pytest.raises(ContractBroken, match=f"moved during training: `?{named}"):
        run(finished, force=[step])
    assert failed_step(store, finished) == step


@pytest.mark.parametrize("step", ["freeze", "unfreeze"])
def test_a_layer_that_was_left_on_fails_the_step_and_is_named(
    run: Run, finished: str, store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    honest = surgery.set_trainable

    def set_trainable(model: "keras.Model", trainable: surgery.Trainable) -> None:
        honest(model, trainable)
        model.get_layer(LOWEST).trainable = True

    monkeypatch.setattr(surgery, "set_trainable", set_trainable)
    with pytest.raises(ContractBroken, match=f"Train without being declared: `?{LOWEST}"):
        run(finished, force=[step])
    assert failed_step(store, finished) == step


@pytest.mark.parametrize("step", ["train_head", "fine_tune"])
def test_a_training_that_gets_a_layer_too_many_fails_before_it_begins(
    run: Run, finished: str, store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    honest = codecs.read_model

    def read_model(*where: Any) -> "keras.Model":
        model = honest(*where)
        model.get_layer(LOWEST).trainable = True
        return model

    monkeypatch.setattr(codecs, "read_model", read_model)
    monkeypatch.setattr(fitting, "fit", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(ContractBroken, match=f"Train without being declared: `?{LOWEST}"):
        run(finished, force=[step])
    assert failed_step(store, finished) == step


def test_a_clone_that_changes_its_base_fails(
    run: Run, finished: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = surgery.graft

    def graft(base: "keras.Model", *rest: Any) -> "keras.Model":
        clone = honest(base, *rest)
        move_kernel(base)
        return clone

    monkeypatch.setattr(surgery, "graft", graft)
    with pytest.raises(ContractBroken, match="the source model, untouched by cloning"):
        run(finished, force=["clone_with_weights"])
    assert failed_step(store, finished) == "clone_with_weights"


@pytest.mark.parametrize(
    ("changed_call", "said"), [(1, "as it lies in the store"), (2, f"different `?weights of {LOWEST}")]
)
def test_a_saved_base_that_is_not_the_given_one_fails(
    run: Run, finished: str, store: Store, monkeypatch: pytest.MonkeyPatch, changed_call: int, said: str
) -> None:
    """The first reading is that of the store, the second that of the file just saved."""
    honest, calls = codecs.read_model, []

    def read_model(*where: Any) -> "keras.Model":
        model = honest(*where)
        calls.append(model)
        if len(calls) == changed_call:
            move_kernel(model)
        return model

    monkeypatch.setattr(codecs, "read_model", read_model)
    with pytest.raises(ContractBroken, match=said):
        run(finished, force=["save_model"])
    assert failed_step(store, finished) == "save_model"


def test_a_saved_base_of_another_digest_fails(
    run: Run, finished: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = codecs.encode_model
    other = "sha256:" + "0" * 64

    def encode_model(model: "keras.Model", outline: Any) -> Any:
        content = honest(model, outline)
        return type(content)(content.kind, other, content.facts, content.write)

    monkeypatch.setattr(codecs, "encode_model", encode_model)
    with pytest.raises(ContractBroken, match="the model as it was saved"):
        run(finished, force=["save_model"])
    assert failed_step(store, finished) == "save_model"
