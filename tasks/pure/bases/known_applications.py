"""The networks of `keras.applications` as a table, so that a recipe is checked without importing Keras.

A test compares it with Keras itself: names, sizes, options and the files of the weights.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.pure.bases.base import Option
from tasks.pure.errors import BadBase

# How a family wants its pixels, given 0 to 255 in the order red, green, blue (`keras.applications.imagenet_utils`).
CAFFE, TORCH, TF = "caffe", "torch", "tf"
OWN = "own"  # the network's first layers do it; its `preprocess_input` does nothing
CHANNELS = 3
LARGEST = 4  # width or depth of a network, beside 1 in its paper


@dataclass(frozen=True)
class Family:
    """What the networks of one module of `keras.applications` have in common.

    Attributes:
        scaling: `caffe`, `torch`, `tf` or `own`.
        minimum: the least height and width that Keras builds it with.
        licence: of the ImageNet weights, as Keras 2's documentation names it (keras.io/applications, 2019); None for
            families that came later, of which Keras says nothing.
        options: of the builder, what shapes the network below the head: name → the values that Keras has ImageNet
            weights for, its default first.
        trained_sizes: heights (and widths) for which Keras has weights of their own, its default last; empty where
            one file serves them all.
    """

    scaling: str
    minimum: int = 32
    licence: str | None = None
    options: Mapping[str, tuple[Option, ...]] = field(default_factory=dict)
    trained_sizes: tuple[int, ...] = ()


APACHE = "Apache-2.0"
FAMILIES = {
    "convnext": Family(OWN),
    "densenet": Family(TORCH, licence="BSD-3-Clause"),
    "efficientnet": Family(OWN),
    "efficientnet_v2": Family(OWN),
    "inception_resnet_v2": Family(TF, 75, APACHE),
    "inception_v3": Family(TF, 75, APACHE),
    "mobilenet": Family(
        TF, licence=APACHE, options={"alpha": (1.0, 0.25, 0.5, 0.75), "depth_multiplier": (1,)},
        trained_sizes=(128, 160, 192, 224),
    ),
    "mobilenet_v2": Family(
        TF, licence=APACHE, options={"alpha": (1.0, 0.35, 0.5, 0.75, 1.3, 1.4)},
        trained_sizes=(96, 128, 160, 192, 224),
    ),
    "mobilenet_v3": Family(OWN, options={"alpha": (1.0, 0.75), "minimalistic": (False, True)}),
    "nasnet": Family(TF, licence=APACHE),
    "resnet": Family(CAFFE, licence="MIT"),
    "resnet_v2": Family(TF, licence="BSD-3-Clause"),
    "vgg16": Family(CAFFE, licence="CC-BY-4.0"),
    "vgg19": Family(CAFFE, licence="CC-BY-4.0"),
    "xception": Family(TF, 71, "MIT"),
}  # fmt: skip

ALPHA_TEXTS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}  # as MobileNet's files are named
CONVERTED = "{}_weights_tf_dim_ordering_tf_kernels_notop.h5"


@dataclass(frozen=True)
class Application:
    """One network of `keras.applications`.

    Attributes:
        name: of the function that builds it.
        family: of the module, a key of `FAMILIES`.
        size: height and width that it was made for.
        file: name of the file in which Keras keeps its ImageNet weights without head; in braces what options say.
    """

    name: str
    family: str
    size: int
    file: str

    @property
    def traits(self) -> Family:
        return FAMILIES[self.family]


def _convnext(size: str) -> Application:
    return Application(f"ConvNeXt{size}", "convnext", 224, f"convnext_{size.lower()}_notop.h5")


def _efficientnet(version: int, size: int) -> Application:
    return Application(f"EfficientNetB{version}", "efficientnet", size, f"efficientnetb{version}_notop.h5")


def _efficientnet_v2(version: str, size: int) -> Application:
    file = f"efficientnetv2-{version.lower()}_notop.h5"
    return Application(f"EfficientNetV2{version}", "efficientnet_v2", size, file)


def _converted(name: str, family: str, size: int = 224, called: str | None = None) -> Application:
    return Application(name, family, size, CONVERTED.format(called or name.lower()))


V2_SIZES = {"B0": 224, "B1": 240, "B2": 260, "B3": 300, "S": 384, "M": 480, "L": 480}
EACH = (
    *(_convnext(size) for size in ("Tiny", "Small", "Base", "Large", "XLarge")),
    *(_converted(f"DenseNet{depth}", "densenet") for depth in (121, 169, 201)),
    *(_efficientnet(version, size) for version, size in enumerate((224, 240, 260, 300, 380, 456, 528, 600))),
    *(_efficientnet_v2(version, size) for version, size in V2_SIZES.items()),
    _converted("InceptionResNetV2", "inception_resnet_v2", 299, "inception_resnet_v2"),
    _converted("InceptionV3", "inception_v3", 299, "inception_v3"),
    Application("MobileNet", "mobilenet", 224, "mobilenet_{alpha_text}_{size}_tf_no_top.h5"),
    Application(
        "MobileNetV2", "mobilenet_v2", 224, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{size}_no_top.h5"
    ),
    Application(
        "MobileNetV3Large", "mobilenet_v3", 224, "weights_mobilenet_v3_large{minimal}_224_{alpha}_float_no_top_v2.h5"
    ),
    Application(
        "MobileNetV3Small", "mobilenet_v3", 224, "weights_mobilenet_v3_small{minimal}_224_{alpha}_float_no_top_v2.h5"
    ),
    Application("NASNetLarge", "nasnet", 331, "nasnet_large_no_top.h5"),
    Application("NASNetMobile", "nasnet", 224, "nasnet_mobile_no_top.h5"),
    *(_converted(f"ResNet{depth}", "resnet") for depth in (50, 101, 152)),
    *(_converted(f"ResNet{depth}V2", "resnet_v2") for depth in (50, 101, 152)),
    _converted("VGG16", "vgg16"),
    _converted("VGG19", "vgg19"),
    _converted("Xception", "xception", 299),
)
APPLICATIONS = {application.name: application for application in EACH}


def application_names() -> list[str]:
    """The names that a recipe may give as `base.application`, in alphabetical order."""
    return sorted(APPLICATIONS)


def application(name: str | None) -> Application:
    """The application of that name.

    Raises:
        BadBase: there is none, with the nearest names.
    """
    if name in APPLICATIONS:
        return APPLICATIONS[name]
    near = {known.lower(): known for known in APPLICATIONS}
    close = [near[match] for match in difflib.get_close_matches(str(name).lower(), near, 3)]
    nearest = f"Nearest: {', '.join(f'`{known}`' for known in close)}. " if close else ""
    raise BadBase(
        f"`base.application`: expected a network of keras.applications, found `{name}`. {nearest}"
        f"All: {', '.join(application_names())}."
    )


def checked_options(name: str, options: Mapping[str, Option], imagenet: bool) -> dict[str, Option]:
    """The options of a recipe with the defaults of those that it leaves out.

    Args:
        imagenet: whether they are to fit weights that Keras has.

    Raises:
        BadBase: no such option, a value of another type, a width or depth of nothing, or one without weights.
    """
    known = application(name).traits.options
    for key, value in options.items():
        if key not in known:
            valid = ", ".join(f"`{option}`" for option in known) or "it has none"
            raise BadBase(f"`base.options.{key}`: no option of {name}. Its options: {valid}.")
        _check_value(name, key, value, known[key], imagenet)
    given = {key: float(value) if isinstance(known[key][0], float) else value for key, value in options.items()}
    chosen = {key: given.get(key, values[0]) for key, values in known.items()}
    if imagenet and chosen.get("minimalistic") and chosen["alpha"] != 1:
        raise BadBase(
            f"`base.options`: Keras has weights of the minimalistic {name} for alpha 1.0 alone, found "
            f"{chosen['alpha']}. Leave `alpha` out, or set `base.weights: none`."
        )
    return chosen


def _check_value(name: str, key: str, value: Option, trained: tuple[Option, ...], imagenet: bool) -> None:
    kind = type(trained[0])
    admitted = (int, float) if kind is float else (kind,)
    if type(value) not in admitted or not (kind is bool or 0 < float(value) <= LARGEST):
        expected = {bool: "true or false", int: f"a whole number from 1 to {LARGEST}"}
        wanted = expected.get(kind, f"a number above 0, at most {LARGEST}")
        raise BadBase(f"`base.options.{key}`: expected {wanted}, found {value!r}.")
    if imagenet and value not in trained:
        raise BadBase(
            f"`base.options.{key}`: Keras has ImageNet weights of {name} for "
            f"{', '.join(str(one).lower() for one in sorted(trained))}; found {value}. Take one of these, or set "
            "`base.weights: none`."
        )


def checked_size(name: str, size: tuple[int, int] | None) -> tuple[int, int]:
    """(height, width) of the pictures: the recipe's, or the application's own.

    Raises:
        BadBase: below what its family can be built with.
    """
    chosen = application(name)
    if size is None:
        return chosen.size, chosen.size
    if min(size) < chosen.traits.minimum:
        raise BadBase(
            f"`base.input_size`: {name} takes pictures of at least {chosen.traits.minimum} x {chosen.traits.minimum} "
            f"pixels; found {size[0]} x {size[1]}. Give a larger size: smaller pictures are enlarged to it."
        )
    return size


def trained_size(name: str, size: tuple[int, int] | None) -> int:
    """The height for which the weights were trained that Keras takes for pictures of this size."""
    chosen = application(name)
    height, width = size or (chosen.size, chosen.size)
    return height if height == width and height in chosen.traits.trained_sizes else chosen.size


def weights_file(name: str, options: Mapping[str, Option], size: tuple[int, int] | None) -> str:
    """Name of the file in which Keras keeps the ImageNet weights without head.

    Raises:
        BadBase: Keras has none for these options.
    """
    chosen = checked_options(name, options, imagenet=True)
    alpha = float(chosen.get("alpha", 1.0))
    return application(name).file.format(
        alpha=alpha,
        alpha_text=ALPHA_TEXTS.get(alpha),
        minimal="_minimalistic" if chosen.get("minimalistic") else "",
        size=trained_size(name, size),
    )
