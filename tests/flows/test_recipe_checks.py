"""What a person is told about a wrong recipe: the key's path, what was expected and found, the nearest valid name."""

import string

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from flows.recipe import Recipe
from flows.recipe_checks import explain, nearest

SMALL = "source: {dataset: fashion_mnist}\ntarget: {dataset: digits}\n"
SCHEMA = Recipe.model_json_schema()


def refusal(text: str) -> str:
    raw = YAML(typ="safe", pure=True).load(text)
    with pytest.raises(ValidationError) as refused:
        Recipe.model_validate(raw)
    return "\n".join(explain(refused.value, raw, SCHEMA))


@pytest.mark.parametrize(("step", "role"), [("pretrain", "source"), ("train_head", "target"), ("fine_tune", "target")])
def test_early_stopping_needs_a_validation_part_where_that_can_be_known(step: str, role: str) -> None:
    stopping = f"{step}: {{early_stopping: 3}}\n"
    assert f"`{step}.early_stopping`: stops by the validation loss, but `{role}` has no" in refusal(SMALL + stopping)
    yaml, sections = YAML(typ="safe", pure=True), {"source": "fashion_mnist", "target": "fashion_mnist"}
    for more in ("validation: 0.2", "dataset: npz, path: /mine.npz"):  # a file may bring a part of its own
        text = "\n".join(
            f"{name}: {{{'' if name == role and 'npz' in more else f'dataset: {dataset}, '}"
            f"{more if name == role else ''}}}"
            for name, dataset in sections.items()
        )
        Recipe.model_validate(yaml.load(f"{text}\n{stopping}"))


def known_keys() -> set[str]:
    return {key for part in [SCHEMA, *SCHEMA["$defs"].values()] for key in part["properties"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fine_tune: {epoch: 1}", "`fine_tune.epoch`: unknown key; did you mean `fine_tune.epochs`?"),
        ("fine_tune: {learning_rte: 1}", "unknown key; did you mean `fine_tune.learning_rate`?"),
        ("fine_tunes: {}", "`fine_tunes`: unknown key; did you mean `fine_tune`?"),
        ("freeze: {add_hidden: []}", "`freeze.add_hidden`: unknown key; did you mean `clone_with_weights.add_hidden`?"),
        ("fine_tune.epochs: 3", "write it nested, `fine_tune: {epochs: …}`"),
        ("save_model: {epochs: 3}", "`save_model` has no keys"),
        ("1: 2", "`1`: unknown key"),
        ("pretrain: {epochs: ten}", "`pretrain.epochs`: expected a whole number >= 0, found 'ten'"),
        ("pretrain: {dropout: 1}", "`pretrain.dropout`: expected a number >= 0 and < 1, found 1"),
        ("pretrain: {architecture: dens}", "found 'dens'; did you mean `dense`?"),
        ("pretrain: {widths: [64, 0]}", "`pretrain.widths`: expected a list of 1 or more, each a whole number >= 1"),
        ("pretrain: {l2: .nan}", "`pretrain.l2`: expected a number >= 0, found nan"),
        ("evaluate:", "`evaluate`: expected a mapping with keys among `bootstrap`, `confidence`, found null"),
        ("freeze: 2", "`freeze`: expected a mapping"),
    ],
)
def test_a_wrong_key_is_named_with_what_was_expected(text: str, said: str) -> None:
    assert said in refusal(SMALL + text)


def test_one_error_lists_every_problem() -> None:
    said = refusal(SMALL + "sed: 1\npretrain: {epochs: ten}\nfine_tune: {epoch: 1, learning_rate: -1}")
    for key in ("`sed`", "`pretrain.epochs`", "`fine_tune.epoch`", "`fine_tune.learning_rate`"):
        assert said.count(f"{key}: ") == 1


@given(
    parents=st.sampled_from([(), ("source",), ("target", "task"), ("pretrain",), ("save_model",), ("figures",)]),
    name=st.text(string.ascii_lowercase + "_", min_size=1, max_size=20).filter(lambda name: name not in known_keys()),
)
def test_any_unknown_key_is_refused_with_its_path(parents: tuple[str, ...], name: str) -> None:
    raw: dict[str, object] = {"source": {"dataset": "digits"}, "target": {"dataset": "digits"}}
    node = raw
    for parent in parents:
        node = node.setdefault(parent, {})  # type: ignore[assignment]
    node[name] = 1
    with pytest.raises(ValidationError) as refused:
        Recipe.model_validate(raw)
    (problem,) = explain(refused.value, raw, SCHEMA)
    assert problem.startswith(f"`{'.'.join((*parents, name))}`: unknown key; ")


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert nearest("Fine-Tune", ["freeze", "fine_tune", "figures"]) == "fine_tune"
    assert nearest("", ["one", "two"]) in ("one", "two")


def test_every_key_of_the_schema_is_described() -> None:
    described = [node for part in [SCHEMA, *SCHEMA["$defs"].values()] for node in part["properties"].values()]
    assert all(node.get("description") for node in described)
    assert SCHEMA["required"] == ["target"]
    assert SCHEMA["else"]["required"] == ["source"]  # where there is no `base`


def test_the_schema_refuses_what_the_model_refuses() -> None:
    data = {"source": {"dataset": "digits"}, "target": {"dataset": "digits"}}
    jsonschema.validate(data, SCHEMA)
    wrongs: list[dict[str, object]] = [
        {"fine_tune": {"learning_rte": 1}},
        {"pretrain": {"epochs": 0}},
        {"sed": 1},
        {"source": {}},
    ]
    for wrong in wrongs:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data | wrong, SCHEMA)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pretrain: {augment: {flip: sideways}}", "`pretrain.augment.flip`: expected one of `horizontal`, `vertical`"),
        ("pretrain: {augment: {rotate: -1}}", "`pretrain.augment.rotate`: expected a number >= 0 and <= 180, found -1"),
        ("pretrain: {augment: {mixup: 0}}", "`pretrain.augment.mixup`: expected a number >= 0.1 and <= 1 or null"),
        ("pretrain: {augment: {rotat: 1}}", "unknown key; did you mean `pretrain.augment.rotate`?"),
        (
            "fine_tune: {class_weights: true, augment: {mixup: 0.2}}",
            "`fine_tune.class_weights`: weighs a picture by its one class, but `fine_tune.augment` mixes",
        ),
        ("train_head: {augment_copies: 4}", "`train_head.augment_copies`: copies of what?"),
        (
            "train_head: {augment_copies: 4, augment: {flip: both, cutmix: 1}}",
            "`train_head.augment_copies`: `mixup` and `cutmix` mix the pictures of each batch",
        ),
        (
            "train_head: {augment_copies: 4, augment: {flip: both}, feature_cache_mb: 0}",
            "the copies' activations are to be stored, but `train_head.feature_cache_mb` is 0",
        ),
        (
            "train_head: {augment_copies: 4, augment: {flip: both}}\nfreeze: {layers: 0}",
            "`train_head.augment_copies`: the lowest layer is not frozen (`freeze.layers`)",
        ),
        ("fine_tune: {augment_copies: 4}", "`fine_tune.augment_copies`: unknown key"),
    ],
)
def test_what_cannot_be_augmented_is_refused(text: str, said: str) -> None:
    assert said in refusal(SMALL + text)


def test_augmentation_that_can_be_is_admitted() -> None:
    for text in (
        "{augment_copies: 1, augment: {brightness: 0.1}, class_weights: true}",
        "{augment: {flip: both, mixup: 0.2, cutmix: 1.0}}",
        "{augment: {}}",
    ):
        Recipe.model_validate(YAML(typ="safe", pure=True).load(f"{SMALL}train_head: {text}"))
