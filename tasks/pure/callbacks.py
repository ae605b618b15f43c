"""What happens between the epochs of a training: seeds, history, divergence, early stopping, the state to go on from.

In this order at the end of an epoch: its row joins the history and is told, early stopping judges it, the state is
offered to whoever keeps it. So the state holds what early stopping remembers, and a training that goes on from there
stops where one that was never interrupted stops.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import optimising, stopping
from tasks.pure.augmenting import Augmenter
from tasks.pure.errors import DIVERGED, BadData, Diverged
from tasks.pure.layers import leaves
from tasks.pure.order import Order
from tasks.pure.session import derive
from tasks.pure.training import Best, Part, State, Training, Watch

if TYPE_CHECKING:
    import keras

CLIPPED = 1.0  # the length of gradients that is commonly tried first


def epoch_callback(
    model: "keras.Model",
    order: Order,
    training: Training,
    watch: Watch,
    augmenter: Augmenter | None,
    rows: Sequence[Mapping[str, float]] = (),
) -> Any:
    """Sets order, dropout seeds and augmentation before each epoch, keeps the history, and tells how far it is.

    Args:
        model: the network, whose dropouts are seeded.
        rows: the history so far.
    """
    import keras

    class Epoch(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.rows, self.epoch = list(rows), 0

        def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            self.epoch = epoch
            order.shuffle(epoch)
            seed_dropouts(model, order.seed, epoch)
            if augmenter:
                augmenter.begin(order.seed, epoch)

        def within(self, fraction: float, loss: float) -> None:
            check_finite(loss, self.model, training, self.epoch)
            watch.progress(self.epoch, fraction, {})

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            row = {name: float(value) for name, value in (logs or {}).items()}
            check_finite(row["loss"], self.model, training, epoch)
            check_finite(row.get("val_loss", 0.0), self.model, training, epoch)
            if not optimising.constant(training):
                row["learning_rate"] = _last_rate(self.model)
            self.rows.append(row)
            watch.progress(epoch + 1, 0.0, dict(row))

        def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
            self.exchange = optimising.averaged(self.model)
            self.exchange.__enter__()

        def on_test_end(self, logs: Mapping[str, float] | None = None) -> None:
            self.exchange.__exit__(None, None, None)

        def on_test_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
            stopping.point()  # a validation is one call for whoever watches

    return Epoch()


def early_stopping(
    training: Training, validation: Part, best: Best | None = None
) -> list["keras.callbacks.EarlyStopping"]:
    """Keras' own by the validation loss, which goes on from `best`; none where the training has none.

    With averaged weights it is these that are judged, remembered and taken back.

    Raises:
        BadData: there is no validation part.
    """
    import keras

    if training.early_stopping is None:
        return []
    if not len(validation[1]):
        raise BadData(
            "`early_stopping` stops by the validation loss, but there is no validation part: the training loss only "
            "says how well the training images are known by heart. Set `validation`, or leave `early_stopping` out."
        )

    class Stopping(keras.callbacks.EarlyStopping):
        def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
            super().on_train_begin(logs)
            if best:
                self.best, self.best_epoch, self.wait = best.value, best.epoch, best.wait
                self.best_weights = list(best.weights)

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            with optimising.averaged(self.model):
                super().on_epoch_end(epoch, logs)

        def remembers(self) -> Best:
            return Best(self.best_epoch, float(self.best), self.wait, tuple(self.best_weights))

    patience = training.early_stopping
    return [Stopping(monitor="val_loss", mode="min", patience=patience, restore_best_weights=True)]


def last_epoch(training: Training, state: State | None) -> int:
    """After how many epochs the training ends at the latest: at once where it had stopped early when it was kept."""
    if (
        state
        and state.stopping
        and training.early_stopping is not None
        and state.stopping.wait >= training.early_stopping
    ):
        return state.epoch
    return training.epochs


def keeper(watch: Watch, epoch: Any, stops: Sequence[Any]) -> "keras.callbacks.Callback":
    """Offers the state of each epoch to `watch.save`; has to come after the callbacks `epoch` and `stops`."""
    import keras

    class Keeper(keras.callbacks.Callback):
        def on_epoch_end(self, done: int, logs: Mapping[str, float] | None = None) -> None:
            watch.save(lambda: self.state(done + 1))

        def state(self, done: int) -> State:
            optimizer = tuple(np.asarray(variable) for variable in self.model.optimizer.variables)
            best = stops[0].remembers() if stops else None
            return State(done, tuple(self.model.get_weights()), optimizer, tuple(epoch.rows), stopping=best)

    return Keeper()


def seed_dropouts(model: "keras.Model", seed: int, epoch: int) -> None:
    """Set the state of every layer's seed generator from (seed, epoch, layer): files do not keep it."""
    for path, leaf in leaves(model):
        # An attention holds a dropout, a GRU a cell. Keras numbers their names by what else the process has built, so
        # they go by their places.
        for place, part in enumerate(leaf._flatten_layers()):
            # Dropout and noise call it by the first name, augmentation by the second.
            generator = getattr(part, "seed_generator", None) or getattr(part, "generator", None)
            if generator is not None:
                inside = f"{path}/{place}" if place else path
                generator.state.assign(np.array([derive(seed, "dropout", epoch, inside), 0]))


def check_finite(loss: float, model: "keras.Model", training: Training, epoch: int) -> None:
    """Stop a training that is lost.

    Args:
        loss: the epoch's mean so far.
        epoch: from 0.

    Raises:
        Diverged: the loss is infinite or no number.
    """
    if not np.isfinite(loss):
        raise Diverged(diverged(f"in epoch {epoch + 1} (loss {loss})", _last_rate(model), training))


SCALE_THEM = (
    "or, where the base sees pixels of 0–255 as they are, scale them: `pretrain.scale: unit`, or `base.scale: unit` of "
    "a file or preset that is taken in"
)


def diverged(where: str, rate: float, training: Training) -> str:
    """What to tell of a training that diverged: where, at which rate, and what to try that is not done yet."""
    at = "" if optimising.constant(training) else f", at a rate of {rate:.3g}"
    tries = [] if training.warmup else ["let it rise at first: `warmup: 0.1`"]
    tries += [] if training.clip_norm else [f"shorten its gradients: `clip_norm: {CLIPPED:g}`"]
    others = "; ".join([*tries, SCALE_THEM])
    return f"{DIVERGED} {where}{at}. Lower its `learning_rate` (now {training.learning_rate:g}); {others}."


def _last_rate(model: "keras.Model") -> float:
    """The rate of the last update."""
    return optimising.rate_of(model, max(optimising.updates_done(model) - 1, 0))
