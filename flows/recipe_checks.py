"""What is wrong with a recipe, in words: impossible combinations, and pydantic's errors told in the recipe's own terms.

Nothing here reads a file or knows Keras. A problem is one sentence that begins with the key's path in backquotes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from flows.label_checks import label_problems
from flows.picture_checks import own_problems
from flows.recipe_augment import augment_problems
from flows.recipe_base import base_problems
from flows.recipe_layers import layer_problems
from flows.recipe_tuning import tuning_problems
from flows.training_checks import training_problems
from tasks.pure.readers import CLASS_NAMES, LISTED, OWN_VALIDATION

if TYPE_CHECKING:
    from flows.recipe import Recipe
    from flows.recipe_data import DataSection

PACKAGED = ("digits", "fashion_mnist_sample")
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
NOUNS = {"integer": "whole number", "number": "number"}
FOUND_CHARS = 80  # longer values are cut in messages


def nearest(name: object, valid: Iterable[str]) -> str:
    """The valid name most like `name`, whatever its case; `valid` must hold at least one."""
    by_lower = {option.lower(): option for option in reversed(list(valid))}
    return by_lower[difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.0)[0]]


def same_images(source: DataSection, target: DataSection) -> bool:
    """Whether both sections may read the same images.

    A known data set holds the same images wherever its files lie, and the sample is drawn from the full one, so paths
    tell nothing apart there. An `npz` may be a copy of the other's file, or hold a known data set: it counts as such.
    A table may list the pictures of a folder.
    """
    families = {section.dataset.removesuffix("_sample") for section in (source, target)}
    return len(families) == 1 or "npz" in families or families == LISTED


def impossibilities(recipe: Recipe) -> list[str]:
    """Every combination in the recipe that cannot work; empty where all is well."""
    problems = base_problems(recipe)
    problems += _data_problems("source", recipe.source, recipe.source_gate()) if recipe.source else []
    problems += _data_problems("target", recipe.target, recipe.target.gate)
    problems += _early_stopping_problems(recipe) + training_problems(recipe)
    problems += tuning_problems(recipe, may_validate(recipe.target))
    # Which layers are frozen is only to be asked where there are such layers.
    return problems + (layer_problems(recipe) or augment_problems(recipe))


def _data_problems(section: str, data: DataSection, gate: float) -> list[str]:
    problems = own_problems(section, data)
    if data.dataset in PACKAGED and data.path is not None:
        problems.append(f"`{section}.path`: data set `{data.dataset}` comes with graft; leave `path` out")
    # How many images a class has is only to be asked of classes that there are.
    return problems + (_class_problems(section, data) or label_problems(section, data, gate))


def _class_problems(section: str, data: DataSection) -> list[str]:
    task, names = data.task, CLASS_NAMES.get(data.dataset)
    if task.classes == "all":
        return []
    key = f"`{section}.task." + ("one_vs_rest`" if task.classes is None else "classes`")
    chosen: list[Any] = [task.one_vs_rest] if task.classes is None else list(task.classes)
    if names is not None:
        unknown = [_unknown_class(key, label, data.dataset, names) for label in chosen if not _is_class(label, names)]
        if unknown:
            return unknown
        chosen = [names.index(label) if isinstance(label, str) else label for label in chosen]
    repeated = [label for position, label in enumerate(chosen) if label in chosen[:position]]
    return [f"{key}: class {repeated[0]!r} is there twice; expected two or more distinct classes"] if repeated else []


def _is_class(label: object, names: Sequence[str]) -> bool:
    return label in names if isinstance(label, str) else label in range(len(names))


def _unknown_class(key: str, label: object, dataset: str, names: Sequence[str]) -> str:
    if isinstance(label, int):
        return f"{key}: no class {label} in `{dataset}`, whose classes are 0 … {len(names) - 1}"
    return f"{key}: no class {label!r} in `{dataset}`; did you mean {nearest(label, names)!r}?"


def _early_stopping_problems(recipe: Recipe) -> list[str]:
    """Early stopping goes by the validation loss; where there is no validation part there is nothing to go by."""
    trainings = (("pretrain", "source"), ("train_head", "target"), ("fine_tune", "target"))
    return [
        f"`{step}.early_stopping`: stops by the validation loss, but `{role}` has no validation part; set "
        f"`{role}.validation`, such as 0.2, or leave `{step}.early_stopping` out"
        for step, role in trainings
        if getattr(recipe, step).early_stopping is not None
        and (data := getattr(recipe, role)) is not None
        and not may_validate(data)
    ]


def may_validate(data: DataSection) -> bool:
    """Whether there may be a validation part: drawn, or in the user's own files."""
    return data.validation > 0 or data.dataset in OWN_VALIDATION


def explain(error: ValidationError, raw: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Every problem that pydantic found, one sentence each, in the recipe's order and without repetitions.

    Args:
        error: what `Recipe.model_validate(raw)` raised.
        raw: the mapping that was validated; values found are quoted from it.
        schema: the recipe's JSON schema.
    """
    told: dict[str, None] = {}
    for item in error.errors(include_url=False):
        for sentence in _sentences(item, raw, schema):
            told.setdefault(sentence)
    return list(told)


def found(value: object) -> str:
    """A value as a message shows it: YAML's words for true, false and null, Python's quotes for text."""
    words = {True: "true", False: "false", None: "null"}
    text = words[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= FOUND_CHARS else text[:FOUND_CHARS] + "…"


def expected(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """What a JSON schema admits, in words: "a whole number >= 1", "`all` or a list of 2 or more texts"."""
    schema = _resolved(schema, root)
    if "anyOf" in schema:
        options = [expected(option, root) for option in schema["anyOf"]]
        return ", ".join(options[:-1]) + " or " + options[-1]
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{option}`" for option in schema["enum"])
    if schema.get("type") == "array":
        at_least = f" of {schema['minItems']} or more" if "minItems" in schema else ""
        return f"a list{at_least}, each {expected(schema['items'], root)}"
    return _expected_scalar(schema, root)


def _expected_scalar(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if kind in NOUNS:
        bounds = " and ".join(f"{sign} {schema[key]:g}" for key, sign in BOUNDS.items() if key in schema)
        return f"a {NOUNS[kind]} {bounds}".rstrip()
    if isinstance(values := schema.get("additionalProperties"), Mapping):
        return f"a mapping of names to {expected(values, root)}"
    if kind == "object":
        keys = ", ".join(f"`{key}`" for key in schema.get("properties", ()))
        return f"a mapping with keys among {keys}" if keys else "an empty mapping, `{}`"
    return {"boolean": "true or false", "null": "null", "string": "text"}[str(kind)]


def _sentences(item: Mapping[str, Any], raw: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    path, node = _locate(item["loc"], schema)
    key = ".".join(path)
    if item["type"] in ("extra_forbidden", "invalid_key"):
        yield _unknown_key(path, str(item["loc"][len(path)]), node, schema)
    elif item["type"] == "missing":
        yield f"`{key}`: missing; expected {expected(node, schema)}"
    elif item["type"] == "value_error":
        # The checks of the whole recipe name their keys themselves, one a line.
        yield from (f"`{key}`: {line}" if key else line for line in str(item["ctx"]["error"]).splitlines())
    elif item["type"] != "default_factory_not_called":  # that one only follows from another error
        yield f"`{key}`: {_mismatch(node, schema, _value_at(path, raw))}"


def _mismatch(node: Mapping[str, Any], schema: Mapping[str, Any], value: object) -> str:
    options = _resolved(node, schema).get("enum", ())
    hint = f"; did you mean `{nearest(value, options)}`?" if isinstance(value, str) and options else ""
    return f"expected {expected(node, schema)}, found {found(value)}{hint}"


def _unknown_key(path: list[str], name: str, node: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    key, siblings = ".".join([*path, name]), list(node.get("properties", ()))
    elsewhere = [valid for valid in _all_keys(schema) if valid.endswith(f".{name}")]
    if not path and name in set(_all_keys(schema)):
        section, _, rest = name.partition(".")
        return f"`{name}`: unknown key; in a file write it nested, `{section}: {{{rest}: …}}`"
    if not siblings:
        return f"`{key}`: unknown key; `{path[-1]}` has no keys, write `{path[-1]}: {{}}`"
    closest = nearest(name, siblings)
    if elsewhere and difflib.SequenceMatcher(None, name.lower(), closest).ratio() < 0.8:
        return f"`{key}`: unknown key; did you mean {' or '.join(f'`{valid}`' for valid in elsewhere)}?"
    return f"`{key}`: unknown key; did you mean `{'.'.join([*path, closest])}`?"


def _all_keys(schema: Mapping[str, Any]) -> Iterable[str]:
    """The dotted path of every key that a recipe may have."""

    def walk(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
        for name, child in _resolved(node, schema).get("properties", {}).items():
            yield prefix + name
            yield from walk(child, f"{prefix}{name}.")

    return list(walk(schema, ""))


def _locate(location: Iterable[object], schema: Mapping[str, Any]) -> tuple[list[str], Mapping[str, Any]]:
    """The key that an error is about: pydantic's location without list positions and branches of unions."""
    path, node = [], schema
    for part in location:
        if not isinstance(part, str) or part not in node.get("properties", {}):
            break
        path.append(part)
        node = _resolved(node["properties"][part], schema)
    return path, node


def _resolved(node: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    return node if reference is None else root["$defs"][reference.rsplit("/", 1)[-1]]


def _value_at(path: Iterable[str], raw: Mapping[str, Any]) -> object:
    value: Any = raw
    for key in path:
        value = value[key]
    return value
