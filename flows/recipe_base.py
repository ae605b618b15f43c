"""The section `base` of a recipe: a network that is there, in the place of one that `pretrain` trains on `source`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from flows.recipe_data import Count, Pixels, Text
from flows.recipe_section import Section
from tasks.pure.bases import known_applications
from tasks.pure.errors import BadBase

if TYPE_CHECKING:
    from flows.recipe import Recipe

KINDS = ("application", "file", "package", "kerashub", "run")
KNOWN_WEIGHTS = ("imagenet", "none")
TAKES_ITS_PLACE = "`base` takes the place of `source`"
# What an editor is told: without `base` there must be a `source`, and a training on it.
WITHOUT_BASE: dict[str, Any] = {
    "if": {"required": ["base"]},
    "else": {"required": ["source"], "properties": {"pretrain": {"properties": {"epochs": {"minimum": 1}}}}},
}
# Key → the kinds that it goes with, and why no other.
ONLY_FOR = {
    "weights": (("application",), "what else is taken in brings its own weights"),
    "options": (("application",), "only `keras.applications` build a network to order"),
    "scale": (("file", "kerashub"), "the network of `{}` brings its own scaling"),
    "dropout": (("application", "file", "kerashub"), "the network of `{}` is taken in layer by layer as it is"),
    "cut": (("file", "kerashub"), "`{}` brings no head; `clone_with_weights.layers` says what is reused of it"),
}


class Base(Section):
    """The base, taken in from where it is: exactly one of `application`, `file`, `package`, `kerashub` and `run`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [kind]} for kind in KINDS]})

    application: Text | None = Field(default=None, description="A network of `keras.applications`: `MobileNetV2`.")
    file: Text | None = Field(
        default=None, description="A network of your own, `.keras` or `.h5`; relative to the recipe's own folder."
    )
    package: Literal["efficientnet-lite0"] | None = Field(
        default=None, description="A network that an installed package brings, see `graft[photos]`."
    )
    kerashub: Text | None = Field(default=None, description="A preset of KerasHub, or its folder: `./my_preset`.")
    run: Text | Count | None = Field(
        default=None, description="An earlier run's network: its number, id or name, or `champion`."
    )
    weights: Text | None = Field(
        default=None,
        description="Of an application: `imagenet` (the default), `none` (drawn anew), or a file, relative to the "
        "recipe's own folder.",
    )
    input_size: Pixels | Annotated[list[Pixels], Field(min_length=2, max_length=2)] | None = Field(
        default=None, description="Size of the pictures it takes: one number, or height and width; null: its own."
    )
    cut: Text | None = Field(
        default=None, description="The topmost Keras layer that is taken in; null: all below the head that is found."
    )
    scale: Literal["none", "unit", "symmetric"] | None = Field(
        default=None,
        description="What is done to pixels of 0-255 where the network itself does nothing: `unit` 0 to 1, "
        "`symmetric` -1 to 1, `none`.",
    )
    dropout: bool = Field(
        default=False, description="Whether its own dropout layers stay, of an application, file or preset."
    )
    options: dict[Text, str | int | float | bool] = Field(
        default_factory=dict, description="Of an application's builder: `{alpha: 0.35}`."
    )

    @model_serializer(mode="wrap")
    def _as_a_person_would_write_it(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None and value != {}}

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) as the recipe gives it."""
        if isinstance(self.input_size, int):
            return self.input_size, self.input_size
        return (self.input_size[0], self.input_size[1]) if self.input_size else None

    @property
    def path(self) -> str | None:
        """The file or folder that is read, where the recipe names one."""
        named = self.weights if self.application is not None else self.file or self.kerashub
        key = "base.weights" if self.application is not None else f"base.{self.kind}"
        return named if named is not None and is_path(key, named) else None

    @property
    def called(self) -> str:
        """What people call it: `MobileNetV2`, `mine.keras`, `run 12`, `the champion`."""
        if self.run is not None:
            return "the champion" if self.run == "champion" else f"run {self.run}"
        name = str(getattr(self, self.kind))
        return os.path.basename(name.rstrip("/")) if self.application is None and self.path else name


def is_path(key: str, value: object) -> bool:
    """Whether the value of a key (`base.file`) is a path. A preset of KerasHub is none: it has no `/`, or a scheme."""
    if not isinstance(value, str) or not value:
        return False
    if key == "base.weights":
        return value not in KNOWN_WEIGHTS
    if key == "base.kerashub":
        return "://" not in value and ("/" in value or os.sep in value or value.startswith((".", "~")))
    return key == "base.file"


def base_problems(recipe: Recipe) -> list[str]:
    """Every combination of `base`, `source` and `pretrain` that cannot work; empty where all is well."""
    if recipe.base is None:
        needed = "`pretrain.epochs`: expected a whole number >= 1, found 0; only a `base` that is taken in needs none"
        return [] if recipe.pretrain.epochs else [needed]
    given = [kind for kind in KINDS if getattr(recipe.base, kind) is not None]
    if len(given) != 1:
        found = " and ".join(f"`{kind}`" for kind in given) or "none of them"
        return [f"`base`: expected exactly one of {', '.join(f'`{kind}`' for kind in KINDS)}, found {found}"]
    return [*_misplaced(recipe.base), *_application_problems(recipe.base), *_training_problems(recipe)]


def _misplaced(base: Base) -> Iterator[str]:
    """Keys that would be passed over in silence."""
    for key, (kinds, why) in ONLY_FOR.items():
        if base.kind not in kinds and getattr(base, key) not in (None, {}, False):
            goes_with = " or ".join(f"`{kind}`" for kind in kinds)
            yield f"`base.{key}`: goes with {goes_with} alone: {why.format(base.kind)}. Leave it out"


def _application_problems(base: Base) -> Iterator[str]:
    """Names, options and sizes that `keras.applications` does not have."""
    if base.application is None:
        return
    try:
        name = known_applications.application(base.application).name
        known_applications.checked_options(name, dict(base.options), base.weights in (None, "imagenet"))
        known_applications.checked_size(name, base.size)
    except BadBase as problem:
        yield str(problem).rstrip(".")


def _training_problems(recipe: Recipe) -> Iterator[str]:
    from flows.recipe import Network

    pretrain, written = recipe.pretrain, recipe.pretrain.model_fields_set
    if pretrain.epochs and recipe.source is None:
        yield (
            "`pretrain.epochs`: goes on training the network that `base` takes in, but there is no `source` to train "
            "it on. Give `source`, or leave `pretrain.epochs` out"
        )
    if not pretrain.epochs and recipe.source is not None:
        yield (
            f"`source`: nobody would read it: {TAKES_ITS_PLACE}. Leave it out, or set `pretrain.epochs` to go on "
            "training on it"
        )
    for key in [key for key in type(pretrain).model_fields if key in written and key != "epochs"]:
        if key in Network.model_fields:
            yield f"`pretrain.{key}`: the network is the one that `base` takes in. Leave it out"
        elif not pretrain.epochs:
            yield f"`pretrain.{key}`: nothing is trained there. Leave it out, or set `pretrain.epochs` and `source`"


def said(recipe: Recipe, step: str, reason: str) -> str:
    """Why a step runs or need not; of `pretrain` also what it does where it takes a network in instead of training one:
    "takes in MobileNetV2: never ran"."""
    if recipe.base is None or step != "pretrain":
        return reason
    trains = ", trains it on `source`" if recipe.pretrain.epochs else ""
    return f"takes in {recipe.base.called}{trains}: {reason}"


def with_default_epochs(raw: Any) -> Any:
    """A recipe as it was read; where it has a `base`, nothing is trained in `pretrain` unless it says so."""
    if not isinstance(raw, dict) or raw.get("base") is None or not isinstance(raw.get("pretrain", {}), dict):
        return raw
    return {**raw, "pretrain": {"epochs": 0, **raw.get("pretrain", {})}}


def without_what_is_replaced(recipe: Recipe, dumped: dict[str, Any]) -> dict[str, Any]:
    """A dumped recipe without the keys that it would be refused with: what `base` replaces, or `base` itself."""
    from flows.recipe import Network

    kept = {key: value for key, value in dumped.items() if key not in ("base", "source") or value is not None}
    if recipe.base is None or "pretrain" not in kept:
        return kept
    unused = Network.model_fields if recipe.pretrain.epochs else set(type(recipe.pretrain).model_fields) - {"epochs"}
    return {**kept, "pretrain": _without(kept["pretrain"], unused)}


def _without(section: Mapping[str, Any], keys: Any) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in keys}
