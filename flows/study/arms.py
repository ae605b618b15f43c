"""The arms of a study: each is the recipe with other parameters, so that what they share is computed once.

| arm | what it is |
|---|---|
| `transfer` | the recipe as it is |
| `head-only` | before `unfreeze`: the same run, judged with the new head alone |
| `fine-tune-all` | `unfreeze` opens all layers |
| `no-freeze` | copied weights, everything trained from the start: what Kumar et al. (ICLR 2022) call FT, beside LP-FT |
| `scratch` | the same network from random weights on the same labels; its batch norms calibrated at the end |
| `random-base` | weights never copied, frozen and fine-tuned as the recipe says |
| `raw-pixels` | logistic regression on the pixels: no network at all |
| `self` | pretrained on the target's own task, cut and frozen the same way (Yosinski et al., NeurIPS 2014) |

Rate and number of updates of `scratch` and `no-freeze` are chosen on validation (`tuning.py`): with those of the
recipe, which are the transfer's, they would be a straw man.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from artifacts.errors import UsageError
from flows.recipe import Recipe

ArmName = Literal["transfer", "head-only", "fine-tune-all", "no-freeze", "scratch", "random-base", "raw-pixels", "self"]
ARMS: tuple[str, ...] = get_args(ArmName)
TRANSFER = "transfer"
# Read off the run of another arm, by the name that its evaluation has for it: they cost nothing. `random-head` is for
# the depth of the cut alone: with it, frozen and tuned can be seen for copied and for random layers.
OF_TRANSFER = {"head-only": "head-only", "raw-pixels": "raw-pixels"}
READ_OFF = {"transfer": OF_TRANSFER, "random-base": {"random-head": "head-only"}}
RANDOM_HEAD = "random-head"
FREE = (*OF_TRANSFER, RANDOM_HEAD)
# What one would do without transfer: the verdict is about these.
WITHOUT_TRANSFER = ("scratch", "random-base", "raw-pixels")
TUNED = ("no-freeze", "scratch")
DEFAULT: tuple[ArmName, ...] = ("transfer", "head-only", "scratch", "random-base", "raw-pixels")


@dataclass(frozen=True)
class Tuned:
    """What was chosen on validation for an arm.

    Attributes:
        learning_rate: of all its updates.
        updates: how many times as many updates as the transfer arm has in all, ≥ 1.
    """

    learning_rate: float
    updates: int


def overrides(arm: str, recipe: Recipe, norms: bool, tuned: Tuned | None = None) -> dict[str, Any]:
    """Dotted key → value: what makes `recipe` this arm.

    Args:
        norms: whether the base has batch norms, which from random weights have to be learnt.
        tuned: for the arms of `TUNED`; None: with the recipe's own rate and epochs, as many as the transfer has.

    Raises:
        UsageError: the recipe has no such arm.
    """
    if arm in (TRANSFER, *OF_TRANSFER):
        return {}
    if arm == "fine-tune-all":
        return {"unfreeze.layers": "all", **_one_stage(recipe)}
    if arm == "random-base":
        return {"clone_with_weights.copy_weights": False}
    if arm == "self":
        return _self(recipe)
    if arm in TUNED:
        return {**_all_from_the_start(arm, norms), **_one_stage(recipe), **_trained(recipe, tuned)}
    raise UsageError(f"No arm `{arm}`. Arms: {', '.join(ARMS)}.")


def comparisons(arms: tuple[str, ...]) -> list[str]:
    """The arms that `transfer` is compared with, those first that the verdict is about."""
    others = [arm for arm in arms if arm != TRANSFER]
    return sorted(others, key=lambda arm: (arm not in WITHOUT_TRANSFER, others.index(arm)))


def _all_from_the_start(arm: str, norms: bool) -> dict[str, Any]:
    """Nothing frozen; from random weights the norms' statistics are learnt, copied ones stay as the recipe has them.

    What is learnt is calibrated at the end: on 40 labels moving statistics that lagged cost a control up to 18 points
    on test images, while it still knew its training images by heart in either mode.
    """
    # Fixed copies of what the frozen layers make need frozen layers.
    opened: dict[str, Any] = {"freeze.layers": 0, "unfreeze.layers": "all", "train_head.augment_copies": None}
    if arm == "no-freeze":
        return opened
    trained = {"freeze.batch_norm": "trained", "unfreeze.batch_norm": "trained"}
    learnt = {**trained, "fine_tune.calibrate_batch_norm": True} if norms else {}
    return {**opened, **learnt, "clone_with_weights.copy_weights": False, "fine_tune.layer_decay": None}


def _trained(recipe: Recipe, tuned: Tuned | None) -> dict[str, Any]:
    if tuned is None:
        return {}
    steps = ("train_head", "fine_tune")
    rates: dict[str, Any] = {f"{step}.learning_rate": tuned.learning_rate for step in steps}
    # Whoever stops early on the plateau at the start of a training from scratch has fewer updates than transfer.
    rates |= {f"{step}.early_stopping": None for step in steps}
    head, fine = recipe.train_head.epochs, fine_tuning_epochs(recipe)
    return {**rates, "train_head.epochs": head * tuned.updates, "fine_tune.epochs": fine * tuned.updates}


def _one_stage(recipe: Recipe) -> dict[str, Any]:
    """Stages open layer after layer; all at once it is one training of as many epochs, at the rate of the first."""
    stages = recipe.fine_tune.stages
    if not stages:
        return {}
    rate = {"fine_tune.learning_rate": stages[0].learning_rate} if stages[0].learning_rate is not None else {}
    return {"fine_tune.stages": None, "fine_tune.epochs": fine_tuning_epochs(recipe), **rate}


def fine_tuning_epochs(recipe: Recipe) -> int:
    """Of all stages."""
    stages = recipe.fine_tune.stages
    return sum(stage.epochs for stage in stages) if stages else recipe.fine_tune.epochs


def _self(recipe: Recipe) -> dict[str, Any]:
    if recipe.source is None:
        raise UsageError("The arm `self` pretrains on the target's own task; a recipe with `base` pretrains nothing.")
    target: Mapping[str, Any] = recipe.target.model_dump()
    fields = type(recipe.source).model_fields
    found = {f"source.{name}": target[name] for name in fields if name != "task"}
    task = {name: value for name, value in target["task"].items() if value is not None}
    return {**found, **{f"source.task.{name}": value for name, value in task.items()}}
