"""How cost grows: with the number of images, and with the number of runs in the store."""

import statistics
from collections.abc import Callable, Sequence
from functools import partial

from tests.benchmarks.bench import Bench, Done
from tests.benchmarks.results import Comparison, Curve, Findings, Side
from tests.benchmarks.run_sections import cached_call, store_of
from tests.benchmarks.training_sections import fashion_mnist

LATER_EPOCHS = {"dense": 9, "cnn": 2}  # with fewer, XLA would not pay for 15,000 images and not be chosen
IMAGES = {"dense": (15_000, 30_000, 60_000), "cnn": (6_000, 12_000, 24_000)}


def scaling(bench: Bench) -> Findings:
    """Both panels."""
    fashion_mnist()
    images, runs = _images(bench), _runs(bench)
    notes = ["Four times the images should cost four times as much; more runs in the store should cost nothing."]
    return Findings([*images[0], *runs[0]], [*images[1], *runs[1]], notes)


def _images(bench: Bench) -> tuple[list[Comparison], list[Curve]]:
    """An epoch after the first, of both networks, on 1×, 2× and 4× the images."""
    comparisons, curves = [], []
    for network, later in LATER_EPOCHS.items():
        numbers = (500, 1000, 2000) if bench.quick else IMAGES[network]
        calls = {number: _epochs(bench, network, number, later + 1) for number in numbers}
        done = _in_turns(bench, calls, f"{network} epoch, {{:,}} images", bench.repeats)
        sides = [
            Side(f"{number:,} images", [statistics.median(each.result["epochs"][1:]) for each in done[number]])
            for number in numbers
        ]
        comparisons.append(Comparison(f"an epoch, {network}", sides[-1], sides[0]))
        curves.append(_curve("images", network, numbers, sides))
    return comparisons, curves


def _epochs(bench: Bench, network: str, images: int, epochs: int) -> Callable[[], Done]:
    return partial(bench.script, "epochs", network, "graft", "--images", str(images), "--epochs", str(epochs))


def _runs(bench: Bench) -> tuple[list[Comparison], list[Curve]]:
    """A cached run and a plan of a tiny recipe in stores with ever more runs."""
    numbers = (1, 5, 30) if bench.quick else (1, 100, 1000)
    places = {number: store_of(bench, number) for number in numbers}
    commands: dict[str, dict[int, Callable[[], Done]]] = {
        "graft run, cached": {number: cached_call(bench, place, recipe) for number, (recipe, place) in places.items()},
        "graft plan": {
            number: partial(bench.graft, place, "plan", recipe) for number, (recipe, place) in places.items()
        },
    }
    comparisons, curves = [], []
    for command, calls in commands.items():
        for call in calls.values():
            call()
        done = _in_turns(bench, calls, f"{command}, {{:,}} runs", bench.repeats)
        sides = [Side(_counted(number), [each.seconds for each in done[number]]) for number in numbers]
        comparisons.append(
            Comparison(f"`{command.partition(',')[0]}`{command.partition('run')[2]}", sides[-1], sides[0])
        )
        curves.append(_curve("runs", command, numbers, sides))
    return comparisons, curves


def _in_turns(bench: Bench, calls: dict[int, Callable[[], Done]], label: str, repeats: int) -> dict[int, list[Done]]:
    named = bench.in_turns({label.format(number): call for number, call in calls.items()}, repeats)
    return dict(zip(calls, named.values(), strict=True))


def _counted(number: int) -> str:
    return f"{number:,} run{'s' if number > 1 else ''} in the store"


def _curve(panel: str, label: str, numbers: Sequence[int], sides: Sequence[Side]) -> Curve:
    return Curve(panel, label, [(number, each.median) for number, each in zip(numbers, sides, strict=True)])
