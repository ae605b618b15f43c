"""From a recipe's sections to the arguments of the steps: names resolved, nothing passed that a step does not use."""

from flows import picture_checks
from flows.recipe import Recipe, TrainHead
from flows.recipe_augment import Augment
from flows.recipe_training import GraftedTraining
from flows.recipe_training import Training as TrainingSection
from tasks.pure.architectures import Network
from tasks.pure.datasets import Selection
from tasks.pure.execution_path import FeatureCache
from tasks.pure.surgery import Scion, Trainable
from tasks.pure.training import ADAMW_DECAY, ONE_CYCLE_WARMUP, SGD_MOMENTUM, Augmentation, Training


def selection(recipe: Recipe, role: str) -> Selection:
    """What `load_data.<role>` selects. The seed is left out where nothing is drawn, so that it changes no key."""
    section = recipe.source if role == "source" else recipe.target
    gate = recipe.source_gate() if role == "source" else recipe.target.gate
    draws = section.labels != "all" or section.validation > 0
    return Selection(
        dataset=section.dataset,
        classes=tuple(section.task.classes) if isinstance(section.task.classes, list) else section.task.classes,
        one_vs_rest=section.task.one_vs_rest,
        labels=section.labels,
        validation=section.validation,
        gate=gate,
        seed=recipe.step_seed(f"load_data.{role}") if draws else None,
        test=section.test,
        image_size=picture_checks.image_size(recipe, role),
        fit=section.fit,
        colour=picture_checks.colour(recipe, role),
        background=section.background,
        value_range=(section.value_range[0], section.value_range[1]) if section.value_range else None,
        on_damaged=section.on_damaged,
        drop_duplicates=role == "target" and recipe.target.duplicates == "drop",
    )


def path(recipe: Recipe, role: str) -> str | None:
    """The folder or file that the recipe gives for `role`."""
    return recipe.source.path if role == "source" else recipe.target.path


def network(recipe: Recipe) -> Network:
    section = recipe.pretrain
    return Network(
        architecture=section.architecture,
        widths=tuple(section.widths),
        scale=section.scale,
        batch_norm=section.batch_norm,
        batch_norm_momentum=section.batch_norm_momentum,
        dropout=section.dropout,
        l2=section.l2,
    )


def training(section: TrainingSection) -> Training:
    """Nulls become what they stand for with the optimiser and the schedule that are chosen."""
    decay, momentum, warmup = section.weight_decay, section.momentum, section.warmup
    return Training(
        epochs=section.epochs,
        batch_size=section.batch_size,
        learning_rate=section.learning_rate,
        early_stopping=section.early_stopping,
        class_weights=section.class_weights,
        augment=augmentation(section.augment),
        augment_copies=section.augment_copies if isinstance(section, TrainHead) else None,
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


def scion(recipe: Recipe) -> Scion:
    section = recipe.clone_with_weights
    return Scion(
        reused_layers=tuple(recipe.reused_layers()),
        copy_weights=section.copy_weights,
        add_hidden=tuple(section.add_hidden),
    )


def trainable_in_head(recipe: Recipe) -> Trainable:
    """What `freeze` leaves trainable; with `freeze.batch_norm: trained` every reused batch norm adapts."""
    adapting = recipe.reused_layers() if recipe.freeze.batch_norm == "trained" and recipe.pretrain.batch_norm else []
    return Trainable(tuple(recipe.trainable_in_head()), tuple(adapting))


def trainable_in_fine_tune(recipe: Recipe) -> Trainable:
    """What `unfreeze` makes trainable; with `unfreeze.batch_norm: trained` also the batch norms of those layers."""
    trained = recipe.trainable_in_fine_tune()
    adapting = recipe.unfreeze.batch_norm == "trained" and recipe.pretrain.batch_norm
    reused = set(recipe.reused_layers())
    return Trainable(tuple(trained), tuple(name for name in trained if adapting and name in reused))
