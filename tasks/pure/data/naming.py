"""Class names are names: compared in one Unicode form, sorted as a person would, chosen by what they say.

macOS writes `é` as two code points, Linux as one; to a person they are one name, so they are one here (NFC).
"""

import difflib
import unicodedata
from collections.abc import Iterable

from tasks.pure.errors import BadData


def one_form(name: str) -> str:
    """`name` in Unicode's composed form (NFC), the one in which names are compared."""
    return unicodedata.normalize("NFC", name)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Distinct names in the order of their labels: as numbers where all are whole numbers, else by code point."""
    distinct = set(names)
    if all(name.isascii() and name.isdecimal() for name in distinct):
        return tuple(sorted(distinct, key=lambda name: (int(name), name)))
    return tuple(sorted(distinct))


def class_number(class_names: tuple[str, ...], wanted: int | str) -> int:
    """The place of a class (0 … k-1) given by place or by name.

    Raises:
        BadData: no such class (the message lists the classes and names the nearest); or a number that may be meant as a
            name or as a place, where these are different classes.
    """
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return _placed(class_names, wanted)
    names = [one_form(name) for name in class_names]
    if isinstance(wanted, str) and one_form(wanted) in names:
        return names.index(one_form(wanted))
    raise _unknown(class_names, wanted)


def _placed(class_names: tuple[str, ...], wanted: int) -> int:
    """A number is a place, unless the classes' own names are numbers and say something else."""
    there = 0 <= wanted < len(class_names)
    numbered = any(name.isascii() and name.isdecimal() for name in class_names)
    if there and (not numbered or class_names[wanted] == str(wanted)):
        return wanted
    if numbered and (there or str(wanted) in class_names):
        name = f"the class named `{wanted}`" if str(wanted) in class_names else f"no class is named `{wanted}`"
        place = f"place {wanted} is the class `{class_names[wanted]}`" if there else f"there is no place {wanted}"
        raise BadData(
            f"Class {wanted}: it could be a name ({name}) or a place, counted from 0 ({place}). "
            f'Write names in quotes: "{wanted if str(wanted) in class_names else class_names[wanted]}".'
        )
    raise _unknown(class_names, wanted)


def _unknown(class_names: tuple[str, ...], wanted: object) -> BadData:
    known = ", ".join(f"{number} `{name}`" for number, name in enumerate(class_names))
    folded = {name.casefold(): name for name in class_names}
    near = difflib.get_close_matches(str(wanted).casefold(), folded, 1)
    hint = f" Did you mean `{folded[near[0]]}`?" if near and isinstance(wanted, str) else ""
    return BadData(f"No class `{wanted}`. The classes: {known}. Give one of these numbers or names.{hint}")
