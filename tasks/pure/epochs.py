"""Whole epochs in one compiled program, through Keras' own extension point.

`compiled` makes a Keras model that shares every layer with the network and overrides `make_train_function` alone:
`fit`, callbacks, metrics, losses, optimisers and `train_step` are Keras' own. Its train function runs Keras'
`train_step` in a `tf.while_loop` over the batches of the epoch's permutation, with the data resident; with
`jit_compile` the loop is one XLA program. Python is left for an epoch, or for about `CALL_SECONDS` at a time, so that a
cancel is heard; where the calls are cut changes no bit. Data too large for memory is read a batch at a time through
`tf.data`, and each batch is a call. Every program sees batches of one fixed size (the last, smaller one has a program
of its own): with an open size TensorFlow picks other kernels, which give other last bits.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tasks.pure import stopping
from tasks.pure.augmenting import Augmenter
from tasks.pure.order import Order
from tasks.pure.training import Watch

if TYPE_CHECKING:
    import keras

WITHOUT_XLA = "XLA cannot compile this network, it trains without"
CALL_SECONDS = 1.0  # aimed at, going by the last call: while the machine slows down, one may take several times that
FIRST_STEPS = 1  # nobody knows yet what one costs
REASON_CHARS = 160
TOLD_EVERY = 50  # batches, where each is a call of its own
GROWTH = 8  # a call has at most this many times the steps of the one before


class Pace:
    """How many steps the next call should have: as many as fit into CALL_SECONDS, going by the last call."""

    def __init__(self) -> None:
        self.steps = FIRST_STEPS

    def took(self, steps: int, seconds: float) -> None:
        """Learn from a call that compiled nothing."""
        fitting = int(steps * CALL_SECONDS / seconds) if seconds > 0 else steps
        self.steps = max(1, min(fitting, steps * GROWTH))


def compiled(
    inputs: Any,
    outputs: Any,
    order: Order,
    watch: Watch,
    told: Callable[[float, float], None],
    augmenter: Augmenter | None = None,
) -> "keras.Model":
    """A model from `inputs` to `outputs` (Keras tensors of a network) whose layers are the network's own.

    Compile it as ever, and `fit` it on `order.first_batch()`: Keras then sees one step an epoch.
    After `fit` it says what happened: `jit_compile` (False where XLA was asked for and failed, see `watch.remark`) and
    `compile_seconds`, what the first calls of its programs took, their few steps included.

    Args:
        told: called within an epoch with the fraction that is done and the mean loss so far; what it raises ends the
            training there.
        augmenter: what changes each batch before the network sees it; no part of the model.
    """
    import keras
    import tensorflow as tf

    class CompiledEpochs(keras.Model):
        train_function: Any
        jit_compile: Any

        def make_train_function(self, force: bool = False) -> None:
            if self.train_function is not None and not force:
                return
            self.optimizer.build(self.trainable_variables)
            self.pace, self.compile_seconds = Pace(), 0.0
            self.traced: set[str] = set()
            self.tensors = () if order.streamed else order.resident()
            self._make_programs()
            self.train_function = self._stream_epoch if order.streamed else self._run_epoch

        def make_test_function(self, force: bool = False) -> None:
            """Without XLA: a validation is one pass, not worth a compilation."""
            asked, self.jit_compile = self.jit_compile, False
            try:
                super().make_test_function(force)
            finally:
                self.jit_compile = asked

        def _make_programs(self) -> None:
            steps = {"full": self._full_batches, "rest": self._last_batch, "batch": self._given_batch}
            self.programs = {
                name: tf.function(step, autograph=False, jit_compile=self.jit_compile) for name, step in steps.items()
            }

        def _full_batches(self, start: Any, steps: Any) -> dict[str, Any]:
            def body(step: Any) -> Any:
                self._train_on(step * order.batch_size, order.batch_size)
                return step + 1

            tf.while_loop(lambda step: step < start + steps, body, [start], parallel_iterations=1)
            return self.get_metrics_result()

        def _last_batch(self, start: Any) -> dict[str, Any]:
            self._train_on(start * order.batch_size, order.count % order.batch_size)
            return self.get_metrics_result()

        def _given_batch(self, *batch: Any) -> dict[str, Any]:
            self.train_step(augmenter.batch(*batch) if augmenter else batch)
            return self.get_metrics_result()

        def _train_on(self, first: Any, size: int) -> None:
            chosen = tf.slice(order.indices, [first], [size])
            batch = tuple(tf.gather(tensor, chosen) for tensor in self.tensors)
            self.train_step(augmenter.batch(*batch) if augmenter else batch)

        def _run_epoch(self, iterator: Any) -> dict[str, Any]:
            self._make_metrics(next(iterator))
            full, done = order.count // order.batch_size, 0
            logs: dict[str, Any] = {}
            while done < full:
                steps = min(self.pace.steps, full - done)
                logs, seconds = self._call("full", "full", tf.constant(done), tf.constant(steps))
                if seconds:
                    self.pace.took(steps, seconds)
                done += steps
                told(done / order.steps, float(logs["loss"]))
            if order.count % order.batch_size:
                logs, _ = self._call("rest", "rest", tf.constant(full))
            return logs

        def _stream_epoch(self, iterator: Any) -> dict[str, Any]:
            self._make_metrics(next(iterator))
            logs: dict[str, Any] = {}
            for done, batch in enumerate(order.batches(), start=1):
                logs, _ = self._call("batch", f"batch of {len(batch[1])}", *batch)
                if done % TOLD_EVERY == 0:
                    told(done / order.steps, float(logs["loss"]))
            return logs

        def _make_metrics(self, batch: tuple[Any, ...]) -> None:
            """Their variables, before anything is traced: TensorFlow traces whatever makes variables a second time."""
            if not self.traced:
                labels = batch[1]
                self.compute_metrics(batch[0], labels, tf.zeros((len(labels), outputs.shape[-1])))
                self.reset_metrics()

        def _call(self, program: str, trace: str, *arguments: Any) -> tuple[dict[str, Any], float]:
            """Metrics, and the seconds that the call took; 0 where it also compiled."""
            stopping.point()
            began = watch.clock()
            try:
                logs: dict[str, Any] = self.programs[program](*arguments)
            except tf.errors.OpError as problem:
                if not self.jit_compile or trace in self.traced:  # a program that is refused has changed nothing
                    raise
                self._give_up_xla(problem)
                return self._call(program, trace, *arguments)
            seconds = watch.clock() - began
            if trace in self.traced:
                return logs, seconds
            self.traced.add(trace)
            self.compile_seconds += seconds
            return logs, 0.0

        def _give_up_xla(self, problem: Exception) -> None:
            reason = str(problem).strip().splitlines()[0][:REASON_CHARS]
            watch.remark(f"{WITHOUT_XLA}: {reason}")
            self.jit_compile = False
            self._make_programs()

    return CompiledEpochs(inputs, outputs)
