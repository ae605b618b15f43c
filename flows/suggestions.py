"""Names that a person typed: the nearest one that there is."""

from collections.abc import Sequence
from difflib import get_close_matches

from artifacts.errors import UsageError


def named(wanted: str, known: Sequence[str], what: str) -> str:
    """`wanted`, where it is one of `known`.

    Args:
        what: what is named, in one word for the message: `step`.

    Raises:
        UsageError: it is not; the message names the nearest.
    """
    if wanted in known:
        return wanted
    near = get_close_matches(wanted, known, n=1, cutoff=0.3)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    raise UsageError(f"No {what} named `{wanted}`.{hint} The {what}s: {', '.join(f'`{name}`' for name in known)}.")
