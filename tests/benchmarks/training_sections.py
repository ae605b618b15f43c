"""Sections about training: the whole experiment, an epoch, a head on cached features."""

import statistics
from functools import partial
from pathlib import Path
from typing import Any

from artifacts.store import Store
from tasks import sources
from tests.benchmarks import grafts_code
from tests.benchmarks.bench import Bench, Done, Place, Skipped, side
from tests.benchmarks.results import Comparison, Findings, Side, Target

TRAININGS = ("pretrain", "train_head", "fine_tune")
SCRIPT, GRAFT, FIT = "plain Keras script", "`graft run`, cold", "`model.fit`"
QUICK_IMAGES = 500
PHOTOS = 300  # as many as the probe of issue 12 is asked for
HEAD_IMAGES = 30_000  # half of them: ten epochs in the graph take more than a minute each time


def fashion_mnist() -> dict[str, Path]:
    """The files of Fashion-MNIST.

    Raises:
        Skipped: they are not on this machine; nothing is downloaded in the middle of a measurement.
    """
    found = sources.find("fashion_mnist", None)
    if found is None:
        raise Skipped("Fashion-MNIST is not here: install Debian's package dataset-fashion-mnist, or set GRAFT_DATA.")
    return found


def settings(bench: Bench) -> list[str]:
    """Options that make `fashion-mnist-dense` small in quick mode; none otherwise."""
    if not bench.quick:
        return []
    small = [f"{role}.labels={QUICK_IMAGES}" for role in ("source", "target")]
    small += [f"{step}.epochs=2" for step in TRAININGS]
    return [word for setting in small for word in ("--set", setting)]


# -- dense: the notebook's experiment


def dense(bench: Bench) -> Findings:
    """The script and a cold `graft run` in turns; from the same processes, the three trainings alone."""
    keras_home = _keras_home(bench)
    sizes = ["--epochs", "2", "--images", str(QUICK_IMAGES)] if bench.quick else []
    places: list[Place] = []

    def cold() -> Done:
        places.append(bench.place("dense"))
        return bench.graft(places[-1], "run", "fashion-mnist-dense", *settings(bench), "--json")

    script = partial(bench.script, "plain_dense", *sizes, KERAS_HOME=str(keras_home))
    _ = bench.tiny  # not to be timed
    done = bench.in_turns({SCRIPT: script, GRAFT: cold})
    whole = Comparison(
        "whole processes", side(SCRIPT, done[SCRIPT]), side(GRAFT, done[GRAFT]), Target(at_least=4, aim=6)
    )
    told = [_graft_trainings(place, each.result) for place, each in zip(places, done[GRAFT], strict=True)]
    scripts = [each.result for each in done[SCRIPT]]
    trainings, notes = _trainings([each["trainings"] for each in scripts], told)
    accuracies = [_spread([each["accuracy"] for each in scripts])]
    accuracies.append(_spread([each.result["metrics"]["accuracy"] for each in done[GRAFT]]))
    notes.append(f"Test accuracy: script {accuracies[0]} (unseeded), graft {accuracies[1]} (seed 0).")
    return Findings([whole, *trainings], notes=notes)


def _keras_home(bench: Bench) -> Path:
    """A folder in which `keras.datasets.fashion_mnist.load_data` finds its files."""
    home = bench.folder / "keras"
    cache = home / "datasets" / "fashion-mnist"
    cache.mkdir(parents=True)
    for name, path in fashion_mnist().items():
        (cache / name).symlink_to(path)
    return home


def _graft_trainings(place: Place, result: dict[str, Any]) -> list[dict[str, float]]:
    """For each training `seconds`, and `compiling` where its execution's record tells it."""
    keys = {entry["step"]: entry["key"] for entry in result["steps"]}
    found = []
    for step in TRAININGS:
        execution = Store(place.store).sound_execution(keys[step])
        told = grafts_code.training_seconds(execution)
        found.append({"seconds": told[0], "compiling": told[1]} if told else {"seconds": execution.seconds})
    return found


def _trainings(scripts: list[dict[str, Any]], told: list[list[dict[str, float]]]) -> tuple[list[Comparison], list[str]]:
    """The three trainings together, with compilation and, where graft tells it, without."""
    target, label = Target(at_least=8), "the script's three trainings"
    totals = Side(label, [sum(each["seconds"] for each in run.values()) for run in scripts])
    ours = [sum(each["seconds"] for each in run) for run in told]
    notes = [f"The script by training: {_by_training(scripts)}.", f"graft by training: {_graft_by_training(told)}."]
    if not all("compiling" in each for run in told for each in run):
        name = "graft's three steps (TensorFlow's import, reading and storing included)"
        notes.append("graft's records do not tell trainings from steps yet.")
        return [Comparison("trainings, compilation included", totals, Side(name, ours), target)], notes
    name = "graft's three trainings"
    bare = [sum(each["seconds"] - each["compiling"] for each in run) for run in told]
    bare_script = Side(label, [sum(_without_compiling(each) for each in run.values()) for run in scripts])
    included = Comparison("trainings, compilation included", totals, Side(name, ours), target)
    return [included, Comparison("trainings, without compilation", bare_script, Side(name, bare))], notes


def _without_compiling(training: dict[str, Any]) -> float:
    """Keras compiles within the first epoch: what that takes beyond the median of the others is taken off."""
    return float(training["seconds"] - _surplus(training["epochs"]))


def _surplus(epochs: list[float]) -> float:
    return max(0.0, epochs[0] - statistics.median(epochs[1:]))


def _by_training(scripts: list[dict[str, Any]]) -> str:
    middle = {step: statistics.median(run[step]["seconds"] for run in scripts) for step in TRAININGS}
    return ", ".join(f"{step} {seconds:.1f} s" for step, seconds in middle.items())


def _graft_by_training(told: list[list[dict[str, float]]]) -> str:
    middle = [statistics.median(run[number]["seconds"] for run in told) for number in range(len(TRAININGS))]
    return ", ".join(f"{step} {seconds:.1f} s" for step, seconds in zip(TRAININGS, middle, strict=True))


# -- an epoch


def cnn_epoch(bench: Bench) -> Findings:
    """An epoch of the CNN on the 6,000 images of the sample."""
    sizes = ["--images", str(QUICK_IMAGES), "--epochs", "3"] if bench.quick else ["--epochs", "8"]
    target = Target(at_most=1.0, never_above=1.1)
    return _epoch(bench, "cnn", ["--dataset", "fashion_mnist_sample", *sizes], target)


def dense_epoch(bench: Bench) -> Findings:
    """An epoch of the dense network on all 60,000 images."""
    fashion_mnist()
    sizes = ["--images", str(QUICK_IMAGES), "--epochs", "3"] if bench.quick else ["--epochs", "5"]
    return _epoch(bench, "dense", sizes, Target())


def _epoch(bench: Bench, network: str, sizes: list[str], target: Target) -> Findings:
    sides = {FIT: "keras", "graft": "graft"}
    calls = {label: partial(bench.script, "epochs", network, how, *sizes) for label, how in sides.items()}
    done = {label: [each.result["epochs"] for each in runs] for label, runs in bench.in_turns(calls).items()}
    later = {label: Side(label, [statistics.median(run[1:]) for run in runs]) for label, runs in done.items()}
    first = {label: statistics.median(map(_surplus, runs)) for label, runs in done.items()}
    took = ", ".join(f"{label} {seconds:.2f} s" for label, seconds in first.items())
    notes = [
        "Each figure is the median of the epochs after the first, of one process.",
        f"Compilation (the first epoch beyond the median of the others): {took}.",
    ]
    return Findings([Comparison("an epoch after the first", later["graft"], later[FIT], target)], notes=notes)


# -- a head on features


def features(bench: Bench) -> Findings:
    """Ten epochs of a head on the frozen CNN, in-graph and on features that are computed once."""
    fashion_mnist()
    sizes = ["--images", str(QUICK_IMAGES), "--epochs", "2"] if bench.quick else ["--images", str(HEAD_IMAGES)]
    return _head(bench, ["cnn", *sizes], "training a CNN's head, compilation included")


def photo_features(bench: Bench) -> Findings:
    """Ten epochs of a head on EfficientNet-Lite0, in-graph and on features that are computed once."""
    sizes = ["--images", "32", "--epochs", "2"] if bench.quick else ["--images", str(PHOTOS)]
    what = f"training EfficientNet-Lite0's head, {PHOTOS} photos at 96 px, compilation included"
    return _head(bench, ["lite0", *sizes], what)


def _head(bench: Bench, arguments: list[str], what: str) -> Findings:
    in_graph, cached = "in-graph", "on features, their computing included"
    calls = {
        in_graph: partial(bench.script, "head", *arguments),
        cached: partial(bench.script, "head", *arguments, "--features"),
    }
    done = bench.in_turns(calls)
    sides = {label: Side(label, [each.result["seconds"] for each in runs]) for label, runs in done.items()}
    return Findings([Comparison(what, sides[in_graph], sides[cached], Target(at_least=5))])


def _spread(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.3f}" if f"{low:.3f}" == f"{high:.3f}" else f"{low:.3f}–{high:.3f}"
