"""A base through all that graft does to one, by the code that the steps use, on pictures of two classes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure import execution_path, frozen, stages, surgery
from tasks.pure.execution_path import ExecutionPath, Work
from tasks.pure.layer_choice import Reuse, TrainableChoice
from tasks.pure.layers import is_batch_norm
from tasks.pure.outline import Outline, outlined_blocks
from tasks.pure.outlining import outline
from tasks.pure.training import Part, Training, Watch
from tests.tasks.pure.small_networks import moved, weights

if TYPE_CHECKING:
    import keras

ALL_FROZEN = TrainableChoice("all", "frozen")
TOP_TWO = TrainableChoice("all", "frozen", 2)
PICTURES, BATCH = 8, 4
MEGABYTES = 512


@dataclass(frozen=True)
class Grown:
    """What came of it.

    Attributes:
        model: the network at the end.
        below: its outline before the fine-tuning.
        head_in_graph, head_on_stored: the head's weights, trained for an epoch in two ways from the same beginning.
        head_cut, tuned_cut: the layers whose stored activations were trained on; None for a training on pictures.
        head_moved, tuned_moved: names of the Keras layers whose weights changed in each training.
    """

    model: "keras.Model"
    below: Outline
    head_in_graph: list[np.ndarray]
    head_on_stored: list[np.ndarray]
    head_cut: str | None
    tuned_cut: str | None
    head_moved: set[str]
    tuned_moved: set[str]

    def top_two(self) -> list[set[str]]:
        """The members of the two highest layers in graft's sense, batch norms aside: those stay frozen."""
        kinds = {layer["name"]: layer["kind"] for layer in self.below if layer["weights"]}
        chosen = [block.members for block in outlined_blocks(self.below)[-2:]]
        return [{name for name in names if kinds.get(name, "BatchNormalization") != "BatchNormalization"}
                for names in chosen]  # fmt: skip

    def above_the_third(self) -> Outline:
        """What lies above the layer below those two, up to and with the cut of the fine-tuning."""
        names, third = [layer["name"] for layer in self.below], outlined_blocks(self.below)[-3]
        return self.below[names.index(third.end) + 1 : names.index(self.tuned_cut) + 1]


def pictures(shape: tuple[int, ...]) -> Part:
    """uint8 noise (8, *shape), the second class brighter; labels 0, 1, 0, …"""
    labels = np.arange(PICTURES, dtype=np.int64) % 2
    noise = np.random.default_rng(2).integers(0, 128, (PICTURES, *shape), np.uint8)
    return noise + (127 * labels).astype(np.uint8)[:, None, None, None], labels


def awake(base: "keras.Model", pictures: np.ndarray) -> "keras.Model":
    """`base`, its batch norms with the statistics of these pictures: a deep network of random weights gives 1e-20 for
    every picture otherwise, and nothing would train."""
    norms = [layer for layer in base.layers if is_batch_norm(layer)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    base(pictures.astype(np.float32), training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return base


def through_the_surgery(base: "keras.Model", part: Part) -> Grown:
    """Graft with a new head; freeze all, train the head in-graph and again on activations at the cut; unfreeze the two
    highest layers, fine-tune. One epoch each; contracts are checked in each training."""
    model = surgery.graft(base, Reuse("all", True, ()).resolved(outline(base)), part[0].shape[1:], 2, seed=5)
    head = model.get_layer("head")
    beginning = head.get_weights()
    _train(model, ALL_FROZEN, part, stored=False)
    in_graph = head.get_weights()
    head.set_weights(beginning)
    head_cut, head_moved = _train(model, ALL_FROZEN, part, stored=True)
    on_stored, below = head.get_weights(), outline(model)
    tuned_cut, tuned_moved = _train(model, TOP_TWO, part, stored=True)
    return Grown(model, below, in_graph, on_stored, head_cut, tuned_cut, head_moved, tuned_moved)


def chosen_cut(model: "keras.Model") -> str | None:
    """The layer on whose stored activations a training of `model` as it is frozen now would go on."""
    return execution_path.of_grafted_network(outline(model), Work(PICTURES, 0, BATCH, 1), MEGABYTES).path.cut


def _train(model: "keras.Model", choice: TrainableChoice, part: Part, *, stored: bool) -> tuple[str | None, set[str]]:
    declared = choice.resolved(outline(model))
    surgery.set_trainable(model, declared)
    path = ExecutionPath(cut=chosen_cut(model) if stored else None)
    below, (images, labels) = frozen.frozen_part(model, path.cut), part
    seen = images if below is None else frozen.activations(below, images)
    before = weights(model)
    once = Training(epochs=1, batch_size=BATCH, learning_rate=0.001, early_stopping=None, class_weights=False)
    stages.train_under_contract(model, ((seen, labels), (seen[:0], labels[:0])), declared, once, 3, Watch(), path)
    return path.cut, moved(before, model)
