"""The keys of a training: what they stand for where nothing is said, and what says nothing beside one another."""

from typing import Any

import pytest
from pydantic import ValidationError

from flows import arguments
from flows.recipe import Recipe

STEPS = ("pretrain", "train_head", "fine_tune")
DATA: dict[str, Any] = {"source": {"dataset": "fashion_mnist"}, "target": {"dataset": "digits"}}


def training(step: str, **keys: Any) -> Any:
    return arguments.training(getattr(Recipe.model_validate({**DATA, step: keys}), step))


@pytest.mark.parametrize("step", STEPS)
def test_without_a_word_it_is_adam_at_a_constant_rate(step: str) -> None:
    found = training(step)
    assert (found.optimizer, found.schedule, found.warmup) == ("adam", "constant", 0.0)
    assert (found.weight_decay, found.clip_norm, found.label_smoothing, found.ema) == (None, None, 0.0, None)


@pytest.mark.parametrize("step", STEPS)
def test_what_is_said_arrives_at_the_training(step: str) -> None:
    keys = {
        "optimizer": "sgd",
        "momentum": 0.5,
        "nesterov": True,
        "weight_decay": 0.01,
        "clip_norm": 2.0,
        "label_smoothing": 0.1,
        "ema": 0.99,
        "schedule": "cosine",
        "warmup": 0.2,
    }
    found = training(step, **keys)
    assert {key: getattr(found, key) for key in keys} == keys


def test_nulls_stand_for_what_the_optimiser_and_the_schedule_have() -> None:
    assert training("fine_tune", optimizer="sgd").momentum == 0.9
    assert training("fine_tune", optimizer="sgd", momentum=0.0).momentum == 0.0
    assert training("fine_tune", optimizer="adamw").weight_decay == 0.004
    assert training("fine_tune", optimizer="adamw", weight_decay=0.0).weight_decay is None
    assert training("fine_tune", schedule="one_cycle").warmup == 0.3
    assert training("fine_tune", schedule="one_cycle", warmup=0.0).warmup == 0.0


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "keys, said",
    [
        ({"nesterov": True}, "nesterov`: belongs to `optimizer: sgd`"),
        ({"momentum": 0.9}, "momentum`: belongs to `optimizer: sgd`"),
        ({"optimizer": "adamw", "momentum": 0.9}, "is `adamw`, which has moments of its own"),
        ({"optimizer": "sgd", "nesterov": True, "momentum": 0.0}, "nesterov`: is a form of momentum"),
    ],
)
def test_what_cannot_work_together_is_refused_in_words(step: str, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as refused:
        Recipe.model_validate({**DATA, step: keys})
    assert f"`{step}." in str(refused.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"optimizer": "lion"},
        {"momentum": 1.0, "optimizer": "sgd"},
        {"weight_decay": -0.1},
        {"clip_norm": 0.0},
        {"label_smoothing": 1.0},
        {"ema": 1.0},
        {"ema": 0.0},
        {"schedule": "linear"},
        {"warmup": 1.0},
    ],
)
def test_values_out_of_range_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        training("fine_tune", **keys)


@pytest.mark.parametrize("key, value", [("optimizer", "sgd"), ("ema", 0.9), ("schedule", "cosine"), ("warmup", 0.1)])
def test_each_key_is_part_of_what_a_step_is_known_by(key: str, value: Any) -> None:
    assert training("train_head", **{key: value}) != training("train_head")
