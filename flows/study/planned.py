"""What a study writes down before its first run: arms, comparisons, margin, looks, and the recipe as it was then."""

from collections.abc import Mapping
from typing import Any

from artifacts.studies import StudyRecord
from flows import recipe_files
from flows.study import arms
from flows.study.asked import Study
from tasks.device import device
from tasks.pure.statistics.looks import Look, planned_looks


def plan(study: Study) -> dict[str, Any]:
    """The plan of a study: plain JSON, of which its id is the digest.

    Raises:
        RecipeError: the recipe cannot be read, or an arm of it is impossible.
    """
    loaded = recipe_files.load(study.recipe, study.set)
    compared = arms.comparisons(tuple(study.arms))
    looks = planned_looks(budget=study.budget, seeds=study.seeds, comparisons=len(compared))
    asked = study.model_dump(mode="json")
    asked["set"] = {name: _plain(value) for name, value in loaded.overrides.items()}
    return {
        "study": asked,
        "recipe": loaded.name,
        "title": loaded.title,
        "resolved": loaded.recipe.model_dump(mode="json"),
        "comparisons": compared,
        "looks": [[look.seeds, look.alpha] for look in looks],
        "threads": device()["threads"],
    }


def looks(record: StudyRecord) -> tuple[Look, ...]:
    """The looks of a study that was planned."""
    return tuple(Look(seeds, alpha) for seeds, alpha in record.plan["looks"])


def study(record: StudyRecord) -> Study:
    """What was asked."""
    found: Study = Study.model_validate(record.plan["study"])
    return found


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def in_words(record: StudyRecord) -> str:
    """The plan in one sentence, for a log."""
    plan = record.plan
    seeds = ", ".join(f"{seeds} (α {alpha:.2g})" for seeds, alpha in plan["looks"])
    margin = 100 * plan["study"]["margin"]
    points = f"{margin:g} point{'' if margin == 1 else 's'}"
    threads = f"{plan['threads']} thread{'' if plan['threads'] == 1 else 's'}"
    return (
        f"`transfer` against {', '.join(f'`{arm}`' for arm in plan['comparisons'])}; looks after {seeds} seeds; "
        f"less than {points} is no difference; {threads}"
    )
