"""Fine-tuning as practitioners do it: in stages, keeping the best epoch, blended with what came in, calibrated.

One step, one history. Each stage (gradual unfreezing: Howard & Ruder, ULMFiT, 2018) is a training of its own with a new
optimiser, under contract for what it may change; together they may change what `unfreeze` left trainable. Epochs count
on through the stages, so that an interrupted step goes on at any epoch of any stage.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import blending, contracts, fitting, frozen, movable, stages, surgery
from tasks.pure.errors import BadData, SurgeryError
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.layer_choice import Trainable, TrainableChoice, beyond
from tasks.pure.outline import Outline
from tasks.pure.recalibrating import Calibrated, calibrate_trained
from tasks.pure.session import derive
from tasks.pure.training import Part, State, Training, Watch

if TYPE_CHECKING:
    import keras
    import pandas as pd

STAGE = "stage"  # column of the history, from 1
Row = Mapping[str, float]


@dataclass(frozen=True)
class Stage:
    """One part of a fine-tuning.

    Attributes:
        trainable: what it may change; within what the whole step may.
        epochs: passes over the data.
        learning_rate: where it begins.
    """

    trainable: Trainable
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class Tuning:
    """What fine-tuning does beyond one training.

    Attributes:
        stages: one after another; without any, one training of all that is unfrozen.
        keep: `last`, or `best` for the weights of the epoch with the lowest validation loss of all stages.
        blend: mix the weights with those that came in (`blending.py`).
        calibrate_batch_norm: at the end, set the moving statistics of the batch norms that trained to those of the
            training images; after few updates they lag behind the weights.
    """

    stages: tuple[Stage, ...] = ()
    keep: str = "last"
    blend: bool = False
    calibrate_batch_norm: bool = False


@dataclass(frozen=True)
class StageChoice:
    """A stage as the recipe says it, see `Stage`: the names of its layers follow from the network."""

    choice: TrainableChoice
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class TuningChoice:
    """`Tuning` as the recipe says it."""

    stages: tuple[StageChoice, ...] = ()
    keep: str = "last"
    blend: bool = False
    calibrate_batch_norm: bool = False

    def resolved(self, outline: Outline) -> Tuning:
        """With the layers by name.

        Args:
            outline: of the network that is fine-tuned.

        Raises:
            SurgeryError: it has no such layers.
        """
        stages = (Stage(each.choice.resolved(outline), each.epochs, each.learning_rate) for each in self.stages)
        return Tuning(tuple(stages), self.keep, self.blend, self.calibrate_batch_norm)


@dataclass(frozen=True)
class Asked:
    """What a fine-tuning is asked to do: what it may change, how it trains (`epochs` of all stages), and the rest."""

    trainable: Trainable
    training: Training
    tuning: Tuning

    def stages(self) -> tuple[Stage, ...]:
        whole = Stage(self.trainable, self.training.epochs, self.training.learning_rate)
        return self.tuning.stages or (whole,)


@dataclass(frozen=True)
class Tuned:
    """What a fine-tuning gave.

    Attributes:
        fitted: of all stages; with stages its history has the column `stage`, from 1.
        kept_epoch: the epoch, from 1, whose weights were kept; None where they are the last.
        blended: what was tried between the networks before and after; None where nothing was blended.
        calibrated: None where that was not asked for.
    """

    fitted: fitting.Fitted
    kept_epoch: int | None
    blended: blending.Blended | None
    calibrated: Calibrated | None = None

    def facts(self) -> dict[str, Any]:
        """What an execution's record says of it, beside how it was computed."""
        found: dict[str, Any] = {} if self.kept_epoch is None else {"kept_epoch": self.kept_epoch}
        if self.blended is not None:
            found["blended"] = self.blended.to_json()
        return found if self.calibrated is None else {**found, "calibrated": asdict(self.calibrated)}


def tune(
    model: "keras.Model",
    parts: tuple[Part, Part],
    asked: Asked,
    seed: int,
    watch: Watch,
    path: ExecutionPath = ExecutionPath(),  # noqa: B008 - frozen
    state: State | None = None,
) -> Tuned:
    """Fine-tune `model` in place and check that only what is declared has changed.

    Args:
        parts: training and validation part; with `path.cut` of activations instead of images.
        path: its cut lies below all that any stage trains.
        state: what `watch.save` was given at the end of an epoch of this very fine-tuning, to go on from.

    Raises:
        BadData: the best epoch or a blend is asked for, and there is no validation part.
        ContractBroken: other variables train than the declared ones, or a frozen layer moved.
        SurgeryError: a stage trains a layer that `unfreeze` leaves frozen.
    """
    _check_validation(asked.tuning, parts[1])
    _check_within(asked)
    contracts.check_declared(model, asked.trainable)
    before, variables = contracts.frozen_state(model), movable.movable(model)
    came_in = movable.values(variables)
    best = _Best(variables, state) if asked.tuning.keep == "best" else None
    fitted = _Stages(model, parts, asked, seed, _seeing(watch, best), path, state).train()
    if asked.tuning.stages:
        surgery.set_trainable(model, asked.trainable)
    if best:
        movable.put(variables, best.values)
    blended = blending.blend(model, variables, came_in, parts[1], path.cut) if asked.tuning.blend else None
    calibrated = calibrate_trained(model, parts, path.cut) if asked.tuning.calibrate_batch_norm else None
    contracts.check_unmoved(before, model)
    return Tuned(fitted, best.epoch if best else None, blended, calibrated)


def _check_validation(tuning: Tuning, validation: Part) -> None:
    for wanted, name in ((tuning.keep == "best", "keep: best"), (tuning.blend, "blend")):
        if wanted and not len(validation[1]):
            raise BadData(
                f"`fine_tune.{name}` chooses by the validation part, but there is none: the training images would "
                "always choose what knows them by heart. Set `target.validation`, or leave it out."
            )


def _check_within(asked: Asked) -> None:
    problems = beyond(asked.trainable, [stage.trainable for stage in asked.tuning.stages])
    if problems:
        raise SurgeryError(" ".join(problems))


class _Best:
    """The epoch with the lowest validation loss so far, the first of equals, and the weights at its end."""

    def __init__(self, variables: Sequence["keras.Variable"], state: State | None) -> None:
        self.variables = variables
        losses = [row["val_loss"] for row in state.rows] if state else []
        self.loss = min(losses, default=math.inf)
        self.epoch = losses.index(self.loss) + 1 if losses else 0
        self.values: tuple[np.ndarray, ...] = state.best if state else ()

    def see(self, epoch: int, loss: float) -> None:
        if loss < self.loss:
            self.loss, self.epoch, self.values = loss, epoch, movable.values(self.variables)


def _seeing(watch: Watch, best: _Best | None) -> Watch:
    """`watch`, with the best epoch looked after and its weights in every state that is kept."""
    if best is None:
        return watch

    def progress(epoch: int, fraction: float, logs: dict[str, float]) -> None:
        if logs:
            best.see(epoch, logs["val_loss"])
        watch.progress(epoch, fraction, logs)

    return replace(watch, progress=progress, save=lambda state: watch.save(lambda: replace(state(), best=best.values)))


class _Stages:
    """The stages of one fine-tuning, and the rows of its history so far."""

    def __init__(
        self,
        model: "keras.Model",
        parts: tuple[Part, Part],
        asked: Asked,
        seed: int,
        watch: Watch,
        path: ExecutionPath,
        state: State | None,
    ) -> None:
        self.model, self.parts, self.asked, self.seed = model, parts, asked, seed
        self.watch, self.path, self.state = watch, path, state
        rows = list(state.rows) if state else []
        self.first = int(rows[-1].get(STAGE, 1)) - 1 if rows else 0
        self.done = [row for row in rows if row.get(STAGE, 1) <= self.first]

    def train(self) -> fitting.Fitted:
        if self.state:  # before any contract looks: what earlier stages moved is not what a later one may move
            frozen.trained_part(self.model, self.path.cut).set_weights(list(self.state.weights))
        stages = list(enumerate(self.asked.stages()))[self.first :]
        return _joined([self._train(number, stage) for number, stage in stages], self.done, self._staged)

    @property
    def _staged(self) -> bool:
        return bool(self.asked.tuning.stages)

    def _train(self, number: int, stage: Stage) -> fitting.Fitted:
        if self._staged:
            surgery.set_trainable(self.model, stage.trainable)
        training = replace(self.asked.training, epochs=stage.epochs, learning_rate=stage.learning_rate)
        seed = derive(self.seed, STAGE, number) if number else self.seed
        state, watch = self._begun(number), self._watch(number)
        fitted = stages.train_under_contract(
            self.model, self.parts, stage.trainable, training, seed, watch, self.path, state
        )
        self.done += _rows(fitted.history, number + 1)
        return fitted

    def _begun(self, number: int) -> State | None:
        """Where a stage that was interrupted stands, its own epochs counted alone."""
        if self.state is None or number != self.first:
            return None
        rows = [row for row in self.state.rows if row.get(STAGE, 1) == number + 1]
        plain = tuple({name: value for name, value in row.items() if name != STAGE} for row in rows)
        return replace(self.state, epoch=len(rows), rows=plain)

    def _watch(self, number: int) -> Watch:
        """The watch of one stage, whose epochs count on from those before it."""
        before, marked = tuple(self.done), {STAGE: float(number + 1)} if self._staged else {}

        def progress(epoch: int, fraction: float, logs: dict[str, float]) -> None:
            self.watch.progress(len(before) + epoch, fraction, logs)

        def whole(state: State) -> State:
            rows = (*before, *({**row, **marked} for row in state.rows))
            return replace(state, epoch=len(rows), rows=rows)

        return replace(self.watch, progress=progress, save=lambda state: self.watch.save(lambda: whole(state())))


def _rows(history: "pd.DataFrame", stage: int) -> list[dict[str, float]]:
    figures = history.drop(columns="epoch")
    return [
        {**{str(name): float(row[name]) for name in row.index}, STAGE: float(stage)} for _, row in figures.iterrows()
    ]


def _joined(fitted: Sequence[fitting.Fitted], rows: Sequence[Row], staged: bool) -> fitting.Fitted:
    """All stages as one training, those included that were done before an interruption."""
    import pandas as pd

    last = fitted[-1]
    if not staged:
        return last
    figures = {name: [row[name] for row in rows] for name in last.history.columns if name != "epoch"}
    numbers = {"epoch": range(len(rows)), STAGE: [row[STAGE] for row in rows]}
    return replace(
        last,
        history=pd.DataFrame({**numbers, **figures}),
        jit=all(each.jit for each in fitted),
        seconds=sum(each.seconds for each in fitted),
        compile_seconds=sum(each.compile_seconds for each in fitted),
    )
