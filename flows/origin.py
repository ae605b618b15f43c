"""Which run a person means who asks for some steps again: the one that is most like what is about to run."""

from artifacts.errors import DataError
from artifacts.runs import RunRecord, Runs
from flows import plan
from flows.choice import Choice
from flows.recipe_files import LoadedRecipe


def rerun_from(runs: Runs, loaded: LoadedRecipe, choice: Choice, itself: str = "") -> RunRecord | None:
    """The run that `--force`, `--from` and `--only` rerun; None without them, or where the recipe never ran.

    The newest run of the recipe with the same parameters; else the one with most steps under the keys that they will
    have now; of equals the newest. The run with the id `itself` is none: Prefect may try it again.
    """
    records = [record for record in reversed(runs.all()) if record.recipe == loaded.name and record.id != itself]
    alike = records if choice.again else []
    resolved = loaded.recipe.model_dump(mode="json")
    same = next((record for record in alike if record.resolved == resolved), None)
    if same or len(alike) < 2:
        return same or next(iter(alike), None)
    keys = _keys(loaded, choice)
    return max(alike, key=lambda record: len(keys & set(record.keys().items())))  # the first of equals, so the newest


def _keys(loaded: LoadedRecipe, choice: Choice) -> set[tuple[str, str]]:
    """(step, key) of the steps whose keys are known before anything runs."""
    try:
        return {(step.step, step.key) for step in plan.walk(loaded, choice) if step.key}
    except DataError:  # a file is missing: the run itself will say so
        return set()
