"""The DAG, as one sentence. `transfer_learning` runs it, `plan` reads it; nobody writes it a second time.

    load_data.source ─> pretrain ─> save_model ─> clone_with_weights ─> freeze ─> train_head ─┐
    load_data.target ─> inspect_data, and ─────────────┴────────────────────────────────┘     │
    ┌──────────────────────────────────────────────────────────────────────────────────────────┘
    └─> unfreeze ─> fine_tune ─> evaluate ─> figures ─> report

`load_data.target` also goes to fine_tune, evaluate and report; evaluate also gets the base and its own data
(for the base's figures) and the network before fine-tuning; figures also gets the three histories. `inspect_data` gets
both data sets, and goes to evaluate (which test images were trained on?) and report. It comes before any training:
data that should not be trained on is refused there.
Where the recipe has a `base`, `pretrain` takes that network in. There is no `load_data.source` then, unless `pretrain`
goes on training it; what would get the source gets None instead, and `evaluate` no base, which has no head.
Only references and plain values pass between steps. Each step receives just the values that it uses, not the recipe,
so that a change to the report cannot retrain anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, get_args

from flows import arguments, recipe_layers
from flows.recipe import Recipe
from flows.recipe_base import TAKES_ITS_PLACE

StepName = Literal[
    "load_data.source",
    "load_data.target",
    "inspect_data",
    "pretrain",
    "save_model",
    "clone_with_weights",
    "freeze",
    "train_head",
    "unfreeze",
    "fine_tune",
    "evaluate",
    "figures",
    "report",
]
STEPS: tuple[str, ...] = get_args(StepName)


class Interpreter(Protocol):
    """What gives the sentence its meaning: runs a step, or looks whether it would run. Returns the named outputs."""

    def __call__(self, step: str, **arguments: Any) -> Mapping[str, Any]: ...


def wire(step: Interpreter, recipe: Recipe) -> None:
    """Call `step` for every step of the DAG in order, each with the outputs of those before it."""
    seed = recipe.step_seed
    source = None
    if recipe.source is not None:
        source = step("load_data.source", role="source", selection=arguments.selection(recipe, "source"))["dataset"]
    target = step("load_data.target", role="target", selection=arguments.selection(recipe, "target"))["dataset"]
    inspection = step("inspect_data", source=source, target=target)["inspection"]

    pretrained = step(
        "pretrain",
        source=source,
        network=arguments.network(recipe),
        layers=recipe_layers.layer_choices(recipe),
        weights=None,
        training=arguments.pretraining(recipe),
        seed=seed("pretrain"),
    )
    base = step("save_model", model=pretrained["model"])["model"]

    clone = step(
        "clone_with_weights",
        base=base,
        target=target,
        scion=recipe_layers.reuse(recipe),
        seed=seed("clone_with_weights"),
    )["model"]
    for_head = recipe_layers.trainable_in_head(recipe)
    frozen = step("freeze", model=clone, trainable=for_head)["model"]
    head = step(
        "train_head",
        model=frozen,
        target=target,
        trainable=for_head,
        training=arguments.training(recipe.train_head),
        features=arguments.features(recipe.train_head),
        seed=seed("train_head"),
    )
    for_fine_tuning = recipe_layers.trainable_in_fine_tune(recipe)
    unfrozen = step("unfreeze", model=head["model"], trainable=for_fine_tuning)["model"]
    tuned = step(
        "fine_tune",
        model=unfrozen,
        target=target,
        trainable=for_fine_tuning,
        training=arguments.training(recipe.fine_tune),
        tuning=arguments.tuning(recipe),
        features=arguments.features(recipe.fine_tune),
        seed=seed("fine_tune"),
    )

    evaluation = step(
        "evaluate",
        model=tuned["model"],
        head=head["model"],
        base=base if recipe.source else None,
        source=source,
        target=target,
        inspection=inspection,
        bootstrap=recipe.evaluate.bootstrap,
        confidence=recipe.evaluate.confidence,
        seed=seed("evaluate"),
    )["evaluation"]
    pictures = step(
        "figures",
        evaluation=evaluation,
        pretraining=pretrained["history"],
        head_training=head["history"],
        fine_tuning=tuned["history"],
        mistakes=recipe.figures.mistakes,
    )["figures"]
    step("report", evaluation=evaluation, figures=pictures, source=source, target=target, inspection=inspection)


def left_out(recipe: Recipe) -> Mapping[str, str]:
    """Steps that are not in this recipe's sentence, and why."""
    return {} if recipe.source is not None else {"load_data.source": TAKES_ITS_PLACE}


def present(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The entries of a run's record of steps that its recipe has."""
    return [entry for entry in entries if entry["reason"] != TAKES_ITS_PLACE]


class _Edge:
    """A stand-in for an output that remembers which step it came from."""

    def __init__(self, step: str) -> None:
        self.step = step

    def __getitem__(self, _output: str) -> "_Edge":
        return self


def edges(recipe: Recipe) -> dict[str, dict[str, str]]:
    """step → argument → the step whose output it is, read off the sentence itself."""
    found: dict[str, dict[str, str]] = {}

    def note(step: str, **arguments: Any) -> Any:
        found[step] = {name: value.step for name, value in arguments.items() if isinstance(value, _Edge)}
        return _Edge(step)

    wire(note, recipe)
    return found


def ancestors(step: str, edges: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """All steps that `step` needs, directly or through others."""
    above = set(edges[step].values())
    return frozenset(above).union(*(ancestors(parent, edges) for parent in above))


def descendants(step: str, edges: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """All steps that need `step`, directly or through others."""
    return frozenset(other for other in edges if step in ancestors(other, edges))
