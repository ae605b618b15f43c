"""What a training minimises and measures: the loss that belongs to the head, and accuracy."""

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def compile_model(
    model: "keras.Model",
    optimizer: "keras.Optimizer",
    jit: bool = False,
    mixed: bool = False,
    smoothing: float = 0.0,
) -> None:
    """Compile with the loss that belongs to the head: binary or sparse categorical cross-entropy, in nats.

    Args:
        mixed: labels come as shares of the classes (`Augmenter.targets`). The loss is the same cross-entropy, and the
            accuracy the share of pictures answered with the class that has most of the picture.
        smoothing: that share of each label is spread evenly over the classes (Szegedy et al. 2016), of the validation
            too, as in Keras; accuracy goes by the labels themselves.
    """
    binary = model.output_shape[-1] == 1
    with warnings.catch_warnings():
        # Keras turns XLA off by itself for some layers; `fit` says so in its own way.
        warnings.filterwarnings("ignore", message="Model doesn't support `jit_compile=True`")
        model.compile(
            optimizer=optimizer,
            loss=_loss(binary, mixed, smoothing),
            metrics=[_accuracy_of_most() if mixed and binary else "accuracy"],
            jit_compile=jit,
        )


def _loss(binary: bool, mixed: bool, smoothing: float) -> Any:
    import keras

    if not smoothing:
        return "binary_crossentropy" if binary else f"{'' if mixed else 'sparse_'}categorical_crossentropy"
    if binary:
        return keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
    return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing) if mixed else _sparse_smoothed(smoothing)


def _sparse_smoothed(smoothing: float) -> Any:
    """Keras' loss for labels as numbers cannot smooth them; the one for shares can."""
    import keras
    from keras import ops

    def smoothed(targets: Any, answers: Any) -> Any:
        labels = ops.reshape(targets, (-1,))  # Keras gives them as (n, 1)
        shares = ops.one_hot(labels, answers.shape[-1], dtype=answers.dtype)
        return keras.losses.categorical_crossentropy(shares, answers, label_smoothing=smoothing)

    return smoothed


def _accuracy_of_most() -> "keras.Metric":
    """Keras' own for two classes counts an answer to a mixed picture as wrong, whichever it is."""
    import keras

    def right(targets: Any, answers: Any) -> Any:
        return keras.metrics.binary_accuracy(keras.ops.cast(targets > 0.5, answers.dtype), answers)

    return keras.metrics.MeanMetricWrapper(right, name="accuracy")
