"""What is wrong with the data, in sentences, from what `looks.py` found. No NumPy: the report reads this too."""

from collections.abc import Mapping, Sequence
from typing import Any

UNEVEN = 10  # times as many pictures in the largest class as in the smallest are worth a word
OTHER_LIGHT = 40  # grey levels of 255 between the means of two parts
MOST_NAMED = 5
LEAK = 0.01  # of the test pictures; beyond it the verdict begins with them


# "ROLE/PART/SHA-256" (hex) of a picture's file → what it is called. Equal files may lie in several parts.
Names = Mapping[str, str]


def problems(found: Mapping[str, Any], names: Names | None = None) -> list[str]:
    """Sentences, the gravest first; none where all is well.

    Args:
        names: what files are called, as far as that is known: the data itself only knows what is in them.
    """
    target = found["target"]
    return [
        *_trained_on(found, names or {}),
        *_of_the_source(found),
        *_conflicts(found["conflicts"]),
        *_untested(target),
        *_unvalidated(target),
        *_plain(found),
        *_uneven(target),
        *_other_light(target),
    ]


def examples(found: Mapping[str, Any], pairs: Sequence[str], names: Names | None = None) -> str:
    """ "test 3 is train 17, test 4 is train 9", of some pairs of parts; files by their names where these are known."""
    told = []
    for each in found["examples"]:
        if each["pair"] in pairs:
            parts = each["pair"].split("|")
            first, second = (
                _called(part, each[place], file_name(names or {}, part, each.get(f"{place}_file", "")))
                for part, place in zip(parts, ("first", "second"), strict=True)
            )
            told.append(f"{second} is {first}")
    return ", ".join(told[:MOST_NAMED])


def file_name(names: Names, part: str, file: str) -> str | None:
    """What a picture's file is called; None where nobody knows.

    Args:
        part: as pairs of parts name it: `test`, `source train`. What was drawn from the training part lies there.
        file: hex SHA-256.
    """
    role = "source" if part.startswith("source ") else "target"
    own = part.removeprefix("source ").removeprefix("target ")
    places = (own, "train", "") if own in ("gate", "validation") else (own, "train" if own == "test" else "", "")
    return next((name for place in places if (name := names.get(f"{role}/{place}/{file}"))), None)


def _called(part: str, place: int, name: str | None) -> str:
    return f"{part} {place}" if name is None else f"`{name}`"


def leaks(found: Mapping[str, Any], pairs: Sequence[str]) -> tuple[int, int]:
    """How many pictures the second parts of `pairs` share with the first ones: exact copies, and near ones."""
    exact, near = (found["duplicates"][kind] for kind in ("exact", "near"))
    return sum(exact.get(pair, 0) for pair in pairs), sum(near.get(pair, 0) for pair in pairs)


def named(names: Sequence[str]) -> str:
    """ "`a`, `b`", the first few and how many more."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:MOST_NAMED]) + more


def _trained_on(found: Mapping[str, Any], names: Names) -> list[str]:
    pairs = ("train|test", "validation|test")
    exact, near = leaks(found, pairs)
    if not exact + near:
        return []
    return [
        f"Test pictures of the target lie in its training and validation parts too: {exact:,} exactly, {near:,} "
        f"nearly, of {_tested(found):,} ({examples(found, pairs, names)}). `target.duplicates: drop` leaves their "
        "copies out."
    ]


def _of_the_source(found: Mapping[str, Any]) -> list[str]:
    exact, near = leaks(found, ("source train|target test",))
    if not exact + near:
        return []
    return [
        f"The base is pretrained on test pictures of the target: {exact:,} exactly, {near:,} nearly, "
        f"of {_tested(found):,}. Take other classes, or another source."
    ]


def _tested(found: Mapping[str, Any]) -> int:
    return sum(found["target"]["parts"]["test"].values())


def _conflicts(count: int) -> list[str]:
    if not count:
        return []
    what = (
        "picture is there under two classes: its labels" if count == 1 else "pictures are there under two: their labels"
    )
    return [f"{count:,} {what} cannot all be right."]


def _untested(data: Mapping[str, Any]) -> list[str]:
    names = data["untested"]
    if not names:
        return []
    return [f"No test pictures of {named(names)}: trained, but not tested."]


def _unvalidated(data: Mapping[str, Any]) -> list[str]:
    names = [name for name, count in data["parts"].get("validation", {}).items() if not count]
    if not names:
        return []
    return [f"No validation pictures of {named(names)}: whatever is chosen on validation is chosen without."]


def _plain(found: Mapping[str, Any]) -> list[str]:
    counts = {
        f"the {role}'s {part}": count
        for role in ("source", "target")
        if role in found
        for part, count in found[role]["plain"].items()
    }
    told = [f"{count:,} in {where}" for where, count in counts.items() if count]
    return [f"Pictures of one colour: {', '.join(told)}."] if told else []


def _uneven(data: Mapping[str, Any]) -> list[str]:
    counts = data["parts"]["train"]
    most = max(counts, key=counts.__getitem__)
    few, count = data["smallest"]["class"], data["smallest"]["count"]
    if counts[most] < UNEVEN * count:
        return []
    return [f"The classes are uneven: `{few}` has {count:,} training pictures, `{most}` {counts[most]:,}."]


def _other_light(data: Mapping[str, Any]) -> list[str]:
    means = {part: each["mean"] for part, each in data["brightness"].items()}
    if "test" not in means or abs(means["train"] - means["test"]) < OTHER_LIGHT:
        return []
    how = "darker" if means["test"] < means["train"] else "brighter"
    return [
        f"The test pictures are {how} than the training pictures: mean {means['test']:.0f} against "
        f"{means['train']:.0f} of 255. Were they taken or prepared in another way?"
    ]
