"""From a recipe's sections to the arguments of the steps: names resolved, nothing passed that a step does not use."""

from flows import picture_checks
from flows.recipe import FineTune, Pretrain, Recipe, TrainHead
from flows.recipe_augment import Augment
from flows.recipe_layers import layer_choices
from flows.recipe_training import GraftedTraining
from flows.recipe_training import Training as TrainingSection
from tasks.pure.architectures import Network
from tasks.pure.bases.base import Base
from tasks.pure.datasets import Selection
from tasks.pure.execution_path import FeatureCache
from tasks.pure.training import ADAMW_DECAY, ONE_CYCLE_WARMUP, SGD_MOMENTUM, Augmentation, Training
from tasks.pure.tuning import StageChoice, TuningChoice


def selection(recipe: Recipe, role: str) -> Selection:
    """What `load_data.<role>` selects. The seed is left out where nothing is drawn, so that it changes no key."""
    section = recipe.data_section(role)
    gate = recipe.source_gate() if role == "source" else recipe.target.gate
    draws = section.labels != "all" or section.validation > 0
    return Selection(
        dataset=section.dataset,
        classes=tuple(section.task.classes) if isinstance(section.task.classes, list) else section.task.classes,
        one_vs_rest=section.task.one_vs_rest,
        labels=section.labels,
        validation=section.validation,
        gate=gate,
        seed=recipe.step_seed(f"load_data.{_drawn_as(recipe, role)}") if draws else None,
        test=section.test,
        image_size=picture_checks.image_size(recipe, role),
        fit=section.fit,
        colour=picture_checks.colour(recipe, role),
        background=section.background,
        value_range=(section.value_range[0], section.value_range[1]) if section.value_range else None,
        on_damaged=section.on_damaged,
        drop_duplicates=_drawn_as(recipe, role) == "target" and recipe.target.duplicates == "drop",
    )


def _drawn_as(recipe: Recipe, role: str) -> str:
    """Whose draw it is. A source that asks for the very labels of the target, as the control that pretrains on the
    target's own task does, gets the same ones: others would be further labels of that task."""
    source = recipe.source
    same = source is not None and all(
        getattr(source, name) == getattr(recipe.target, name) for name in type(source).model_fields
    )
    return "target" if same else role


def path(recipe: Recipe, role: str) -> str | None:
    """The folder or file that the recipe gives for `role`."""
    return recipe.data_section(role).path


def base(recipe: Recipe) -> Base | None:
    """The network that is taken in; None where `pretrain` builds one."""
    section = recipe.base
    if section is None:
        return None
    weights = section.weights or "imagenet"
    return Base(
        kind=section.kind,
        name=section.application or section.package or (None if section.path else section.kerashub),
        weights=("file" if section.path else weights) if section.application else None,
        input_size=section.size,
        cut=section.cut,
        scale=section.scale,
        dropout=section.dropout,
        options=tuple(sorted(section.options.items())),
    )


def base_path(recipe: Recipe) -> str | None:
    """The file or folder that the recipe gives for the base: a network of one's own, weights, a preset's folder."""
    return recipe.base.path if recipe.base else None


def scales_pixels(recipe: Recipe) -> bool:
    """Whether the base scales pixels of 0-255 down, so that floats within -1 … 1 would be 255 times too dark for it.
    Of an earlier run's network the recipe does not know it."""
    if recipe.base is None:
        return recipe.pretrain.scale == "unit"
    return recipe.base.scale != "none" and recipe.base.run is None


def network(recipe: Recipe) -> Network | Base:
    """What `pretrain` builds, or takes in."""
    taken_in = base(recipe)
    return _built(recipe.pretrain) if taken_in is None else taken_in


def _built(section: Pretrain) -> Network:
    return Network(
        architecture=section.architecture,
        widths=tuple(section.widths),
        scale=section.scale,
        batch_norm=section.batch_norm,
        batch_norm_momentum=section.batch_norm_momentum,
        dropout=section.dropout,
        l2=section.l2,
    )


def pretraining(recipe: Recipe) -> Training | None:
    """The training of `pretrain`; None where nothing is trained there, so that none of its keys changes the step's."""
    return training(recipe.pretrain) if recipe.pretrain.epochs else None


def training(section: TrainingSection) -> Training:
    """How a step trains: nulls become what they stand for with the optimiser and the schedule that are chosen.

    With stages each has a rate of its own: the section's is then no parameter but theirs.
    """
    stages = section.stages if isinstance(section, FineTune) else None
    rate = (stages and stages[0].learning_rate) or section.learning_rate
    decay, momentum, warmup = section.weight_decay, section.momentum, section.warmup
    return Training(
        epochs=section.epochs,
        batch_size=section.batch_size,
        learning_rate=0.0 if isinstance(rate, str) else rate,
        early_stopping=section.early_stopping,
        class_weights=section.class_weights,
        augment=augmentation(section.augment),
        augment_copies=section.augment_copies if isinstance(section, TrainHead) else None,
        layer_decay=section.layer_decay if isinstance(section, FineTune) else None,
        auto_rate=isinstance(rate, str),
        precision=section.precision,
        optimizer=section.optimizer,
        momentum=SGD_MOMENTUM if momentum is None else momentum,
        nesterov=section.nesterov,
        weight_decay=ADAMW_DECAY if decay is None and section.optimizer == "adamw" else decay or None,
        clip_norm=section.clip_norm,
        label_smoothing=section.label_smoothing,
        ema=section.ema,
        schedule=section.schedule,
        warmup=(ONE_CYCLE_WARMUP if section.schedule == "one_cycle" else 0.0) if warmup is None else warmup,
    )


def tuning(recipe: Recipe) -> TuningChoice:
    section = recipe.fine_tune
    stages = (
        StageChoice(trained, stage.epochs, stage.learning_rate or float(section.learning_rate))
        for stage, trained in zip(section.stages or [], layer_choices(recipe).in_stages, strict=True)
    )
    return TuningChoice(
        stages=tuple(stages),
        keep=section.keep,
        blend=section.blend,
        calibrate_batch_norm=section.calibrate_batch_norm,
    )


def augmentation(section: Augment) -> Augmentation:
    """What is off is None, and so is `fill` where nothing reaches beyond the edge: it then changes no key."""
    beyond_the_edge = section.rotate or section.shift or section.zoom
    return Augmentation(
        flip=section.flip,
        rotate=section.rotate or None,
        shift=section.shift or None,
        zoom=section.zoom or None,
        brightness=section.brightness or None,
        contrast=section.contrast or None,
        fill=section.fill if beyond_the_edge else None,
        mixup=section.mixup,
        cutmix=section.cutmix,
    )


def features(section: GraftedTraining) -> FeatureCache:
    return FeatureCache(section.feature_cache_mb)
