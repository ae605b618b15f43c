"""What a fine-tuning kept, how it was blended and what was calibrated, in words for the report and `graft show`."""

from collections.abc import Mapping, Sequence
from typing import Any

from artifacts.errors import StoreError
from artifacts.store import Store


def in_words(store: Store, steps: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Label → words, of what was chosen on the validation part.

    Args:
        steps: the entries of the run's record; their executions know.
    """
    key = next((entry["key"] for entry in steps if entry["step"] == "fine_tune"), None)
    try:
        execution = store.execution(key) if key else None
    except StoreError:
        return {}
    return dict(lines(execution.facts)) if execution else {}


def lines(computed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and words, of the facts of an execution of `fine_tune`."""
    found = []
    if epoch := computed.get("kept_epoch"):
        found.append(("kept epoch", f"{epoch}, the one with the lowest validation loss"))
    if blended := computed.get("blended"):
        found.append(("blended", f"{_shares(blended['alpha'])}; tried on the validation part: {_curve(blended)}"))
    if calibrated := computed.get("calibrated"):
        found.append(("calibrated", _calibrated(calibrated)))
    return found


def _calibrated(told: Mapping[str, Any]) -> str:
    count, accuracy = told["batch_norms"], told["accuracy"]
    if not count:
        return "nothing: no batch norm trained"
    then = "" if accuracy is None else f"; then {100 * accuracy:.1f}\u00a0% of the validation part are right"
    return f"the statistics of {count} batch norm{'s' * (count > 1)}, on the training images{then}"


def _shares(alpha: float) -> str:
    if alpha in (0, 1):
        return "not at all, the weights are those " + ("after fine-tuning" if alpha else "before fine-tuning")
    return f"{1 - alpha:.1f} of the weights before fine-tuning and {alpha:.1f} of those after it"


def _curve(blended: Mapping[str, Any]) -> str:
    """α, accuracy and loss of each place: `0.0 → 81.2 % (0.512)`."""
    return ", ".join(
        f"{tried['alpha']:.1f} → {100 * tried['accuracy']:.1f}\u00a0% ({tried['loss']:.3f})"
        for tried in blended["curve"]
    )
