"""What a study's page is told: one mapping of plain values, of which whatever is not known yet is left out or None.

- `id`, `title`: of the study, of its recipe.
- `verdict`, `sentence`, `against`: the word; in a sentence; the arm that it rests on.
- `seeds`, `num_test`, `done`: seeds that went in; test images; whether nothing is left to run.
- `names`: arm → what it is, for a sentence ("training from scratch").
- `plan`: `comparisons` (arms), `looks` (pairs of seeds and alpha), `margin`, `budget`, `fixed` (seeds of a single look,
  or None), `threads`.
- `arms`: arm → accuracy by seed, all in the same order; `transfer` among them.
- `comparisons`: arm → transfer compared with it: `word`, `difference`, `low`, `high`, `alpha`, `seeds` (that it rests
  on); `table` (members of `statistics.seed_table.SeedTable`); `images` (`low`, `high`: the interval over seeds and
  images, `holds`: whether the word holds there).
- `lagging`: arm → in how many seeds its batch norms' moving statistics had not converged; arms without are left out.
- `unfair`: those of them that the verdict rests on; `momentum`: of the moving statistics, None for one taken in.
- `curves`: a list of `axis`, `value`, `arms` (arm → accuracy by seed), `lagging` (as above); `home`: axis → value of
  the recipe itself, where `arms` belongs on that axis.
- `tuned`: arm → `learning_rate`, `updates` (times those of transfer) chosen on validation.
- `computed`, `reused`, `saved`: steps, steps, seconds.
- `test_looks`: `here`, `elsewhere`: how many networks were judged on this test split, by this study and by others.
- `runs`: a list of `axis` (`home` for the recipe's own place), `value`, `arm`, `seed`, `run` (id), `report` (relative
  path of its page, or None).
- `command`, `study_yaml`: how to repeat it; the study's file where the command needs one.
- `pictures`: PNG bytes by name (`pictures.drawn`).

Shares are 0 … 1 throughout; differences are transfer less the other arm.
"""

from collections.abc import Mapping, Sequence
from typing import Any

TRANSFER, SCRATCH = "transfer", "scratch"

# Arm → place on the axis → accuracy by seed.
Curve = dict[str, dict[Any, Sequence[float]]]


def differences(told: Mapping[str, Any], arm: str) -> list[float]:
    """By seed, transfer less `arm`, in shares."""
    return [ours - theirs for ours, theirs in zip(told["arms"][TRANSFER], told["arms"][arm], strict=True)]


def named(told: Mapping[str, Any], arm: str) -> str:
    """The arm in words; its own name where there are none."""
    return str((told.get("names") or {}).get(arm, arm))


def curve(told: Mapping[str, Any], axis: str) -> Curve:
    """Arm → value → accuracy by seed, the values in order: numbers by size, then names as the study lists them.

    The recipe's own place is one of the values where it lies on the axis; of its seeds, which may be more, those are
    taken that every place has, so that all points are of the same seeds. Empty where the axis was not asked for.
    """
    places = [each for each in told.get("curves") or [] if each["axis"] == axis]
    if not places:
        return {}
    by_value = {each["value"]: {arm: values for arm, values in each["arms"].items() if values} for each in places}
    home = (told.get("home") or {}).get(axis)
    if home is not None and home not in by_value:
        beside = {arm for arms in by_value.values() for arm in arms}
        by_value[home] = {arm: values for arm, values in told["arms"].items() if arm in beside}
    seeds = min((len(values) for arms in by_value.values() for values in arms.values()), default=0)
    found: Curve = {}
    for value in sorted(by_value, key=_place):
        for arm, values in by_value[value].items():
            found.setdefault(arm, {})[value] = values[:seeds]
    return found


def _place(value: Any) -> tuple[int, float]:
    """Numbers first, by size; `all` last; the sort is stable, so names keep their order."""
    if isinstance(value, int | float):
        return 0, float(value)
    return (2 if value == "all" else 1), 0.0
