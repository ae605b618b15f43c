"""Where the bases of a probe are cut: words, resolved against the outline of each base before any is asked."""

from collections.abc import Mapping, Sequence

from tasks.pure.errors import SurgeryError
from tasks.pure.layer_choice import Reuse, named, unknown
from tasks.pure.outline import Outline, outlined_blocks

TOP, ALL = "top", "all"
KEY = "--cuts"

Cuts = tuple[str | None, ...]


def resolved(outlines: Mapping[str, Outline], words: Sequence[str]) -> dict[str, Cuts]:
    """The cuts of each base, from the bottom up; None stands for its top.

    Bases have layers of different names. So a word counts for those that have such a layer, and has to mean something
    in one of them at least; a base in which no word means anything is asked at its top.

    Args:
        outlines: name of a base → its layers; not empty.
        words: `top`, `all` (every layer), how many layers from the bottom, names and patterns (`block_1[3-6]*`);
            none at all: the top.

    Raises:
        SurgeryError: a word that none of the bases can be cut at, with the nearest names of the first one.
    """
    names = {base: [block.name for block in outlined_blocks(outline)] for base, outline in outlines.items()}
    for word in words:
        _check(word, outlines, names)
    return {base: _of_base(words, outlines[base], names[base]) for base in outlines}


def _check(word: str, outlines: Mapping[str, Outline], names: Mapping[str, Sequence[str]]) -> None:
    problems = []
    for base, outline in outlines.items():
        try:
            _meant(word, outline, names[base])
            return
        except SurgeryError as problem:
            problems.append(f"{base}: {problem}")
    others = f" No other base has such a layer: {', '.join(list(outlines)[1:])}." if len(problems) > 1 else ""
    raise SurgeryError(problems[0] + others)


def _of_base(words: Sequence[str], outline: Outline, names: Sequence[str]) -> Cuts:
    found: set[str] = set()
    for word in words:
        try:
            found |= set(_meant(word, outline, names))
        except SurgeryError:  # another base has it
            continue
    below: Cuts = tuple(name for name in names[:-1] if name in found)
    return (*below, None) if not below or names[-1] in found else below


def _meant(word: str, outline: Outline, names: Sequence[str]) -> Sequence[str]:
    """The layers that a word means; the topmost one is the top."""
    if word == TOP or not names:
        return names[-1:]
    if word == ALL:
        return names
    if word.lstrip("-").isdecimal():
        return [_counted(int(word), outline)]
    problem = unknown(KEY, (word,), names)
    if problem:
        raise SurgeryError(problem)
    return named(names, (word,), from_top=False)


def _counted(number: int, outline: Outline) -> str:
    if number < 1:
        raise SurgeryError(f"`{KEY}`: expected the number of layers from the bottom, 1 or more, found {number}.")
    try:
        return Reuse(number, True, ()).resolved(outline).reused_layers[-1]
    except SurgeryError as problem:
        raise SurgeryError(str(problem).replace("clone_with_weights.layers", KEY)) from None
