"""`graft export`: a run as a folder that needs no graft: the model, its figures, and what repeats it."""

import json
import shutil
import tempfile
import zipfile
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import codecs
from artifacts.digest import canonical_json
from artifacts.errors import UsageError
from artifacts.past import TRAININGS, PastRun
from flows import recipe_files
from flows.exported_script import script
from flows.recipe import Recipe
from flows.served import Served, served

if TYPE_CHECKING:
    import keras

MODEL = "model.keras"
CLASS_NAMES = "class_names.json"


def export(run: PastRun, folder: Path) -> list[str]:
    """Write what `run` left into `folder`, which must not exist or be empty; nothing is left there if that fails.

    Returns:
        The names of the files, sorted.

    Raises:
        UsageError: something is there already, or the folder cannot be made.
        StoreError: an artifact of the run was collected or damaged.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"Expected a folder to be made, or an empty one; {folder} is there already. Name another.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".graft-export-") as unfinished:
            staged = Path(unfinished) / "export"
            staged.mkdir()
            _write(run, staged)
            staged.replace(folder)
    except OSError as problem:
        raise UsageError(f"{folder} cannot be written ({problem.strerror}). Name another folder.") from problem
    return sorted(path.name for path in folder.iterdir())


def _write(run: PastRun, folder: Path) -> None:
    metrics = run.metrics()
    ready = served(run)
    _write_model(ready.network, metrics["class_names"], folder / MODEL)
    _write_json(folder / "input.json", _input(ready, metrics["class_names"]))
    if ready.pixels:  # else no file's pixels are what it takes
        (folder / "preprocess.py").write_text(script(), encoding="utf-8")
    for step in TRAININGS:
        shutil.copyfile(run.folder(step, "history") / "history.csv", folder / f"history-{step}.csv")
    run.predictions().to_csv(folder / "predictions.csv", index=False, lineterminator="\n")
    _write_json(folder / "metrics.json", metrics)
    _write_json(folder / CLASS_NAMES, metrics["class_names"])
    (folder / "recipe.yaml").write_text(_recipe(run), encoding="utf-8")
    (folder / "requirements.txt").write_text(_requirements(run), encoding="utf-8")
    for name in ("report.html", "report.md"):
        page = run.store.runs / run.record.id / name
        if page.is_file():
            shutil.copyfile(page, folder / name)


def _input(ready: Served, class_names: list[str]) -> dict[str, Any]:
    """What the network takes, and how a file becomes that."""
    shape = list(ready.network.input_shape[1:])
    taken = [0, 255] if ready.pixels else None
    return {"shape": shape, "range": taken, "class_names": class_names, "decoding": asdict(ready.decoding)}


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_model(network: "keras.Model", class_names: list[str], path: Path) -> None:
    """The network as it is served, with the class names as one more member, which Keras does not look at."""
    codecs.write_model(network, path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as file:
        file.writestr(zipfile.ZipInfo(CLASS_NAMES, codecs.ZIP_EPOCH), canonical_json(class_names))


def _recipe(run: PastRun) -> str:
    record = run.record
    about = f"# Run {record.number} of {record.title}, {record.started}: {record.command()}\n"
    return about + recipe_files.to_yaml(Recipe.model_validate(record.resolved))


def _requirements(run: PastRun) -> str:
    """The versions of the steps of this run, as pip reads them; not of other runs that made the same bits.

    A step that was taken from an earlier run may have had others: the last step's count, the rest is said.
    """
    versions: dict[str, str] = {}
    notes = []
    for step in reversed(run.keys):
        for name, version in run.execution(step).identity["versions"].items():
            if versions.setdefault(name, version) != version:
                notes.append(f"# {step} was computed with {name} {version}")
    versions.setdefault("PIL", metadata.version("pillow"))  # preprocess.py decodes with it, whether a step did or not
    python = versions.pop("python", None)
    distributions = metadata.packages_distributions()
    lines = [f"{distributions.get(name, [name])[0]}=={version}" for name, version in versions.items()]
    head = [f"# Python {python}"] if python else []
    return "".join(f"{line}\n" for line in [*head, *sorted(notes), *sorted(lines)])
